"""Every kind of source gives the same Table, and none is altered."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fallline import DataError
from fallline._data import Table, read_table

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
X = np.array([[1.0, 2.5], [2.0, -1.0], [4.0, 0.25], [8.0, 3.0]])
Y = np.array([1.0, 0.0, 2.0, 5.5])
COLUMNS = {"x1": X[:, 0], "x2": X[:, 1], "y": Y}


def same(table: Table, other: Table) -> bool:
    """Equal numbers and equal names; where they came from may differ."""
    return (
        np.array_equal(table.features, other.features)
        and np.array_equal(table.target, other.target)
        and table.feature_names == other.feature_names
        and table.target_name == other.target_name
        and table.source_hash == other.source_hash
    )


SOURCES = {
    "numpy": np.column_stack([X, Y]),
    "numpy C float32": np.column_stack([X, Y]).astype(np.float32),
    "torch": torch.tensor(np.column_stack([X, Y])),
    "torch bfloat16 with gradient": torch.tensor(np.column_stack([X, Y]), dtype=torch.bfloat16, requires_grad=True),
    "pair": (X, Y),
    "pair of columns": (X, Y[:, np.newaxis]),
    "pair of tensors": (torch.tensor(X), torch.tensor(Y)),
    "dict": COLUMNS,
    "dict of lists": {name: values.tolist() for name, values in COLUMNS.items()},
    "dict of tensors": {name: torch.tensor(values) for name, values in COLUMNS.items()},
    "polars": pl.DataFrame(COLUMNS),
    "polars lazy": pl.LazyFrame(COLUMNS),
    "polars in chunks": pl.concat([pl.DataFrame(COLUMNS)[:1], pl.DataFrame(COLUMNS)[1:]], rechunk=False),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas nullable": pd.DataFrame(COLUMNS).astype("Float64"),
    "pandas on another index": pd.DataFrame(COLUMNS, index=[7, 7, 3, 1]),
    "pyarrow": pa.table(COLUMNS),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_table(kind: str) -> None:
    table = read_table(SOURCES[kind])
    assert same(table, read_table(COLUMNS))
    assert table.features.dtype == np.float64
    assert table.features.shape == (4, 2)
    assert table.feature_names == ("x1", "x2")
    assert np.array_equal(table.features, X)
    assert np.array_equal(table.target, Y)


@pytest.mark.parametrize("kind", ["numpy", "pair", "torch", "dict", "polars", "pandas", "pyarrow"])
def test_the_table_shares_no_memory_with_its_source(kind: str) -> None:
    x, y = X.copy(), Y.copy()
    matrix = np.column_stack([x, y])
    columns = {"x1": x[:, 0], "x2": x[:, 1], "y": y}
    source = {
        "numpy": matrix,
        "pair": (x, y),
        "torch": torch.from_numpy(matrix),
        "dict": columns,
        "polars": pl.DataFrame(columns),
        "pandas": pd.DataFrame(columns, copy=False),
        "pyarrow": pa.table(columns),
    }[kind]
    table = read_table(source)
    for column in (*table.feature_columns, table.target_column):
        assert not any(np.shares_memory(piece, theirs) for piece in column for theirs in (x, y, matrix))
    for theirs in (x, y, matrix):
        theirs[:] = -7.0
    if kind == "polars":
        source[0, "y"] = -7.0
    assert same(table, read_table(COLUMNS))


@pytest.mark.parametrize("features", [["a"], ["a", "b"]])
@pytest.mark.parametrize("suffix", ["parquet", "csv", None])
def test_a_tables_numbers_are_read_only_and_torch_takes_them(
    suffix: str | None, features: list[str], tmp_path: Path
) -> None:
    """Torch would warn of memory it must not write to; warnings are errors here."""
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        frame.write_parquet(path)
    elif suffix == "csv":
        frame.write_csv(path)
    table = read_table(frame if suffix is None else path, features=features)
    for numbers in (table.features, table.target):
        with pytest.raises(ValueError, match="read-only"):
            numbers[0] = -7.0
        assert np.array_equal(torch.tensor(numbers).numpy(), numbers)


def test_a_file_is_read_without_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Polars read is what the table holds, in the pieces in which it was read."""
    rows = 300_000
    frame = pl.DataFrame({"a": np.arange(rows) * 0.5, "y": np.arange(rows) * -2.0})
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=100_000)
    held: list[pl.DataFrame] = []
    read = pl.read_parquet

    def kept(path: Path) -> pl.DataFrame:
        held.append(read(path))
        return held[0]

    monkeypatch.setattr(pl, "read_parquet", kept)
    table = read_table(tmp_path / "t.parquet")
    for name, column in (("a", table.feature_columns[0]), ("y", table.target_column)):
        theirs = [chunk.to_numpy() for chunk in held[0][name].get_chunks()]
        assert len(column) == len(theirs) > 1
        assert all(np.shares_memory(piece, chunk) for piece, chunk in zip(column, theirs, strict=True))
        assert np.array_equal(np.concatenate(column), frame[name].to_numpy())
    assert table.features is table.features


def test_a_frame_keeps_its_columns_and_types() -> None:
    frame = pd.DataFrame({0: [1, 2, 3], 1: [True, False, True], 2: [0.5, 1.0, 2.0]})
    before = frame.copy()
    table = read_table(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert table.feature_names == ("0", "1")
    assert table.target_name == "2"
    assert table.features[:, 1].tolist() == [1.0, 0.0, 1.0]


def test_a_table_is_returned_as_it_is_or_its_columns_are_chosen() -> None:
    table = read_table(COLUMNS, name="small")
    assert read_table(table) is table
    chosen = read_table(table, target="x1", features=["y"], name="other")
    assert chosen.target.tolist() == X[:, 0].tolist()
    assert chosen.features[:, 0].tolist() == Y.tolist()
    assert (chosen.name, table.name) == ("other", "small")
    with pytest.raises(DataError, match='no column "x9"'):
        read_table(table, target="x9")


def test_one_feature_without_a_name_is_x() -> None:
    assert read_table((X[:, 0], Y)).feature_names == ("x",)
    assert read_table((X[:, 0], Y), features="x", target="y").target_name == "y"


def test_penguins() -> None:
    table = read_table(PENGUINS, target="body_mass_g", features=["flipper_length_mm"], drop_missing=True)
    assert (table.rows, table.features.shape, table.name) == (342, (342, 1), "penguins")
    assert table.notes == ("2 of 344 rows dropped: missing values in flipper_length_mm, body_mass_g (rows 4, 272)",)
    oracle = pd.read_csv(PENGUINS).dropna(subset=["flipper_length_mm", "body_mass_g"])
    assert np.array_equal(table.features[:, 0], oracle["flipper_length_mm"])
    assert np.array_equal(table.target, oracle["body_mass_g"])


def test_text_columns_are_left_out_with_a_note() -> None:
    table = read_table(PENGUINS, target="body_mass_g", drop_missing=True)
    assert table.feature_names == ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "year")
    assert 'Left out: "species", "island", "sex" (text).' in table.notes


def test_the_hash_is_of_the_numbers() -> None:
    table = read_table(COLUMNS)
    assert table.source_hash.startswith("sha256:")
    assert len(table.source_hash) == len("sha256:") + 64
    assert read_table({**COLUMNS, "y": Y + 1e-9}).source_hash != table.source_hash
    assert read_table(COLUMNS, target="x1").source_hash != table.source_hash


FINITE = st.floats(-1e100, 1e100, allow_nan=False)


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """[N, 3] with no constant column."""
    rows = draw(st.integers(2, 30))
    matrix = draw(arrays(np.float64, (rows, 3), elements=FINITE))
    matrix[0], matrix[1] = [1.0, 2.0, 3.0], [4.0, 5.0, 7.0]
    return matrix


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(matrix=matrices(), suffix=st.sampled_from(["csv", "tsv", "parquet", "jsonl"]))
def test_a_file_gives_back_the_numbers_that_were_written(matrix: np.ndarray, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{suffix}"
    frame = pl.DataFrame(matrix, schema=["a", "b", "y"], orient="row")
    if suffix == "parquet":
        frame.write_parquet(path)
    elif suffix == "jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(path, separator="," if suffix == "csv" else "\t")
    table = read_table(path)
    assert np.array_equal(table.features, matrix[:, :2])
    assert np.array_equal(table.target, matrix[:, 2])
    assert same(table, read_table(matrix)) is False  # other names
    assert table.source_hash == read_table(matrix).source_hash


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    matrix=matrices(),
    data=st.data(),
    spelling=st.sampled_from(["", "NA", "N/A", "nan", "NaN", "null", "None", "-", "?", " NA "]),
)
def test_rows_with_a_missing_value_are_dropped_and_no_other(
    matrix: np.ndarray, data: st.DataObject, spelling: str, tmp_path: Path
) -> None:
    holes = data.draw(arrays(np.bool_, matrix.shape))
    holes[:2] = False
    path = tmp_path / "t.csv"
    lines = [
        ",".join(spelling if hole else repr(float(value)) for value, hole in zip(*row, strict=True))
        for row in zip(matrix, holes, strict=True)
    ]
    path.write_text("a,b,y\n" + "\n".join(lines) + "\n")
    table = read_table(path, drop_missing=True)
    keep = ~holes.any(axis=1)
    assert np.array_equal(np.column_stack([table.features, table.target]), matrix[keep])
    assert len(table.notes) == int(holes.any())


def test_many_rows_in_chunks_keep_their_order() -> None:
    rows = 120_000
    frame = pl.DataFrame({"a": np.arange(rows, dtype=np.float64), "b": np.arange(rows)[::-1] * 0.5})
    pieces = pl.concat([frame[:7], frame[7:50_000], frame[50_000:]], rechunk=False)
    table = read_table(pieces)
    assert np.array_equal(table.features[:, 0], np.arange(rows))
    assert np.array_equal(table.target, np.arange(rows)[::-1] * 0.5)
