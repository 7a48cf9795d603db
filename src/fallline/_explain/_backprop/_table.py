"""The graph as a table in the order of the way forward: name, computed, value, local derivative, gradient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fallline._columns import aligned, beginning, columns_of
from fallline._explain._backprop._edge import NUMERAL, rule_with_value
from fallline._explain._backprop._names import LEAVES, called, edges_to, marked, written_out
from fallline._explain._backprop._tensor_words import (
    NOT_THERE,
    at,
    figure,
    outputs_words,
    range_words,
    shape_words,
    tensor_words,
)
from fallline._records import Backprop, GraphEdge, GraphNode, NodeKind, TensorValue
from fallline._wording import visible

WIDE = 100
"""Columns where nobody tells how many there are."""
MOST_ROWS = 60
MOST_STACKED = 16
"""So many nodes are rather shown as lists, with every number, than in a table that leaves numbers out."""
ROOMS = (48, 36, 26, 20)
"""So many columns the first one takes at most, tried one after the other where the terminal is narrow."""
FEW_DIGITS = 3
"""In a long table."""
FULL_HEAD = ("name", "computed", "value", "local derivative", "gradient")
SHORT_HEAD = ("computed", "value", "local", "gradient")
SHORTEST_HEAD = ("computed", "value", "gradient")
INDENT = "  "
ORDINALS = {0: "1st", 1: "2nd", 2: "3rd"}
NAMED = frozenset({"π", "−π", "e", "−e"})
"""Numbers that are called by their letters."""


@dataclass(frozen=True)
class Row:
    """One node."""

    node: GraphNode
    edges: tuple[GraphEdge, ...]
    sources: tuple[str, ...]
    """What the operand of each edge is called."""


Layout = Callable[[Row], tuple[str, ...]]


def graph_table(graph: Backprop, width: int = WIDE) -> list[str]:
    """Lines no wider than ``width``: a table where one fits, else each node as a short list.

    The local derivative of an operation that uses one value twice is a sum (``y + y``); of several operands each is
    named, or, in a narrow table, they stand in the operands' order.
    """
    rows, left_out = _rows(graph)
    layouts: list[Layout] = [_with_numbers, _with_rules, _merged, _brief]
    if len(rows) > MOST_STACKED:
        layouts += [partial(_without_rules, room=room) for room in ROOMS]
    for layout in layouts:
        lines = _laid_out(layout, rows)
        if max(map(columns_of, lines)) <= width:
            break
    else:
        lines = _stacked(rows, width)
    return [*lines, *([beginning(f"… and {left_out:,} more nodes in between.", width)] if left_out else [])]


def _rows(graph: Backprop) -> tuple[list[Row], int]:
    """Of a long graph the beginning and the end."""
    shown, left_out = [node for node in graph.nodes if not _is_numeral(node)], 0
    if len(shown) > MOST_ROWS:
        left_out = len(shown) - MOST_ROWS
        shown = [*shown[: MOST_ROWS // 2], *shown[-MOST_ROWS // 2 :]]
    rows = []
    for node in shown:
        edges = tuple(
            edge for edge in edges_to(graph, node.id) if graph.nodes[edge.source].kind is not NodeKind.CONSTANT
        )
        rows.append(Row(node, edges, _told_apart([graph.nodes[edge.source] for edge in edges])))
    return rows, left_out


def _told_apart(sources: Sequence[GraphNode]) -> tuple[str, ...]:
    """What operands are called: two values of one text are not one that is used twice."""
    alike: dict[str, list[int]] = {}
    for node in sources:
        ids = alike.setdefault(called(node), [])
        if node.id not in ids:
            ids.append(node.id)
    told = []
    for node in sources:
        ids = sorted(alike[called(node)])
        which = "" if len(ids) == 1 else f" ({ORDINALS.get(ids.index(node.id), f'number {ids.index(node.id) + 1}')})"
        told.append(f"{called(node)}{which}")
    return tuple(told)


def _is_numeral(node: GraphNode) -> bool:
    """A number that was typed into an expression says all there is to say where it is used."""
    if node.kind is not NodeKind.CONSTANT or node.name is None:
        return False
    return NUMERAL.fullmatch(node.name) is not None or node.name in NAMED


def _laid_out(layout: Layout, rows: Sequence[Row]) -> list[str]:
    cells = [layout(row) for row in rows]
    head = {len(one): one for one in (FULL_HEAD, SHORT_HEAD, SHORTEST_HEAD)}[len(cells[0])]
    return aligned([head, *cells], [False] * len(head))


def _with_numbers(row: Row) -> tuple[str, ...]:
    name, text = _name_and_text(row.node)
    return name, text, _value(row.node), _locals(row, numbers=True), _gradient(row.node)


def _with_rules(row: Row) -> tuple[str, ...]:
    name, text = _name_and_text(row.node)
    return name, text, _value(row.node), _locals(row), _gradient(row.node)


def _merged(row: Row) -> tuple[str, ...]:
    """Name and computation in one column."""
    node = row.node
    return marked(node, written_out(node)), _value(node), _locals(row), _gradient(node)


def _without_rules(row: Row, room: int) -> tuple[str, ...]:
    """Of a long graph in a narrow terminal: no column but the first is ever cut, no number either."""
    node, kept = row.node, row.node.value
    value = "" if kept is None else _few_words(kept)
    if kept is not None and node.outputs:
        value = f"{_shapes(node)} {range_words(kept, FEW_DIGITS, shape=False)}"
    alike = kept is not None and node.gradient is not None and kept.shape == node.gradient.shape
    back = _gradient(node) if node.gradient is None else _few_words(node.gradient, shape=not alike)
    return beginning(marked(node, written_out(node)), room), value, back


def _shapes(node: GraphNode) -> str:
    """Of several outputs: ``3 × (1, 6)``, ``(1,) and (2,)``."""
    shapes = [shape_words(each.value.shape) for each in node.outputs if each.value is not None]
    many = {shape: shapes.count(shape) for shape in shapes}
    return " and ".join(shape if times == 1 else f"{times} × {shape}" for shape, times in many.items())


def _few_words(value: TensorValue, *, shape: bool = True) -> str:
    return range_words(value, FEW_DIGITS, shape=shape) if value.shape else tensor_words(value)


def _brief(row: Row) -> tuple[str, ...]:
    """As merged, with the local derivatives in the order of the operands: ``x, w`` of ``w · x``."""
    computed, value, _, gradient = _merged(row)
    return computed, value, ", ".join(_by_source(row, numbers=False).values()), gradient


def _stacked(rows: Sequence[Row], width: int) -> list[str]:
    """Each node with its value, and below it what went back."""
    lines = []
    room = max(8, width - len(INDENT))
    for row in rows:
        lines.append(beginning(marked(row.node, written_out(row.node)), width))
        told = [("value", _value(row.node, room - 6)), ("local", _locals(row)), ("grad", _gradient(row.node, room - 6))]
        lines += [INDENT + beginning(f"{what:5} {words}", room) for what, words in told if words]
    return lines


def _name_and_text(node: GraphNode) -> tuple[str, str]:
    if node.kind is NodeKind.GROUP:
        return visible(str(node.name)), visible(f"({node.op})" if node.op else "")
    text = "" if node.text == node.name else node.text or ("" if node.kind in LEAVES or node.name else called(node))
    return visible(node.name or ""), marked(node, visible(text)).strip()


def _value(node: GraphNode, room: int | None = None) -> str:
    if node.outputs:
        return outputs_words([(each.place, each.value) for each in node.outputs], room)
    return _cell(node.value, room) if node.value is not None else ""


def _cell(value: TensorValue, room: int | None) -> str:
    """As anywhere, but short where all entries of a small tensor are alike."""
    told = tensor_words(value, room)
    if value.parts is not None:  # of one absolute value, but not alike
        return told
    alike = value.numbers is not None and value.count > 1 and value.least == value.greatest and not value.not_finite
    return f"all {figure(value.least)}" if alike and told.startswith("[") else told


def _gradient(node: GraphNode, room: int | None = None) -> str:
    if node.gradient is None:
        return "" if node.kind is NodeKind.CONSTANT else NOT_THERE
    if node.outputs:
        return outputs_words([(each.place, each.gradient) for each in node.outputs], room)
    return _cell(node.gradient, room)


def _locals(row: Row, *, numbers: bool = False) -> str:
    """``2·x``; ``y + y`` where one value is used twice; ``w: x; x: w`` of several operands."""
    steps = len(row.node.members)
    if row.node.kind is NodeKind.GROUP and steps > 1:  # no rule of one step is that of the whole module
        return f"{steps:,} steps inside"
    told = _by_source(row, numbers=numbers)
    if len(told) == 1:
        return next(iter(told.values()))
    if len(set(told.values())) == 1:
        return f"{next(iter(told.values()))} to each"
    return "; ".join(f"to {source}: {rule}" for source, rule in told.items())


def _by_source(row: Row, *, numbers: bool) -> dict[str, str]:
    found: dict[str, list[GraphEdge]] = {}
    for edge, source in zip(row.edges, row.sources, strict=True):
        if edge.local is not None:
            found.setdefault(source, []).append(edge)
    return {source: _added_up(edges, numbers=numbers) for source, edges in found.items()}


def _added_up(edges: Sequence[GraphEdge], *, numbers: bool) -> str:
    """Of one operand that is used several times the rules alone: numbers among the plus signs would read as a sum."""
    return " + ".join(_local(edge, numbers=numbers and len(edges) == 1) for edge in edges)


def _local(edge: GraphEdge, *, numbers: bool) -> str:
    local = edge.local
    if local is None:
        return ""
    value = local.value
    constant = value is not None and value.count > 0 and value.least == value.greatest and not value.not_finite
    if value is None or not numbers or value.count == 0:
        return visible(local.rule) or (figure(value.least) if value is not None and constant else "…")
    if constant:
        return rule_with_value(local.rule, value.least)
    one = at(value, ())
    return rule_with_value(local.rule, one) if one is not None else f"{visible(local.rule)} = {tensor_words(value)}"
