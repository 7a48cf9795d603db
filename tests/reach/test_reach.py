"""docs/semantics.md#reach."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import BOWLS, OVERLAPPING, SEVERAL, TILTED, Case
from fallline._objective import Objective
from fallline._quadratic import Quadratic
from fallline._reach import NoReach, change_rounding, measure_reach, why_no_reach


def along(quadratic: Quadratic, start: np.ndarray, update: np.ndarray) -> tuple[float, float]:
    """(first-order change, real change) of a step."""
    return float(quadratic.gradient(start)[0] @ update), float(quadratic.change(start, start + update)[0])


def reach_of(
    first: float, curvature: float, rounding: float = 0.0, curvature_rounding: float | None = None
) -> float | None:
    floor = rounding if curvature_rounding is None else curvature_rounding
    reach, measured = measure_reach(*(np.array([value]) for value in (first, curvature, rounding, floor)))
    assert measured[0] or reach[0] == 0
    return float(reach[0]) if measured[0] else None


def reach_from_losses(first: float, real: float, rounding: float = 0.0) -> float | None:
    """Where the curvature is not known it is twice what the tangent missed, and so is its rounding."""
    return reach_of(first, 2 * (real - first), rounding, 2 * rounding)


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_the_two_formulas_are_equal_on_a_quadratic(case: Case) -> None:
    quadratic = Quadratic.from_data(case.features, case.target)
    rng = np.random.default_rng(8)
    for start, direction in rng.normal(size=(50, 2, quadratic.parameter_count)):
        first, real = along(quadratic, start, direction)
        if first >= 0:
            first, real = along(quadratic, start, -direction)
        curvature = float(quadratic.curvature_along(direction)[0])
        exact = reach_of(first, curvature)
        assert exact == curvature / -first
        assert reach_from_losses(first, real) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("part", "expected"), [(1.0, 1.0), (2.0, 2.0), (0.01, 0.01), (3.0, 3.0)])
@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_one_at_the_bottom_two_level_and_more_uphill(case: Case, part: float, expected: float) -> None:
    """A step of ``part`` times the exact line minimum."""
    quadratic = Quadratic.from_data(case.features, case.target)
    start = np.ones(quadratic.parameter_count)
    slope = quadratic.gradient(start)[0]
    bottom = float(slope @ slope / quadratic.curvature_along(slope)[0])
    update = -part * bottom * slope
    first, real = along(quadratic, start, update)
    assert reach_of(first, float(quadratic.curvature_along(update)[0])) == pytest.approx(expected, rel=1e-12)
    assert reach_from_losses(first, real) == pytest.approx(expected, rel=1e-10)
    assert abs(real) < 1e-9 * abs(first) if part == 2 else (real > 0) == (part > 2)


@pytest.mark.parametrize(
    ("first", "real", "moved", "reason"),
    [
        (0.3, 0.5, True, NoReach.UPHILL),
        (0.3, -0.5, True, NoReach.UPHILL),
        (-1.0, -1.5, True, NoReach.NO_BOTTOM),
        (0.0, 0.0, False, NoReach.NOTHING_MOVED),
        (0.0, 0.1, True, NoReach.LEVEL),
        (float("nan"), 1.0, True, NoReach.NOT_FINITE),
        (-1.0, float("inf"), True, NoReach.NOT_FINITE),
        (float("-inf"), -1.0, True, NoReach.NOT_FINITE),
        (float("nan"), float("nan"), False, NoReach.NOT_FINITE),
    ],
)
def test_not_defined_and_the_reason(first: float, real: float, moved: bool, reason: NoReach) -> None:
    with np.errstate(all="ignore"):
        assert reach_from_losses(first, real) is None
    assert why_no_reach(first, real, 1e-9, moved=moved) is reason


def test_a_slope_below_rounding_has_no_reach() -> None:
    assert reach_of(-1e-9, 1e-9, rounding=1e-8) is None
    assert reach_of(-1e-8, 1e-9, rounding=1e-8) is None  # the bound itself can still be rounding
    assert reach_of(-1.1e-8, 1.1e-8, rounding=1e-8) == 1.0
    for first in (-1e-9, 1e-9):  # neither way is it a direction
        assert why_no_reach(first, -0.5e-9, 1e-8, moved=True) is NoReach.LEVEL
    assert why_no_reach(1.1e-8, -0.5e-9, 1e-8, moved=True) is NoReach.UPHILL


def test_no_bottom_is_only_said_where_rounding_cannot_be_the_reason() -> None:
    assert why_no_reach(-1.0, -1.0 - 1e-8, 1e-9, moved=True) is NoReach.NO_BOTTOM
    assert why_no_reach(-1.0, -1.0 - 1e-10, 1e-9, moved=True) is not NoReach.NO_BOTTOM
    assert why_no_reach(-1e-10, -1.0, 1e-9, moved=True) is NoReach.LEVEL


def test_a_curvature_within_rounding_of_none_counts_as_straight() -> None:
    assert reach_of(-1.0, -1e-12, curvature_rounding=1e-11) == 0.0
    assert reach_of(-1.0, 1e-12, curvature_rounding=1e-11) == 0.0
    assert reach_of(-1.0, -1e-10, curvature_rounding=1e-11) is None
    assert reach_of(-1.0, 1e-10, curvature_rounding=1e-11) == 1e-10


def test_a_curvature_that_is_exact_is_never_called_straight_for_being_small() -> None:
    assert reach_of(-1.0, 1e-30, rounding=1e-9, curvature_rounding=0.0) == 1e-30


def test_steps_are_measured_each_by_itself() -> None:
    first, curvature = np.array([-2.0, 1.0, -1e-12, -1.0, np.nan]), np.array([2.0, 1.0, 1.0, np.inf, 1.0])
    rounding = np.full(5, 1e-9)
    reach, measured = measure_reach(first, curvature, rounding, rounding)
    assert measured.tolist() == [True, False, False, False, False]
    assert reach.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("center", [0.0, 100.0])
@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_rounding_of_a_float32_slope_is_below_its_bound(loss: str, center: float) -> None:
    """What PyTorch's own float32 gradient gets wrong, along any direction, is less than what is allowed for."""
    rng = np.random.default_rng(5)
    features = (rng.normal(size=(50, 2)) + center).astype(np.float32).astype(np.float64)
    target = rng.integers(0, 2, 50).astype(float) if loss == "bce" else np.float32(features[:, 0] + 3.0).astype(float)
    loss_fn = torch.nn.MSELoss() if loss == "mse" else torch.nn.BCEWithLogitsLoss()
    target_rms = float(np.sqrt(np.mean(target**2))) if loss == "mse" else None
    feature_rms = np.sqrt(np.append(np.mean(features**2, axis=0), 1.0))
    for at in np.float32(rng.normal(size=(20, 3)) * [1 / max(1, center), 1 / max(1, center), 1]).astype(float):
        slopes, losses = [], []
        for dtype in (torch.float32, torch.float64):
            theta = torch.tensor(at, dtype=dtype, requires_grad=True)
            output = torch.tensor(features, dtype=dtype) @ theta[:-1] + theta[-1]
            value = loss_fn(output, torch.tensor(target, dtype=dtype))
            value.backward()
            slopes.append(theta.grad.double().numpy())
            losses.append(value.item())
        updates = rng.normal(size=(20, 3))
        bound = change_rounding(
            updates, np.full(20, losses[1]), feature_rms=feature_rms, target_rms=target_rms, eps=2.0**-23
        )
        wrong = np.abs(updates @ (slopes[0] - slopes[1]))
        assert (wrong <= bound).all()
        assert (bound <= 1e-4 * np.abs(updates) @ feature_rms * (1 + (target_rms or 0) + losses[1] ** 0.5)).all()


def test_rounding_is_the_same_in_other_units_and_for_a_mirrored_column() -> None:
    update, loss = np.array([[0.5, -0.25], [1.0, 2.0]]), np.array([4.0, 9.0])
    rms = np.array([3.0, 1.0])

    def bound(update: np.ndarray, rms: np.ndarray, target_rms: float | None = 2.0, loss: np.ndarray = loss) -> list:
        return change_rounding(update, loss, feature_rms=rms, target_rms=target_rms, eps=1e-7).tolist()

    expected = bound(update, rms)
    assert expected == pytest.approx([4e-7 * 1.75 * 8, 4e-7 * 5.0 * 10])
    assert bound(update * [-1, 1], rms) == expected
    assert bound(update / [1000, 1], rms * [1000, 1]) == pytest.approx(expected)
    assert bound(update, rms, 2.0 * 7, 49 * loss) == pytest.approx([7 * value for value in expected])
    assert bound(update, rms, None) == pytest.approx([4e-7 * 1.75, 4e-7 * 5.0])


@given(
    scale=st.floats(1e-6, 1e6),
    first=st.floats(-1e3, -1e-3),
    part=st.floats(-3.0, 1.0),
)
def test_scaling_the_loss_leaves_reach(scale: float, first: float, part: float) -> None:
    """c·L at the rate η/c makes the same step: both changes are multiplied by c."""
    real = part * first
    before = reach_from_losses(first, real, rounding=1e-12)
    after = reach_from_losses(scale * first, scale * real, rounding=scale * 1e-12)
    assert before is not None
    assert after == pytest.approx(before, rel=1e-9, abs=1e-11)


@settings(deadline=None)
@given(exponent=st.integers(-8, 8))
def test_scaling_the_loss_of_a_real_step_leaves_reach(exponent: int) -> None:
    """With c a power of two the loop makes the very same step; its reach is computed from c times the changes."""
    features, target = SEVERAL.tensors()
    scale = 2.0**exponent
    ends, reaches = [], []
    for c in (1.0, scale):
        weight = torch.ones(3, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.01 / c)

        def loss(at: torch.Tensor, c: float = c) -> torch.Tensor:
            return c * ((features @ at - target[:, 0]) ** 2).mean()

        before = loss(weight)
        before.backward()
        start = weight.detach().clone()
        optimizer.step()
        first = float(weight.grad @ (weight.detach() - start))
        ends.append(weight.detach().clone())
        reaches.append(reach_from_losses(first, float(loss(weight.detach()) - before.detach())))
    assert torch.equal(ends[0], ends[1])
    assert reaches[0] == reaches[1]


@pytest.mark.parametrize("case", [TILTED, OVERLAPPING], ids=str)
def test_first_order_error_shrinks_as_the_square_of_the_rate(case: Case) -> None:
    features, target = case.tensors()
    loss_fn = torch.nn.MSELoss() if case.loss == "mse" else torch.nn.BCEWithLogitsLoss()
    objective = Objective(torch.nn.Linear(1, 1, dtype=torch.float64), loss_fn, (features, target))
    start = np.array([0.4, 0.2])
    slope = objective.gradient(start)[0]
    rates = np.array([1e-2, 1e-3, 1e-4])
    errors = [float(objective.change(start, start - rate * slope)[0] + rate * slope @ slope) for rate in rates]
    assert np.diff(np.log10(errors)) == pytest.approx([-2.0, -2.0], abs=0.02)
