"""Central differences: closed forms at every size, noise, kinks, ladders."""

from itertools import pairwise
from math import cos, exp

import pytest
import torch

from fallline._backprop._differences import EPSILON, STEP, _ladder, best_slope, noise_of, slope, usual_step


def line_of(function, size=1.0):
    """t → [function(t)] in float64."""

    def values(t):
        return size * function(torch.tensor([t], dtype=torch.float64))

    return values


def nowhere(_):
    """A function without values."""


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_slope_of_a_smooth_function_at_any_size(size):
    line = line_of(lambda t: torch.sin(1 + t), size)
    found = slope(line, line(0.0), STEP, EPSILON * size)
    assert found.value == pytest.approx(size * cos(1), rel=1e-9)
    assert found.before == pytest.approx(found.after, rel=1e-4)


def test_slope_before_and_after_a_kink():
    line = line_of(torch.relu)
    found = slope(line, line(0.0), STEP, EPSILON)
    assert (found.before, found.value, found.after) == (0.0, 0.5, 1.0)


def test_slope_is_none_where_the_function_is_not_finite():
    line = line_of(torch.sqrt)
    assert slope(line, line(0.0), STEP, EPSILON) is None
    assert slope(nowhere, line(0.0), STEP, EPSILON) is None


@pytest.mark.parametrize("speed", [1e-3, 1.0, 1e3, 1e5])
def test_ladder_finds_the_step(speed):
    line = line_of(lambda t: torch.exp(torch.sin(0.3 + speed * t)))
    found = best_slope(line, line(0.0), 1.0, 2 * EPSILON)
    truth = speed * cos(0.3) * exp(0.29552020666133955)
    assert abs(found.value - truth) < max(10 * found.error, 1e-12)
    assert found.error < 1e-6 * truth


def test_ladder_reaches_into_a_domain_that_is_small():
    line = line_of(lambda t: torch.log(1e-9 + t))
    found = best_slope(line, line(0.0), 1e-9, EPSILON)
    assert found.value == pytest.approx(1e9, rel=1e-4)
    assert best_slope(line_of(lambda t: torch.log(t - 1)), torch.zeros(1), 1.0, EPSILON) is None


def test_ladder_looks_past_an_offset():
    line = line_of(lambda t: 1e10 + torch.sin(t))
    found = best_slope(line, line(0.0), 1.0, 1e10 * EPSILON)
    assert abs(found.value - 1) < 4 * found.error < 0.2


def test_noise_is_measured():
    exact = line_of(lambda t: 3 + torch.sin(t))
    assert noise_of(exact, exact(0.0)) < 10 * EPSILON
    offset = line_of(lambda t: ((1e6 + t) - 1e6) * 1.7)
    assert 1e-12 < noise_of(offset, offset(0.0)) < 1e-9
    kink = line_of(lambda t: 3 + t.abs())
    assert noise_of(kink, kink(0.0)) < 10 * EPSILON


def test_noise_without_values_is_that_of_float64():
    here = torch.tensor([8.0, float("nan")], dtype=torch.float64)
    assert noise_of(nowhere, here) == 8 * EPSILON


def test_step_grows_with_noise_and_has_an_end():
    assert usual_step(EPSILON, 1.0) == STEP
    assert 1e-3 < usual_step(2.0**-23, 1.0) < 1e-2
    assert usual_step(1.0, 1.0) == 1e-2
    assert usual_step(0.0, 0.0) == STEP


@pytest.mark.parametrize(("x", "function", "slope_there"), [(1e-30, torch.reciprocal, -1e60), (1e-20, torch.abs, 1.0)])
def test_ladder_is_not_misled_by_steps_that_overlook_the_point(x, function, slope_there):
    line = line_of(lambda t: function(x + t))
    found = best_slope(line, line(0.0), x, EPSILON * float(line(0.0)))
    assert found.value == pytest.approx(slope_there, rel=1e-4)


def test_ladder_has_no_two_steps_alike():
    steps = _ladder(5.9e-4, STEP, 7e-3)
    assert all(longer > 2 * shorter for longer, shorter in pairwise(steps))
    assert min(steps) < 1e-8
    assert max(steps) > 5e-4


def test_error_is_at_least_the_rounding_of_what_was_subtracted():
    line = line_of(torch.square)  # 0 at 0, and so without noise there
    assert slope(line, line(0.0), 1e-3, 0.0).error == EPSILON * 1e-6 / 1e-3


@pytest.mark.parametrize("x", [5e-324, 1e-310, 1e-170])
def test_where_float64_ends_nothing_is_claimed(x):
    line = line_of(lambda t: (x + t) ** 2)
    found = best_slope(line, line(0.0), x, 0.0)
    assert found is None or abs(found.value - 2 * x) <= found.error
    assert usual_step(0.0, x) == STEP
