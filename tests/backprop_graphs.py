"""What the tests of the graph ask of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import fallline as fl
from fallline._records import GraphEdge, GraphNode, NodeKind


class Inner(nn.Module):
    """Calls a module that is registered elsewhere, and goes on after it."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.others = [decoder]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows [N × 3]."""
        for _ in range(12):
            x = torch.tanh(self.layer(x))
        made: torch.Tensor = self.others[0](x) + x + self.layer(x)
        return made


class SharedDecoder(nn.Module):
    """One decoder that two parts call; more than 60 nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
        self.a, self.b = Inner(self.decoder), Inner(self.decoder)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows [N × 3]; a single number."""
        return torch.sum(self.b(self.a(x)))


def traced(fn: Callable[..., Any], *inputs: Any, **settings: Any) -> fl.Backprop:
    """Without the check, which has tests of its own."""
    return fl.backprop(fn, *inputs, check=False, **settings)


def only(graph: fl.Backprop, op: str) -> GraphNode:
    """The one operation of this name."""
    (found,) = [node for node in graph.nodes if node.op == op]
    return found


def ops(graph: fl.Backprop) -> list[str]:
    """Operations in their order."""
    return [node.op for node in graph.nodes if node.kind is NodeKind.OPERATION]


def into(graph: fl.Backprop, node: GraphNode) -> list[GraphEdge]:
    """A node's operands."""
    return [edge for edge in graph.edges if edge.target == node.id]


def out_of(graph: fl.Backprop, node: GraphNode) -> list[GraphEdge]:
    """Its uses."""
    return [edge for edge in graph.edges if edge.source == node.id]


def numbers(value: Any) -> Any:
    """Of a small tensor."""
    assert value is not None
    assert value.numbers is not None
    return value.numbers


def assert_gradients_add_up(graph: fl.Backprop) -> int:
    """What comes back along the edges of a node is what arrives at it; returns how many nodes were looked at."""
    looked = 0
    for node in graph.nodes:
        back = [edge.gradient for edge in out_of(graph, node) if edge.gradient is not None]
        if node.gradient is None or not back or any(each.shape != node.gradient.shape for each in back):
            continue
        looked += 1
        np.testing.assert_allclose(sum(map(numbers, back)), numbers(node.gradient), rtol=1e-5, atol=1e-6)
    return looked


def leaf(*entries: float) -> torch.Tensor:
    """A captured tensor that asks for a gradient."""
    return torch.tensor(entries, requires_grad=True)
