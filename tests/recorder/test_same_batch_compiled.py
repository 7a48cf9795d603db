"""docs/semantics.md#on-the-same-batch: compiled models are heard from outside, and never compiled again for it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from same_batch_loops import Measured, content
from watched_loops import INDUCTOR

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
STEPS = 8


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


def around(net: Net, backend: str) -> tuple[nn.Module, Callable[..., torch.Tensor]]:
    compiled = torch.compile(net, backend=backend)
    return compiled, lambda x, y: functional.mse_loss(compiled(x), y)


def inside(net: Net, backend: str) -> tuple[nn.Module, Callable[..., torch.Tensor]]:
    return net, around(net, backend)[1]


def in_place(net: Net, backend: str) -> tuple[nn.Module, Callable[..., torch.Tensor]]:
    net.compile(backend=backend)
    return net, lambda x, y: functional.mse_loss(net(x), y)


def as_function(net: Net, backend: str) -> tuple[nn.Module, Callable[..., torch.Tensor]]:
    return net, torch.compile(lambda x, y: functional.mse_loss(net(x), y), backend=backend)


def run(compile_it: Callable[..., Any], backend: str, *, watched: bool) -> tuple[list[Any], int, list[bool]]:
    """(what is left, how many graphs were compiled, whether each row's loss before is the loop's, to the bit)."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch.manual_seed(0)
    net, x = Net(), torch.randn(32, 5)
    model, loss_of = compile_it(net, backend)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    measured = Measured(model, optimizer, every=3) if watched else None
    same = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(x, x[:, :1])
        loss.backward()
        optimizer.step()
        if measured is not None:
            row = measured.step(loss.item(), lambda: loss_of(x, x[:, :1]))
            same += [] if row is None else [row.loss_before[0] == loss.item()]
    if measured is not None:
        assert measured.guard.said == []
        measured.instrument.remove()
    return content(net, optimizer), torch._dynamo.utils.counters["stats"]["unique_graphs"], same


@pytest.mark.parametrize("compile_it", [around, inside, in_place, as_function])
@pytest.mark.parametrize("backend", ["eager", pytest.param("inductor", marks=INDUCTOR)])
def test_compiled_models(compile_it: Callable[..., Any], backend: str) -> None:
    bare = run(compile_it, backend, watched=False)
    watched = run(compile_it, backend, watched=True)
    assert watched[0] == bare[0]
    assert watched[1] == bare[1] == 1
    assert watched[2] == [True] * 3
