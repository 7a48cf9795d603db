"""The loss of a step, read off a model's outputs."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from fallline._integrations._step_loss import StepLoss
from fallline._recorder._guard import Guard


class Told(nn.Module):
    """Answers with whatever it is given."""

    def forward(self, output: Any, num_items_in_batch: int | None = None) -> Any:
        return output


def told(loss: Any) -> Any:
    return SimpleNamespace(loss=loss)


def test_the_mean_of_batches() -> None:
    model = Told()
    losses = StepLoss(model, Guard())
    assert losses.take() is None
    for part in (1.0, 2.0):
        model(told(torch.tensor(part)))
    assert losses.take().item() == 1.5
    assert losses.take() is None


def test_parts_of_one_mean_add_up() -> None:
    model = Told()
    losses = StepLoss(model, Guard())
    for part in (0.25, 0.5):
        model(told(torch.tensor(part)), num_items_in_batch=8)
    assert losses.take().item() == 0.75


def test_outputs_of_all_kinds() -> None:
    model, guard = Told(), Guard()
    losses = StepLoss(model, guard)
    for output in (None, (torch.ones(2), 3), told(None), told(1.0), {"logits": 2}, torch.ones(3)):
        assert model(output) is output
        assert losses.take() is None
    model({"loss": torch.tensor(3.0)})
    assert losses.take().item() == 3.0
    model.eval()
    model({"loss": torch.tensor(3.0)})
    assert losses.take() is None
    assert guard.said == []


def test_what_cannot_be_added_up_does_not_reach_the_model() -> None:
    model, guard = Told(), Guard()
    losses = StepLoss(model, guard)
    model(told(torch.ones(2)))
    with pytest.warns(match="the loss of a step could not be measured"):
        model(told(torch.ones(3)))
    assert torch.equal(losses.take(), torch.ones(2))


def test_nothing_of_the_model_is_kept() -> None:
    model = Told()
    losses = StepLoss(model, Guard())
    loss = torch.ones((), requires_grad=True) * 2
    for _ in range(3):
        model(told(loss))
    assert not losses.take().requires_grad
    losses.remove()
    assert not model._forward_hooks
