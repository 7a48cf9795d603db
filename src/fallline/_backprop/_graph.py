"""From PyTorch's graph, the trace and the gradients to the nodes and edges that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Final, TypeVar

import torch

from fallline._backprop._cuts import Cuts
from fallline._backprop._gradients import Gradients
from fallline._backprop._operands import Recorded, arguments_of
from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_text import describe, short_op
from fallline._backprop._seen import Operation, Seen
from fallline._backprop._slopes import TURNED, local_slopes, stretched_to
from fallline._backprop._torch_private import WRITTEN_VIEW, custom_class, number_of, saved_by
from fallline._backprop._trace import STATISTICS, Trace
from fallline._backprop._values import joined, value_of
from fallline._backprop._walk import Step, Walk, leaf_of
from fallline._backprop._words import backward_in_words, shape_in_words
from fallline._backprop._written_parts import described, short_enough, writing
from fallline._records import GraphEdge, GraphNode, NodeKind, NodeMark, TensorValue

T = TypeVar("T")
MOST_CUT: Final = 30
"""Operations without a gradient that are shown on the way to where one ends; what is before them is a constant."""


@dataclass(frozen=True)
class GivenInput:
    """One tensor that was handed in."""

    name: str
    tensor: torch.Tensor
    """The copy that the function got."""


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

    def add(self, **fields: Any) -> int:
        """A new node at the end; its id."""
        blank = {"op": "", "name": None, "text": "", "module": None, "value": None, "gradient": None}
        self.nodes.append(GraphNode(id=len(self.nodes), **(blank | fields)))
        return len(self.nodes) - 1


def saved_of(walk: Walk, recorded: Recorded) -> dict[Step, tuple[str, ...]]:
    """What each step keeps for its way back, to be asked before the backward pass frees it."""
    found: dict[Step, tuple[str, ...]] = {}
    for step in walk.steps:
        operation = recorded.operation(step) or recorded.last.get(number_of(step))
        if operation is not None and not operation.packed:
            found[step] = tuple(f"{name} {shape_in_words(shape)}" for name, shape in saved_by(step))
    return found


class Drawing:
    """Puts the graph together, operation by operation, operands before what uses them."""

    def __init__(
        self,
        trace: Trace,
        walk: Walk,
        gradients: Gradients,
        saved: Mapping[Step, tuple[str, ...]],
        cuts: Cuts,
    ) -> None:
        self.graph = Graph()
        self._trace = trace
        self._walk = walk
        self._gradients = gradients
        self._saved = saved
        self._cuts = cuts
        self._recorded = Recorded.of(trace.operations)
        self._unmoved: dict[tuple[int, int], int] = {}
        """Nodes of tensors without a gradient: which tensor, and the place of the operation that wrote it last."""
        self._by_number: dict[int, int] = {}
        """Nodes of steps, by number."""
        self._room = MOST_CUT
        self._turned: dict[int, str] = {}
        """What transposed tensors are called, by token."""
        self._used = _used_outputs(walk)
        self._leaf_gradients = {
            id(leaf): gradient for leaf, gradient in zip(walk.leaves, gradients.leaves, strict=True)
        }

    def draw(self, inputs: Sequence[GivenInput]) -> tuple[Graph, tuple[int, ...]]:
        """The graph, and the nodes of the inputs."""
        ids = tuple(self._input(each) for each in inputs)
        for step in self._walk.steps:
            self._operation(step)
        return self.graph, ids

    def _input(self, given: GivenInput) -> int:
        gradient = self._leaf_gradients.get(id(given.tensor))
        place = self.graph.add(
            kind=NodeKind.INPUT,
            name=given.name,
            value=value_of(given.tensor),
            gradient=None if gradient is None else value_of(gradient),
            no_gradient=None if gradient is not None else self._cuts.why_none(given.name, given.tensor),
        )
        self.graph.tokens[self._trace.token(given.tensor)] = place
        return place

    def _parameter(self, leaf: torch.Tensor, module: str | None) -> int:
        token = self._trace.token(leaf)
        if token in self.graph.tokens:
            return self.graph.tokens[token]
        gradient = self._leaf_gradients.get(id(leaf))
        name = self._trace.names.get(token, f"parameter {shape_in_words(tuple(leaf.shape))}")  # met under no_grad alone
        place = self.graph.add(
            kind=NodeKind.PARAMETER,
            name=name,
            module=module,
            value=value_of(leaf),
            gradient=None if gradient is None else value_of(gradient),
            no_gradient=None if gradient is not None else self._cuts.why_none(name, leaf),
        )
        self.graph.tokens[token] = place
        return place

    def _operation(self, step: Step) -> None:
        operation = self._recorded.operation(step)
        ran_last = operation or self._recorded.last.get(number_of(step))
        module = None if ran_last is None else ran_last.module
        places = arguments_of(step, operation)
        sources = [self._source(operand, module) for operand, _ in step.next_functions]
        constants = self._constants(operation, places)
        outputs = self._outputs(step, operation)
        arrived = self._arrived(step)
        custom = custom_class(step)
        ran = None if operation is None else self._ran(operation)
        into_part = ran is not None and step.name() == WRITTEN_VIEW
        if ran is not None and into_part:
            ran = writing(ran)
        names = [self._label(each) for each in outputs if each is not None]
        node = self.graph.add(
            kind=NodeKind.OPERATION,
            op=custom.__name__
            if custom is not None
            else short_op(operation.op, ran)
            if operation
            else backward_in_words(step),
            name=names[0] if len(names) == 1 else None,
            text=self._called(step, custom)
            if ran is None or operation is None
            else self._written(ran, operation, sources[0])
            if into_part
            else self._text(ran, outputs),
            module=module,
            value=_join([None if each is None else each.value for each in outputs]),
            gradient=arrived,
            no_gradient=None if arrived is not None else "The backward pass did not come by here.",
            saved=self._saved.get(step, ()),
            backward=step.name(),
        )
        self.graph.steps[step] = node
        self._by_number[number_of(step)] = node
        self._edges_into(node, step, operation, ran, places, sources)
        for place, source in constants:
            self.graph.edges.append(GraphEdge(source, node, place))
        self._mark(node, ran_last, custom)

    def _source(self, operand: Step, module: str | None) -> int | None:
        if operand is None:
            return None
        leaf = leaf_of(operand)
        return self.graph.steps[operand] if leaf is None else self._parameter(leaf, module)

    def _constants(self, operation: Operation | None, places: Sequence[int | None]) -> list[tuple[int, int]]:
        """Nodes of the operation's tensors that have no gradient, with their places."""
        if operation is None:
            return []
        training = bool(dict(zip(operation.names, operation.arguments, strict=True)).get("training"))
        return [
            (place, self._constant(seen, operation))
            for place, (argument, seen) in enumerate(operation.tensors)
            if not seen.requires_grad
            and place not in places
            and not (training and operation.names[argument] in STATISTICS)
        ]

    def _constant(self, seen: Seen, user: Operation) -> int:
        """The node of a tensor without a gradient: what cut it off, or a constant."""
        if seen.token in self.graph.tokens:
            return self.graph.tokens[seen.token]
        maker = self._cuts.maker(seen, user.place)
        key = (seen.token, -1 if maker is None else maker.place)
        if key not in self._unmoved:
            cut = maker is not None and self._room > 0 and self._cuts.depends(maker)
            self._unmoved[key] = self._cut(maker, seen) if maker is not None and cut else self._plain(seen, user)
        return self._unmoved[key]

    def _plain(self, seen: Seen, user: Operation) -> int:
        label = self._label(seen)
        return self.graph.add(
            kind=NodeKind.CONSTANT,
            name=label,
            module=user.module,
            value=seen.value,
            no_gradient=f"{label or 'It'} does not ask for a gradient (requires_grad is False).",
            marks=frozenset({NodeMark.RANDOM} if self._cuts.drawn(seen, user.place) else ()),
        )

    def _cut(self, operation: Operation, seen: Seen) -> int:
        """An operation that no gradient comes back through."""
        self._room -= 1
        sources = [(place, self._before(each, operation)) for place, (_, each) in enumerate(operation.tensors)]
        ran = self._ran(operation)
        marks = _marks_of(operation, None) | {NodeMark.DETACHED: not operation.differentiable}
        node = self.graph.add(
            kind=NodeKind.OPERATION,
            op=short_op(operation.op, ran),
            name=self._label(seen),
            text=self._text(ran, [seen]),
            module=operation.module,
            value=seen.value,
            no_gradient=self._cuts.cut_in_words(operation),
            marks=frozenset(mark for mark, there in marks.items() if there),
        )
        self.graph.edges.extend(GraphEdge(source, node, place) for place, source in sources)
        return node

    def _before(self, seen: Seen, user: Operation) -> int:
        """What an operation without a gradient used."""
        if seen.leaf is not None:
            return self._parameter(seen.leaf, user.module)
        known = None if seen.key is None else self._by_number.get(seen.key[0])
        return self._constant(seen, user) if known is None else known

    def _outputs(self, step: Step, operation: Operation | None) -> list[Seen | None]:
        number = number_of(step)
        source = operation or self._recorded.last.get(number)
        if source is not None and source.whole is not None and step.name() == WRITTEN_VIEW:
            later = self._trace.values.get((number, 0))
            return [source.whole if source.whole.value is not None or later is None else later]
        made = () if source is None else source.outputs
        found = []
        for output in self._used[step]:
            later = self._trace.values.get((number, output))
            found.append(later if later is not None and later.value is not None else _at(made, output))
        return found

    def _arrived(self, step: Step) -> TensorValue | None:
        every = self._gradients.arrived.get(step, ())
        return _join([_at(every, output) for output in self._used[step]])

    def _edges_into(
        self,
        node: int,
        step: Step,
        operation: Operation | None,
        ran: Ran | None,
        places: Sequence[int | None],
        sources: Sequence[int | None],
    ) -> None:
        left = self._gradients.left.get(step, ())
        local = local_slopes(operation, ran, places, into_part=step.name() == WRITTEN_VIEW)
        for index, source in enumerate(sources):
            if source is None:
                continue
            place = places[index]
            self.graph.backward[step, index] = len(self.graph.edges)
            self.graph.edges.append(
                GraphEdge(
                    source,
                    node,
                    index if place is None else place,
                    local=local.get(index),
                    gradient=_at(left, index),
                    stretched=None if operation is None or place is None else stretched_to(operation, place),
                    output=self._output_of(*step.next_functions[index]),
                )
            )

    def _mark(self, node: int, operation: Operation | None, custom: type | None) -> None:
        marks = set() if custom is None else {NodeMark.CUSTOM}
        if operation is not None:
            marks |= {mark for mark, there in _marks_of(operation, custom).items() if there}
        into = self._into(node)
        made = self.graph.nodes[node]
        operands = [self.graph.nodes[edge.source].value for edge in into]
        given = operation is not None and any(map(_is_not_finite, operation.arguments))
        if _bad(made.value) and not given and not any(map(_bad, operands)):
            marks.add(NodeMark.NOT_FINITE_HERE)
        if made.gradient is not None and not _bad(made.gradient) and any(_bad(edge.gradient) for edge in into):
            marks.add(NodeMark.GRADIENT_NOT_FINITE_HERE)
        self.graph.nodes[node] = replace(made, marks=frozenset(marks))

    def _into(self, node: int) -> list[GraphEdge]:
        """A node's edges are the last ones while it is made."""
        found = []
        for edge in reversed(self.graph.edges):
            if edge.target != node:
                break
            found.append(edge)
        return found

    def _output_of(self, operand: Step, output: int) -> int | None:
        return output if len(self._used.get(operand, ())) > 1 else None

    def _written(self, ran: Ran, operation: Operation, before: int | None) -> str:
        """``before``: the node of the whole as it was."""
        view = self._recorded.viewed.get(operation.tensors[0][1].token)
        whole = None if operation.whole is None else self._label(operation.whole)
        if whole is None and before is not None:
            source = self.graph.nodes[before]
            whole = source.name or short_enough(source.text)
        return described(ran, whole, None if view is None else self._ran(view))

    def _label(self, seen: Seen) -> str | None:
        return self._trace.names.get(seen.token)

    def _text(self, ran: Ran, outputs: Sequence[Seen | None]) -> str:
        """What was computed; a transposed matrix is called so where it is used."""
        text = describe(ran)
        if text.endswith(TURNED) and " " not in text:
            self._turned |= {each.token: text for each in outputs if each is not None}
        return text

    def _ran(self, operation: Operation) -> Ran:
        return Ran(
            operation.op,
            operation.overload,
            tuple(self._held(each) for each in operation.arguments),
            operation.names,
            tuple(self._held(each) for each in operation.outputs),
        )

    def _held(self, argument: Any) -> Any:
        if isinstance(argument, tuple):
            return tuple(self._held(each) for each in argument)
        if not isinstance(argument, Seen):
            return argument
        held: Held = argument.held(self._label(argument) or self._turned.get(argument.token))
        return held

    def _called(self, step: Step, custom: type | None) -> str:
        """An operation that no rule knows: its name, and its operands where they have names."""
        name = custom.__name__ if custom is not None else backward_in_words(step)
        nodes = [self._source(operand, None) for operand, _ in step.next_functions]
        operands = ["…" if node is None else self.graph.nodes[node].name or "…" for node in nodes if node is not None]
        return f"{name}({', '.join(operands)})"


def _used_outputs(walk: Walk) -> dict[Step, list[int]]:
    used: dict[Step, set[int]] = {step: set() for step in walk.steps}
    for step in walk.steps:
        for operand, output in step.next_functions:
            if operand in used:
                used[operand].add(output)
    return {step: sorted(outputs) or [0] for step, outputs in used.items()}


def _marks_of(operation: Operation, custom: type | None) -> dict[NodeMark, bool]:
    own = custom is None
    return {
        NodeMark.VIEW: operation.view and own,
        NodeMark.IN_PLACE: operation.in_place and own,
        NodeMark.RANDOM: operation.random,
        NodeMark.HIGHER_ORDER: operation.higher_order,
    }


def _bad(value: TensorValue | None) -> bool:
    return value is not None and value.not_finite > 0


def _is_not_finite(argument: Any) -> bool:
    """A number that was handed to the operation beside its tensors."""
    return isinstance(argument, float) and not isfinite(argument)


def _join(values: Sequence[TensorValue | None]) -> TensorValue | None:
    there = [each for each in values if each is not None]
    return joined(there) if there else None


def _at(every: Sequence[T], index: int) -> T | None:
    return every[index] if index < len(every) else None
