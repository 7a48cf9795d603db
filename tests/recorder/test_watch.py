"""The two lines in somebody's loop: the run file, the numbers in it, and how a watch ends."""

import subprocess
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import fallline as fl
from fallline._recorder._scribe import Scribe
from fallline._records import EventKind
from fallline._store import read_recording
from watched_loops import LOOPS, SignDescent, mlp, nothing, seed


def test_the_example_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model, loss_fn = nn.Linear(2, 1), mse_loss
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = [(torch.randn(8, 2), torch.randn(8, 1)) for _ in range(5)]
    with fl.watch(model, optimizer, quiet=True) as watch:
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss, closure=lambda x=x, y=y: loss_fn(model(x), y))
    assert watch.path == str(Path("runs/0001-linear.db"))
    run = fl.load(watch.path)
    assert repr(run) == "<Recording linear: SGD, 5 steps, ended>"
    assert [(layer.name, layer.kind, layer.parameters) for layer in run.header.layers] == [
        ("weight", "Parameter", 2),
        ("bias", "Parameter", 1),
    ]
    assert len(run.batches) == 5
    assert run.batches.as_given.all()
    fl.watch(model, optimizer, quiet=True).close()
    assert sorted(path.name for path in Path("runs").iterdir()) == ["0001-linear.db", "0002-linear.db"]


def test_a_named_run_file(tmp_path: Path) -> None:
    model = mlp()
    with fl.watch(model, torch.optim.Adam(model.parameters()), run=tmp_path / "sub" / "first.db", quiet=True) as watch:
        assert watch.path == str(tmp_path / "sub" / "first.db")
    assert fl.load(tmp_path / "sub" / "first.db").header.optimizers == ("Adam",)


def test_the_numbers_against_a_loop_written_out(tmp_path: Path) -> None:
    seed()
    model = mlp().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(16, 5, dtype=torch.float64), torch.randn(16, 3, dtype=torch.float64)
    expected = []
    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        for step in range(6):
            optimizer.zero_grad()
            loss = mse_loss(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.2)
            optimizer.param_groups[0]["lr"] = 0.1 / (step + 1)
            before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
            gradient = torch.cat([p.grad.reshape(-1) for p in model.parameters()])
            optimizer.step()
            after = nn.utils.parameters_to_vector(model.parameters()).detach()
            watch.step(loss)
            update = after - before
            numbers = (gradient.norm(), update.norm(), before.norm(), gradient @ update)
            expected.append([loss.item(), 0.1 / (step + 1), *(number.item() for number in numbers)])
    steps = fl.load(watch.path).steps
    found = [steps.loss, steps.learning_rate[:, 0]]
    found += [each[:, 0] for each in (steps.gradient_norm, steps.update_norm, steps.parameter_norm)]
    np.testing.assert_allclose(np.stack([*found, steps.first_order_change[:, 0]], axis=1), expected, rtol=1e-6)
    assert steps.updates.tolist() == [[1]] * 6


def test_several_optimizers(tmp_path: Path) -> None:
    loop = LOOPS["two optimizers against each other"]()
    with fl.watch(loop.model, list(loop.optimizers), run=tmp_path / "run.db", quiet=True) as watch:
        for step in range(6):
            loop.turn(step, watch.step)
    recorded = fl.load(watch.path)
    assert recorded.header.optimizers == ("Adam", "RMSprop")
    assert recorded.steps.updates.tolist() == [[0, 1], [1, 1]] * 3
    assert recorded.steps.measured.tolist() == [[False, True], [True, True]] * 3
    assert recorded.events == ()


@pytest.mark.parametrize("kind", ["SGD", "AdamW", "fused"])
def test_steps_that_a_scaler_skips(kind: str, tmp_path: Path) -> None:
    """Every ninth loss is infinite, and the scale begins far too high."""
    seed()
    loop = LOOPS[f"float16 under a scaler, {kind}"]()
    moved = []
    with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db", quiet=True) as watch:
        for step in range(24):
            before = nn.utils.parameters_to_vector(loop.model.parameters()).detach().clone()
            loop.turn(step, lambda loss, _: watch.step(loss))
            moved.append(bool((nn.utils.parameters_to_vector(loop.model.parameters()) != before).any()))
    recorded = fl.load(watch.path)
    assert recorded.steps.updates[:, 0].astype(bool).tolist() == moved
    assert recorded.steps.measured[:, 0].tolist() == moved
    assert 0 < sum(moved) < 24
    assert np.isfinite(recorded.steps.gradient_norm[recorded.steps.measured]).all()


def test_flush_is_durable(tmp_path: Path) -> None:
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db", quiet=True) as watch:
        for step in range(3):
            loop.turn(step, watch.step)
            assert watch.flush() is True
            found = read_recording(watch.path)
            assert len(found) == step + 1
            assert found.summary is None
    assert fl.load(watch.path).summary is not None


def test_should_stop_after_an_alarm(tmp_path: Path) -> None:
    loop = LOOPS["a rate that ends in NaN"]()
    with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db", quiet=True) as watch:
        assert watch.should_stop is False
        for step in range(60):
            loop.turn(step, watch.step)
            if watch.should_stop:
                break
    recorded = fl.load(watch.path)
    assert 0 < len(recorded) < 60
    assert [alarm.step for alarm in recorded.alarms] == [len(recorded) - 1]


class BrokenError(Exception):
    """What the user's loop raises here."""


def broken() -> NoReturn:
    raise BrokenError("in the loop\nand its second line")


def test_an_exception_is_recorded_and_passed_on_unchanged(tmp_path: Path) -> None:
    def trains() -> None:
        loop = LOOPS["SGD"]()
        with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db", quiet=True) as watch:
            loop.turn(0, watch.step)
            broken()

    with pytest.raises(BrokenError) as caught:
        trains()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["test_an_exception_is_recorded_and_passed_on_unchanged", "trains", "broken"]
    assert caught.value.args == ("in the loop\nand its second line",)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    recorded = fl.load(tmp_path / "run.db")
    assert [(event.step, event.kind, event.text) for event in recorded.events] == [
        (0, EventKind.EXCEPTION, "BrokenError: in the loop")
    ]
    assert recorded.summary is not None
    assert str(recorded.summary.exception).startswith("BrokenError: in the loop")


@pytest.mark.parametrize("end", [SystemExit(0), SystemExit(None), GeneratorExit()])
def test_an_end_that_was_meant_is_no_exception(end: BaseException, tmp_path: Path) -> None:
    def trains() -> None:
        model = mlp()
        with fl.watch(model, torch.optim.SGD(model.parameters()), run=tmp_path / "run.db", quiet=True):
            raise end

    with pytest.raises(type(end)):
        trains()
    recorded = fl.load(tmp_path / "run.db")
    assert recorded.events == ()
    assert recorded.summary is not None
    assert recorded.summary.exception is None


def test_what_the_header_notes(tmp_path: Path) -> None:
    model = mlp()
    model[0].bias.requires_grad_(False)
    optimizer = SignDescent([model[0].weight, model[0].bias, nn.Parameter(torch.zeros(2))], size=0.1)
    fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True).close()
    assert fl.load(tmp_path / "run.db").header.notes == (
        "No optimizer holds 2.weight, 2.bias: not trained, not watched.",
        "Frozen: 0.bias.",
        "Not of the model, but held by the optimizer: SignDescent.group0.2.",
        "A parameter group has no learning rate (lr): it stands as NaN.",
    )


def test_the_closing_line_is_on_stderr_unless_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (True, False):
        loop = LOOPS["SGD"]()
        with fl.watch(loop.model, loop.optimizers, run=tmp_path / f"{quiet}.db", quiet=quiet) as watch:
            for step in range(5):
                loop.turn(step, watch.step)
        out, err = capsys.readouterr()
        assert out == ""
        assert (err == "") is quiet


def test_hooks_are_gone_afterwards(tmp_path: Path) -> None:
    loop = LOOPS["dropout and batch norm"]()
    with fl.watch(loop.model, loop.optimizers, run=tmp_path / "run.db", quiet=True) as watch:
        loop.turn(0, watch.step)
        assert loop.optimizers[0]._optimizer_step_pre_hooks
    assert not loop.optimizers[0]._optimizer_step_pre_hooks
    assert not loop.optimizers[0]._optimizer_step_post_hooks
    assert not any(module._forward_pre_hooks for module in loop.model.modules())
    loop.turn(1, nothing)


@pytest.mark.parametrize("program", ["import fallline", "import fallline; fallline.__all__; dir(fallline)"])
def test_importing_fallline_loads_no_torch(program: str) -> None:
    code = f"{program}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


PROGRAM = """
import sys, torch, fallline as fl
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
watch = fl.watch(model, optimizer, run=sys.argv[1], quiet=True)
for step in range(7):
    optimizer.zero_grad()
    loss = model(torch.ones(4, 2)).square().mean()
    loss.backward()
    optimizer.step()
    watch.step(loss)
{last}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "status", "events"),
    [
        ("", 0, []),
        ("sys.exit(3)", 3, []),
        ("raise ValueError('in the program')", 1, ["ValueError: in the program"]),
        ("import os; pid = os.fork(); pid and os.waitpid(pid, 0)", 0, []),
    ],
)
def test_a_program_that_ends_without_close(last: str, status: int, events: list[str], tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(PROGRAM.format(last=last))
    ended = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "run.db")], check=False, capture_output=True, text=True
    )
    assert ended.returncode == status
    assert ended.stderr.count("Traceback") == (status == 1)
    recorded = fl.load(tmp_path / "run.db")
    assert len(recorded) == 7
    assert recorded.summary is not None
    assert [event.text for event in recorded.events] == events


def _small_watch(run: Path) -> tuple[torch.optim.Optimizer, fl.Watch]:
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return optimizer, fl.watch(model, optimizer, run=run)


@pytest.mark.parametrize("before", [0, 3])
def test_a_full_disk_is_told_at_the_end(
    before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Scribe.finish, "__defaults__", (0.2,))
    optimizer, watch = _small_watch(tmp_path / "run.db")
    connection = watch._scribe._writer._connection
    for step in range(5):
        if step == before:
            assert watch.flush()
            connection.execute("PRAGMA query_only = 1").fetchall()
        optimizer.step()
        watch.step(1.0)
    with pytest.warns(fl.FalllineWarning, match="cannot be written") as said:
        watch.close()
    assert [each.filename for each in said] == [__file__]
    none = "none of the 5 steps is" if before == 0 else "only 3 of the 5 steps are"
    assert f"; {none} in the file: it, or its folder, is read-only; `fallline explain" in capsys.readouterr().err
    assert len(fl.load(tmp_path / "run.db")) == before


def test_no_more_than_the_last_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(fl.RunFileError, match=r"there is no folder .*deep; make it first"):
        _small_watch(tmp_path / "deep" / "er" / "run.db")
    assert list(tmp_path.iterdir()) == []


def test_a_warning_points_at_the_users_own_line(tmp_path: Path) -> None:
    optimizer, watch = _small_watch(tmp_path / "run.db")
    optimizer.step()
    watch.close()
    with pytest.warns(fl.FalllineWarning, match="after the watch was closed") as said:
        watch.step(1.0)
    assert [each.filename for each in said] == [__file__]


def test_a_closure_that_raises_is_named(tmp_path: Path) -> None:
    optimizer, watch = _small_watch(tmp_path / "run.db")
    optimizer.step()
    with pytest.warns(fl.FalllineWarning, match="could not be measured: the closure raised ZeroDivisionError: div"):
        watch.step(1.0, lambda: torch.tensor(1 / 0))
    watch.close()
