"""docs/semantics.md#outcome-of-a-loop"""

import numpy as np
import pytest

from fallline._recorder._losses import Losses
from fallline._recorder._outcome import outcome_of
from fallline._records import Alarm, Flight, Outcome, Trigger

RNG = np.random.default_rng(0)
T = 2000
FALLING = np.linspace(2, 1, T) + 0.2 * RNG.normal(size=T)
FLAT = 1 + 0.2 * RNG.normal(size=T)
RISING = np.linspace(1, 1.5, T) + 0.2 * RNG.normal(size=T)


def alarm(step: int, trigger: Trigger = Trigger.LOSS_NOT_FINITE) -> Alarm:
    none, wide = np.zeros(0), np.zeros((0, 1))
    flight = Flight(np.zeros(0, np.int64), none, wide, wide, wide, np.zeros((0, 1), bool), np.zeros(0, bool))
    return Alarm(step, trigger, None, "loss", step, None, None, None, (), flight, None)


def outcome(
    losses: np.ndarray | list[float],
    opened: Alarm | None = None,
    ended: bool = True,
    one: bool = True,
    over: tuple[Alarm, ...] = (),
) -> Outcome:
    course = Losses.of(np.asarray(losses, dtype=np.float64))
    return outcome_of(course, opened, over, ended=ended, one_optimizer=one)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        (FALLING, Outcome.DESCENDING),
        (FLAT, Outcome.STALLED),
        (RISING, Outcome.DIVERGED),
        (-np.exp(np.linspace(0, 1, T)), Outcome.DESCENDING),
        (np.exp(RNG.normal(size=T)), Outcome.STALLED),
        (np.ones(100), Outcome.STALLED),
        (4.0 ** np.arange(6), Outcome.DIVERGED),
        ([2.3, 2.4, 2.2], Outcome.DESCENDING),
        ([2.3, 2.2, 2.6], Outcome.DESCENDING),
        ([], Outcome.DESCENDING),
        (np.append(FALLING, np.nan), Outcome.DIVERGED),
        (np.insert(FALLING, 1000, np.nan), Outcome.DESCENDING),
    ],
)
def test_by_the_loss(losses: np.ndarray, expected: Outcome) -> None:
    assert outcome(losses) is expected


def test_one_noisy_loss_at_either_end_decides_nothing() -> None:
    assert outcome(np.concatenate([[0.01], FALLING, [9.0]])) is Outcome.DESCENDING


def test_a_loop_that_was_stopped() -> None:
    assert outcome(FALLING, ended=False) is Outcome.INTERRUPTED
    assert outcome(RISING, ended=False) is Outcome.INTERRUPTED
    assert outcome(np.append(FALLING, np.inf), ended=False) is Outcome.DIVERGED
    assert outcome([], ended=False) is Outcome.INTERRUPTED


def test_an_open_alarm() -> None:
    assert outcome(FALLING, alarm(1999)) is Outcome.DIVERGED
    out = alarm(1999, Trigger.LOSS_OUT_OF_RANGE)
    assert outcome(FALLING, out) is Outcome.DESCENDING  # out of its range, but far below its start
    assert outcome(np.append(FALLING, [5.0, 8.0, 20.0, 60.0]), out) is Outcome.DIVERGED
    assert outcome(np.append(FALLING, [5.0, 8.0, 20.0, 60.0]), out, ended=False) is Outcome.DIVERGED


def test_of_several_optimizers_a_rising_loss_says_nothing() -> None:
    assert outcome(RISING, one=False) is not Outcome.DIVERGED
    assert outcome(RISING, alarm(3), one=False) is Outcome.DIVERGED


def test_a_run_that_blew_up_at_once_is_held_against_its_very_first_loss() -> None:
    losses = [2.3, 1e5, 1e9, 1e6, *[40.0 + k % 3 for k in range(56)]]
    at_once = alarm(1, Trigger.LOSS_OUT_OF_RANGE)
    assert outcome(losses, over=(at_once,)) is Outcome.DIVERGED
    assert outcome(losses, over=(alarm(40),)) is not Outcome.DIVERGED
    assert outcome([2.3, 1e5, 1e9, 1e6, *[4.0 + k % 3 for k in range(56)]], over=(at_once,)) is not Outcome.DIVERGED
