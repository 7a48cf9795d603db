"""Graphs of hand-made records and of real runs, for the tests of a backward pass's page."""

import numpy as np

from fallline._records import (
    Backprop,
    CheckedInput,
    GradientCheck,
    GraphEdge,
    GraphNode,
    LocalDerivative,
    NodeKind,
    NodeMark,
    NodeOutput,
    TensorValue,
)

NONE = (np.nan, np.nan, np.nan)
X = np.array([1.6695, -1.7944, -0.0315])


def value(numbers: object) -> TensorValue:
    """A tensor small enough to be kept whole."""
    held = np.asarray(numbers, dtype=np.float64)
    finite = held[np.isfinite(held)]
    least, greatest, mean = (float(finite.min()), float(finite.max()), float(finite.mean())) if finite.size else NONE
    norm = float(np.sqrt((finite**2).sum())) if finite.size else np.nan
    return TensorValue(held.shape, "float32", held, least, greatest, mean, norm, int(held.size - finite.size))


def textbook(agrees: bool = True) -> Backprop:
    """x + 2, squared, doubled, its mean; with a check that agrees or does not."""
    y = X + 2
    back = np.full(3, 1 / 3)
    operation = NodeKind.OPERATION
    nodes = (
        GraphNode(0, NodeKind.INPUT, "", "x", "", None, value(X), value(4 * y / 3)),
        GraphNode(1, operation, "add", "y", "x + 2", None, value(y), value(4 * y / 3), backward="AddBackward0"),
        GraphNode(2, operation, "mul", None, "y · y", None, value(y * y), value(2 * back), saved=("self (3,)",)),
        GraphNode(3, operation, "mul", "z", "(y · y) · 2", None, value(2 * y * y), value(back)),
        GraphNode(4, operation, "mean", None, "mean(z)", None, value((2 * y * y).mean()), value(1.0)),
    )
    edges = (
        GraphEdge(0, 1, 0, LocalDerivative("1", value(np.ones(3))), value(4 * y / 3)),
        GraphEdge(1, 2, 0, LocalDerivative("y", value(y)), value(2 * y / 3)),
        GraphEdge(1, 2, 1, LocalDerivative("y", value(y)), value(2 * y / 3)),
        GraphEdge(2, 3, 0, LocalDerivative("2", value(np.full(3, 2.0))), value(2 * back)),
        GraphEdge(3, 4, 0, LocalDerivative("1/3", value(back)), value(back)),
    )
    seen = CheckedInput("x", 3, 0, 2.1e-9, 4e-10, (0,), float(4 * y[0] / 3), float(4 * y[0] / 3), agrees)
    check = GradientCheck((seen,), 1e-6, () if agrees else (3,))
    title = "y = x + 2; z = y*y*2; z.mean()"
    return Backprop(nodes, edges, (0,), 4, None, {"x": 4 * y / 3}, None, check, title, title)


def parted() -> Backprop:
    """Two halves of a vector: the first is used twice, the second once."""
    x, back = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 1.0])
    outputs = (NodeOutput(0, value(x[:2]), value(back[:2])), NodeOutput(1, value(x[2:]), value(back[2:])))
    operation = NodeKind.OPERATION
    nodes = (
        GraphNode(0, NodeKind.INPUT, "", "x", "", None, value(x), value(back)),
        GraphNode(1, operation, "split", None, "split(x, 2)", "inner", value(x), value(back), outputs=outputs),
        GraphNode(2, operation, "mul", None, "a · a", "inner", value(x[:2] ** 2), value(np.ones(2))),
        GraphNode(3, operation, "sum", None, "sum(a · a)", "inner", value(5.0), value(1.0)),
        GraphNode(4, operation, "add", None, "sum(a · a) + b", None, value(x[2:] + 5), value(np.ones(1))),
    )
    ones = LocalDerivative("1", value(1.0))
    edges = (
        GraphEdge(0, 1, 0, LocalDerivative("put back at the places taken", None), value(back)),
        GraphEdge(1, 2, 0, LocalDerivative("a", value(x[:2])), value(x[:2]), output=0),
        GraphEdge(1, 2, 1, LocalDerivative("a", value(x[:2])), value(x[:2]), output=0),
        GraphEdge(2, 3, 0, ones, value(np.ones(2))),
        GraphEdge(3, 4, 0, ones, value(1.0)),
        GraphEdge(1, 4, 1, ones, value(np.ones(1)), output=1),
    )
    return Backprop(nodes, edges, (0,), 4, None, {"x": back}, title="two halves")


def layered(count: int, seed: int = 0) -> Backprop:
    """So many nodes, each made of one to three of the twelve before it, in three modules of two blocks each."""
    draw = np.random.default_rng(seed)
    nodes = [GraphNode(0, NodeKind.INPUT, "", "x", "", None, value(X), value(X))]
    edges = []
    for k in range(1, count):
        group, block = (k - 1) * 3 // (count - 1), (k - 1) * 6 // (count - 1) % 2
        module = f"stage{group}.block{block}"
        nodes.append(GraphNode(k, NodeKind.OPERATION, "add", None, f"sum {k}", module, value(X * k), value(X / k)))
        near = sorted({int(each) for each in draw.integers(max(0, k - 12), k, size=int(draw.integers(1, 4)))})
        local = LocalDerivative("1", value(np.ones(3)))
        edges += [GraphEdge(source, k, i, local, value(X / k)) for i, source in enumerate(near)]
    return Backprop(tuple(nodes), tuple(edges), (0,), count - 1, None, {"x": X}, title=f"{count} nodes")


def hostile() -> Backprop:
    """Names that would end a script, break a line or fill a screen; a value that is not finite; a part without one."""
    long = "a name " * 60
    nodes = (
        GraphNode(0, NodeKind.INPUT, "", '</script><img src=x onerror="alert(1)">', "", None, value(X), value(X)),
        GraphNode(1, NodeKind.PARAMETER, "", long, "", None, value([np.nan, np.inf, -np.inf]), value(X)),
        GraphNode(2, NodeKind.CONSTANT, "", "🧠\u202eτ", "", None, value(np.zeros((2, 0))), None, "It is an integer."),
        GraphNode(
            3,
            NodeKind.OPERATION,
            "NaN",
            "NaN",
            "<b>Infinity</b>",
            None,
            value([np.nan, 1.0, 2.0]),
            value(1.0),
            marks=frozenset(NodeMark),
            backward="Odd\u2028Backward",
        ),
    )
    edges = (
        GraphEdge(0, 3, 0, LocalDerivative("<i>x</i> " * 20, value(np.full(3, np.nan))), value(X), (3, 3)),
        GraphEdge(1, 3, 1, LocalDerivative("NaN", None, "(2) @ (2)"), value(X)),
        GraphEdge(2, 3, 2),
    )
    return Backprop(nodes, edges, (0,), 3, value([1.0]), {"x": X}, title="</title><script>alert(1)</script>")
