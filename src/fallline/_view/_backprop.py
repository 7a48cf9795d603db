"""What the page of a backward pass is given (docs/payload-backprop.md): its nodes and edges, numbers, sentences."""

from collections import defaultdict
from typing import Any

from fallline._explain._backprop import (
    accusation,
    check_outcome,
    check_sentences,
    edge_sentence,
    is_mismatch,
    kept_words,
    mark_sentences,
    node_sentence,
    story,
)
from fallline._records import Backprop, GradientCheck, GraphEdge, GraphNode, NodeOutput
from fallline._view._backprop_equations import equation, meeting
from fallline._view._backprop_tensors import Tensors, tensors_for
from fallline._view._typeset import typeset

SCHEMA = "fallline.payload-backprop/1"


def build_backprop_payload(graph: Backprop) -> dict[str, Any]:
    """The payload of a graph; NaN and ±inf are floats here, ``to_json`` writes them as strings."""
    tensors = tensors_for(graph)
    leaving: dict[int, list[GraphEdge]] = defaultdict(list)
    for edge in graph.edges:
        if edge.gradient is not None:
            leaving[edge.source].append(edge)
    return {
        "schema": SCHEMA,
        "title": graph.title,
        "expression": graph.expression,
        "accusation": [typeset(line) for line in accusation(graph)],
        "lead": [typeset(line) for line in story(graph)],
        "remarks": list(graph.remarks),
        "inputs": list(graph.inputs),
        "result": graph.result,
        "vector": tensors.place(graph.vector),
        "modules": dict(graph.modules),
        "nodes": [_node(graph, node, leaving[node.id], tensors) for node in graph.nodes],
        "edges": [_edge(graph, index, tensors) for index in range(len(graph.edges))],
        "check": None if graph.check is None else _check(graph, graph.check),
        "jacobians": _jacobians(graph),
        "tensors": tensors.held,
    }


def _node(graph: Backprop, node: GraphNode, leaving: list[GraphEdge], tensors: Tensors) -> dict[str, Any]:
    return {
        "kind": node.kind.value,
        "op": node.op,
        "name": node.name,
        "text": node.text,
        "module": node.module,
        "value": tensors.place(node.value),
        "gradient": tensors.place(node.gradient),
        "outputs": [_output(each, tensors) for each in node.outputs],
        "no_gradient": node.no_gradient,
        "marks": sorted(mark.value for mark in node.marks),
        "mark_sentences": mark_sentences(node),
        "saved": kept_words(graph, node),
        "backward": node.backward,
        "members": len(node.members),
        "meeting": meeting(node, leaving),
        "sentence": typeset(node_sentence(graph, node.id)),
    }


def _output(output: NodeOutput, tensors: Tensors) -> dict[str, Any]:
    return {
        "place": output.place,
        "value": tensors.place(output.value),
        "gradient": tensors.place(output.gradient),
    }


def _edge(graph: Backprop, index: int, tensors: Tensors) -> dict[str, Any]:
    edge = graph.edges[index]
    local = edge.local
    return {
        "source": edge.source,
        "target": edge.target,
        "operand": edge.operand,
        "output": edge.output,
        "rule": None if local is None else local.rule,
        "local": None if local is None else tensors.place(local.value),
        "product": None if local is None else local.product,
        "gradient": tensors.place(edge.gradient),
        "stretched": None if edge.stretched is None else list(edge.stretched),
        "equation": equation(graph, edge),
        "sentence": typeset(edge_sentence(graph, index)),
    }


def _check(graph: Backprop, check: GradientCheck) -> dict[str, Any]:
    words, tone = check_outcome(check, mismatch=is_mismatch(graph))
    return {
        "agrees": check.agrees,
        "outcome": words,
        "tone": tone,
        "sentences": [typeset(line) for line in check_sentences(graph)],
        "wrong_edges": list(check.wrong_edges),
        "inputs": [
            {
                "name": each.name,
                "compared": each.entries or each.directions,
                "unit": "entries" if each.entries > 0 else "directions",
                "largest_difference": each.largest_difference,
                "relative_difference": each.relative_difference,
                "autograd": each.autograd,
                "differences": each.differences,
                "agrees": each.agrees,
            }
            for each in check.inputs
        ],
    }


def _jacobians(graph: Backprop) -> list[dict[str, Any]] | None:
    if graph.jacobians is None:
        return None
    return [{"name": name, "rows": matrix.tolist()} for name, matrix in graph.jacobians.items()]
