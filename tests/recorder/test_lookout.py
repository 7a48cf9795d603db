"""docs/semantics.md#alarms: when an alarm goes off, and when it is over."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from fallline._recorder._lookout import Lookout, Spike, rate_rose
from fallline._recorder._recent_range import WINDOW
from fallline._records import Trigger


def still(steps: Sequence[int]) -> None:
    """No update was a great one."""


def lookout(rose: bool = False, calm: int = 200) -> Lookout:
    made = Lookout(lambda: rose, still)
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
    made = Lookout(lambda: True, still)
    losses = [*np.exp(-np.arange(600) / 100).tolist(), *[0.4] * 100]
    assert all(made.see(step, loss, True) is None for step, loss in enumerate(losses))
    unmoved = Lookout(lambda: False, still)
    assert any(unmoved.see(step, loss, True) for step, loss in enumerate(losses))


def test_rate_rose() -> None:
    assert rate_rose(np.array([[0.1, 0.1], [0.1, 0.1], [0.1, 0.2]]))
    assert not rate_rose(np.array([[0.1, 0.1], [0.05, 0.1], [0.055, 0.1]]))
    assert not rate_rose(np.array([[np.nan]]))


def great(*updates: int) -> Lookout:
    """One whose updates of these steps were as long as the parameters."""
    return Lookout(lambda: False, lambda steps: next((step for step in steps if step in updates), None))


def alarms(made: Lookout, losses: Sequence[float]) -> list[int]:
    return [step for step, loss in enumerate(losses) if made.see(step, loss, True) is not None]


def test_an_early_leap_after_a_great_update() -> None:
    losses = [2.3, 2.2, 2.4, 13.0, 2.3]
    assert alarms(great(2), losses) == [3]
    assert alarms(great(), losses) == []
    assert alarms(great(3), losses) == []  # the update after the leap did not do it
    assert alarms(great(2), [2.3, 2.2, 2.4, 11.0, 2.3]) == []
    assert alarms(great(2), [2.3, 6.0, 2.4, 13.0, 2.3]) == []  # not 5 times the highest before
    assert alarms(great(2), [2.3] * 8 + [13.0]) == []  # too long ago
    assert alarms(great(1), [-2.3, -2.2, 13.0]) == []


def test_an_early_rise_of_three_losses() -> None:
    assert alarms(great(1), [3.8, 15.0, 25.0, 25.0]) == [3]
    assert alarms(great(1), [3.8, 11.0, 25.0, 18.0]) == []
    assert alarms(great(), [3.8, 15.0, 25.0, 25.0]) == []


def test_an_early_leap_is_held_against_the_start_afterwards() -> None:
    made = great(0)
    assert alarms(made, [2.3, 893.0, 893.0, 893.0, 893.0, 893.0, 893.0, 893.0]) == [1]
    assert made.still_broken  # 893 is not ordinary, though the first rule of all would allow 2,300
    assert (made.range.median, made.range.ceiling) == (2.3, 11.5)


def test_an_early_leap_is_not_calm() -> None:
    made = great(0)
    made.see(0, 2.3, True)
    assert made.calm_below == pytest.approx(6.9)  # the first rule of all would allow 2,300
    made = great(0)
    made.see(0, -2.3, True)
    assert made.calm_below == -math.inf


def test_only_the_first_128_losses_are_a_start() -> None:
    losses = [2.3, 2.1, *[2.2] * 125, 13.0]
    assert alarms(great(126), losses) == [127]
    assert alarms(great(127), [2.2, *losses]) == []


def test_a_spike_that_came_back() -> None:
    made = lookout()
    assert made.see(200, 20.0, True) is None
    assert made.spike is None
    made.see(201, 30.0, True)
    made.see(202, 1.0, True)
    assert made.spike == Spike(step=201, loss=30.0, median=1.0, back=202)
    made.spike = None
    made.see(203, 1.0, True)
    assert made.spike is None


def test_a_spike_that_became_an_alarm_is_no_spike() -> None:
    made = lookout()
    assert alarms(made, [20.0] * 5) == [4]
    for step in range(205, 205 + 2 * WINDOW):
        made.see(step, 1.0, True)
        made.is_over()
    assert made.since is None
    assert made.spike is None


def test_a_calm_loss_sets_nothing_off_and_makes_nobody_wary() -> None:
    rng = np.random.default_rng(0)
    made = great(*range(1000))
    for step, loss in enumerate(np.exp(rng.normal(size=3000)).tolist()):
        calm = loss <= made.calm_below
        alarm = made.see(step, loss, True)
        assert not (calm and (alarm is not None or made.wary))
        made.is_over()
