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
    return outcome_of(course, opened, over, ended=ended, one_optimizer=one, last_step=len(losses) - 1)


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
        ([2.3, 2.4, 2.2], Outcome.ENDED),
        ([2.3, 2.2, 2.6], Outcome.ENDED),
        ([2.3], Outcome.ENDED),
        ([7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], Outcome.ENDED),
        ([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], Outcome.DESCENDING),
        ([], Outcome.ENDED),
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
    assert outcome(FALLING, out) is Outcome.DIVERGED  # it ends in it
    long_ago = alarm(1000, Trigger.LOSS_OUT_OF_RANGE)
    assert outcome(FALLING, long_ago) is Outcome.DESCENDING  # it has settled far below its start
    assert outcome(np.append(FALLING, [5.0, 8.0, 20.0, 60.0]), long_ago) is Outcome.DIVERGED
    assert outcome(np.append(FALLING, [5.0, 8.0, 20.0, 60.0]), out) is Outcome.DIVERGED
    assert outcome(np.append(FALLING, [5.0, 8.0, 20.0, 60.0]), out, ended=False) is Outcome.DIVERGED


def test_of_several_optimizers_a_rising_loss_says_nothing() -> None:
    assert outcome(RISING, one=False) is not Outcome.DIVERGED
    assert outcome(RISING, alarm(3), one=False) is Outcome.DIVERGED


def exploded(end: float, at: int = 1) -> np.ndarray:
    """From 2.3 up to a billion and back, to noise around ``end``."""
    back = end * (1 + 0.01 * np.random.default_rng(1).normal(size=190))
    return np.concatenate([np.full(at, 2.3), [1e5, 1e9, 1e6, 1e4, 1e3, 300, 100, 30, 10], back])


@pytest.mark.parametrize("at", [1, 6])
def test_a_run_that_blew_up_at_once_is_held_against_what_was_before(at: int) -> None:
    over = (alarm(at, Trigger.LOSS_OUT_OF_RANGE),)
    assert outcome(exploded(6.2, at), over=over) is Outcome.DIVERGED
    assert outcome(exploded(2.35, at), over=over) is Outcome.STALLED
    assert outcome(exploded(1.1, at), over=over) is not Outcome.DIVERGED
    falls = exploded(1.1, at) * np.append(np.ones(at + 9), np.linspace(1, 0.3, 190))
    assert outcome(falls, over=over) is Outcome.DESCENDING
    to_chance = exploded(2.3, at) * np.append(np.ones(at + 9), np.linspace(1.3, 1.0, 190))
    assert outcome(to_chance, over=over) is Outcome.STALLED  # below its peak alone


def test_above_its_start_is_above_the_first_losses_too() -> None:
    """A quarter of the run is no start where the loss has long fallen by then."""
    losses = np.concatenate([2.3 * np.exp(-np.arange(100) / 20), np.full(200, 2.0)])
    losses += 0.02 * np.random.default_rng(0).normal(size=300)
    assert outcome(losses) is not Outcome.DIVERGED
    assert outcome(losses + np.repeat([0.0, 1.0], [100, 200])) is Outcome.DIVERGED
