"""``fl.watch`` inside Hugging Face's own Trainer."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from integrations.docstring import example_of

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ROWS, BATCH, EPOCHS = 64, 16, 2


class Regression(nn.Module):
    """A network as the Trainer wants it: it computes its own loss."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
        self.losses: list[float] = []

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> Any:
        loss = nn.functional.mse_loss(self.net(x), labels)
        if self.training:
            self.losses.append(loss.item())
        return transformers.modeling_outputs.SequenceClassifierOutput(loss=loss, logits=labels)


def trainer(callbacks: list[Any], folder: Path, **options: Any) -> Any:
    """Hugging Face's Trainer with these callbacks, for a few epochs."""
    transformers.set_seed(0)
    x = torch.randn(ROWS, 3)
    rows = [{"x": row, "labels": row.sum(0, keepdim=True)} for row in x]
    model = Regression()
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=BATCH, num_train_epochs=EPOCHS, report_to=[],
        eval_strategy="epoch", disable_tqdm=True, use_cpu=True, logging_strategy="no",
        **{"save_strategy": "no"} | options,
    )  # fmt: skip
    return transformers.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=callbacks)


def trained(callbacks: list[Any], folder: Path, **options: Any) -> Regression:
    """The model after a few epochs, with these callbacks."""
    ready = trainer(callbacks, folder, **options)
    ready.train()
    model: Regression = ready.model
    return model


def weights(module: nn.Module) -> bytes:
    return b"".join(tensor.detach().numpy().tobytes() for tensor in module.state_dict().values())


def test_the_example_of_the_docstring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ready = trainer([], tmp_path)
    names = {"fl": fl, "Trainer": transformers.Trainer, "model": ready.model, "rows": ready.train_dataset}
    ready.args.eval_strategy = transformers.trainer_utils.IntervalStrategy.NO
    exec(example_of(fl.transformers_callback), names | {"arguments": ready.args}, names)  # noqa: S102  (our own docstring)
    assert len(names["run"]) == EPOCHS * ROWS // BATCH


def test_every_step_is_recorded_and_nothing_changed(tmp_path: Path) -> None:
    plain = trained([], tmp_path)
    watched = trained([fl.transformers_callback(run=tmp_path / "run.db", quiet=True)], tmp_path)
    assert weights(plain) == weights(watched)
    run = fl.load(tmp_path / "run.db")
    assert isinstance(run, fl.Recording)
    assert len(run) == EPOCHS * ROWS // BATCH
    np.testing.assert_allclose(run.steps.loss, watched.losses, rtol=1e-6)
    assert run.steps.measured.all()
    assert run.logged["eval_loss"].step.tolist() == [3, 7]
    assert run.header.optimizers == ("AdamW",)


def test_the_loss_of_an_accumulated_step_is_the_mean_of_its_batches(tmp_path: Path) -> None:
    model = trained(
        [fl.transformers_callback(run=tmp_path / "run.db", quiet=True)], tmp_path, gradient_accumulation_steps=2
    )
    run = fl.load(tmp_path / "run.db")
    assert isinstance(run, fl.Recording)
    assert len(run) == EPOCHS * ROWS // BATCH // 2
    np.testing.assert_allclose(run.steps.loss, np.array(model.losses).reshape(-1, 2).mean(axis=1), rtol=1e-6)


def recorded(path: Path) -> fl.Recording:
    run = fl.load(path)
    assert isinstance(run, fl.Recording)
    return run


@pytest.mark.filterwarnings("error::fallline.FalllineWarning")
def test_an_evaluation_after_the_training_and_a_second_training(tmp_path: Path) -> None:
    ready = trainer([fl.transformers_callback(run=tmp_path / "run.db", quiet=True)], tmp_path)
    ready.train()
    ready.evaluate()
    ready.train()
    assert [len(recorded(tmp_path / name)) for name in ("run.db", "run-2.db")] == [EPOCHS * ROWS // BATCH] * 2
    assert recorded(tmp_path / "run.db").logged["eval_loss"].step.tolist() == [3, 7]


@pytest.mark.filterwarnings("error::fallline.FalllineWarning")
def test_a_training_after_one_that_raised(tmp_path: Path) -> None:
    ready = trainer([fl.transformers_callback(run=tmp_path / "run.db", quiet=True)], tmp_path)

    def on_fire(*_: Any) -> None:
        raise RuntimeError("the disk is on fire")

    ready.callback_handler.callbacks[-1].on_step_begin = lambda *_, **__: on_fire() if ready.state.global_step else None
    with pytest.raises(RuntimeError, match="on fire"):
        ready.train()
    del ready.callback_handler.callbacks[-1].on_step_begin
    ready.train()
    assert not ready.model._forward_hooks
    first, second = recorded(tmp_path / "run.db"), recorded(tmp_path / "run-2.db")
    assert first.summary is not None
    assert (first.summary.exception or "").startswith("TrainingCutShortError: the training ended without its end")
    assert second.summary is not None
    assert second.summary.exception is None
    assert (len(first), len(second)) == (1, EPOCHS * ROWS // BATCH)


def test_an_alarm_stops_the_training(tmp_path: Path) -> None:
    ready = trainer(
        [fl.transformers_callback(run=tmp_path / "run.db", quiet=True, stop_on_alarm=True)], tmp_path,
        learning_rate=1e30, max_grad_norm=0.0,
    )  # fmt: skip
    ready.train()
    assert 1 < len(recorded(tmp_path / "run.db")) < EPOCHS * ROWS // BATCH


def test_a_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    steps = ROWS // BATCH
    callback = fl.transformers_callback(run=tmp_path / "run.db", resume=True, quiet=True)
    trainer([callback], tmp_path, save_strategy="epoch", max_steps=steps).train()
    again = fl.transformers_callback(run=tmp_path / "run.db", resume=True, quiet=True)
    ready = trainer([again], tmp_path, save_strategy="epoch")
    ready.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{steps}"))
    run = recorded(tmp_path / "run.db")
    assert run.steps.step.tolist() == list(range(EPOCHS * steps))
    np.testing.assert_allclose(run.steps.loss[steps:], ready.model.losses, rtol=1e-6)


def test_an_alarm_of_one_process_is_known_to_all(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.glob("stops-*")) == ["stops-0-[False, True]", "stops-1-[False, True]"]


TWO_PROCESSES = """
from pathlib import Path

import torch
from torch import distributed, multiprocessing

from fallline._integrations._transformers import _check_connected, _in_any_process


def one(rank):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{Path('meeting').resolve()}", rank=rank, world_size=2)
    _check_connected(2)
    told = [_in_any_process(alarmed and rank == 0, torch.device("cpu")) for alarmed in (False, True)]
    Path(f"stops-{rank}-{told}").touch()
    distributed.destroy_process_group()


if __name__ == "__main__":
    multiprocessing.spawn(one, nprocs=2)
"""
