"""``fl.watch`` inside Lightning's own Trainer."""

import os
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import fallline as fl
from integrations.docstring import example_of

lightning = pytest.importorskip("lightning.pytorch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::lightning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*log_every_n_steps.*"),
]
ROWS, BATCH, EPOCHS = 64, 16, 3


class Regression(lightning.LightningModule):
    """A small network with dropout, that logs a number of its own when it validates."""

    def __init__(self, rate: float = 0.05) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
        self.rate = rate
        self.losses: list[float] = []

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.mse_loss(self.net(x), y)
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("validation_loss", nn.functional.mse_loss(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.rate)


class Adversaries(Regression):
    """Two optimizers that the module steps itself; it hands no loss on."""

    automatic_optimization = False

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> None:
        for optimizer in self.optimizers():
            loss = nn.functional.mse_loss(self.net(batch[0]), batch[1])
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()

    def configure_optimizers(self) -> Any:
        return [torch.optim.Adam(self.net[0].parameters()), torch.optim.Adam(self.net[3].parameters())]


class Choosy(Regression):
    """Leaves every second batch out."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx) if batch_idx % 2 == 0 else None


def rows() -> DataLoader[Any]:
    lightning.seed_everything(0, verbose=False)
    x = torch.randn(ROWS, 3)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=BATCH)


def trainer(callbacks: list[Any], folder: Path, **options: Any) -> Any:
    """Lightning's Trainer with these callbacks, for a few epochs."""
    return lightning.Trainer(
        logger=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
        callbacks=callbacks,
        **{"accelerator": "cpu", "max_epochs": EPOCHS, "enable_checkpointing": False} | options,
    )  # fmt: skip


def trained(callbacks: list[Any], folder: Path, **options: Any) -> Regression:
    """The module after a few epochs, with these callbacks."""
    data, module = rows(), Regression()
    trainer(callbacks, folder, **options).fit(module, data, data)
    return module


def recorded(path: Path) -> fl.Recording:
    run = fl.load(path)
    assert isinstance(run, fl.Recording)
    return run


def weights(module: nn.Module) -> bytes:
    return b"".join(tensor.detach().numpy().tobytes() for tensor in module.state_dict().values())


def test_the_example_of_the_docstring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"fl": fl, "Trainer": partial(trainer_of_the_example, tmp_path), "module": Regression(), "rows": rows()}
    exec(example_of(fl.lightning_callback), names)  # noqa: S102  (our own docstring)
    assert len(names["run"]) == EPOCHS * ROWS // BATCH


def trainer_of_the_example(folder: Path, max_epochs: int, callbacks: list[Any]) -> Any:
    return trainer(callbacks, folder, max_epochs=max_epochs)


def test_every_batch_is_recorded_and_nothing_changed(tmp_path: Path) -> None:
    plain = trained([], tmp_path)
    watched = trained([fl.lightning_callback(run=tmp_path / "run.db", quiet=True)], tmp_path)
    assert weights(plain) == weights(watched)
    run = recorded(tmp_path / "run.db")
    assert len(run) == EPOCHS * ROWS // BATCH
    np.testing.assert_allclose(run.steps.loss, watched.losses, rtol=1e-6)
    assert run.steps.measured.all()
    assert run.header.layers[0].name == "net.0"
    assert len(run.logged["validation_loss"].step) == EPOCHS
    assert run.summary is not None


def test_accumulation_has_one_update_in_two_rows(tmp_path: Path) -> None:
    trained([fl.lightning_callback(run=tmp_path / "run.db", quiet=True)], tmp_path, accumulate_grad_batches=2)
    run = recorded(tmp_path / "run.db")
    assert run.steps.updates[:, 0].tolist() == [0, 1] * (EPOCHS * ROWS // BATCH // 2)


def test_an_exception_is_recorded_and_passed_on(tmp_path: Path) -> None:
    class Breaks(lightning.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == 2:
                raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        trained([fl.lightning_callback(run=tmp_path / "run.db", quiet=True), Breaks()], tmp_path)
    run = recorded(tmp_path / "run.db")
    assert run.summary is not None
    assert run.summary.exception == "RuntimeError: the disk is on fire"
    assert len(run) == 3


def test_the_norms_are_those_of_the_gradient_that_the_closure_made(tmp_path: Path) -> None:
    """Lightning computes the gradient in the closure that it hands to ``optimizer.step``."""
    norms: list[float] = []

    class Reads(lightning.Callback):
        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            gradients = [each.grad.flatten() for each in pl_module.parameters()]
            norms.append(torch.cat(gradients).double().norm().item())

    callbacks = [fl.lightning_callback(run=tmp_path / "run.db", quiet=True), Reads()]
    trained(callbacks, tmp_path, accumulate_grad_batches=2)
    run = recorded(tmp_path / "run.db")
    made = run.steps.updates[:, 0] == 1
    np.testing.assert_allclose(run.steps.gradient_norm[made, 0], norms, rtol=1e-6)


@pytest.mark.parametrize(("module", "losses"), [(Adversaries, [False] * 4), (Choosy, [True, False] * 2)])
def test_batches_without_a_loss(tmp_path: Path, module: type[Regression], losses: list[bool]) -> None:
    callback = fl.lightning_callback(run=tmp_path / "run.db", quiet=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer([callback], tmp_path).fit(module(), rows())
    run = recorded(tmp_path / "run.db")
    assert run.steps.loss_measured.tolist() == losses * EPOCHS
    assert run.summary is not None
    assert run.summary.exception is None
    assert (run.steps.updates == 1).all()


@pytest.mark.filterwarnings("error::fallline.FalllineWarning")
def test_a_validation_after_the_fit_and_a_second_fit(tmp_path: Path) -> None:
    ready = trainer([fl.lightning_callback(run=tmp_path / "run.db", quiet=True)], tmp_path)
    data, module = rows(), Regression()
    ready.fit(module, data, data)
    ready.validate(module, data, verbose=False)
    ready.fit_loop.max_epochs = EPOCHS + 1
    ready.fit(module, data, data)
    steps = ROWS // BATCH
    assert [len(recorded(tmp_path / name)) for name in ("run.db", "run-2.db")] == [EPOCHS * steps, steps]
    assert len(recorded(tmp_path / "run.db").logged["validation_loss"].step) == EPOCHS


def test_an_alarm_stops_the_fit(tmp_path: Path) -> None:
    callback = fl.lightning_callback(run=tmp_path / "run.db", quiet=True, stop_on_alarm=True)
    trainer([callback], tmp_path).fit(Regression(rate=1e30), rows())
    assert 1 < len(recorded(tmp_path / "run.db")) < EPOCHS * ROWS // BATCH


def test_a_fit_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    def callback() -> Any:
        return fl.lightning_callback(run=tmp_path / "run.db", resume=True, quiet=True)

    first = trainer([callback()], tmp_path, max_epochs=1)
    first.fit(Regression(), rows())
    first.save_checkpoint(tmp_path / "one.ckpt")
    module = Regression()
    trainer([callback()], tmp_path).fit(module, rows(), ckpt_path=tmp_path / "one.ckpt")
    run = recorded(tmp_path / "run.db")
    assert run.steps.step.tolist() == list(range(EPOCHS * ROWS // BATCH))
    np.testing.assert_allclose(run.steps.loss[ROWS // BATCH :], module.losses, rtol=1e-6)


def test_an_alarm_stops_every_process(tmp_path: Path) -> None:
    """The processes are sent a copy of the callback; without the agreement the second one waits without end."""
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = recorded(tmp_path / "run.db")
    assert 1 < len(run) < EPOCHS * ROWS // BATCH


TWO_PROCESSES = """
import lightning.pytorch as lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

import fallline as fl


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(3, 1)

    def training_step(self, batch, batch_idx):
        return self.net(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e30)


if __name__ == "__main__":
    torch.set_num_threads(1)
    trainer = lightning.Trainer(
        accelerator="cpu", devices=2, strategy="ddp_spawn", max_epochs=3, logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False,
        callbacks=[fl.lightning_callback(run="run.db", quiet=True, stop_on_alarm=True)],
    )
    trainer.fit(Model(), DataLoader(TensorDataset(torch.randn(128, 3)), batch_size=16))
"""
