"""A graph with modules closed: all nodes of one become a single one, opened on demand."""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fallline._errors import OptionError, near
from fallline._records import Backprop, GraphEdge, GraphNode, NodeKind

LEGIBLE: Final = 60
"""A graph of more nodes is shown with modules closed."""


def grouped(graph: Backprop, open: Collection[str] = ()) -> Backprop:  # noqa: A002  (the word a person uses)
    """The graph with its modules closed to single nodes, but for those in ``open``.

    Modules are opened level by level from outside, as long as the whole has at most 60 nodes; a graph of at most 60
    nodes is handed back as it is. Ids are places in the new graph; ``members`` of a group are ids in ``graph``. An edge
    that stands for several has no gradient of its own.

    Args:
        graph: as ``fl.backprop`` made it.
        open: paths of modules to show from inside; those around them are opened as well.

    Raises:
        OptionError: there is no module of such a path.
    """
    paths = module_paths(graph)
    for path in open:
        if path not in paths:
            raise OptionError(f'The graph has no module "{path}".{near(path, list(paths))}')
    if len(graph.nodes) <= LEGIBLE and not open:
        return graph
    wanted = {around for path in open for around in (*_around(path), path)}
    closed = _closed(graph, wanted)
    return _contracted(graph, closed)


def module_paths(graph: Backprop) -> tuple[str, ...]:
    """Of all modules in the graph, those around others included, in the order in which they ran."""
    found = (path for node in graph.nodes if node.module for path in (*_around(node.module), node.module))
    return tuple(dict.fromkeys(found))


def _around(path: str) -> list[str]:
    """The modules around one, outermost first: of "a.b.c" these are "a" and "a.b"."""
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _closed(graph: Backprop, wanted: Collection[str]) -> dict[int, str]:
    """Node → the closed module that it is in: those of the deepest level that is legible as a whole, or the first."""
    paths = module_paths(graph)
    levels = [frozenset(path for path in paths if path.count(".") < depth) for depth in range(_deepest(paths) + 2)]
    legible = [opened for opened in levels if _shown(graph, _assigned(graph, opened)) <= LEGIBLE]
    return _assigned(graph, {*(legible[-1] if legible else levels[0]), *wanted})


def _deepest(paths: Sequence[str]) -> int:
    return max((path.count(".") for path in paths), default=0)


def _shown(graph: Backprop, closed: Mapping[int, str]) -> int:
    return len(graph.nodes) - len(closed) + len(_sizes(closed))


def _assigned(graph: Backprop, opened: Collection[str]) -> dict[int, str]:
    """Each node's outermost module that is not open, where it has one; a module of a single node stays that node."""
    found = {
        node.id: path
        for node in graph.nodes
        if node.kind is not NodeKind.INPUT and node.id != graph.result
        for path in _outermost(node.module, opened)
    }
    sizes = _sizes(found)
    return {node: path for node, path in found.items() if sizes[path] > 1}


def _outermost(module: str | None, opened: Collection[str]) -> list[str]:
    paths = [] if not module else [*_around(module), module]
    return next(([path] for path in paths if path not in opened), [])


def _sizes(closed: Mapping[int, str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in closed.values():
        sizes[path] = sizes.get(path, 0) + 1
    return sizes


def _contracted(graph: Backprop, closed: Mapping[int, str]) -> Backprop:
    """The nodes of each closed module as one, at the place of its last."""
    members: dict[str, list[int]] = {}
    for node, path in closed.items():
        members.setdefault(path, []).append(node)
    order = _order(graph, closed)
    new_of: dict[int, int] = {}
    nodes: list[GraphNode] = []
    for unit in order:
        inside = members[unit] if isinstance(unit, str) else [unit]
        for each in inside:
            new_of[each] = len(nodes)
        made = _group(graph, unit, inside) if isinstance(unit, str) else graph.nodes[unit]
        nodes.append(replace(made, id=len(nodes)))
    groups = {node.id for node in nodes if node.kind is NodeKind.GROUP}
    edges = _edges(graph.edges, new_of, groups)
    return replace(
        graph,
        nodes=tuple(nodes),
        edges=edges,
        inputs=tuple(new_of[each] for each in graph.inputs),
        result=new_of[graph.result],
    )


def _order(graph: Backprop, closed: Mapping[int, str]) -> list[int | str]:
    """Nodes and closed modules, operands before what uses them.

    A module's operations ran without a foreign one between them, so no way leads out of one and back into it.
    """
    first = {closed.get(node.id, node.id): node.id for node in reversed(graph.nodes)}
    waiting: dict[int | str, set[int | str]] = {unit: set() for unit in first}
    users: dict[int | str, set[int | str]] = {unit: set() for unit in waiting}
    for edge in graph.edges:
        source, target = closed.get(edge.source, edge.source), closed.get(edge.target, edge.target)
        if source != target:
            waiting[target].add(source)
            users[source].add(target)
    order: list[int | str] = []
    ready = [(first[unit], unit) for unit, operands in waiting.items() if not operands]
    heapq.heapify(ready)
    while ready:
        _, unit = heapq.heappop(ready)
        order.append(unit)
        for user in users[unit]:
            waiting[user].discard(unit)
            if not waiting[user]:
                heapq.heappush(ready, (first[user], user))
    return order


def _group(graph: Backprop, path: str, inside: Sequence[int]) -> GraphNode:
    """One node for a module: value and gradient of its last operation, the marks of all."""
    last = graph.nodes[_last(graph.edges, inside)]
    return GraphNode(
        id=0,
        kind=NodeKind.GROUP,
        op=graph.modules.get(path, ""),
        name=path,
        text="",
        module=_around(path)[-1] if _around(path) else None,
        value=last.value,
        gradient=last.gradient,
        no_gradient=last.no_gradient,
        marks=frozenset(mark for each in inside for mark in graph.nodes[each].marks),
        members=tuple(inside),
    )


def _last(edges: Sequence[GraphEdge], inside: Sequence[int]) -> int:
    """The last node whose value somebody outside uses; of a module that nobody uses its last."""
    own = set(inside)
    out = [edge.source for edge in edges if edge.source in own and edge.target not in own]
    return max(out) if out else max(own)


def _edges(edges: Iterable[GraphEdge], new_of: Mapping[int, int], groups: Collection[int]) -> tuple[GraphEdge, ...]:
    """Between the new nodes; several between a group and another node become one."""
    between: dict[tuple[int, int], list[GraphEdge]] = {}
    for edge in edges:
        source, target = new_of[edge.source], new_of[edge.target]
        if source != target:
            between.setdefault((source, target), []).append(edge)
    found: list[GraphEdge] = []
    for (source, target), every in between.items():
        single = [replace(edge, source=source, target=target) for edge in every]
        closed = source in groups or target in groups
        found += (
            [replace(single[0], local=None, gradient=None, stretched=None)] if closed and len(every) > 1 else single
        )
    return tuple(found)
