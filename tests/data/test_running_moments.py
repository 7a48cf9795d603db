"""Moments in one pass: against exact arithmetic, and the same however the rows arrive."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fallline._data._blocks import block_rows, blocks
from fallline._data._even_sample import EvenSample
from fallline._data._running_moments import RunningMoments

EPS = float(np.finfo(np.float64).eps)
Table = np.ndarray


def gathered(chunks: Sequence[Table]) -> RunningMoments:
    """Moments of chunks [n, C]."""
    moments = RunningMoments(chunks[0].shape[1])
    for block in blocks((tuple(chunk.T) for chunk in chunks), chunks[0].shape[1]):
        moments.add(block)
    return moments


def exact(table: Table) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Means and covariance in exact arithmetic."""
    columns = [[Fraction(float(value)) for value in column] for column in table.T]
    N = len(table)
    means = [sum(column) / N for column in columns]
    deviations = [[value - mean for value in column] for column, mean in zip(columns, means, strict=True)]
    return means, [[sum(a * b for a, b in zip(one, two, strict=True)) / N for two in deviations] for one in deviations]


def worst_error(moments: RunningMoments, table: Table) -> tuple[float, float]:
    """Largest error of a mean in spreads, and of a covariance relative to the product of the two spreads."""
    means, covariance = exact(table)
    spread = [float(covariance[i][i]) ** 0.5 or 1.0 for i in range(len(means))]
    of_means = [abs(float(Fraction(float(moments.center[i])) - means[i])) / spread[i] for i in range(len(means))]
    of_covariance = [
        abs(float(Fraction(float(moments.covariance[i, j])) - covariance[i][j])) / (spread[i] * spread[j])
        for i in range(len(means))
        for j in range(len(means))
    ]
    return max(of_means), max(of_covariance)


def cut(table: Table, at: Sequence[int]) -> list[Table]:
    """The table in pieces."""
    return np.split(table, sorted(at))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 16 rows, so that small tables have several of them."""
    monkeypatch.setattr("fallline._data._blocks.block_rows", lambda _: 16)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("order", ["as drawn", "sorted", "far block first"])
@pytest.mark.parametrize("mean", [0.0, 1e6, -1e9])
def test_far_from_zero_against_exact_arithmetic(mean: float, order: str) -> None:
    rng = np.random.default_rng(5)
    table = mean + rng.normal(size=(200, 2))
    table = np.column_stack((table, table[:, 0] - table[:, 1]))
    if order == "sorted":
        table = table[np.argsort(table[:, 0])]
    if order == "far block first":
        table[:16] += 1e3
    of_means, of_covariance = worst_error(gathered([table]), table)
    assert of_means <= 2 * EPS * max(abs(mean), 1)  # the mean itself is rounded to float64
    assert of_covariance < 40 * EPS


def test_a_naive_sum_of_squares_would_fail_here() -> None:
    table = 1e9 + np.random.default_rng(5).normal(size=(200, 1))
    naive = float(np.mean(table**2) - np.mean(table) ** 2)
    assert abs(naive / float(exact(table)[1][0][0]) - 1) > 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None)
@given(
    table=arrays(np.float64, st.tuples(st.integers(1, 60), st.integers(1, 3)), elements=st.floats(-1e6, 1e6)),
    at=st.lists(st.integers(0, 60), max_size=6),
)
def test_streamed_equals_in_memory_bit_for_bit(table: Table, at: list[int]) -> None:
    whole, pieces = gathered([table]), gathered([piece for piece in cut(table, at) if len(piece)])
    for name in ("center", "covariance", "low", "high"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    assert whole.rows == pieces.rows == len(table)


@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), offset=st.sampled_from([0.0, 1e6]))
def test_the_order_of_rows_matters_to_rounding_only(seed: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    table = offset + rng.normal(size=(70, 2))
    one, other = gathered([table]), gathered([rng.permutation(table)])
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=0, atol=60 * EPS)
    np.testing.assert_allclose(one.center, other.center, rtol=4 * EPS, atol=4 * EPS)


@pytest.mark.parametrize("rows", [3, 7, 49, 100, 40_000])
@pytest.mark.parametrize("value", [0.1, 1e6 + 0.1, -3.7e-9])
def test_a_constant_column_has_no_covariance_at_all(value: float, rows: int) -> None:
    table = np.column_stack((np.full(rows, value), np.random.default_rng(0).normal(size=rows)))
    moments = gathered([table])
    assert moments.center[0] == value
    np.testing.assert_array_equal(moments.covariance[0], 0.0)


@pytest.mark.usefixtures("small_blocks")
def test_the_ends_of_every_column_are_known() -> None:
    table = np.random.default_rng(3).permutation(np.arange(200.0)).reshape(100, 2)
    moments = gathered([table])
    np.testing.assert_array_equal(moments.low, table.min(axis=0))
    np.testing.assert_array_equal(moments.high, table.max(axis=0))


def test_one_row_is_its_own_mean() -> None:
    moments = gathered([np.array([[3.5, -1e9]])])
    np.testing.assert_array_equal(moments.center, [3.5, -1e9])
    np.testing.assert_array_equal(moments.covariance, np.zeros((2, 2)))


def test_float32_is_widened_before_it_is_squared() -> None:
    table = np.random.default_rng(1).normal(1000.0, 1.0, size=(block_rows(2) + 7, 2)).astype(np.float32)
    np.testing.assert_array_equal(gathered([table]).covariance, gathered([table.astype(np.float64)]).covariance)


def test_blocks_are_full_whatever_the_chunks() -> None:
    full = block_rows(1)
    column = np.arange(2.0 * full + 5)

    def chunks() -> Iterator[tuple[np.ndarray]]:
        for piece in np.array_split(column, 37):
            yield (piece,)

    sizes, seen = [], []
    for block in blocks(chunks(), 1):
        np.testing.assert_array_equal(block[-1], 1.0)
        sizes.append(block.shape[1])
        seen.append(block[0].copy())
        block[:] = np.nan  # whoever takes a block may alter it
    assert sizes == [full, full, 5]
    np.testing.assert_array_equal(np.concatenate(seen), column)


@given(rows=st.integers(1, 200), most=st.integers(2, 50), at=st.lists(st.integers(1, 199), max_size=5))
def test_an_even_sample_does_not_depend_on_the_pieces(rows: int, most: int, at: list[int]) -> None:
    values = np.arange(float(rows))[None, :]
    sample = EvenSample(most)
    for piece in np.split(values, sorted(at), axis=1):
        sample.add(piece)
    np.testing.assert_array_equal(sample.values, values[:, :: sample.stride])
    assert sample.values.shape[1] <= most
    assert sample.complete == (rows <= most)
    assert sample.complete or sample.values.shape[1] > most // 2 - 1
