"""``fl.watch`` inside Lightning's own Trainer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import fallline as fl

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


class Regression(lightning.LightningModule):  # type: ignore[misc, name-defined]
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


def trained(callbacks: list[Any], folder: Path, **options: Any) -> Regression:
    """The module after a few epochs, with these callbacks."""
    lightning.seed_everything(0, verbose=False)
    x = torch.randn(ROWS, 3)
    rows = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=BATCH)
    module = Regression()
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=EPOCHS, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder, callbacks=callbacks, **options,
    )  # fmt: skip
    trainer.fit(module, rows, rows)
    return module


def weights(module: nn.Module) -> bytes:
    return b"".join(tensor.detach().numpy().tobytes() for tensor in module.state_dict().values())


def test_every_batch_is_recorded_and_nothing_changed(tmp_path: Path) -> None:
    plain = trained([], tmp_path)
    watched = trained([fl.lightning_callback(run=tmp_path / "run.db", quiet=True)], tmp_path)
    assert weights(plain) == weights(watched)
    run = fl.load(tmp_path / "run.db")
    assert isinstance(run, fl.Recording)
    assert len(run) == EPOCHS * ROWS // BATCH
    np.testing.assert_allclose(run.steps.loss, watched.losses, rtol=1e-6)
    assert run.steps.measured.all()
    assert run.header.layers[0].name == "net.0"
    assert len(run.logged["validation_loss"].step) == EPOCHS
    assert run.summary is not None


def test_accumulation_has_one_update_in_two_rows(tmp_path: Path) -> None:
    trained([fl.lightning_callback(run=tmp_path / "run.db", quiet=True)], tmp_path, accumulate_grad_batches=2)
    run = fl.load(tmp_path / "run.db")
    assert isinstance(run, fl.Recording)
    assert run.steps.updates[:, 0].tolist() == [0, 1] * (EPOCHS * ROWS // BATCH // 2)


def test_an_exception_is_recorded_and_passed_on(tmp_path: Path) -> None:
    class Breaks(lightning.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == 2:
                raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        trained([fl.lightning_callback(run=tmp_path / "run.db", quiet=True), Breaks()], tmp_path)
    run = fl.load(tmp_path / "run.db")
    assert isinstance(run, fl.Recording)
    assert run.summary is not None
    assert run.summary.exception == "RuntimeError: the disk is on fire"
    assert len(run) == 3
