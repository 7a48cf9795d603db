"""What a chapter may quote of a forward and a backward pass."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fallline._backprop import backprop as trace
from fallline._backprop._language_values import parse_vector
from fallline._desk._backprop_page import backprop
from fallline._desk._client import Client
from fallline._explain import tensor_words
from fallline._lessons._chapter_words import Measured
from fallline._records import Backprop, GraphNode, NodeKind


def graph_measures(settings: Mapping[str, Any], client: Client) -> Mapping[str, Measured]:
    """The values and gradients of every name in an expression; the page's own reader checks what was typed."""
    reply = backprop({"settings": dict(settings)}, client)
    leaves, expression = reply["leaves"], settings.get("expression")
    if not isinstance(leaves, list) or not isinstance(expression, str):
        return {}
    at = {leaf["name"]: np.array(leaf["numbers"]).reshape(leaf["shape"]).tolist() for leaf in leaves}
    vector = settings.get("vector")
    graph = trace(expression, at=at, vector=parse_vector(vector) if isinstance(vector, str) and vector else None)
    found: dict[str, Measured | None] = {
        "result": tensor_words(graph.nodes[graph.result].value),
        "operations": sum(node.kind is NodeKind.OPERATION for node in graph.nodes),
        **_checked(graph),
    }
    for name in graph.names:
        found |= {f"{name}_{what}": value for what, value in _of_node(graph.node(name)).items()}
    return {name: value for name, value in found.items() if value is not None}


def _checked(graph: Backprop) -> dict[str, Measured | None]:
    check = graph.check
    if check is None or not check.compared:
        return {}
    differences = [each.relative_difference for each in check.inputs if each.compared]
    return {"agrees": "yes" if check.agrees else "no", "largest_difference": float(max(differences))}


def _of_node(node: GraphNode) -> dict[str, Measured | None]:
    found: dict[str, Measured | None] = {}
    for what, tensor in (("value", node.value), ("gradient", node.gradient)):
        if tensor is None:
            continue
        found[what] = tensor_words(tensor)
        if tensor.numbers is not None and tensor.numbers.size:
            found[f"{what}_0"] = float(tensor.numbers.flat[0])
    if node.value is not None:
        found["entries"] = node.value.count
    return found
