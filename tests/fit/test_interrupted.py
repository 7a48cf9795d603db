"""docs/semantics.md#outcome, interrupted: Ctrl-C at any moment leaves a complete and consistent record."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import fallline as fl
from cases import OVERLAPPING, SEVERAL, TILTED, Case
from fallline._descent import Batches
from fallline._fit import _recording


def interrupted(data: object = None, **options: object) -> fl.Run:
    """What a fit that is stopped by Ctrl-C hands on with the KeyboardInterrupt."""
    with pytest.raises(KeyboardInterrupt) as stop:
        fl.fit(data, **options)
    return stop.value.run


def assert_consistent(run: fl.Run, whole: fl.Run) -> None:
    """The record is the beginning of the uninterrupted one, nothing twice, nothing missing."""
    length = len(run)
    assert run.summary.outcome is fl.Outcome.INTERRUPTED
    for name in ("loss", "parameters", "gradient", "reach", "real_change", "full_loss", "epoch"):
        assert np.array_equal(getattr(run.columns, name), getattr(whole.columns, name)[:length], equal_nan=True), name


@pytest.mark.parametrize("filed", [False, True])
def test_from_the_progress_callback(filed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recording, "BLOCK_STEPS", 10)
    calls = []

    def progress(done: int, total: int, loss: float) -> None:
        calls.append((done, total))
        if done >= 30:
            raise KeyboardInterrupt

    run = interrupted(epochs=100, progress=progress, run=tmp_path / "run.db" if filed else None)
    assert calls == [(10, 100), (20, 100), (30, 100)]
    assert len(run) == 30
    assert_consistent(run, fl.fit(epochs=100))
    if filed:
        assert_consistent(fl.load(tmp_path / "run.db"), fl.fit(epochs=100))


@pytest.mark.parametrize("case", [SEVERAL, OVERLAPPING], ids=str)
@pytest.mark.parametrize("after", [0, 1, 6, 20])
def test_from_inside_an_epoch(case: Case, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"loss": case.loss, "batch_size": 5, "learning_rate": 0.1, "epochs": 10}
    whole = fl.fit(case.data, **options)
    plain = Batches.epoch

    def stopping(self: Batches, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for k, batch in enumerate(plain(self, epoch)):
            if epoch * self.per_epoch + k == after:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(Batches, "epoch", stopping)
    run = interrupted(case.data, **options)
    assert len(run) == after
    assert_consistent(run, whole)
    assert np.isfinite(run.summary.last_loss)
    assert str(fl.explain(run))
    assert f"after {after} step" in " ".join(fl.explain(run).sentences)


def test_while_a_block_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second write is interrupted after it was made: it is not made again."""
    from fallline._store import RunWriter

    monkeypatch.setattr(_recording, "BLOCK_STEPS", 10)
    plain, calls = RunWriter.append, []

    def append(self: RunWriter, block: object) -> None:
        plain(self, block)
        calls.append(len(calls))
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(RunWriter, "append", append)
    stopped = interrupted(epochs=100, run=tmp_path / "run.db")
    monkeypatch.undo()
    run = fl.load(tmp_path / "run.db")
    assert len(run) == len(stopped) == 20
    assert run.summary.finished
    assert_consistent(run, fl.fit(epochs=100))


def test_while_a_block_is_being_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recording, "BLOCK_STEPS", 10)
    plain, calls = _recording.measure, []

    def measure(*arguments: object) -> object:
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(_recording, "measure", measure)
    run = interrupted(TILTED.data, epochs=100)
    assert len(run) == 30
    monkeypatch.undo()
    assert_consistent(run, fl.fit(TILTED.data, epochs=100))


@pytest.mark.parametrize("moment", range(1, 9))
def test_between_any_two_stages_of_a_block(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that were measured but are still on the list of those taken are not measured again."""
    monkeypatch.setattr(_recording, "BLOCK_STEPS", 10)
    calls: list[int] = []
    plain = _recording._Recording.measured.fget

    def measured(self: object) -> int:
        calls.append(len(calls))
        if len(calls) == moment:
            raise KeyboardInterrupt
        return plain(self)

    monkeypatch.setattr(_recording._Recording, "measured", property(measured))
    run = interrupted(TILTED.data, epochs=100)
    monkeypatch.undo()
    assert len(run) % 10 == 0
    assert_consistent(run, fl.fit(TILTED.data, epochs=100))


@pytest.mark.slow
def test_blocks_do_not_change_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fl.fit(TILTED.data, epochs=50, batch_size=5)
    monkeypatch.setattr(_recording, "BLOCK_STEPS", 7)
    pieces = fl.fit(TILTED.data, epochs=50, batch_size=5)
    for name in ("loss", "parameters", "reach", "reach_measured", "full_loss", "real_change"):
        assert np.array_equal(getattr(whole.columns, name), getattr(pieces.columns, name)), name


def test_an_error_in_the_callback_is_the_callers_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes through, and what was flushed is in the file."""
    monkeypatch.setattr(_recording, "BLOCK_STEPS", 10)

    def progress(done: int, total: int, loss: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fl.fit(epochs=100, progress=progress, run=tmp_path / "run.db")
    assert len(fl.load(tmp_path / "run.db")) == 10
