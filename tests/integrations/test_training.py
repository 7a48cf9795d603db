"""The callbacks without their libraries: what a trainer may hand over, and that nothing of it raises."""

import copy
import sys
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import fallline as fl


@pytest.fixture
def callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning and Transformers as far as a callback needs them."""
    for name, base in (("lightning.pytorch", "Callback"), ("transformers", "TrainerCallback")):
        module = ModuleType(name)
        setattr(module, base, type(base, (), {}))
        monkeypatch.setitem(sys.modules, name, module)


class Strategy:
    """Two processes, of which the other one has nothing to say, or an alarm."""

    def __init__(self, other: bool = False) -> None:
        self.other, self.asked = other, 0

    def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:  # noqa: A002  (Lightning's own name)
        self.asked += 1
        assert not all
        return decision or self.other


class Fit:
    """A model with its optimizer, and Lightning's Trainer as a callback sees it."""

    def __init__(self, *, first: bool = True, other: bool = False) -> None:
        self.model = nn.Linear(2, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.trainer = SimpleNamespace(
            is_global_zero=first,
            optimizers=[self.optimizer],
            should_stop=False,
            sanity_checking=False,
            callback_metrics={},
            strategy=Strategy(other),
        )

    def batch(self, callback: Any, outputs: Any) -> None:
        self.model(torch.ones(4, 2)).square().mean().backward()
        self.optimizer.step()
        callback.on_train_batch_end(self.trainer, self.model, outputs, None, 0)


def recorded(path: Path) -> fl.Recording:
    run = fl.load(path)
    assert isinstance(run, fl.Recording)
    return run


@pytest.mark.usefixtures("callbacks")
def test_whatever_a_training_step_returns(tmp_path: Path) -> None:
    fit = Fit()
    callback = fl.lightning_callback(run=tmp_path / "run.db", quiet=True)
    callback.on_train_start(fit.trainer, fit.model)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for outputs in ({"loss": torch.tensor(2.0)}, {}, None, {"loss": None}, {"loss": "low"}, torch.tensor(1.0)):
            fit.batch(callback, outputs)
        fit.trainer.callback_metrics = {"accuracy": torch.tensor(0.5), 3: 4.0, "name": "x", "none": None, "self": 1}
        callback.on_validation_end(fit.trainer, fit.model)
        fit.trainer.callback_metrics = None
        callback.on_validation_end(fit.trainer, fit.model)
    callback.on_train_end(fit.trainer, fit.model)
    run = recorded(tmp_path / "run.db")
    assert run.steps.loss_measured.tolist() == [True, False, False, False, False, True]
    assert {name: logged.value.tolist() for name, logged in run.logged.items()} == {
        "accuracy": [0.5],
        "3": [4.0],
        "self": [1.0],
    }
    assert len(said) == 3
    assert all(issubclass(one.category, fl.FalllineWarning) for one in said)


@pytest.mark.usefixtures("callbacks")
def test_validation_before_and_after_the_fit_is_no_part_of_it(tmp_path: Path) -> None:
    fit = Fit()
    callback = fl.lightning_callback(run=tmp_path / "run.db", quiet=True)
    fit.trainer.callback_metrics = {"accuracy": 0.5}
    callback.on_validation_end(fit.trainer, fit.model)
    callback.on_train_start(fit.trainer, fit.model)
    fit.trainer.sanity_checking = True
    callback.on_validation_end(fit.trainer, fit.model)
    fit.batch(callback, {"loss": 1.0})
    callback.on_train_end(fit.trainer, fit.model)
    assert callback.watch is None
    callback.on_validation_end(fit.trainer, fit.model)
    callback.on_train_batch_end(fit.trainer, fit.model, {"loss": 1.0}, None, 0)
    assert not recorded(tmp_path / "run.db").logged


@pytest.mark.usefixtures("callbacks")
@pytest.mark.parametrize("resume", [False, True])
def test_the_second_fit(tmp_path: Path, resume: bool) -> None:
    callback = fl.lightning_callback(run=tmp_path / "run.db", resume=resume, quiet=True)
    for _ in range(3):
        fit = Fit()
        callback.on_train_start(fit.trainer, fit.model)
        fit.batch(callback, {"loss": 1.0})
        callback.on_train_end(fit.trainer, fit.model)
    steps = {path.name: len(recorded(path)) for path in tmp_path.glob("*.db")}
    assert steps == ({"run.db": 3} if resume else {"run.db": 1, "run-2.db": 1, "run-3.db": 1})


@pytest.mark.usefixtures("callbacks")
def test_a_file_of_somebody_elses_is_refused_before_the_first_step(tmp_path: Path) -> None:
    (tmp_path / "run.db").write_text("mine")
    fit = Fit()
    with pytest.raises(fl.RunFileError, match="exists already"):
        fl.lightning_callback(run=tmp_path / "run.db").on_train_start(fit.trainer, fit.model)


@pytest.mark.usefixtures("callbacks")
@pytest.mark.parametrize("first", [True, False], ids=["first process", "another process"])
def test_an_alarm_of_one_process_stops_all(tmp_path: Path, first: bool) -> None:
    fit = Fit(first=first, other=not first)
    callback = fl.lightning_callback(run=tmp_path / "run.db", quiet=True, stop_on_alarm=True)
    callback.on_train_start(fit.trainer, fit.model)
    assert (callback.watch is not None) == first
    if first:
        fit.batch(callback, {"loss": 1.0})
        assert not fit.trainer.should_stop
    fit.batch(callback, {"loss": float("nan")})
    assert fit.trainer.should_stop
    assert fit.trainer.strategy.asked == 1 + first
    callback.on_train_end(fit.trainer, fit.model)


@pytest.mark.usefixtures("callbacks")
def test_an_exception_is_recorded_once(tmp_path: Path) -> None:
    fit = Fit()
    callback = fl.lightning_callback(run=tmp_path / "run.db", quiet=True)
    callback.on_train_start(fit.trainer, fit.model)
    fit.batch(callback, {"loss": 1.0})
    callback.on_exception(fit.trainer, fit.model, RuntimeError("on fire"))
    callback.on_exception(fit.trainer, fit.model, RuntimeError("again"))
    summary = recorded(tmp_path / "run.db").summary
    assert summary is not None
    assert summary.exception == "RuntimeError: on fire"


@pytest.mark.usefixtures("callbacks")
def test_a_copy_watches_trainings_of_its_own(tmp_path: Path) -> None:
    fit = Fit()
    for make, begin in (
        (fl.lightning_callback, lambda one: one.on_train_start(fit.trainer, fit.model)),
        (fl.transformers_callback, lambda one: begin_trainer(one, fit)),
    ):
        callback = make(run=tmp_path / f"{make.__name__}.db", quiet=True)
        begin(callback)
        other = copy.deepcopy(callback)
        assert other is not callback
        assert other.watch is None
        callback.watch.close()
        with pytest.raises(fl.RunFileError, match="exists already"):
            begin(other)


def begin_trainer(callback: Any, fit: Fit, *, processes: int = 1, first: bool = True) -> Any:
    """Hugging Face's Trainer begins: its arguments and its control."""
    args = SimpleNamespace(world_size=processes, device=torch.device("cpu"))
    control = SimpleNamespace(should_training_stop=False)
    state = SimpleNamespace(is_world_process_zero=first)
    callback.on_train_begin(args, state, control, model=fit.model, optimizer=SimpleNamespace(optimizer=fit.optimizer))
    return args, state, control


@pytest.mark.usefixtures("callbacks")
def test_a_training_that_nobody_ended_is_closed_by_the_next_one(tmp_path: Path) -> None:
    fit = Fit()
    callback = fl.transformers_callback(run=tmp_path / "run.db", quiet=True)
    begin_trainer(callback, fit)
    hooks = len(fit.model._forward_hooks)
    begin_trainer(callback, fit)
    assert len(fit.model._forward_hooks) == hooks > 0
    callback.on_train_end(None, None, None)
    assert not fit.model._forward_hooks
    summary = recorded(tmp_path / "run.db").summary
    assert summary is not None
    assert (summary.exception or "").startswith("TrainingCutShortError: the training ended without its end")
    summary = recorded(tmp_path / "run-2.db").summary
    assert summary is not None
    assert summary.exception is None


def trainer_step(callback: Any, fit: Fit, told: tuple[Any, Any, Any], loss: float) -> None:
    """Hugging Face's Trainer makes one step of a model that computes its own loss."""
    handle = fit.model.register_forward_hook(lambda *_: {"loss": torch.tensor(loss)}, prepend=True)
    fit.model(torch.ones(1, 2))
    handle.remove()
    fit.model.weight.grad = torch.ones(1, 2)
    fit.optimizer.step()
    callback.on_step_end(*told)


@pytest.mark.usefixtures("callbacks")
def test_numbers_of_an_evaluation(tmp_path: Path) -> None:
    fit = Fit()
    callback = fl.transformers_callback(run=tmp_path / "run.db", quiet=True)
    state = begin_trainer(callback, fit)
    trainer_step(callback, fit, state, 1.0)
    with pytest.warns(fl.FalllineWarning, match=r"watch\.log\(eval_words=…\): expected one number"):
        callback.on_evaluate(*state, metrics={"eval_loss": torch.tensor(0.25), "eval_words": ["a"]})
    callback.on_evaluate(*state)
    callback.on_train_end(*state)
    callback.on_evaluate(*state, metrics={"eval_loss": 0.5})
    assert recorded(tmp_path / "run.db").logged["eval_loss"].value.tolist() == [0.25]


@pytest.mark.usefixtures("callbacks")
def test_processes_that_cannot_tell_each_other_are_refused(tmp_path: Path) -> None:
    callback = fl.transformers_callback(run=tmp_path / "run.db", stop_on_alarm=True)
    with pytest.raises(fl.OptionError, match="the 2 processes are not connected"):
        begin_trainer(callback, Fit(), processes=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("callbacks")
def test_a_trainer_is_stopped_by_an_alarm(tmp_path: Path) -> None:
    fit = Fit()
    callback = fl.transformers_callback(run=tmp_path / "run.db", stop_on_alarm=True, quiet=True)
    args, state, control = begin_trainer(callback, fit)
    trainer_step(callback, fit, (args, state, control), 1.0)
    assert not control.should_training_stop
    trainer_step(callback, fit, (args, state, control), float("nan"))
    assert control.should_training_stop
    callback.on_train_end(args, state, control)
