"""The way back as a tree: the result on top, below each node its operands with the gradient on the edge."""

from dataclasses import dataclass

from fallline._columns import beginning, columns_of
from fallline._explain._backprop._chain import bracketed
from fallline._explain._backprop._names import marked, written_out
from fallline._explain._backprop._tensor_words import figure, tensor_words, words_within
from fallline._explain._backprop._uses import arrived_words, uses_words
from fallline._records import Backprop, GraphEdge, NodeKind, TensorValue
from fallline._wording import visible

WIDE = 100
STEP = 3
GAP = "  "
ARROW = " → "
LEAST_ROOM = 20
BELOW = " (see below)"
DEEPEST_PART = 0.5
"""Branches are indented up to this part of the width; deeper ones are continued further down."""


@dataclass(frozen=True)
class Line:
    """An operand, and what went along the edge to it."""

    label: str = ""
    factor: str = ""
    """What the gradient was multiplied by, ``× 2·y``, or the rule; or words in place of a gradient."""
    gradient: TensorValue | None = None
    below: str = ""
    """What stands before a second line of it."""

    def told(self) -> str:
        """Factor → gradient, with every number."""
        if self.gradient is None:
            return self.factor
        return f"{self.factor} → {tensor_words(self.gradient)}" if self.factor else tensor_words(self.gradient)

    def told_in(self, room: int) -> list[str]:
        """The same in so many columns: on two lines where one is too short, the numbers as a range then."""
        if self.gradient is None or not self.factor:
            return [self.factor if self.gradient is None else words_within(self.gradient, room)]
        after = tensor_words(self.gradient, max(LEAST_ROOM, room - columns_of(self.factor) - columns_of(ARROW)))
        one = f"{self.factor}{ARROW}{after}"
        if columns_of(one) <= room:
            return [one]
        arrow = ARROW.lstrip()
        return [self.factor, arrow + words_within(self.gradient, room - columns_of(arrow))]


def graph_tree(graph: Backprop, width: int = WIDE) -> list[str]:
    """Lines of at most ``width`` columns, backward from the result; a node that was shown above is only named again.

    Behind each operand stands the local derivative as a factor, then the gradient that went along the edge.
    """
    operands = _operands(graph)
    lines: list[Line] = []
    shown: set[int] = set()
    heads = [graph.result]
    deepest = max(1, int(width * DEEPEST_PART) // STEP)
    while heads:
        head = heads.pop(0)
        if lines:
            lines.append(Line())
        _branch(graph, operands, head, lines, shown, heads, deepest)
    return _side_by_side(lines, width)


def _operands(graph: Backprop) -> dict[int, list[GraphEdge]]:
    found: dict[int, list[GraphEdge]] = {}
    for node in graph.nodes:
        found[node.id] = []
    for edge in graph.edges:
        found[edge.target].append(edge)
    return {node: sorted(edges, key=lambda edge: edge.operand) for node, edges in found.items()}


def _branch(
    graph: Backprop,
    operands: dict[int, list[GraphEdge]],
    head: int,
    lines: list[Line],
    shown: set[int],
    heads: list[int],
    deepest: int,
) -> None:
    """One node and all below it, without recursion: graphs may be thousands of operations deep."""
    shown.add(head)
    lines.append(Line(_label(graph, head), _uses_of_head(graph, head), graph.nodes[head].gradient))
    waiting = [(edge, "", last) for edge, last in _marked(operands[head])]
    while waiting:
        edge, prefix, last = waiting.pop()
        corner, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        source = edge.source
        inner = [] if source in shown else _marked(operands[source])
        again = " (see above)" if source in shown and operands[source] else ""
        if inner and len(prefix) // STEP + 1 >= deepest:
            heads.append(source)
            inner, again = [], BELOW
        under = prefix + below + ("│  " if inner else "   ")
        lines.append(
            Line(f"{prefix}{corner}{_label(graph, source)}{again}", _factor(graph, edge), edge.gradient, under)
        )
        if source not in shown and again != BELOW:
            lines += [Line(under, told, whole, under) for told, whole in arrived_words(graph, edge)]
        waiting += [(operand, prefix + below, is_last) for operand, is_last in inner]
        shown.add(source)


def _marked(edges: list[GraphEdge]) -> list[tuple[GraphEdge, bool]]:
    """Last first, as a stack takes them."""
    return [(edge, k == len(edges) - 1) for k, edge in enumerate(edges)][::-1]


def _label(graph: Backprop, node: int) -> str:
    return marked(graph.nodes[node], written_out(graph.nodes[node]))


def _uses_of_head(graph: Backprop, head: int) -> str:
    """A branch that is continued here begins with all that arrived."""
    return uses_words(graph, head) if head != graph.result else ""


def _factor(graph: Backprop, edge: GraphEdge) -> str:
    if edge.gradient is None:
        return "a constant" if graph.nodes[edge.source].kind is NodeKind.CONSTANT else "nothing goes back"
    rule = visible(edge.local.rule) if edge.local is not None else ""
    value = edge.local.value if edge.local is not None else None
    if not rule and value is not None and value.count and value.least == value.greatest:
        rule = figure(value.least)
    summed = ", summed over the copies" if edge.stretched is not None else ""
    return f"{f'× {bracketed(rule)}' if value is not None else rule}{summed}" if rule else ""


def _side_by_side(lines: list[Line], width: int) -> list[str]:
    """Gradients under each other on the right; where that does not fit, below each label."""
    left = max(columns_of(line.label) for line in lines)
    if max(left + len(GAP) + columns_of(line.told()) for line in lines) <= width:
        return [(line.label + " " * (left - columns_of(line.label)) + GAP + line.told()).rstrip() for line in lines]
    told = []
    for line in lines:
        one = f"{line.label}{GAP}{line.told()}".rstrip()
        if columns_of(one) <= width:
            told.append(one)
            continue
        below = [f"{line.below}{part}" for part in line.told_in(width - columns_of(line.below))]
        told += [beginning(each, width) for each in ([] if line.label == line.below else [line.label]) + below]
    return told
