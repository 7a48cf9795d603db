"""``Quadratic.from_moments`` and ``from_chunks``: the same parabola without the rows."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import BOWLS, COLLINEAR, FAR, SEVERAL, Case
from fallline import DataError
from fallline._data import gather_arrays, gather_table, read_table, standardise
from fallline._quadratic import Quadratic
from fallline._records import Moments


def same_loss(one: Quadratic, other: Quadratic, rtol: float = 1e-10) -> None:
    """Equal wherever one looks, and at the bottom."""
    rng = np.random.default_rng(0)
    around = other.optimum + rng.normal(size=(20, other.parameter_count))
    np.testing.assert_allclose(one.loss(around), other.loss(around), rtol=rtol)
    np.testing.assert_allclose(one.optimum_loss, other.optimum_loss, rtol=rtol, atol=1e-13)
    np.testing.assert_allclose(one.excess(other.optimum), 0, atol=1e-12)


@pytest.mark.parametrize("case", [*BOWLS, COLLINEAR], ids=str)
def test_moments_make_the_parabola_of_the_rows(case: Case) -> None:
    of_rows = Quadratic.from_data(case.features, case.target)
    of_moments = Quadratic.from_chunks([(case.features[:7], case.target[:7]), (case.features[7:], case.target[7:])])
    same_loss(of_moments, of_rows)
    np.testing.assert_allclose(of_moments.optimum, of_rows.optimum, rtol=1e-9)
    np.testing.assert_allclose(of_moments.hessian(), of_rows.hessian(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(of_moments.eigenvalues, of_rows.eigenvalues, rtol=1e-9, atol=1e-25)


@pytest.mark.parametrize("case", [*BOWLS, COLLINEAR, FAR], ids=str)
def test_standardising_needs_no_second_look_at_the_rows(case: Case) -> None:
    table = read_table(case.data)
    features, scaling = standardise(table.feature_columns)
    gathered = gather_table(table)
    of_moments = Quadratic.from_moments(gathered.center, gathered.covariance, gathered.scaling)
    rounding_of_the_mean = 1e-16 * np.max(np.abs(gathered.center[:-1]) / gathered.scaling.scale)  # moves every x alike
    same_loss(of_moments, Quadratic.from_data(features, table.target), rtol=max(1e-10, 100 * rounding_of_the_mean))
    np.testing.assert_allclose(gathered.scaling.scale, scaling.scale, rtol=1e-13)


def exact_fit(x: np.ndarray, y: np.ndarray) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """(slope, intercept, lowest loss, determinant of H) of a line in exact arithmetic."""
    X, Y = [Fraction(float(v)) for v in x], [Fraction(float(v)) for v in y]
    N = len(X)
    mx, my = sum(X) / N, sum(Y) / N
    xx = sum((a - mx) ** 2 for a in X) / N
    slope = sum((a - mx) * (b - my) for a, b in zip(X, Y, strict=True)) / N / xx
    intercept = my - slope * mx
    return slope, intercept, sum((b - slope * a - intercept) ** 2 for a, b in zip(X, Y, strict=True)) / N, 4 * xx


def test_far_from_zero_against_exact_arithmetic() -> None:
    slope, intercept, lowest, determinant = exact_fit(FAR.features[:, 0], FAR.target)
    quadratic = Quadratic.from_chunks([FAR.data])
    assert quadratic.optimum[0] == pytest.approx(float(slope), rel=1e-14)
    assert quadratic.optimum[1] == pytest.approx(float(intercept), rel=1e-14)
    assert quadratic.optimum_loss == pytest.approx(float(lowest), rel=1e-11)
    # λmax·λmin = det H: the eigenvalue of 2·10⁻¹² beside that of 2·10¹² is kept, of which H alone knows no digit
    assert float(np.prod(quadratic.eigenvalues)) == pytest.approx(float(determinant), rel=1e-7)


def test_far_from_zero_and_standardised() -> None:
    table = gather_table(FAR.data)
    quadratic = Quadratic.from_moments(table.center, table.covariance, table.scaling)
    np.testing.assert_allclose(quadratic.eigenvalues, [2.0, 2.0], rtol=1e-14)
    np.testing.assert_allclose(quadratic.optimum[1], FAR.target.mean(), rtol=1e-14)


@settings(deadline=None, max_examples=40)
@given(at=st.lists(st.integers(1, 23), max_size=5, unique=True))
def test_streamed_equals_in_memory(at: list[int]) -> None:
    pieces = zip(np.split(SEVERAL.features, sorted(at)), np.split(SEVERAL.target, sorted(at)), strict=True)
    whole, streamed = Quadratic.from_chunks([SEVERAL.data]), Quadratic.from_chunks(pieces)
    np.testing.assert_array_equal(whole.hessian(), streamed.hessian())
    np.testing.assert_array_equal(whole.optimum, streamed.optimum)
    assert whole.optimum_loss == streamed.optimum_loss


def test_collinear_columns_share_the_weight_and_leave_a_flat_direction() -> None:
    quadratic = Quadratic.from_chunks([COLLINEAR.data])
    assert quadratic.optimum[0] == pytest.approx(quadratic.optimum[2], rel=1e-9)
    assert quadratic.eigenvalues[-1] == 0
    assert (quadratic.eigenvalues[:-1] > 0.01).all()


def test_a_constant_column_gets_no_weight() -> None:
    x = np.arange(10.0)
    quadratic = Quadratic.from_chunks([(np.column_stack((np.full(10, 0.1), x)), 2 * x + 1)])
    np.testing.assert_allclose(quadratic.optimum, [0, 2, 1], atol=1e-12)


def test_one_row_is_met_by_the_bias() -> None:
    quadratic = Quadratic.from_chunks([([[3.0]], [7.0])])
    np.testing.assert_array_equal(quadratic.optimum, [0.0, 7.0])
    assert quadratic.optimum_loss == 0
    assert quadratic.loss([[1.0, 1.0]])[0] == pytest.approx(9.0)


def test_a_perfect_fit_leaves_nothing_and_never_less() -> None:
    for seed in range(20):  # in some of them rounding comes out below nothing
        x = np.random.default_rng(seed).normal(size=(300, 4))
        quadratic = Quadratic.from_chunks([(x, x @ [1.0, 2.0, 3.0, 4.0] + 5)])
        assert 0 <= quadratic.optimum_loss < 1e-13
        np.testing.assert_allclose(quadratic.optimum, [1, 2, 3, 4, 5], rtol=1e-13)


def test_a_fit_in_float32_columns_is_that_of_their_numbers() -> None:
    x = np.random.default_rng(0).normal(1e3, 1, size=(500, 2)).astype(np.float32)
    y = (x @ np.float32([1, -1])).astype(np.float32)
    np.testing.assert_array_equal(
        Quadratic.from_chunks([(x, y)]).optimum, Quadratic.from_chunks([(x.astype(float), y.astype(float))]).optimum
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_what_has_no_square_is_refused(bad: float) -> None:
    with pytest.raises(DataError, match="missing, infinite or too large to be squared"):
        gather_arrays([([[1.0], [bad]], [1.0, 2.0])])


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="no rows to take the moments of"):
        Quadratic.from_chunks([])
    with pytest.raises(DataError, match="no rows to take the moments of"):
        Quadratic.from_chunks([(np.empty((0, 2)), np.empty(0))])


@pytest.mark.parametrize(
    "hessian", [[[3.0]], [[0.0]], [[2.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]]]
)
def test_a_hessian_need_not_be_that_of_a_neuron(hessian: list[list[float]]) -> None:
    quadratic = Quadratic(Moments(np.array(hessian), np.zeros(len(hessian)), 0.0))
    np.testing.assert_allclose(quadratic.eigenvalues, np.linalg.eigvalsh(hessian)[::-1], atol=1e-15)


def test_a_diagonal_hessian_is_told_without_rounding() -> None:
    quadratic = Quadratic(Moments(np.diag([0.1, 2.0, 0.0]), np.zeros(3), 0.0))
    np.testing.assert_array_equal(quadratic.eigenvalues, [2.0, 0.1, 0.0])
    np.testing.assert_array_equal(quadratic.hessian() @ quadratic.eigenvectors, quadratic.eigenvectors * [2.0, 0.1, 0])
