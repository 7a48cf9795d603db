"""Hand-made records of a forward and a backward pass: the textbook case, and one for each thing worth a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fallline._records import (
    Backprop,
    CheckedInput,
    GradientCheck,
    GraphEdge,
    GraphNode,
    LocalDerivative,
    NodeKind,
    TensorValue,
)


def tensor(numbers: Any) -> TensorValue:
    """A small tensor with the summary of its finite entries."""
    values = np.asarray(numbers, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return TensorValue(values.shape, "float32", values, np.nan, np.nan, np.nan, np.nan, values.size)
    norm = float(np.sqrt((finite**2).sum()))
    parts = float(finite.min()), float(finite.max()), float(finite.mean()), norm
    return TensorValue(values.shape, "float32", values, *parts, int(values.size - finite.size))


def large(shape: tuple[int, ...], least: float, greatest: float, norm: float = 1.0) -> TensorValue:
    """A tensor of which only the summary was kept."""
    return TensorValue(shape, "float32", None, least, greatest, (least + greatest) / 2, norm)


def leaf(place: int, name: str, value: Any, gradient: Any = None, **more: Any) -> GraphNode:
    """An input."""
    back = None if gradient is None else tensor(gradient)
    return GraphNode(place, more.pop("kind", NodeKind.INPUT), "", name, "", None, tensor(value), back, **more)


def ran(place: int, op: str, text: str, value: Any, gradient: Any, name: str | None = None, **more: Any) -> GraphNode:
    """An operation."""
    back = None if gradient is None else tensor(gradient)
    return GraphNode(place, NodeKind.OPERATION, op, name, text, None, tensor(value), back, **more)


def edge(ends: tuple[int, int], rule: str, slope: Any, gradient: Any, operand: int = 0, **more: Any) -> GraphEdge:
    """An edge with its slope as numbers."""
    return GraphEdge(*ends, operand, LocalDerivative(rule, tensor(slope)), tensor(gradient), **more)


def graph(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], **more: Any) -> Backprop:
    """A record of which the first nodes are the inputs and the last one is the result."""
    inputs = tuple(node.id for node in nodes if node.kind is NodeKind.INPUT)
    settled = {"vector": None, "gradients": {}} | more
    return Backprop(tuple(nodes), tuple(edges), inputs, len(nodes) - 1, **settled)


X = np.array([1.6695, -1.7944, -0.0315])


def textbook(**more: Any) -> Backprop:
    """y = x + 2; z = 2·y²; the mean of z."""
    y = X + 2
    squares, third = y * y, np.full(3, 1 / 3)
    nodes = (
        leaf(0, "x", X, third * 4 * y),
        ran(1, "add", "x + 2", y, third * 4 * y, "y", backward="AddBackward0"),
        ran(2, "mul", "y·y", squares, 2 * third, saved=("self (3,)", "other (3,)"), backward="MulBackward0"),
        ran(3, "mul", "(y·y)·2", 2 * squares, third, "z", backward="MulBackward0"),
        ran(4, "mean", "mean(z)", (2 * squares).mean(), 1.0, backward="MeanBackward0"),
    )
    edges = (
        edge((0, 1), "1", np.ones(3), third * 4 * y),
        edge((1, 2), "y", y, 2 * third * y),
        edge((1, 2), "y", y, 2 * third * y, 1),
        edge((2, 3), "2", np.full(3, 2.0), 2 * third),
        edge((3, 4), "1/3", third, third),
    )
    check = GradientCheck((CheckedInput("x", 3, 0, 2.1e-9, 4e-10, (0,), 4.8927, 4.8927, True),), 1e-6)
    settled: dict[str, Any] = {
        "gradients": {"x": third * 4 * y},
        "check": check,
        "expression": "y = x + 2; z = y*y*2; z.mean()",
        "title": "y = x + 2; z = y*y*2; z.mean()",
    }
    return graph(nodes, edges, **(settled | more))


def stretched() -> Backprop:
    """s = sum(W + b) with b of shape (2,) in a (3, 2) sum."""
    ones = np.ones((3, 2))
    nodes = (
        leaf(0, "W", np.arange(6.0).reshape(3, 2), ones),
        leaf(1, "b", [1.0, 2.0], [3.0, 3.0]),
        ran(2, "add", "W + b", np.arange(6.0).reshape(3, 2) + np.array([1.0, 2.0]), ones),
        ran(3, "sum", "sum(W + b)", 24.0, 1.0),
    )
    edges = (
        edge((0, 2), "1", ones, ones),
        edge((1, 2), "1", ones, [3.0, 3.0], 1, stretched=(3, 2)),
        edge((2, 3), "1", ones, ones),
    )
    return graph(nodes, edges)


def product() -> Backprop:
    """sum(x @ W)."""
    x, weight = np.array([[1.0, 2.0]]), np.array([[3.0, -4.0], [0.5, 6.0]])
    grad = np.ones((1, 2))
    nodes = (
        leaf(0, "x", x, grad @ weight.T),
        leaf(1, "W", weight, x.T @ grad),
        ran(2, "matmul", "x @ W", x @ weight, grad),
        ran(3, "sum", "sum(x @ W)", float((x @ weight).sum()), 1.0),
    )
    to_x = LocalDerivative("grad @ Wᵀ", product="(1, 2) @ (2, 2) → (1, 2)")
    to_weight = LocalDerivative("xᵀ @ grad", product="(2, 1) @ (1, 2) → (2, 2)")
    edges = (
        GraphEdge(0, 2, 0, to_x, tensor(grad @ weight.T)),
        GraphEdge(1, 2, 1, to_weight, tensor(x.T @ grad)),
        edge((2, 3), "1", grad, grad),
    )
    return graph(nodes, edges)


def wrong_cube() -> Backprop:
    """y = Cube(x), whose step back says 2x instead of 3x²."""
    x = np.array([1.0, 2.0])
    nodes = (
        leaf(0, "x", x, 2 * x),
        ran(1, "Cube", "Cube(x)", x**3, [1.0, 1.0]),
        ran(2, "sum", "sum(Cube(x))", 9.0, 1.0),
    )
    edges = (GraphEdge(0, 1, 0, None, tensor(2 * x)), edge((1, 2), "1", np.ones(2), np.ones(2)))
    checked = CheckedInput("x", 2, 0, 8.0, 2.0, (1,), 4.0, 12.0, False)
    return graph(nodes, edges, check=GradientCheck((checked,), 1e-6, (0,)), title="Cube")
