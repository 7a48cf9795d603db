"""Nothing of the user's changes: bit for bit as before, however the function ends."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import traced


class Restless(nn.Module):
    """Changes whatever it can reach in its forward pass."""

    calls: torch.Tensor
    replaced: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.emb = nn.Embedding(4, 3, max_norm=0.1)
        self.register_buffer("calls", torch.zeros(2))
        self.register_buffer("replaced", torch.zeros(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows [N × 3]."""
        self.calls[0] += 1
        self.replaced = self.replaced + 1
        random.random()
        np.random.rand()
        with torch.no_grad():
            self.linear.bias.mul_(2)
        made = self.drop(self.norm(self.linear(x))) + self.emb(torch.tensor([1, 2]))
        self.train(not self.training)
        result: torch.Tensor = made.pow(3).sum() * torch.rand(())
        return result


def bits(tensor: torch.Tensor) -> bytes:
    """As they lie in the memory."""
    return tensor.detach().contiguous().numpy().tobytes()


def state(net: nn.Module, x: torch.Tensor) -> list[object]:
    """Everything that could change."""
    tensors = {**dict(net.named_parameters()), **dict(net.named_buffers()), "x": x}
    return [
        {name: (id(each), bits(each), each.requires_grad, each._version) for name, each in tensors.items()},
        [None if each.grad is None else (id(each.grad), bits(each.grad)) for each in net.parameters()],
        [module.training for module in net.modules()],
        bits(torch.get_rng_state()),
        random.getstate(),
        str(np.random.get_state()),
        len(nn.modules.module._global_forward_hooks),
        len(nn.modules.module._global_forward_pre_hooks),
        torch.is_grad_enabled(),
        torch._C._len_torch_dispatch_stack(),
        torch.get_default_dtype(),
    ]


def raises(net: nn.Module, error: BaseException) -> Callable[[torch.Tensor], torch.Tensor]:
    """Runs the module, then fails."""

    def fn(x: torch.Tensor) -> torch.Tensor:
        net(x)
        raise error

    return fn


@pytest.mark.parametrize("check", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_restless_module_is_left_as_it_was(check: bool) -> None:
    torch.manual_seed(0)
    net, x = Restless(), torch.randn(2, 3, requires_grad=True)
    net.linear.weight.grad = torch.ones(3, 3)
    before = state(net, x)
    fl.backprop(net, x, check=check)
    assert state(net, x) == before


@pytest.mark.parametrize("error", [KeyError("mine"), KeyboardInterrupt()])
def test_also_where_the_function_raises(error: BaseException) -> None:
    torch.manual_seed(0)
    net, x = Restless(), torch.randn(2, 3)
    before = state(net, x)
    with pytest.raises(type(error)):
        fl.backprop(raises(net, error), x)
    assert state(net, x) == before


def test_a_backward_pass_inside_reaches_no_gradient_of_the_users() -> None:
    linear, own = nn.Linear(3, 1), nn.Linear(3, 1)
    own.weight.grad = torch.full((1, 3), 7.0)

    def fn(x: torch.Tensor) -> torch.Tensor:
        (linear(x) + own(x)).sum().backward()
        result: torch.Tensor = own(x).sum() * 2
        return result

    traced(fn, torch.ones(1, 3))
    assert linear.weight.grad is None
    assert own.weight.grad is not None
    assert own.weight.grad.tolist() == [[7, 7, 7]]


def test_captured_tensors_that_are_written_to_are_put_back() -> None:
    total, count = torch.zeros(3), torch.zeros((), dtype=torch.int64)

    def fn(x: torch.Tensor) -> torch.Tensor:
        total[1:].add_(x.detach()[1:])
        count.add_(1)
        return (x * 2).sum()

    fl.backprop(fn, torch.ones(3))
    assert total.tolist() == [0, 0, 0]
    assert count == 0


def test_the_same_random_numbers_as_the_next_run_of_the_users() -> None:
    x = torch.ones(8)
    torch.manual_seed(3)
    graph = traced(lambda x: nn.functional.dropout(x, 0.5), x, vector=torch.ones(8))
    torch.manual_seed(3)
    assert np.array_equal(graph.gradients["x"], nn.functional.dropout(x, 0.5).numpy())


def test_an_open_graph_of_the_users_still_goes_backward() -> None:
    norm, x = nn.BatchNorm1d(3), torch.randn(4, 3)
    assert norm.running_mean is not None
    loss = (norm(x).pow(2) * norm.running_mean.clone()).sum()
    traced(norm, x, loss=lambda made: made.sum())
    loss.backward()
    assert norm.weight.grad is not None


def test_inputs_are_never_written_to() -> None:
    x = torch.ones(3)
    view = x[1:]
    graph = traced(lambda a: a.mul(2).add_(a).sum(), view)
    assert x.tolist() == [1, 1, 1]
    assert not view.requires_grad
    assert graph.gradients["a"].tolist() == [3, 3]
