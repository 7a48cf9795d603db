"""docs/semantics.md#alarms: when an alarm goes off, and when it is over."""

import math

import numpy as np
import pytest

from fallline._recorder._lookout import Lookout, rate_rose
from fallline._recorder._recent_range import WINDOW
from fallline._records import Trigger


def lookout(rose: bool = False, calm: int = 200) -> Lookout:
    made = Lookout(lambda: rose)
    for step in range(calm):
        assert made.see(step, 1.0, True) is None
    return made


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite(loss: float) -> None:
    made = lookout()
    assert made.see(200, loss, True) is Trigger.LOSS_NOT_FINITE
    assert made.since == 200
    assert made.see(201, loss, False) is None


def test_norms_that_are_not_finite() -> None:
    assert lookout().see(200, 1.0, False) is Trigger.GRADIENT_NOT_FINITE
    assert lookout(calm=0).see(0, None, False) is Trigger.GRADIENT_NOT_FINITE


def test_not_finite_outdoes_out_of_range_but_not_the_other_way() -> None:
    made = lookout()
    assert made.see(200, 1e6, True) is Trigger.LOSS_OUT_OF_RANGE
    assert made.see(201, 1e7, True) is None
    assert made.see(202, math.inf, True) is Trigger.LOSS_NOT_FINITE
    assert made.since == 200
    assert made.see(203, 1e6, True) is None
    assert made.see(204, math.nan, False) is None


def test_over_after_a_window_of_ordinary_steps() -> None:
    made = lookout()
    made.see(200, math.nan, True)
    for step in range(201, 200 + WINDOW):
        assert made.see(step, 1.0, True) is None
        assert made.is_over() is None
    assert not made.still_broken
    made.see(200 + WINDOW, 1.0, True)
    assert made.is_over() == 200
    assert made.since is None
    assert made.see(400, math.nan, True) is Trigger.LOSS_NOT_FINITE


def test_one_step_out_of_range_begins_the_window_anew() -> None:
    made = lookout()
    made.see(200, 1e6, True)
    for step in range(201, 300):
        made.see(step, 1.0, True)
    made.see(300, 10.0, True)
    assert made.still_broken
    for step in range(301, 300 + WINDOW):
        made.see(step, 1.0, True)
    assert made.is_over() is None


def test_a_larger_rate_lifts_the_loss_once() -> None:
    made = Lookout(lambda: True)
    losses = [*np.exp(-np.arange(600) / 100).tolist(), *[0.4] * 100]
    assert all(made.see(step, loss, True) is None for step, loss in enumerate(losses))
    unmoved = Lookout(lambda: False)
    assert any(unmoved.see(step, loss, True) for step, loss in enumerate(losses))


def test_rate_rose() -> None:
    assert rate_rose(np.array([[0.1, 0.1], [0.1, 0.1], [0.1, 0.2]]))
    assert not rate_rose(np.array([[0.1, 0.1], [0.05, 0.1], [0.055, 0.1]]))
    assert not rate_rose(np.array([[np.nan]]))
