"""Every bad input gets one clear sentence: what was expected, what arrived, what to do."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fallline import DataError
from fallline._data import read_table


def refusal(source: object, **options: object) -> str:
    """The sentence with which a source is refused."""
    with pytest.raises(DataError) as caught:
        read_table(source, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


@pytest.fixture
def written(tmp_path: Path):
    """Write a file and give its path."""

    def write(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


FILES = {
    "empty": ("", "is empty: expected a header line"),
    "white space": (" \n\n", "is empty: expected a header line"),
    "header only": ("x,y\n", "has no rows of data: expected at least two"),
    "one row": ("x,y\n1,2\n", "has one row of data: at least two are needed"),
    "no header": ("1,2\n3,4\n5,6\n", 'begins with numbers ("1" …) where column names are expected'),
    "text in numbers": (
        "x,y\n1,2\n2,3\n3,oops\n4,4\n",
        'Column "y" holds "oops" in row 3, counted from 1 below the header, where a number is expected',
    ),
    "decimal comma": ("x;y\n1;2\n2;3,5\n3;4\n", "a decimal comma; write it with a point"),
    "a date in numbers": ("x,y\n1,2\n2,2024-05-06\n3,4\n", "it looks like a date"),
    "constant feature": ("x,y\n3,1\n3,2\n3,4\n", 'feature "x" is constant (3 in every row)'),
    "constant target": ("x,y\n1,4\n2,4\n3,4\n", 'target "y" is constant (4 in every row)'),
    "duplicate columns": ("x,x,y\n1,2,3\n4,5,6\n", 'several columns named "x"'),
    "one column": ("y\n1\n2\n", 'No numeric column is left as a feature beside the target "y"'),
    "only text beside": ("a,y\nu,1\nv,2\n", 'left out "a" (text)'),
    "dates beside": ("a,y\n2024-01-02,1\n2024-01-03,2\n", 'left out "a" (dates)'),
    "two delimiters": ("x;y|z\n1;2|3\n", "use one kind of delimiter"),
    "row too long": ("x,y\n1,2\n2,3,4\n5,6\n", "has 3 fields in row 2 (line 3) where the header has 2"),
    "row too short": ("x,y\n1,2\n3,5\n2\n5,6\n", "has 1 field in row 3 (line 4) where the header has 2"),
    "late long row": ("x,word,y\n1,a,2\n2,b,3,4\n5,c,6\n", "has 4 fields in row 2"),
    "beyond 1e150": ("x,y\n1,2\n2,3\n-1e200,4\n", 'Column "x" holds -1e+200 in row 3'),
    "latin-1 header": (
        "größe,y\n1,2\n3,4\n".encode("latin-1"),
        "is not UTF-8: line 1 holds the byte 0xf6 at byte 2",
    ),
    "latin-1 row": (
        "a,x,y\nu,1,2\nü,3,4\n".encode("latin-1"),
        "is not UTF-8: line 3 holds the byte 0xfc at byte 12",
    ),
    "utf-16": ("x,y\n1,2\n3,4\n".encode("utf-16"), "is encoded in UTF-16: expected UTF-8"),
    "nul": (b"x,y\n1,\x002\n", "holds a NUL byte at byte 6"),
    "carriage returns": ("x,y\r1,2\r3,4\r", "ends its lines with a carriage return alone"),
    "first line empty": ("\nx,y\n1,2\n3,4\n", "begins with an empty line"),
    "excel": (b"PK\x03\x04rest", "is an Excel workbook or another zip archive: export the sheet as CSV"),
    "gzip": (b"\x1f\x8brest", "is compressed with gzip: unpack it first"),
}


@pytest.mark.parametrize("case", FILES)
def test_csv(written, case: str) -> None:
    content, expected = FILES[case]
    sentence = refusal(written(content))
    assert expected in sentence


def test_a_late_byte_that_is_not_utf8_is_found(written) -> None:
    rows = b"".join(b"%d,%d,u\n" % (i, i * 2) for i in range(60_000))
    content = b"x,y,word\n" + rows + b"1,2,\xfc\n"
    assert f"line 60002 holds the byte 0xfc at byte {len(content) - 2:,}" in refusal(written(content), target="y")


def test_missing_file_suggests_its_neighbours(written, tmp_path: Path) -> None:
    written("x,y\n1,2\n", "penguins.csv")
    sentence = refusal(tmp_path / "pengiuns.csv")
    assert sentence == f'There is no file {tmp_path / "pengiuns.csv"}. Did you mean "penguins.csv"?'
    assert "There is no folder" in refusal(tmp_path / "nowhere" / "t.csv")
    assert "is a folder: expected a file" in refusal(tmp_path)
    assert "cannot be read" in refusal(f"{tmp_path}/a\0b.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(written) -> None:
    path = written("x,y\n1,2\n3,4\n")
    path.chmod(0)
    assert "may not be read (permission denied)" in refusal(path)


def test_permission_denied_even_for_root(written, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written("x,y\n1,2\n3,4\n")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "may not be read (permission denied)" in refusal(path)


def test_columns(written) -> None:
    path = written("flipper_length_mm,sex,body_mass_g\n1,a,2\n3,b,5\n")
    sentence = refusal(path, target="body_mas_g")
    assert sentence == (
        'There is no column "body_mas_g" to take as the target. Did you mean "body_mass_g"? '
        'The columns are "flipper_length_mm", "sex", "body_mass_g".'
    )
    assert 'no column "zzz" to take as a feature. The' in refusal(path, features=["zzz"])
    assert "also among the features" in refusal(path, target="body_mass_g", features=["body_mass_g"])
    assert "named 2 times" in refusal(path, features=["flipper_length_mm"] * 2)
    assert "No feature was named" in refusal(path, features=[])
    sentence = refusal(path, features=["sex"])
    assert 'Column "sex" holds "a" in row 1' in sentence
    assert "choose another" in sentence
    assert 'holds "a" in row 1' in refusal(path, target="sex")


def test_missing_values_are_counted_and_named(written) -> None:
    path = written("a,b,y\n1,NA,2\n2,3,4\ninf,4,5\n7,,6\n8,9,1\n")
    assert refusal(path) == (
        "3 of 5 rows have missing or infinite values: a (1), b (2); rows 1, 3, 4, counted from 1 below the "
        "header. Leave such rows out with --drop-missing (in Python drop_missing=True), or fill them in."
    )
    assert read_table(path, drop_missing=True).rows == 2
    path = written("a,y\n1,NA\n2,3\n")
    assert refusal(path).startswith("1 of 2 rows has missing values: y (1); row 1, counted")
    assert "has one row of data after leaving out 1 with missing values in y" in refusal(path, drop_missing=True)
    path = written("a,y\n1,NA\n2,NA\n")
    assert "has no rows of data after leaving out 2" in refusal(path, drop_missing=True)
    path = written("a,y\n1,1\n-inf,2\n3,4\n")
    assert "1 of 3 rows has infinite values: a (1)" in refusal(path)


def test_dropping_can_leave_a_constant(written) -> None:
    assert "is constant" in refusal(written("a,y\n1,2\n1,3\nNA,5\n"), drop_missing=True)


@pytest.mark.parametrize("source", ["numpy", "pandas", "polars", "dict"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_values_in_memory(source: str, bad: float) -> None:
    columns = {"a": [1.0, bad, 3.0], "y": [1.0, 2.0, 4.0]}
    made = {
        "numpy": np.column_stack([columns["a"], columns["y"]]),
        "pandas": pd.DataFrame(columns),
        "polars": pl.DataFrame(columns),
        "dict": columns,
    }[source]
    assert "1 of 3 rows has" in refusal(made)
    assert read_table(made, drop_missing=True).target.tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1, None, 3], dtype="int64[pyarrow]"),
        pl.Series([1, None, 3]),
        np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
    ],
    ids=["pandas nullable", "pandas on arrow", "polars", "masked"],
)
def test_every_mark_of_a_missing_value(column: object) -> None:
    y = [1.0, 2.0, 4.0]
    if isinstance(column, pd.Series):
        source: object = pd.DataFrame({"a": column, "y": y})
    elif isinstance(column, pl.Series):
        source = pl.DataFrame({"a": column, "y": y})
    else:
        source = (column, np.array(y))
    assert "1 of 3 rows has missing values" in refusal(source)


FRAMES = {
    "text": (pl.DataFrame({"a": ["1", "2"], "y": [1, 2]}), 'Column "a" holds text where numbers'),
    "category": (pd.DataFrame({"a": pd.Categorical(["u", "v"]), "y": [1, 2]}), 'Column "a" holds text'),
    "dates": (
        pd.DataFrame({"a": pd.to_datetime(["2024-01-01", "2024-01-02"]), "y": [1, 2]}),
        "holds dates where",
    ),
    "complex": (pd.DataFrame({"a": [1j, 2j], "y": [1, 2]}), "holds complex numbers"),
    "nested": (pl.DataFrame({"a": [[1], [2]], "y": [1, 2]}), "holds nested values"),
    "objects": (pd.DataFrame({"a": [object(), object()], "y": [1, 2]}), "not numbers"),
}


@pytest.mark.parametrize("case", FRAMES)
def test_frames(case: str) -> None:
    frame, expected = FRAMES[case]
    assert expected in refusal(frame, features=["a"])
    assert "No numeric column is left" in refusal(frame)


def test_frames_with_repeated_columns() -> None:
    frame = pd.DataFrame([[1, 2, 3], [4, 5, 7]], columns=["x", "x", "y"])
    assert 'several columns named "x"' in refusal(frame)


OBJECTS = {
    "a vector": (np.arange(4.0), "has the shape (4,): expected [N, D + 1]"),
    "one column": (np.ones((4, 1)), "has the shape (4, 1)"),
    "a cube": (np.ones((2, 2, 2)), "has the shape (2, 2, 2)"),
    "complex": (np.ones((3, 2)) * 1j, "complex128: expected real numbers"),
    "words": (np.array([["a", "b"], ["c", "d"]]), "expected real numbers"),
    "three arrays": ((np.ones(3), np.ones(3), np.ones(3)), "A tuple of 3"),
    "lengths": ((np.ones((3, 1)), np.ones(4)), "X has 3 rows and y has 4"),
    "two targets": ((np.ones((3, 1)), np.ones((3, 2))), "y has the shape (3, 2)"),
    "no features": ((np.ones((3, 0)), np.ones(3)), "X has the shape (3, 0)"),
    "dict lengths": ({"a": [1, 2], "y": [1, 2, 3]}, '"a" has 2, "y" has 3'),
    "dict of numbers": ({"a": 1, "y": 2}, 'Column "a" is a single int'),
    "empty dict": ({}, "has no columns with a name"),
    "a number": (3, "An int cannot be read as a table"),
    "a list": ([[1, 2], [3, 4]], "A list cannot be read as a table"),
    "None": (None, "A NoneType cannot be read"),
    "a series": (pd.Series([1.0, 2.0]), "A Series cannot be read"),
    "no rows": (np.ones((0, 2)), "has no rows of data"),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_objects(case: str) -> None:
    source, expected = OBJECTS[case]
    assert expected in refusal(source)


TYPED = {
    "cut parquet": (b"PAR1 and no more", "t.parquet", "cannot be read as Parquet"),
    "no parquet": (b"x,y\n1,2\n", "t.parquet", "cannot be read as Parquet"),
    "empty parquet": (b"", "t.parquet", "is empty"),
    "empty lines": ("", "t.jsonl", "is empty"),
    "array": ('[{"x": 1, "y": 2}]', "t.json", "is one JSON array: expected JSON lines"),
    "array as lines": ('[{"x": 1, "y": 2}]', "t.jsonl", 'line 1 ("[{"x": 1, "y": 2}]") is not an object'),
    "broken line": (
        '{"x": 1, "y": 2}\n{"x": 1\n',
        "t.jsonl",
        'line 2 ("{"x": 1") is not one whole JSON object',
    ),
    "text": (
        '{"x": 1, "y": 2}\n{"x": "oops", "y": 3}\n{"x": 3, "y": 4}\n',
        "t.jsonl",
        'Column "x" holds "oops" in row 2',
    ),
    "missing key": ('{"x": 1, "y": 2}\n{"y": 3}\n{"x": 3, "y": 4}\n', "t.jsonl", "1 of 3 rows has missing"),
    "NaN": ('{"x": 1, "y": 2}\n{"x": NaN, "y": 3}\n{"x": 3, "y": 4}\n', "t.jsonl", "1 of 3 rows has missing"),
}


@pytest.mark.parametrize("case", TYPED)
def test_files_with_types(written, case: str) -> None:
    content, name, expected = TYPED[case]
    assert expected in refusal(written(content, name))


def test_nothing_is_written(written, tmp_path: Path) -> None:
    path = written("x,y\n1,oops\n")
    refusal(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("cells", ["1,5", "1.234,5", "1,234.5", "12 345,6"])
def test_commas_in_numbers_are_named_with_their_remedy(written, cells: str) -> None:
    told = refusal(written(f"x;y\n{cells};2,5\n{cells};4,5\n3;6,5\n"))
    assert 'left out "x" (numbers with a comma)' in told
    assert told.endswith("Write them with a decimal point, 1.5 instead of 1,5, and without separators of thousands.")


def test_columns_named_by_numbers_are_found_by_them() -> None:
    frame = pd.DataFrame([[1.0, 2.0, 9.0], [2.0, 4.0, 8.0], [3.0, 5.0, 1.0]])
    table = read_table(frame, target=1, features=[0])
    assert (table.target_name, table.feature_names) == ("1", ("0",))
    assert read_table(frame, target=1, features=2).feature_names == ("2",)
    assert refusal(frame, target=7) == 'There is no column "7" to take as the target. The columns are "0", "1", "2".'
    for name in (1.5, True, b"1"):
        assert "by its name" in refusal(frame, target=name)
