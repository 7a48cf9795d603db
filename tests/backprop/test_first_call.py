"""Modules that make or set something on their first call are as before it; so is what is handed in beside floats."""

from typing import Any

import pytest
import torch
from torch import nn

import fallline as fl

X = torch.tensor([1.0, 2.0, 3.0])


class FirstCall(nn.Module):
    """Makes a parameter, a module and a scale of the first rows that it sees."""

    scale: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.zeros(3))
        self.register_buffer("absent", None)
        self.shift: nn.Parameter | None = None
        self.inner: nn.Module | None = None
        self.ready, self.calls, self.sizes = False, 0, {0}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        self.calls += 1
        if not self.ready:
            self.scale.copy_(1 / x.detach().std(0))
            self.absent = torch.ones(3)
            self.shift, self.inner, self.ready = nn.Parameter(torch.ones(3)), nn.Linear(3, 1), True
            self.sizes.add(len(x))
        assert self.shift is not None
        assert self.inner is not None
        result: torch.Tensor = self.inner(x * self.scale + self.shift).sum()
        return result


class Trainer:
    """No module itself."""

    def __init__(self, net: Any) -> None:
        self.net = net

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """The net's, which it writes to beforehand."""
        self.net.calls = 7
        result: torch.Tensor = self.net(x)
        return result


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("held", [False, True], ids=["module", "held by an object"])
def test_a_module_is_as_before_its_first_call(check: bool, held: bool) -> None:
    net = FirstCall()
    attributes = {
        name: type(value)(value) if isinstance(value, (dict, set)) else value for name, value in vars(net).items()
    }
    trainer = Trainer(net)
    graph = fl.backprop(trainer.loss if held else net, torch.randn(4, 3), check=check)
    assert list(vars(net)) == list(attributes)
    assert all(vars(net)[name] is value for name, value in attributes.items() if not isinstance(value, (dict, set)))
    assert all(vars(net)[name] == value for name, value in attributes.items() if isinstance(value, (dict, set)))
    assert net.scale.tolist() == [0, 0, 0]
    made = [name for name in graph.gradients if "shift" in name or "inner" in name]
    assert len(made) == 3
    assert not any("does not reach" in each or "do not reach" in each or "wrote" in each for each in graph.remarks)
    assert any("made on the way" in each and "shift" in each for each in graph.remarks)
    if check:
        assert graph.check is not None
        assert graph.check.agrees
        assert not {each.name for each in graph.check.inputs} & set(made)
        assert any("makes them anew each time it runs" in each for each in graph.check.remarks)
    assert net(torch.randn(4, 3)).dtype is torch.float32
    assert net.calls == 1
    assert {each.dtype for each in net.parameters()} == {torch.float32}


def test_a_leaf_that_the_function_makes_is_no_agreement() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        return (x * torch.ones(3, requires_grad=True)).sum()

    check = fl.backprop(fn, X).check
    assert check is not None
    assert [each.name for each in check.inputs] == ["x"]
    assert check.remarks[0] == "parameter (3,): not compared. The function makes it anew each time it runs."


@pytest.mark.parametrize("check", [False, True])
def test_whole_numbers_and_truth_values_that_are_handed_in_are_as_before(check: bool) -> None:
    number, truth, imaginary = (
        torch.zeros(2, dtype=torch.long),
        torch.tensor([True]),
        torch.zeros(1, dtype=torch.cfloat),
    )

    def fn(x: torch.Tensor, counts: torch.Tensor, flags: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        counts += 1
        flags.logical_not_()
        z.add_(1j)
        return x.sum()

    fl.backprop(fn, X, number, truth, imaginary, check=check)
    assert (number.tolist(), truth.tolist(), imaginary.tolist()) == ([0, 0], [True], [0])
    assert number._version == 0
