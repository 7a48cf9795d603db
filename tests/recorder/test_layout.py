"""Names, layers, optimizers and groups of what is watched."""

from typing import Any

import pytest
import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._layout import lay_out, listed
from watched_loops import mlp


def sgd(*groups: Any) -> torch.optim.SGD:
    return torch.optim.SGD([{"params": group} for group in groups], lr=0.1)


def test_parameters_come_optimizer_by_optimizer_and_group_by_group() -> None:
    model = mlp(norm=True)
    first = sgd([model[3].weight], list(model[0].parameters()))
    second = sgd([model[1].weight, model[3].bias])
    layout = lay_out(model, [first, second])
    assert [(info.name, info.layer, info.optimizer, info.group) for info in layout.parameters] == [
        ("3.weight", 0, 0, 0),
        ("0.weight", 1, 0, 1),
        ("0.bias", 1, 0, 1),
        ("1.weight", 2, 1, 2),
        ("3.bias", 0, 1, 2),
    ]
    assert [(layer.name, layer.kind, layer.parameters) for layer in layout.layers] == [
        ("3", "Linear", 27),
        ("0", "Linear", 48),
        ("1", "BatchNorm1d", 8),
    ]
    assert [(group.optimizer, group.parameters, group.options["lr"]) for group in layout.groups] == [
        (0, 24, 0.1),
        (0, 48, 0.1),
        (1, 11, 0.1),
    ]
    assert [layout.of_optimizer(which) for which in (0, 1)] == [(0, 1, 2), (3, 4)]
    assert layout.tensors[0] is model[3].weight
    assert layout.notes == ("No optimizer holds 1.bias: not trained, not watched.",)


def test_shapes_and_dtypes() -> None:
    model = nn.Linear(3, 2, dtype=torch.bfloat16)
    layout = lay_out(model, [sgd(model.parameters())])
    assert [(info.shape, info.dtype) for info in layout.parameters] == [((2, 3), "bfloat16"), ((2,), "bfloat16")]


@pytest.mark.slow
def test_a_compiled_model_has_the_names_of_its_own() -> None:
    model = torch.compile(mlp(), backend="eager")
    layout = lay_out(model, [sgd(model.parameters())])
    assert [info.name for info in layout.parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [layer.kind for layer in layout.layers] == ["Linear", "Linear"]


def test_a_tied_parameter_is_one() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    layout = lay_out(model, [sgd(model.parameters())])
    assert [info.name for info in layout.parameters] == ["0.weight", "0.bias", "1.bias"]


def test_a_parameter_that_two_optimizers_hold_is_counted_once() -> None:
    model = nn.Linear(3, 2)
    layout = lay_out(model, [sgd(model.parameters()), sgd([model.weight])])
    assert [info.name for info in layout.parameters] == ["weight", "bias", "weight"]
    assert [layer.parameters for layer in layout.layers] == [6, 2]


def test_options_are_plain() -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(
        [("weight", model.weight), ("bias", model.bias)], lr=torch.tensor(0.5), betas=(0.5, 0.9)
    )
    optimizer.param_groups[0]["odd"] = object()
    options = lay_out(model, [optimizer]).groups[0].options
    assert (options["lr"], options["betas"], options["odd"], options["foreach"]) == (0.5, (0.5, 0.9), "object", None)
    assert "params" not in options
    assert "param_names" not in options


def test_frozen_parameters_are_noted() -> None:
    model = mlp()
    model[0].requires_grad_(False)
    assert lay_out(model, [sgd(model.parameters())]).notes == ("Frozen: 0.weight, 0.bias.",)
    assert lay_out(model, [sgd(model[2].parameters())]).notes == ("Frozen: 0.weight, 0.bias.",)


def test_an_optimizer_of_another_model() -> None:
    with pytest.raises(OptionError, match="holds none of the parameters of Sequential"):
        lay_out(mlp(), [sgd(mlp().parameters())])


def test_many_names_are_counted() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
