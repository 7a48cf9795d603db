"""Whatever breaks inside a watch: the loop goes on, the weights are the same, and it is said once."""

import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import torch

import fallline as fl
from fallline._recorder import _given, _steps
from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge
from fallline._recorder._ending import Ending
from fallline._recorder._flight import FlightRecorder
from fallline._recorder._guard import Guard, guarded, in_one_line, warn
from fallline._recorder._hooks import OptimizerHooks
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._instruments import IntervalInstruments
from fallline._recorder._loop_check import LoopCheck
from fallline._recorder._pace import Pace
from fallline._recorder._rows import RowsToRecords
from fallline._recorder._same_batch import SameBatch
from fallline._recorder._scribe import Scribe
from fallline._recorder._steps import StepRecorder
from fallline._recorder._waiting import WaitingSteps
from fallline._store import RecordingWriter
from watched_loops import LOOPS, left_behind, nothing, seed

GAUGE = CompiledGauge if COMPILED else HostGauge
LOOP, STEPS, BREAKS_AT = "dropout and batch norm", 12, 3
PARTS = [
    GAUGE, SameBatch, IntervalInstruments, FlightRecorder, Ending, Pace, Scribe, LoopCheck, OptimizerHooks,
    RecordingWriter, StepRecorder, WaitingSteps, fl.Watch,
]  # fmt: skip
ENTRIES = ("step", "_record", "log", "flush", "close", "_log", "_flush", "_alarmed", "_end")
GUARDED = {*((fl.Watch, name) for name in ENTRIES), (WaitingSteps, "take")}
"""What everything else is called from: these have nothing around them."""
OTHERS = {(Scribe, name) for name in vars(Scribe) if name.startswith("_")}
"""Of the writing thread: tests/recorder/test_scribe.py."""
METHODS = [
    (part, name)
    for part in PARTS
    for name, found in vars(part).items()
    if callable(found) and not name.startswith("__") and (part, name) not in GUARDED | OTHERS
]
SOME = [(SameBatch, "measure"), (FlightRecorder, "see"), (Scribe, "put"), (OptimizerHooks, "take")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end does not wait long for a disk that will never answer."""
    monkeypatch.setattr(Scribe.finish, "__defaults__", (0.2,))
    monkeypatch.setattr(Scribe.close, "__defaults__", (0.2,))


class PulledError(Exception):
    """What a broken part raises here."""


def pull(*_: object, **__: object) -> NoReturn:
    raise PulledError("the plug")


def bare() -> dict[str, Any]:
    seed()
    loop = LOOPS[LOOP]()
    for step in range(STEPS):
        loop.turn(step, nothing)
    return left_behind(loop)


def trained(run: Path, break_it: Callable[[], None]) -> dict[str, Any]:
    """What a loop leaves behind whose watch breaks in mid-run; every public method is called before and after."""
    seed()
    loop = LOOPS[LOOP]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        for step in range(STEPS):
            if step == BREAKS_AT:
                break_it()
            loop.turn(step, watch.step)
            watch.log(number=step)
            assert watch.should_stop in {True, False}
            if step in {1, STEPS - 2}:
                assert watch.flush() in {True, False}
    return left_behind(loop)


def check(run: Path, break_it: Callable[[], None], *, lets_go: bool = True) -> list[str]:
    """What was said on the way. Where a watch can no longer let go, its hooks stay."""
    expected = bare()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = trained(run, break_it)
    assert [what for what in expected if expected[what] != found[what] and (lets_go or what != "hooks")] == []
    sentences = [str(each.message) for each in said]
    assert [each.category for each in said] == [fl.FalllineWarning] * len(said)
    assert len(set(sentences)) == len(sentences)
    return sentences


@pytest.mark.parametrize(("part", "method"), SOME)
def test_a_broken_part(part: type, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = check(tmp_path / "run.db", lambda: monkeypatch.setattr(part, method, pull))
    assert said != []
    monkeypatch.undo()
    assert len(fl.load(tmp_path / "run.db").header.parameters) == 6


@pytest.mark.slow
@pytest.mark.parametrize(("part", "method"), METHODS)
def test_any_broken_part(part: type, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lets_go = (part, method) not in {(SameBatch, "remove"), (StepRecorder, "stop"), (StepRecorder, "_let_go")}
    check(tmp_path / "run.db", lambda: monkeypatch.setattr(part, method, pull), lets_go=lets_go)
    monkeypatch.undo()
    fl.load(tmp_path / "run.db")


@pytest.mark.parametrize("name", ["perf_counter", "number_of", "rows"])
def test_a_broken_clock(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_it() -> None:
        if name == "perf_counter":
            monkeypatch.setattr(_steps, "time", SimpleNamespace(perf_counter=pull))
        elif name == "rows":
            monkeypatch.setattr(RowsToRecords, "of", pull)
        else:
            monkeypatch.setattr(_given, name, pull)

    assert check(tmp_path / "run.db", break_it) != []


def test_a_part_that_broke_is_marked_and_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def measure(*_: object) -> None:
        calls.append(1)
        raise PulledError("the plug\nand more")

    check(tmp_path / "run.db", lambda: monkeypatch.setattr(SameBatch, "measure", measure))
    recorded = fl.load(tmp_path / "run.db")
    assert [(event.step, event.text) for event in recorded.events] == [
        (BREAKS_AT, "From here on the step on its own batch could not be measured: PulledError: the plug")
    ]
    assert len(calls) == 1
    assert len(recorded) == STEPS
    assert recorded.steps.measured.all()
    assert recorded.summary is not None


def test_norms_that_broke_leave_updates_and_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path / "run.db", lambda: monkeypatch.setattr(GAUGE, "read", pull))
    steps = fl.load(tmp_path / "run.db").steps
    assert steps.updates[:, 0].tolist() == [1] * STEPS
    assert steps.learning_rate[:, 0].tolist() == [0.01] * STEPS
    assert steps.measured[:, 0].tolist() == [True] * BREAKS_AT + [False] * (STEPS - BREAKS_AT)


def test_warnings_that_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bare()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trained(tmp_path / "run.db", lambda: monkeypatch.setattr(GAUGE, "read", pull))
    assert expected == found


def test_warnings_that_cannot_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_it() -> None:
        monkeypatch.setattr(GAUGE, "read", pull)
        monkeypatch.setattr(warnings, "showwarning", pull)

    expected = bare()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert trained(tmp_path / "run.db", break_it) == expected


def test_interrupts_are_meant_for_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    def trains() -> None:
        with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db", quiet=True) as watch:
            loop.turn(0, watch.step)
            monkeypatch.setattr(GAUGE, "read", interrupt)
            loop.turn(1, watch.step)

    loop = LOOPS[LOOP]()
    with pytest.raises(KeyboardInterrupt):
        trains()
    recorded = fl.load(tmp_path / "run.db")
    assert [event.text for event in recorded.events] == ["KeyboardInterrupt"]
    assert recorded.summary is not None
    assert len(recorded) == 1


class Instrument:
    """Something that is guarded."""

    def __init__(self) -> None:
        self.guard = Guard()
        self.calls = 0

    @guarded("the weather")
    def measure(self) -> int:
        self.calls += 1
        raise PulledError("rain")

    @guarded("the tide", tries_again=True)
    def again(self) -> int:
        self.calls += 1
        if self.calls % 2:
            raise PulledError("ebb")
        return self.calls


def test_switched_off_after_the_first_time() -> None:
    instrument = Instrument()
    with pytest.warns(fl.FalllineWarning, match="the weather could not be measured: PulledError: rain") as said:
        assert [instrument.measure(), instrument.measure()] == [None, None]
    assert (instrument.calls, len(said), len(instrument.guard.said)) == (1, 1, 1)
    assert not instrument.guard.works("the weather")
    assert instrument.guard.works("the tide")


def test_tried_again() -> None:
    instrument = Instrument()
    with pytest.warns(fl.FalllineWarning, match="ebb") as said:
        assert [instrument.again() for _ in range(4)] == [None, 2, None, 4]
    assert len(said) == 1


class UnspeakableError(Exception):
    """An exception whose text cannot be made."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("first\nsecond"), "ValueError: first"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (UnspeakableError(), "UnspeakableError"),
        (torch.OutOfMemoryError("no room"), "OutOfMemoryError: no room"),
    ],
)
def test_an_error_in_one_line(error: BaseException, line: str) -> None:
    assert in_one_line(error) == line


def test_warn_never_raises() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn("nothing")
