"""Points moved, added and removed on the page: rows keep their numbers."""

import numpy as np
import pytest

import fallline as fl
from fallline import OptionError
from fallline._desk._settings import Edit, LineData, PointsData, Settings, UploadData
from fallline._desk._table import PageTable, page_table
from fallline._desk._tables import Tables

POINTS = PointsData((0.0, 1.0, 2.0, 3.0), (0.0, 10.0, 20.0, 30.0))


def edited(*edits: Edit) -> PageTable:
    return page_table(Settings(data=POINTS, edits=edits), Tables())


def test_added_rows_are_counted_on_and_removed_ones_keep_their_number() -> None:
    found = edited((1, None, None), (None, 4.0, 40.0), (None, 5.0, 50.0), (4, 4.5, 45.0), (3, 3.5, 35.0))
    assert found.numbers.tolist() == [0, 2, 3, 4, 5]
    assert found.table.features[:, 0].tolist() == [0.0, 2.0, 3.5, 4.5, 5.0]
    assert found.table.target.tolist() == [0.0, 20.0, 35.0, 45.0, 50.0]
    assert found.table.source.endswith("5 edits")


@pytest.mark.parametrize("edits", [((4, 1.0, 1.0),), ((0, None, None), (0, None, None)), ((4, 0.0, 0.0), (None, 1, 1))])
def test_a_row_that_is_not_there(edits: tuple[Edit, ...]) -> None:
    with pytest.raises(OptionError, match="There is no point"):
        edited(*edits)


def test_the_start_is_that_of_the_line_before_its_points_were_moved() -> None:
    moved = page_table(Settings(edits=((3, 1.0, 1.0),)), Tables()).table
    plain = fl.line()
    assert (moved.drawn, moved.seed) == (plain.drawn, plain.seed)
    assert np.flatnonzero(moved.target != plain.target).tolist() == [3]


def test_outliers_are_the_same_for_the_same_seed() -> None:
    one, again, other = (
        page_table(Settings(data=LineData(outliers=4), seed=seed), Tables()).table.target for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    far = np.flatnonzero(one - fl.line(seed=1).target)
    assert len(far) == 4
    assert far.tolist() != np.flatnonzero(other - fl.line(seed=2).target).tolist()


def test_an_upload_of_two_features_or_very_many_rows_has_no_points_to_move() -> None:
    tables = Tables()
    two = tables.add("two.csv", b"a,b,y\n1,2,3\n2,3,5\n4,4,9\n")["id"]
    with pytest.raises(OptionError, match="where there is one feature; this table has 2"):
        page_table(Settings(data=UploadData(str(two)), edits=((0, 1.0, 1.0),)), tables)
    many = tables.add("many.csv", b"a,y\n" + b"".join(b"%d,%d\n" % (k, k % 7) for k in range(10_001)))["id"]
    with pytest.raises(OptionError, match="up to 10,000 rows; this table has 10,001"):
        page_table(Settings(data=UploadData(str(many)), edits=((0, 1.0, 1.0),)), tables)
