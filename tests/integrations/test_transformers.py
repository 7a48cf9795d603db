"""``fl.watch`` inside Hugging Face's own Trainer."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl

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


def trained(callbacks: list[Any], folder: Path, **options: Any) -> Regression:
    """The model after a few epochs, with these callbacks."""
    transformers.set_seed(0)
    x = torch.randn(ROWS, 3)
    rows = [{"x": row, "labels": row.sum(0, keepdim=True)} for row in x]
    model = Regression()
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=BATCH, num_train_epochs=EPOCHS, report_to=[],
        save_strategy="no", eval_strategy="epoch", disable_tqdm=True, use_cpu=True, logging_strategy="no", **options,
    )  # fmt: skip
    transformers.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=callbacks).train()
    return model


def weights(module: nn.Module) -> bytes:
    return b"".join(tensor.detach().numpy().tobytes() for tensor in module.state_dict().values())


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


def test_losses_that_are_parts_of_one_mean_add_up() -> None:
    from fallline._integrations._transformers import _StepLoss

    class Told(nn.Module):
        def forward(self, loss: float, num_items_in_batch: int | None = None) -> Any:
            return SimpleNamespace(loss=torch.tensor(loss))

    model = Told()
    losses = _StepLoss(model)
    for part in (0.25, 0.5):
        model(part, num_items_in_batch=8)
    assert losses.take().item() == 0.75
    for part in (1.0, 2.0):
        model(part)
    assert losses.take().item() == 1.5
    assert losses.take() is None
