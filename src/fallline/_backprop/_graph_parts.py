"""Nodes and edges while they are being put together."""

from dataclasses import dataclass, field
from typing import Any

import torch

from fallline._backprop._walk import Step
from fallline._backprop._written_past import Written
from fallline._records import GraphEdge, GraphNode


@dataclass(frozen=True)
class GivenInput:
    """One tensor that was handed in."""

    name: str
    tensor: torch.Tensor
    """The copy that the function got."""
    also: tuple[str, ...] = ()
    """Other inputs that the same tensor was handed in as."""


@dataclass(eq=False)
class Graph:
    """Nodes and edges as they are made, and how to find them again."""

    nodes: list[GraphNode] = field(default_factory=list)
    edges: list[GraphEdge] = field(default_factory=list)
    steps: dict[Step, int] = field(default_factory=dict)
    """The node of each of PyTorch's."""
    tokens: dict[int, int] = field(default_factory=dict)
    """The node of each tensor that is no step's output: leaves and constants."""
    backward: dict[tuple[Step, int], int] = field(default_factory=dict)
    """The edge of each of a step's operands."""

    written: dict[int, Written] = field(default_factory=dict)
    """What wrote to a node's tensor past autograd."""

    def add(self, **fields: Any) -> int:
        """A new node at the end; its id."""
        blank = {"op": "", "name": None, "text": "", "module": None, "value": None, "gradient": None}
        self.nodes.append(GraphNode(id=len(self.nodes), **(blank | fields)))
        return len(self.nodes) - 1
