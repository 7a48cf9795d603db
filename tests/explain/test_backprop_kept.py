"""What was kept for the way back is told in the operands' names."""

from collections.abc import Callable

import pytest
import torch

import fallline as fl
from fallline._explain._backprop import kept_words

X = torch.tensor([1.0, 2.0, 3.0])
OF: dict[str, tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], list[str]]] = {
    "dot": (lambda x, c: torch.dot(x, c * 1), ["x (3,)", "c · 1 (3,)"]),
    "mse_loss": (lambda x, c: torch.nn.functional.mse_loss(x, c * 1), ["x (3,)", "c · 1 (3,)"]),
    "addcmul": (lambda x, c: torch.addcmul(x, x, c).sum(), ["x (3,)", "c (3,)"]),
    "pow": (lambda x, _: (2**x).sum(), ["x (3,)", "its own value (3,)"]),
    "mul": (lambda x, _: (x * 3).sum(), ["a number"]),
    "where": (lambda x, c: torch.where(x > 1, x, c).sum(), ["x > 1 (3,)"]),
    "layer_norm": (lambda x, _: torch.layer_norm(x, (3,)).sum(), ["x (3,)", "numbers of its own (1,)"]),
    "matmul": (lambda x, _: (x[None] @ torch.ones(3, 2)).sum(), ["constant (3, 2)"]),
}


@pytest.mark.parametrize("op", OF)
def test_no_argument_name_of_pytorch_is_left(op: str) -> None:
    function, told = OF[op]
    graph = fl.backprop(function, X, X.flip(0), check=False)
    node = next(each for each in graph.nodes if each.op == op)
    assert kept_words(graph, node) == told
