"""Gradients that meet: which entry a page spells out."""

import pytest
import torch

from fallline._backprop._values import value_of
from fallline._records import GraphEdge, GraphNode, NodeKind
from fallline._view._backprop_equations import meeting

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("came", "at"),
    [
        (([1.0, -3.0, 2.0], [1.0, -1.0, 0.5]), 1),
        (([INF, NAN, 2.0], [1.0, 1.0, 0.0]), 0),
        (([1.0, NAN, -INF], [1.0, 1.0, 0.0]), 1),
    ],
)
def test_the_first_that_is_not_finite_else_the_largest(came: tuple[list[float], list[float]], at: int) -> None:
    one, other = (torch.tensor(each) for each in came)
    node = GraphNode(0, NodeKind.INPUT, "", "x", "x", None, None, gradient=value_of(one + other))
    edges = [GraphEdge(0, place + 1, 0, gradient=value_of(each)) for place, each in enumerate((one, other))]
    met = meeting(node, edges)
    assert met is not None
    assert met["entry"] == [at]
    assert met["terms"] == pytest.approx([came[0][at], came[1][at]], nan_ok=True)
