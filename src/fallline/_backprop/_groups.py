"""A graph with modules closed: all nodes of one become a single one, opened on demand."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fallline._errors import OptionError, near
from fallline._records import Backprop, GraphEdge, GraphNode, NodeKind

LEGIBLE: Final = 60
"""A graph of more nodes is shown with modules closed."""
LEAVES: Final = frozenset({NodeKind.INPUT, NodeKind.PARAMETER, NodeKind.CONSTANT})


@dataclass(frozen=True)
class _Run:
    """Operations of one module, one after the other, so that closing it never makes a circle."""

    path: str
    turn: int
    """1 for the first run of the module, 2 where it runs again after others did: called again, or gone on with."""

    @property
    def name(self) -> str:
        again = {1: "", 2: " (again)"}
        return self.path + again.get(self.turn, f" (again, {self.turn})")


def grouped(graph: Backprop, open: Collection[str] = ()) -> Backprop:  # noqa: A002  (the word a person uses)
    """The graph with its modules closed to single nodes, but for those in ``open``.

    What is closed is a run: operations of one module that ran one after the other, as on the page. A module that ran
    again after others did has several, "a" and "a (again)". Modules are opened level by level from outside, as long as
    the whole has at most 60 nodes; a graph of at most 60 nodes is handed back as it is. Ids are places in the new
    graph; ``members`` of a group are ids in ``graph``. An edge that stands for several has no gradient of its own.

    Args:
        graph: as ``fl.backprop`` made it.
        open: paths of modules to show from inside, or names of runs; those around them are opened as well.

    Raises:
        OptionError: there is no module of such a path.
    """
    paths = module_paths(graph)
    runs = _runs(graph)
    known = {*paths, *(run.name for inside in runs.values() for run in inside)}
    for path in open:
        if path not in known:
            raise OptionError(f'The graph has no module "{path}".{near(path, list(paths))}')
    if len(graph.nodes) <= LEGIBLE and not open:
        return graph
    wanted = {around for path in open for around in (*_around(path), path)}
    return _contracted(graph, _closed(graph, runs, wanted))


def open_already(graph: Backprop, open: Collection[str]) -> tuple[str, ...]:  # noqa: A002  (the word a person uses)
    """Of these modules those whose inside is shown without asking for it.

    Args:
        graph: as ``fl.backprop`` made it.
        open: paths of modules that there are.
    """
    runs = _runs(graph)
    as_it_is = _closed(graph, runs, ())
    return tuple(path for path in open if _closed(graph, runs, {*_around(path), path}) == as_it_is)


def module_paths(graph: Backprop) -> tuple[str, ...]:
    """Of all modules in the graph, those around others included, in the order in which they ran."""
    found = (path for node in graph.nodes if node.module for path in (*_around(node.module), node.module))
    return tuple(dict.fromkeys(found))


def _around(path: str) -> list[str]:
    """The modules around one, outermost first: of "a.b.c" these are "a" and "a.b"."""
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _runs(graph: Backprop) -> dict[int, tuple[_Run, ...]]:
    """Node → the runs that it is in, outermost first.

    A leaf is in those that hold all that use it. Inputs and the result stay outside.
    """
    leaves = _leaves(graph)
    outside = {*graph.inputs, graph.result}
    turns: Counter[str] = Counter()
    current: tuple[_Run, ...] = ()
    inside: dict[int, tuple[_Run, ...]] = {}
    for node in graph.nodes:
        if node.id in leaves:
            continue
        paths = [*_around(node.module), node.module] if node.module and node.id not in outside else []
        same = _same([run.path for run in current], paths)
        turns.update(paths[same:])
        current = (*current[:same], *(_Run(path, turns[path]) for path in paths[same:]))
        inside[node.id] = current
    users: dict[int, tuple[_Run, ...]] = {}
    for edge in graph.edges:
        if edge.source in leaves - outside:
            around = inside[edge.target]
            shared = users.setdefault(edge.source, around)
            users[edge.source] = shared[: _same(shared, around)]
    return inside | dict.fromkeys(leaves, ()) | users


def _leaves(graph: Backprop) -> set[int]:
    """Ids of inputs, parameters and constants that were not made from others."""
    made = {edge.target for edge in graph.edges}
    return {node.id for node in graph.nodes if node.kind in LEAVES and node.id not in made}


def _same(one: Sequence[object], other: Sequence[object]) -> int:
    """How many of the first entries are equal."""
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _closed(graph: Backprop, runs: Mapping[int, Sequence[_Run]], wanted: Collection[str]) -> dict[int, _Run]:
    """Node → the closed run that it is in: those of the deepest level that is legible as a whole, or the first."""
    paths = module_paths(graph)
    levels = [frozenset(path for path in paths if path.count(".") < depth) for depth in range(_deepest(paths) + 2)]
    legible = [opened for opened in levels if _shown(graph, _assigned(runs, opened)) <= LEGIBLE]
    return _assigned(runs, {*(legible[-1] if legible else levels[0]), *wanted})


def _deepest(paths: Sequence[str]) -> int:
    return max((path.count(".") for path in paths), default=0)


def _shown(graph: Backprop, closed: Mapping[int, _Run]) -> int:
    return len(graph.nodes) - len(closed) + len(set(closed.values()))


def _assigned(runs: Mapping[int, Sequence[_Run]], opened: Collection[str]) -> dict[int, _Run]:
    """Each node's outermost run that is not open, where it has one; a run of a single node stays that node."""
    outermost = {
        node: next((run for run in inside if run.path not in opened and run.name not in opened), None)
        for node, inside in runs.items()
    }
    found = {node: run for node, run in outermost.items() if run is not None}
    sizes = Counter(found.values())
    return {node: run for node, run in found.items() if sizes[run] > 1}


def _contracted(graph: Backprop, closed: Mapping[int, _Run]) -> Backprop:
    """The nodes of each closed run as one, at the place of its first operation."""
    members: dict[int | _Run, list[int]] = {}
    for node in graph.nodes:
        members.setdefault(closed.get(node.id, node.id), []).append(node.id)
    new_of: dict[int, int] = {}
    nodes: list[GraphNode] = []
    for unit in _order(graph, closed):
        new_of |= dict.fromkeys(members[unit], len(nodes))
        made = _group(graph, unit, members[unit]) if isinstance(unit, _Run) else graph.nodes[unit]
        nodes.append(replace(made, id=len(nodes)))
    groups = {node.id for node in nodes if node.kind is NodeKind.GROUP}
    return replace(
        graph,
        nodes=tuple(nodes),
        edges=_edges(graph.edges, new_of, groups),
        inputs=tuple(new_of[each] for each in graph.inputs),
        result=new_of[graph.result],
    )


def _order(graph: Backprop, closed: Mapping[int, _Run]) -> list[int | _Run]:
    """Nodes and closed runs, operands before what uses them.

    Operations keep their order, a run stands where it began. A leaf stands at its own place, or before the first run
    that uses it and began earlier.
    """
    leaves = _leaves(graph)
    first: dict[int | _Run, tuple[int, int]] = {}
    for node in graph.nodes:
        if node.id not in closed or node.id not in leaves:
            first.setdefault(closed.get(node.id, node.id), (node.id, 1))
    for edge in graph.edges:
        if edge.source in leaves and edge.source not in closed:
            user = first[closed.get(edge.target, edge.target)]
            first[edge.source] = min(first[edge.source], (user[0], 0))
    return sorted(first, key=first.__getitem__)


def _group(graph: Backprop, run: _Run, inside: Sequence[int]) -> GraphNode:
    """One node for a closed run: value and gradient of its last operation, the marks of all."""
    last = graph.nodes[_last(graph.edges, inside)]
    return GraphNode(
        id=0,
        kind=NodeKind.GROUP,
        op=graph.modules.get(run.path, ""),
        name=run.name,
        text="",
        module=_around(run.path)[-1] if _around(run.path) else None,
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
