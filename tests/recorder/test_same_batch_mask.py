"""docs/semantics.md#on-the-same-batch: the closure meets the random numbers of the loop's own forward pass."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional

from fallline._errors import FalllineWarning
from same_batch_loops import Measured, one_step


def mlp(*extra: nn.Module) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), *extra, nn.Linear(8, 1))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randn(32, 3), torch.randn(32, 1)


def test_the_change_is_that_with_the_same_mask_byte_for_byte() -> None:
    class FrozenMask(nn.Module):
        mask = torch.ones(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.mask

    x, y = batch()
    model = mlp(nn.Dropout(0.5))
    frozen = mlp(FrozenMask())
    torch.manual_seed(7)
    FrozenMask.mask = functional.dropout(torch.ones(32, 8), 0.5)
    torch.manual_seed(7)
    row = one_step(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: functional.mse_loss(model(x), y))
    by_hand = one_step(frozen, torch.optim.SGD(frozen.parameters(), lr=0.1), lambda: functional.mse_loss(frozen(x), y))
    for name in ("loss_before", "loss_after", "first_order_change", "curvature", "reach"):
        assert getattr(row, name).tobytes() == getattr(by_hand, name).tobytes(), name
    assert bool(row.as_given[0])


def test_a_closure_of_two_forward_passes_has_both_masks() -> None:
    model = mlp(nn.Dropout(0.5))
    x, _ = batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer)

    def contrast() -> torch.Tensor:
        return (model(x) - model(-x) - 1).square().mean()

    for _ in range(3):
        optimizer.zero_grad()
        loss = contrast()
        loss.backward()
        optimizer.step()
        row = measured.step(loss, contrast)
        assert row.loss_before[0] == loss.item()


class Dropping:
    """A loop over a network with dropout; its closure must meet the mask of the loop's own forward pass."""

    def __init__(self, *, every: int = 1) -> None:
        self.model = mlp(nn.Dropout(0.5))
        self.x, self.y = batch()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.every = every

    def loss(self) -> torch.Tensor:
        return functional.mse_loss(self.model(self.x), self.y)

    def watch(self) -> None:
        self.measured = Measured(self.model, self.optimizer, every=self.every)

    def update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()

    def check(self, loss: torch.Tensor, closure: Callable[[], torch.Tensor] | None = None) -> None:
        row = self.measured.step(loss.item(), closure or self.loss)
        assert row is not None
        assert row.loss_before[0] == loss.item()


def test_a_look_at_validation_data_in_between_does_not_matter() -> None:
    loop = Dropping()
    loop.watch()
    for _ in range(3):
        with torch.no_grad():
            loop.model(loop.x)
        torch.rand(5)  # as a loader that shuffles
        loss = loop.loss()
        loss.backward()
        with torch.no_grad():
            loop.model(loop.x)
        loop.update()
        loop.check(loss)


def test_of_accumulated_batches_the_last_one_is_meant() -> None:
    loop = Dropping()
    loop.watch()
    for _ in range(3):
        loop.loss().backward()
        loss = loop.loss()
        loss.backward()
        loop.update()
        loop.check(loss)


def test_hooks_of_the_model_draw_the_same_numbers_again() -> None:
    loop = Dropping()
    loop.model.register_forward_pre_hook(lambda _, inputs: (inputs[0] + torch.randn(32, 3),))
    loop.watch()
    for _ in range(3):
        loss = loop.loss()
        loss.backward()
        loop.update()
        loop.check(loss)


def test_a_model_that_cannot_be_heard_begins_where_the_last_step_ended() -> None:
    loop = Dropping(every=2)
    loop.watch()

    def unheard() -> torch.Tensor:
        return functional.mse_loss(loop.model.forward(loop.x), loop.y)

    for step in range(6):
        loss = unheard()
        loss.backward()
        if step % 2:
            loop.update()
            loop.check(loss, unheard)
        else:
            assert loop.measured.step(loss.item(), unheard) is None
    assert loop.measured.guard.said == []


def test_where_even_that_is_wrong_it_says_so_once() -> None:
    loop = Dropping()
    loop.watch()

    def unheard() -> torch.Tensor:
        return functional.mse_loss(loop.model.forward(loop.x), loop.y)

    for step in range(3):
        torch.rand(3)
        loss = unheard()
        loss.backward()
        loop.update()
        with nullcontext() if step else pytest.warns(FalllineWarning, match="No forward pass"):
            row = loop.measured.step(loss.item(), unheard)
        assert not row.as_given[0]
    assert len(loop.measured.guard.said) == 1
