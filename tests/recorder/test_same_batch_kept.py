"""docs/semantics.md#on-the-same-batch: what an evaluation may touch is put back, and begins where it should."""

from typing import Any

import pytest
import torch
from torch import nn

from fallline._recorder._same_batch_kept import undisturbed
from same_batch_loops import Measured, everything, one_step


class Lazy(nn.Module):
    """Fills a buffer that was None at its first forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(2, 1)
        self.register_buffer("filled", None)
        self.register_buffer("usual", torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.filled is None:
            self.filled = x.mean().detach()
        return self.out(x) - self.filled


def test_a_buffer_that_was_none_is_none_again() -> None:
    model = Lazy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer)
    x = torch.ones(3, 2)
    seen: list[Any] = []
    for k in range(3):
        optimizer.zero_grad()
        loss = model(x * k).square().mean()
        loss.backward()
        optimizer.step()
        model.filled = None
        assert measured.step(loss.item(), lambda k=k: model(x * k).square().mean()) is not None
        seen.append(model.filled)
    assert seen == [None] * 3
    assert [float(row.loss_before[0] - row.loss_after[0]) > 0 for row in measured.rows[1:]] == [True, True]


@pytest.mark.parametrize("odd", ["added", "removed", "swapped"])
def test_buffers_come_back_with_their_names_and_order(odd: str) -> None:
    model = Lazy()
    before = dict(model._buffers)
    tensors = list(model.parameters())
    copies = [each.detach().clone() for each in tensors]
    with undisturbed(model, tensors, copies, ()) as kept:
        for _ in range(2):
            kept.start()
            assert list(model._buffers) == ["filled", "usual"]
            if odd == "added":
                model.register_buffer("more", torch.zeros(1))
            elif odd == "removed":
                del model.filled
            else:
                del model.filled
                model.register_buffer("filled", None)
    assert list(model._buffers) == list(before) == ["filled", "usual"]
    assert all(model._buffers[name] is value for name, value in before.items())


def test_hooks_after_a_gradient_was_accumulated_do_not_run() -> None:
    """A closure that calls ``backward``, as for LBFGS: the hook may step an optimizer of its own."""
    model = nn.Linear(2, 1)
    calls: list[int] = []
    model.weight.register_post_accumulate_grad_hook(lambda _: calls.append(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    measured = Measured(model, optimizer)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(torch.ones(3, 2)).square().mean()
        loss.backward()
        return loss

    loss = closure()
    optimizer.step()
    before = everything(model, optimizer)
    assert calls == [1]
    assert measured.step(loss.item(), closure) is not None
    assert calls == [1]
    assert everything(model, optimizer) == before
    closure()
    assert calls == [1, 1]


class Words(nn.Module):
    def __init__(self, limit: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.out = nn.Embedding(5, 3, max_norm=limit), nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.table(x))


@pytest.mark.parametrize("limit", [10.0, 1.0, 0.3])
def test_an_embedding_that_rescales_itself_is_measured_before_its_step(limit: float) -> None:
    model = Words(limit)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    x = torch.arange(5)
    row = one_step(model, optimizer, lambda: (model(x) - 3).square().mean())
    assert row.as_given.tolist() == [True]
    assert row.loss_before[0] != row.loss_after[0]


def test_an_embedding_that_rescales_itself_is_left_as_it_was() -> None:
    model, x = Words(0.3), torch.arange(5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    measured = Measured(model, optimizer)
    loss = (model(x) - 3).square().mean()
    loss.backward()
    optimizer.step()
    before = everything(model, optimizer)
    row = measured.step(loss.item(), lambda: (model(x) - 3).square().mean())
    assert row is not None
    assert row.loss_before[0] == loss.item()
    assert everything(model, optimizer) == before


def test_a_closure_of_several_forward_passes_is_evaluated_twice_at_the_same_place() -> None:
    """How many it makes is known only after the first time; by then the embedding has rescaled itself."""
    model, x = Words(0.3), torch.arange(5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    measured = Measured(model, optimizer)
    seen: list[torch.Tensor] = []

    def closure() -> torch.Tensor:
        seen.append(model.table.weight.detach().clone())
        return (model(x) - 3).square().mean() + (model(x) - 2).square().mean()

    loss = closure()
    loss.backward()
    optimizer.step()
    after = model.table.weight.detach().clone()
    row = measured.step(loss.item(), closure)
    assert row is not None
    assert row.as_given.tolist() == [True]
    assert [torch.equal(each, after) for each in seen[1:]] == [True, True, False]
