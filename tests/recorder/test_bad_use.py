"""Bad use is one clear sentence before the first step, or a mark in the record; never an exception in the loop."""

import copy
import gc
import io
import re
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import fallline as fl
from watched_loops import LOOPS, Loop, SignDescent, mlp, nothing


def sgd(model: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.1)


def turns(loop: Loop, report: Callable[..., None], steps: range) -> None:
    for step in steps:
        loop.turn(step, report)


def texts(path: str | Path) -> list[str]:
    return [event.text for event in fl.load(path).events]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run.db"


# -- refused at the start ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (nn.ReLU(), "ReLU has no parameters: there is nothing to watch"),
        ([mlp()], r"the model is a torch.nn.Module, not a list. Several models .*nn.ModuleList"),
        (None, "the model is a torch.nn.Module, not None"),
        (mlp, "the model is a torch.nn.Module, not a function"),
    ],
)
def test_no_model(model: Any, sentence: str, run: Path) -> None:
    with pytest.raises(fl.OptionError, match=sentence):
        fl.watch(model, sgd(mlp()), run=run)
    assert not run.exists()


class Wrapped:
    """What some libraries hand out in place of an optimizer."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer


MODEL = mlp()


@pytest.mark.parametrize(
    ("optimizer", "sentence"),
    [
        ([], "the list of optimizers is empty"),
        (None, "the optimizer is a torch.optim.Optimizer, not None"),
        ("adam", "not a str"),
        (torch.optim.Adam, "not a type"),
        ([sgd(MODEL), 0.1], "not a float"),
        (Wrapped(sgd(MODEL)), "not a Wrapped. Give the one inside it: its .optimizer"),
        (sgd(mlp()), "The optimizer SGD holds none of the parameters of Sequential: make it from model.parameters"),
        ([sgd(MODEL), sgd(mlp())], "The optimizer SGD holds none"),
    ],
)
def test_no_optimizer(optimizer: Any, sentence: str, run: Path) -> None:
    with pytest.raises(fl.OptionError, match=sentence):
        fl.watch(MODEL, optimizer, run=run)
    assert not run.exists()


def test_the_same_optimizer_twice(run: Path) -> None:
    optimizer = sgd(MODEL)
    with pytest.raises(fl.OptionError, match="the same optimizer is given twice"):
        fl.watch(MODEL, [optimizer, optimizer], run=run)


HUGE = 1 << 70
SETTINGS = [
    *[("every", bad) for bad in (0, -1, 1.5, float("nan"), True, "2", HUGE)],
    *[("budget", bad) for bad in (0, -0.1, 1.01, float("nan"), float("inf"), True, "0.02", HUGE)],
    *[("memory", bad) for bad in (-1, float("nan"), None, True, "1 GB", HUGE)],
    *[("ring", bad) for bad in (0, -1, 2.0, None, False, HUGE)],
    *[("snapshots", bad) for bad in (-1, float("inf"), None, True, HUGE)],
    *[("run", bad) for bad in (3, "", b"run.db", True)],
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_that_cannot_be(name: str, value: object, run: Path) -> None:
    optimizer = sgd(MODEL)
    with pytest.raises(fl.OptionError, match=f"{name}= is .*, not "):
        fl.watch(MODEL, optimizer, **{"run": run, name: value})
    assert not run.exists()
    assert not optimizer._optimizer_step_pre_hooks


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"resume": True, "run": None}, "name it"),
        ({"resume_at": 3}, "goes with resume=True"),
        ({"resume": True, "resume_at": -1}, "resume_at= is the step"),
        ({"resume": True, "resume_at": 0.5}, "resume_at= is the step"),
    ],
)
def test_a_resumption_of_nothing(options: dict[str, Any], sentence: str, run: Path) -> None:
    with pytest.raises(fl.OptionError, match=sentence):
        fl.watch(MODEL, sgd(MODEL), **{"run": run, **options})


def test_a_second_watch_on_the_same_optimizer(run: Path) -> None:
    optimizer = sgd(MODEL)
    watch = fl.watch(MODEL, optimizer, run=run, quiet=True)
    with pytest.raises(fl.OptionError, match="This SGD is watched already: close the first watch"):
        fl.watch(MODEL, optimizer, run=run.with_name("second.db"))
    watch.close()
    assert not run.with_name("second.db").exists()
    fl.watch(MODEL, optimizer, run=run.with_name("second.db"), quiet=True).close()


def test_an_existing_run_file(run: Path) -> None:
    optimizer = sgd(MODEL)
    fl.watch(MODEL, optimizer, run=run, quiet=True).close()
    before = run.read_bytes()
    with pytest.raises(fl.RunFileError, match=r"exists already.*resume=True"):
        fl.watch(MODEL, optimizer, run=run)
    assert run.read_bytes() == before
    assert not optimizer._optimizer_step_pre_hooks


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(3)), "0.weight has no shape yet: run one batch through the model"),
        (lambda: nn.Linear(2, 2, device="meta"), "weight is on the meta device"),
        (lambda: nn.Linear(2, 2, dtype=torch.complex64), "weight is of dtype torch.complex64"),
    ],
)
def test_parameters_that_cannot_be_measured(make: Callable[[], nn.Module], sentence: str, run: Path) -> None:
    model = make()
    with pytest.raises(fl.OptionError, match=sentence):
        fl.watch(model, sgd(model), run=run)
    assert not run.exists()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(fl.RunFileError, match=r"The folder of the run file .* cannot be made"):
        fl.watch(MODEL, sgd(MODEL), run=tmp_path / "file" / "run.db")


class Sharded(torch.Tensor):
    """A tensor that is spread over several processes, as DTensor is."""


def test_sharded_parameters(run: Path) -> None:
    model = nn.Linear(2, 2)
    model.weight = nn.Parameter(torch.zeros(2, 2).as_subclass(Sharded))
    with pytest.raises(fl.OptionError, match="weight is a Sharded: only plain tensors"):
        fl.watch(model, sgd(model), run=run)


# -- marked in the record ----------------------------------------------------------------------------------------------


def watched(loop: Loop, run: Path, steps: int, report: Callable[[fl.Watch], Callable[..., None]]) -> None:
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        turns(loop, report(watch), range(steps))


def test_step_before_any_backward(run: Path) -> None:
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        with pytest.warns(fl.FalllineWarning, match="before any backward"):
            watch.step(1.0)
        turns(loop, watch.step, range(3))
    assert texts(run) == ["watch.step was called before any backward(): call it after optimizer.step()."]
    assert fl.load(run).steps.updates.tolist() == [[0], [1], [1], [1]]


def test_accumulation_is_no_bad_use(run: Path) -> None:
    loop = LOOPS["accumulating, reported at every turn"]()
    watched(loop, run, 8, lambda watch: watch.step)
    assert texts(run) == []
    assert fl.load(run).steps.updates[:, 0].tolist() == [0, 0, 0, 1, 0, 0, 0, 1]
    assert fl.load(run).steps.measured[:, 0].tolist() == [False, False, False, True] * 2


ODD_LOSSES = [
    ("a word", "a str"),
    (torch.zeros(3), "a tensor of shape (3,)"),
    (torch.zeros(0), "a tensor of shape (0,)"),
    (torch.zeros((), device="meta"), "a tensor of shape () on the meta device"),
    (torch.zeros((), dtype=torch.complex64), "a complex tensor of shape ()"),
    (np.zeros(2), "a ndarray"),
    ([1.0], "a list"),
    (True, "a bool"),
    ({}, "a dict"),
    (10**400, "int too large to convert to float"),
]


def test_losses_that_are_none(run: Path) -> None:
    """Each is said once, and the steps go on."""
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        turns(loop, watch.step, range(2))
        for loss, words in ODD_LOSSES:
            with pytest.warns(fl.FalllineWarning, match=re.escape(words)) as said:
                turns(loop, lambda *_, loss=loss: watch.step(loss), range(2, 4))
            assert len(said) == 1
        turns(loop, watch.step, range(4, 6))
    recorded = fl.load(run)
    assert [
        (event.step, words in event.text) for event, (_, words) in zip(recorded.events, ODD_LOSSES, strict=True)
    ] == [(2 * k, True) for k in range(1, len(ODD_LOSSES) + 1)]
    assert recorded.events[0].text == "watch.step: expected one number, got a str; it was left out."
    odd = 2 * len(ODD_LOSSES)
    assert recorded.steps.loss_measured.tolist() == [True, True, *[False] * odd, True, True]
    assert recorded.steps.measured.all()


LOSSES = [
    (0.5, 0.5),
    (2, 2.0),
    (float("nan"), float("nan")),
    (float("-inf"), float("-inf")),
    (np.float32(0.25), 0.25),
    (np.int64(3), 3.0),
    (np.array(0.5), 0.5),
    (np.array([0.5]), 0.5),
    (torch.tensor(0.5), 0.5),
    (torch.tensor([[0.5]], requires_grad=True), 0.5),
    (torch.tensor(7), 7.0),
    (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
]


def test_losses_that_are_numbers(run: Path) -> None:
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        for step, (loss, _) in enumerate(LOSSES):
            loop.turn(step, lambda *_, loss=loss: watch.step(loss))
    recorded = fl.load(run)
    np.testing.assert_array_equal(recorded.steps.loss, [value for _, value in LOSSES])
    assert recorded.steps.loss_measured.all()


def test_no_loss_at_all(run: Path) -> None:
    loop = LOOPS["SGD"]()
    with pytest.warns(fl.FalllineWarning, match=r"No loss was recorded: watch.step\(loss\) takes it"):
        watched(loop, run, 3, lambda watch: lambda *_: watch.step())
    assert texts(run) == ["No loss was recorded: watch.step(loss) takes it."]
    assert not fl.load(run).steps.loss_measured.any()


def test_numbers_of_ones_own_that_are_none(run: Path) -> None:
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        watch.log(before=1)
        turns(loop, watch.step, range(2))
        watch.log(accuracy=torch.tensor(0.5), loss=np.float32(2), gone=float("nan"), self=3)
        with pytest.warns(fl.FalllineWarning) as said:
            watch.log(word="high", nothing=None, several=torch.ones(2), good=4)
        turns(loop, watch.step, range(2, 3))
    recorded = fl.load(run)
    assert {name: (series.step.tolist(), series.value.tolist()) for name, series in recorded.logged.items()} == {
        "before": ([0], [1.0]),
        "accuracy": ([1], [0.5]),
        "loss": ([1], [2.0]),
        "gone": ([1], [pytest.approx(float("nan"), nan_ok=True)]),
        "self": ([1], [3.0]),
        "good": ([1], [4.0]),
    }
    assert [str(warning.message).partition("fallline: ")[2] for warning in said] == texts(run)
    assert texts(run)[0] == "watch.log(word=…): expected one number, got a str; it was left out."
    assert len(texts(run)) == 3


def test_step_never_called(run: Path) -> None:
    with pytest.warns(fl.FalllineWarning, match=r"watch.step was never called"):
        watched(LOOPS["SGD"](), run, 3, lambda _: nothing)
    assert len(fl.load(run)) == 0
    assert len(texts(run)) == 1


def test_nothing_done_at_all(run: Path) -> None:
    watched(LOOPS["SGD"](), run, 0, lambda watch: watch.step)
    assert (len(fl.load(run)), texts(run)) == (0, [])


def test_the_optimizer_never_steps(run: Path) -> None:
    loop = LOOPS["SGD"]()
    cross_entropy(loop.model(torch.ones(1, 5)), torch.zeros(1, dtype=torch.int64)).backward()
    watch = fl.watch(loop.model, loop.optimizers, run=run, quiet=True)
    watch.step(1.0)
    with pytest.warns(fl.FalllineWarning, match="No optimizer stepped"):
        watch.close()
    assert len(texts(run)) == 1


def test_after_the_end(run: Path) -> None:
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        turns(loop, watch.step, range(2))
        with watch:
            turns(loop, watch.step, range(2, 4))
        before = run.read_bytes()
        with pytest.warns(fl.FalllineWarning, match="watch.step was called after the watch was closed") as said:
            turns(loop, watch.step, range(4, 6))
        assert len(said) == 1
        with pytest.warns(fl.FalllineWarning, match="watch.flush"):
            assert watch.flush() is False
        with pytest.warns(fl.FalllineWarning, match="watch.log"):
            watch.log(accuracy=1)
    watch.close()
    watch.close()
    assert run.read_bytes() == before
    assert len(fl.load(run)) == 4


# -- changed in mid-run ------------------------------------------------------------------------------------------------


def test_a_layer_is_replaced(run: Path) -> None:
    loop = LOOPS["SGD"]()
    watch = fl.watch(loop.model, loop.optimizers, run=run, quiet=True)
    turns(loop, watch.step, range(2))
    loop.model[2] = nn.Linear(8, 3)
    turns(loop, watch.step, range(2, 4))
    with pytest.warns(fl.FalllineWarning, match="replaced in mid-run: 2.weight, 2.bias: no optimizer holds"):
        watch.close()
    (told,) = texts(run)
    assert told.endswith(" It happened between step 0 and step 3.")
    assert len(fl.load(run)) == 4


def test_a_group_is_added(run: Path) -> None:
    loop = LOOPS["SGD with momentum"]()
    more = nn.Linear(3, 3)
    watch = fl.watch(loop.model, loop.optimizers, run=run, quiet=True)
    turns(loop, watch.step, range(2))
    loop.model.append(more)
    loop.optimizers[0].add_param_group({"params": more.parameters()})
    turns(loop, watch.step, range(2, 4))
    with pytest.warns(fl.FalllineWarning, match="more parameters in mid-run: 3.weight, 3.bias: trained, not watched"):
        watch.close()
    recorded = fl.load(run)
    assert recorded.steps.learning_rate.shape == (4, 1)
    assert recorded.steps.measured.all()


def test_the_groups_are_loaded_again(run: Path) -> None:
    """``load_state_dict`` puts new groups in the place of the old ones."""
    loop = LOOPS["Adam"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        turns(loop, watch.step, range(2))
        loop.optimizers[0].load_state_dict(copy.deepcopy(loop.optimizers[0].state_dict()))
        loop.model.load_state_dict(copy.deepcopy(loop.model.state_dict()))
        loop.optimizers[0].param_groups[0]["lr"] = 0.5
        turns(loop, watch.step, range(2, 4))
    recorded = fl.load(run)
    assert recorded.events == ()
    assert recorded.steps.learning_rate[:, 0].tolist() == [0.01, 0.01, 0.5, 0.5]
    assert recorded.steps.measured.all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_numbers_change_their_dtype(dtype: torch.dtype, run: Path) -> None:
    model = mlp()
    optimizer = sgd(model)

    watch = fl.watch(model, optimizer, run=run, quiet=True)

    def step(x: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        watch.step(loss)

    step(torch.ones(4, 5))
    model.to(dtype)
    with pytest.warns(fl.FalllineWarning, match=f"float32.* {str(dtype)[6:]}|{dtype}"):
        step(torch.ones(4, 5, dtype=dtype))
    step(torch.ones(4, 5, dtype=dtype))
    watch.close()
    recorded = fl.load(run)
    assert recorded.steps.loss_measured.all()
    assert recorded.steps.updates.tolist() == [[1]] * 3


# -- copies, threads, memory -------------------------------------------------------------------------------------------


def test_copies_are_not_watched(run: Path) -> None:
    loop = LOOPS["dropout and batch norm"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:
        turns(loop, watch.step, range(2))
        model = copy.deepcopy(loop.model)
        optimizer = copy.deepcopy(loop.optimizers[0])
        kept = io.BytesIO()
        torch.save((loop.model, loop.optimizers[0]), kept)
        kept.seek(0)
        saved_model, saved_optimizer = torch.load(kept, weights_only=False)
        for each in (optimizer, saved_optimizer):
            assert not each._optimizer_step_pre_hooks
            each.step()
        for each in (model, saved_model):
            each(torch.ones(2, 5)).sum().backward()
        turns(loop, watch.step, range(2, 4))
    recorded = fl.load(run)
    assert recorded.steps.updates.tolist() == [[1]] * 4
    assert recorded.events == ()


@pytest.mark.slow
def test_two_threads_share_a_watch(run: Path) -> None:
    loop = LOOPS["SGD"]()
    with fl.watch(loop.model, loop.optimizers, run=run, quiet=True) as watch:

        def work() -> None:
            for step in range(200):
                watch.step(step)
                watch.log(number=step)
            watch.flush()

        turns(loop, watch.step, range(1))
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recorded = fl.load(run)
    assert recorded.steps.step.tolist() == list(range(401))
    assert len(recorded.logged["number"].value) == 400


@pytest.mark.slow
def test_the_graph_of_the_loss_is_let_go(run: Path) -> None:
    model = mlp()
    optimizer = sgd(model)
    with fl.watch(model, optimizer, run=run, quiet=True) as watch:
        for _ in range(2):
            loss = model(torch.ones(4, 5)).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss)
        known = weakref.ref(loss)
        del loss
        gc.collect()
        assert known() is None


@pytest.mark.slow
def test_a_watch_that_nobody_keeps_is_closed(run: Path) -> None:
    loop = LOOPS["SGD"]()
    watch = fl.watch(loop.model, loop.optimizers, run=run, quiet=True)
    turns(loop, watch.step, range(3))
    del watch
    gc.collect()
    recorded = fl.load(run)
    assert recorded.summary is not None
    assert len(recorded) == 3
    assert not loop.optimizers[0]._optimizer_step_pre_hooks


def test_an_optimizer_without_a_rate(run: Path) -> None:
    model = mlp()
    with fl.watch(model, SignDescent(model.parameters(), size=0.1), run=run, quiet=True) as watch:
        watch.path.encode()
    assert "A parameter group has no learning rate (lr): it stands as NaN." in fl.load(run).header.notes
