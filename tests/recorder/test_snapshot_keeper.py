"""Which parameters end up in the file. docs/semantics.md#parts-of-an-update-effective-step-snapshots"""

from typing import Any

import numpy as np
import pytest

from fallline._recorder._snapshots import START
from fallline._records import Alarm, Flight, Trigger
from paced import Numbered


def test_start_schedule_and_end() -> None:
    run = Numbered(4 * 29)
    run.go(100)
    run.end()
    assert run.found == {step: float(step) for step in (-1, 0, 1, 2, 4, 8, 16, 32, 64, 99)}
    assert set(run.pace.booked) == {"snapshots"}


def test_start_and_end_alone() -> None:
    run = Numbered(4 * 2, spacing=5)
    run.go(50)
    run.end()
    assert list(run.found) == [START, 49]
    assert run.instruments.kept_before(49) == START  # no room left in the file for another


def test_the_end_is_kept_once() -> None:
    run = Numbered(4 * 29)
    run.go(9)
    run.end()
    assert list(run.found) == [-1, 0, 1, 2, 4, 8]


def test_a_loop_without_an_update_has_no_snapshots() -> None:
    run = Numbered(4 * 29)
    assert run.instruments.take(0) == ()
    assert run.instruments.last(0) == ()


def test_the_budget_holds_however_long_it_goes() -> None:
    for room in (3, 6, 11, 40):
        run = Numbered(4 * room)
        run.go(3_000)
        run.end()
        assert len(run.found) <= room


def test_a_resumed_run_goes_on_with_the_schedule() -> None:
    stored = [-1, 0, 1, 2, 4, 8, 16, 19]
    run = Numbered(4 * 29, first_step=20, stored=stored)
    run.go(60)
    run.end()
    assert run.found == {32: 32.0, 64: 64.0, 79: 79.0}
    assert run.snapshots._allowance.left == 29 - len(stored) - 3


@pytest.mark.parametrize("room", [2, 3, 28])
def test_the_budget_holds_however_often_it_is_resumed(room: int) -> None:
    """Every start ends with a snapshot of its last step."""
    stored: list[int] = []
    for start in range(60):
        run = Numbered(4 * room, first_step=7 * start, stored=stored)
        run.go(7)
        run.end()
        assert not set(run.found) & set(stored)
        stored += run.found
    assert len(stored) == room
    assert min(stored) == START


def test_a_file_that_holds_the_start_gets_no_second_one() -> None:
    run = Numbered(4 * 29, stored=[START])
    run.go(3)
    assert list(run.found) == [0, 1, 2]


def test_a_copy_of_the_start_is_booked() -> None:
    run = Numbered(4 * 29)
    run.instruments.before_update()
    assert run.pace.booked == ["snapshots"]


def test_no_snapshot_while_others_wait_to_be_written() -> None:
    """Large ones: two may wait; the next is taken when there is room, of the step that it is then."""
    run = Numbered(1 << 30, size=1 << 22)
    held: list[Any] = []
    run.instruments.before_update()
    for step in range(6):
        held += run.instruments.take(step)
    assert [snapshot.step for snapshot in held] == [START, 0]
    held.clear()
    assert [snapshot.step for snapshot in run.instruments.take(6)] == [6]


def alarm(step: int, snapshot_step: int | None) -> Alarm:
    nothing = np.zeros(0)
    none = np.zeros(0, dtype=np.bool_)
    flight = Flight(nothing.astype(np.int64), nothing, *[nothing[:, None]] * 3, none[:, None], none)
    trigger = Trigger.LOSS_NOT_FINITE
    return Alarm(step, trigger, None, "loss", step, None, None, None, (), flight, snapshot_step)


@pytest.mark.parametrize("broke", [1, 7, 30, 57, 99])
def test_the_parameters_from_before_an_alarm(broke: int) -> None:
    run = Numbered(4 * 29, spacing=10)
    run.go(broke + 1)
    step = run.instruments.kept_before(broke)
    assert step is not None
    assert step < broke
    assert broke - step <= 20
    run.keep(run.instruments.from_before(alarm(broke, step)))
    assert run.found[step] == float(step)


def test_what_the_file_has_from_before_an_alarm_counts() -> None:
    """Where it is younger than what is held in memory: steps 96 and 98 are in the file, 0 and 100 are held."""
    run = Numbered(4 * 1_000, spacing=100)
    run.go(101)
    assert {96, 98} & set(run.found)
    step = run.instruments.kept_before(100)
    assert step == max(each for each in run.found if each < 99)
    assert run.instruments.from_before(alarm(100, step)) == ()
