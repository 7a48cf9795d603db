"""The tables made by rules: their numbers are those of the plain script."""

import numpy as np
import pytest
import torch

from fallline import DataError, OptionError
from fallline._data import classes, line, with_outliers


def test_line_is_the_plain_scripts_data() -> None:
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    table = line()
    assert np.array_equal(table.features, x.numpy().astype(np.float64))
    assert np.array_equal(table.target, y.numpy()[:, 0].astype(np.float64))
    assert (table.name, table.source) == ("line", "y = 2x + 1 + 0.5·noise")
    assert (table.feature_names, table.target_name) == (("x",), "y")


def test_line_leaves_the_global_random_state() -> None:
    before = torch.random.get_rng_state()
    line()
    classes()
    with_outliers(line())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_line_with_other_settings() -> None:
    assert line(-1.0, -2.5, 0.0, points=3, low=-1.0, high=1.0).source == "y = −x − 2.5"
    assert line(-1.0, -2.5, 0.0, points=3, low=-1.0, high=1.0).target.tolist() == [-1.5, -2.5, -3.5]
    assert line(seed=1).source_hash != line().source_hash
    assert line(seed=1).source_hash == line(seed=1).source_hash


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"points": 1}, "points is 1"),
        ({"noise": -0.1}, "noise is -0.1: expected 0 or more"),
        ({"slope": float("nan")}, "slope is nan"),
        ({"low": 3.0, "high": 3.0}, "x goes from 3 to 3"),
        ({"high": float("inf")}, "high is inf"),
    ],
)
def test_line_refuses(options: dict[str, float], expected: str) -> None:
    with pytest.raises(OptionError, match=expected):
        line(**options)


def test_a_flat_line_without_noise_has_nothing_to_learn() -> None:
    with pytest.raises(DataError, match='target "y" is constant'):
        line(slope=0.0, noise=0.0)


@pytest.mark.parametrize("gap", [-3.0, -0.5, 0.0, 0.25, 4.0])
def test_classes_lie_a_gap_apart(gap: float) -> None:
    table = classes(gap, points=40, seed=3)
    left, right = table.features[table.target == 0.0], table.features[table.target == 1.0]
    assert (len(left), len(right)) == (20, 20)
    assert right.min() - left.max() == pytest.approx(gap, abs=1e-12)
    assert right.min() + left.max() == pytest.approx(0.0, abs=1e-12)


def test_classes_overlap_unless_told() -> None:
    table = classes()
    left, right = table.features[table.target == 0.0], table.features[table.target == 1.0]
    assert right.min() < left.max()
    with pytest.raises(OptionError, match="points is 5"):
        classes(points=5)
    with pytest.raises(OptionError, match="spread is 0"):
        classes(spread=0.0)


def test_outliers_are_lifted_and_nothing_else() -> None:
    plain = line()
    lifted = with_outliers(plain, 4, distance=3.0)
    difference = lifted.target - plain.target
    assert np.count_nonzero(difference) == 4
    assert difference[difference != 0.0] == pytest.approx(3.0 * plain.target.std())
    assert lifted.source_hash != plain.source_hash
    assert lifted.source == "y = 2x + 1 + 0.5·noise, 4 outliers"
    with pytest.raises(OptionError, match="count is 100"):
        with_outliers(plain, 100)


def test_a_table_says_what_it_drew_from_which_stream() -> None:
    assert (line(seed=3).drawn, line(seed=3).seed) == (100, 3)
    assert (classes(points=40).drawn, classes(points=40).seed) == (40, 0)
    assert with_outliers(line(seed=3)).drawn == 100


def test_the_numbers_do_not_depend_on_the_programs_defaults() -> None:
    tables = (line, classes, lambda: with_outliers(line()))
    plain = [make().source_hash for make in tables]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            assert [make().source_hash for make in tables] == plain
    finally:
        torch.set_default_dtype(before)
