"""docs/semantics.md#reach."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import BOWLS, OVERLAPPING, SEVERAL, TILTED, Case
from fallline._objective import Objective
from fallline._quadratic import Quadratic
from fallline._reach import NoReach, measure_reach, why_no_reach


def along(quadratic: Quadratic, start: np.ndarray, update: np.ndarray) -> tuple[float, float]:
    """(first-order change, real change) of a step."""
    return float(quadratic.gradient(start)[0] @ update), float(quadratic.change(start, start + update)[0])


def reach_of(first: float, real: float, rounding: float = 0.0) -> float | None:
    reach, measured = measure_reach(np.array([first]), np.array([real]), np.array([rounding]))
    return float(reach[0]) if measured[0] else None


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_the_two_formulas_are_equal_on_a_quadratic(case: Case) -> None:
    quadratic = Quadratic.from_data(case.features, case.target)
    rng = np.random.default_rng(8)
    for start, direction in rng.normal(size=(50, 2, quadratic.parameter_count)):
        first, real = along(quadratic, start, direction)
        if first >= 0:
            first, real = along(quadratic, start, -direction)
        curved = float(quadratic.curvature_along(direction)[0]) / -first
        assert reach_of(first, real) == pytest.approx(curved, rel=1e-9)


@pytest.mark.parametrize(("part", "expected"), [(1.0, 1.0), (2.0, 2.0), (0.01, 0.01), (3.0, 3.0)])
@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_one_at_the_bottom_two_level_and_more_uphill(case: Case, part: float, expected: float) -> None:
    """A step of ``part`` times the exact line minimum."""
    quadratic = Quadratic.from_data(case.features, case.target)
    start = np.ones(quadratic.parameter_count)
    slope = quadratic.gradient(start)[0]
    bottom = float(slope @ slope / quadratic.curvature_along(slope)[0])
    first, real = along(quadratic, start, -part * bottom * slope)
    assert reach_of(first, real) == pytest.approx(expected, rel=1e-10)
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
    assert reach_of(first, real) is None
    assert why_no_reach(first, real, moved) is reason


def test_a_slope_below_rounding_has_no_reach() -> None:
    assert reach_of(-1e-9, -0.5e-9, rounding=1e-8) is None
    assert why_no_reach(-1e-9, -0.5e-9, moved=True) is NoReach.LEVEL


def test_a_curvature_that_is_negative_within_rounding_counts_as_straight() -> None:
    assert reach_of(-1.0, -1.0 - 1e-12, rounding=1e-11) == 0.0
    assert reach_of(-1.0, -1.0 - 1e-10, rounding=1e-11) is None


@given(
    scale=st.floats(1e-6, 1e6),
    first=st.floats(-1e3, -1e-3),
    part=st.floats(-3.0, 1.0),
)
def test_scaling_the_loss_leaves_reach(scale: float, first: float, part: float) -> None:
    """c·L at the rate η/c makes the same step: both changes are multiplied by c."""
    real = part * first
    before = reach_of(first, real, rounding=1e-12)
    after = reach_of(scale * first, scale * real, rounding=scale * 1e-12)
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
        reaches.append(reach_of(first, float(loss(weight.detach()) - before.detach())))
    assert torch.equal(ends[0], ends[1])
    assert reaches[0] == reaches[1]


@pytest.mark.parametrize("case", [TILTED, OVERLAPPING], ids=str)
def test_first_order_error_shrinks_as_the_square_of_the_rate(case: Case) -> None:
    features, target = case.tensors()
    loss_fn = torch.nn.MSELoss() if case.loss == "mse" else torch.nn.BCEWithLogitsLoss()
    objective = Objective(torch.nn.Linear(1, 1, dtype=torch.float64), loss_fn, features, target)
    start = np.array([0.4, 0.2])
    slope = objective.gradient(start)[0]
    rates = np.array([1e-2, 1e-3, 1e-4])
    errors = [float(objective.change(start, start - rate * slope)[0] + rate * slope @ slope) for rate in rates]
    assert np.diff(np.log10(errors)) == pytest.approx([-2.0, -2.0], abs=0.02)
