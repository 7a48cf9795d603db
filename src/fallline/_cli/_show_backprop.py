"""A forward and a backward pass on the screen: what happened, a table or a tree, the check; the same as JSON."""

import json
from pathlib import Path

from fallline._cli._screen import Screen
from fallline._explain import (
    birth_told,
    check_sentences,
    graph_table,
    graph_tree,
    is_mismatch,
    jacobian_lines,
    needs_saying_first,
    operand_words,
    readable,
    story,
)
from fallline._records import Backprop, CheckedInput, GradientCheck, GraphEdge, GraphNode, TensorValue
from fallline._store import plain
from fallline._wording import visible

SCHEMA = "fallline.backprop/1"
HOW_TO_READ = "Values came downward. Going back up, each row hands local derivative × gradient on to its operands."
HINT = "--tree shows the way back, --report FILE draws and plays it."
HOW_TO_READ_TREE = "Each line: what arrived above × the local derivative → what goes on."
ADDS_UP = "What comes back to a value that is used several times adds up."


def as_json(graph: Backprop, page: Path | None) -> str:
    """The graph for programs; docs/json.md."""
    told = {
        "schema": SCHEMA,
        "expression": graph.expression,
        "title": graph.title,
        "inputs": graph.inputs,
        "result": graph.result,
        "vector": _value(graph.vector),
        "gradients": graph.gradients,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
        "check": None if graph.check is None else _check(graph.check),
        "jacobians": graph.jacobians,
        "remarks": graph.remarks,
        "seconds": graph.seconds,
        "report": None if page is None else str(page),
    }
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def _check(check: GradientCheck) -> dict[str, object]:
    inputs = [_checked(each) for each in check.inputs]
    return {
        "agrees": check.agrees,
        "compared": check.compared,
        "left_out": check.left_out,
        **_fields(check),
        "inputs": inputs,
    }


def _checked(one: CheckedInput) -> dict[str, object]:
    """An input of which nothing was compared has no numbers of a comparison: null, not NaN."""
    told = {**_fields(one), "compared": one.compared}
    if not one.compared:
        told |= dict.fromkeys(("largest_difference", "relative_difference", "at", "autograd", "differences"))
    return told


def _node(node: GraphNode) -> dict[str, object]:
    return {
        **_fields(node),
        "value": _value(node.value),
        "gradient": _value(node.gradient),
        "marks": sorted(mark.value for mark in node.marks),
        "outputs": [
            {"place": each.place, "value": _value(each.value), "gradient": _value(each.gradient)}
            for each in node.outputs
        ],
        "hook": None if node.hook is None else {"before": _value(node.hook.before), "factor": node.hook.factor},
    }


def _edge(edge: GraphEdge) -> dict[str, object]:
    local = edge.local
    return {
        **_fields(edge),
        "local": None
        if local is None
        else {"rule": local.rule, "value": _value(local.value), "product": local.product},
        "gradient": _value(edge.gradient),
    }


def _value(value: TensorValue | None) -> dict[str, object] | None:
    """A summary of no finite entry at all is not there: null, not NaN."""
    if value is None:
        return None
    told = _fields(value)
    if value.not_finite == value.count:
        told |= dict.fromkeys(("least", "greatest", "mean", "norm"))
    return told


def _fields(record: object) -> dict[str, object]:
    told = plain(record)
    if not isinstance(told, dict):
        raise TypeError("a record becomes a mapping")
    return told


def show_backprop(screen: Screen, graph: Backprop, page: Path | None, *, tree: bool = False) -> None:
    """The whole answer, top to bottom."""
    first = needs_saying_first(graph)
    if first:
        head = "MISMATCH" if is_mismatch(graph) else "CAUTION"
        screen.paragraph(f"{head}: {' '.join(check_sentences(graph))}")
        screen.say("")
    birth = birth_told(graph)  # told below, where a long table cannot push it out of sight
    for sentence in story(graph):
        if sentence != birth:
            screen.paragraph(sentence)
    shown = readable(graph)
    lines = graph_tree(shown, screen.width) if tree else graph_table(shown, screen.width)
    screen.say("", *lines)
    screen.say("")
    adds = [ADDS_UP] if tree and any(" uses" in line for line in lines) else []
    screen.paragraph(" ".join([HOW_TO_READ_TREE if tree else HOW_TO_READ, *adds, *operand_words(shown, lines)]))
    matrices = jacobian_lines(graph, screen.width)
    screen.say(*([""] if matrices else []), *matrices)
    checked = [*([] if birth is None else [birth]), *([] if first else check_sentences(graph))]
    for sentences in (checked, [visible(each) for each in graph.remarks]):
        if sentences:
            screen.say("")
            screen.paragraph(" ".join(sentences))
    if page is not None:
        screen.say("", f"report  {page}")
    elif not tree:
        screen.say("")
        screen.paragraph(HINT)
