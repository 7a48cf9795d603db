"""CSV as it is found in the wild: what is read right, and what note is made of it."""

from pathlib import Path

import pytest

from fallline import DataError
from fallline._data import Table, read_table


@pytest.fixture
def table_of(tmp_path: Path):
    """Write a file and read it."""

    def read(text: str | bytes, name: str = "t.csv", **options: object) -> Table:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table(path, **options)

    return read


def numbers(table: Table) -> list[list[float]]:
    """The rows, the target last."""
    return [[*row, target] for row, target in zip(table.features.tolist(), table.target.tolist(), strict=True)]


TWO_ROWS = [[1.0, 2.0], [3.0, 5.0]]


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,5\n",
        "x,y\n1,2\n3,5",
        "x,y\r\n1,2\r\n3,5\r\n",
        "\ufeffx,y\n1,2\n3,5\n",
        ' x , y \n"1","2"\n 3 , 5 \n',
        "x,y\n1,2\n\n3,5\n\n\n",
        "x,y\n+1.0,2e0\n.3e1,5.\n",
    ],
    ids=[
        "plain",
        "no last line end",
        "crlf",
        "byte order mark",
        "spaces and quotes",
        "blank lines",
        "spellings",
    ],
)
def test_read_the_same(table_of, text: str) -> None:
    table = table_of(text)
    assert numbers(table) == TWO_ROWS
    assert (table.feature_names, table.target_name, table.notes) == (("x",), "y", ())


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolon"), ("\t", "tab"), ("|", "vertical bar")])
def test_another_delimiter_is_read_and_noted(table_of, mark: str, word: str) -> None:
    table = table_of(f"x{mark}y\n1{mark}2\n3{mark}5\n")
    assert numbers(table) == TWO_ROWS
    assert table.notes == (f"Columns are parted by a {word}, not a comma.",)


def test_tabs_are_expected_in_a_tsv(table_of) -> None:
    assert table_of("x\ty\n1\t2\n3\t5\n", "t.tsv").notes == ()
    assert table_of("x,y\n1,2\n3,5\n", "t.tsv").notes == ("Columns are parted by a comma, not a tab.",)


def test_a_file_without_a_suffix_is_looked_at(table_of) -> None:
    assert numbers(table_of("x,y\n1,2\n3,5\n", "table")) == TWO_ROWS
    assert numbers(table_of('{"x": 1, "y": 2}\n{"x": 3, "y": 5}\n', "lines")) == TWO_ROWS


def test_true_and_false_are_one_and_zero(table_of) -> None:
    table = table_of("x,flag,y\n1,true,0\n2,False,1\n3,TRUE,1\n")
    assert table.features[:, 1].tolist() == [1.0, 0.0, 1.0]


def test_a_column_without_a_name_is_left_out(table_of) -> None:
    table = table_of(",x,y\n0,1,2\n1,3,5\n")
    assert numbers(table) == TWO_ROWS
    assert table.notes == ("Left out: a column without a name.",)


def test_a_quoted_line_break_is_not_a_row(table_of) -> None:
    table = table_of('x,word,y\n1,"two\nlines",2\n3,b,5\n')
    assert numbers(table) == TWO_ROWS


LONG = 40_000
"""Rows beyond what is looked at beforehand."""


@pytest.mark.slow
def test_what_the_first_lines_do_not_show(table_of) -> None:
    rows = [f"{i},{i}.5,{'' if i < LONG - 2 else i}" for i in range(LONG)]
    table = table_of("a,y,late\n" + "\n".join(rows), target="y", features=["a", "late"], drop_missing=True)
    assert numbers(table) == [[LONG - 2.0, LONG - 2.0, LONG - 1.5], [LONG - 1.0, LONG - 1.0, LONG - 0.5]]
    rows = [f"{i},{i if i < LONG - 2 else 'NA'},{i}.5" for i in range(LONG)]
    table = table_of("a,b,y\n" + "\n".join(rows), drop_missing=True)
    assert table.rows == LONG - 2
    late_text = "\n".join(f"{i},{'' if i < LONG - 2 else 'word'},{i}.5" for i in range(LONG))
    assert table_of("a,b,y\n" + late_text).notes == ('Left out: "b" (text).',)


def test_the_row_of_a_late_mistake_is_named(table_of) -> None:
    rows = [f"{i},{i}.5" for i in range(LONG)]
    rows[LONG - 5] = "oops,1"
    with pytest.raises(DataError, match=f'Column "x" holds "oops" in row {LONG - 4}, counted from 1'):
        table_of("x,y\n" + "\n".join(rows))


def test_row_numbers_do_not_count_blank_lines(table_of) -> None:
    with pytest.raises(DataError, match='holds "oops" in row 3,'):
        table_of("x,y\n1,2\n\n3,5\n\noops,1\n4,4\n5,5\n")
