"""From PyTorch's graph, the trace and the gradients to the nodes and edges that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import torch

from fallline._backprop._constants import name_of_constant
from fallline._backprop._cuts import Cuts
from fallline._backprop._gave_none import gave_none
from fallline._backprop._gradients import Gradients
from fallline._backprop._graph_parts import GivenInput, Graph
from fallline._backprop._marks import marks_of, marks_of_numbers
from fallline._backprop._on_purpose import on_purpose, on_purpose_of
from fallline._backprop._operands import Recorded, arguments_of
from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_text import UNNAMED, describe, short_op
from fallline._backprop._seen import Key, Operation, Seen
from fallline._backprop._slopes import TURNED, custom_slopes, local_slopes, stretched_to
from fallline._backprop._torch_private import REMADE_VIEW, WRITTEN_VIEW, custom_class, number_of, saved_by
from fallline._backprop._trace import STATISTICS, Trace
from fallline._backprop._values import joined, value_of
from fallline._backprop._view_chains import Link, back_through, chain_in_words, chain_to, links_of
from fallline._backprop._walk import Step, Walk, leaf_of, used_outputs
from fallline._backprop._words import backward_in_words, shape_in_words
from fallline._backprop._written_parts import described, short_enough, writing
from fallline._records import GraphEdge, LocalDerivative, NodeKind, NodeMark, NodeOutput, TensorValue

T = TypeVar("T")
MOST_CUT: Final = 30
"""Operations without a gradient that are shown on the way to where one ends; what is before them is a constant."""


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
        self._links = links_of(trace.operations)
        self._unmoved: dict[tuple[int, int], int] = {}
        """Nodes of tensors without a gradient: which tensor, and the place of the operation that wrote it last."""
        self._by_number: dict[int, int] = {}
        """Nodes of steps, by number."""
        self._room = MOST_CUT
        self._texts: dict[int, str] = {}
        """What transposed tensors and nameless constants are called, by token."""
        self._used = used_outputs(walk)
        self._gave_none = gave_none(walk, gradients)
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
            no_gradient=None if gradient is not None else self._why_none(given.name, given.tensor),
            notes=_several_names(given),
        )
        self._leaf(place, self._trace.token(given.tensor))
        return place

    def _why_none(self, name: str, leaf: torch.Tensor) -> str:
        known = self._gave_none.get(id(leaf))
        return self._cuts.why_none(name, leaf) if known is None else known.in_words(name)

    def _leaf(self, node: int, token: int) -> None:
        self.graph.tokens[token] = node
        if token in self._trace.past.leaves:
            self.graph.written[node] = self._trace.past.leaves[token]

    def _note_written(self, node: int, keys: Sequence[Key]) -> None:
        for key in keys:
            if key in self._trace.past.outputs:
                self.graph.written[node] = self._trace.past.outputs[key]

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
            no_gradient=None if gradient is not None else self._why_none(name, leaf),
        )
        self._leaf(place, token)
        return place

    def _operation(self, step: Step) -> None:
        operation = self._recorded.operation(step)
        chain = self._chain(step, operation)
        ran_last = operation or (chain[-1].operation if chain else self._recorded.last.get(number_of(step)))
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
            else short_op(chain[-1].operation.op)
            if chain
            else backward_in_words(step),
            name=names[0] if len(names) == 1 else None,
            text=chain_in_words([(link, self._ran(link.operation)) for link in chain])
            if chain
            else self._called(step, custom)
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
            outputs=self._each_output(step, outputs),
            notes=tuple(on_purpose_of(custom) if operation is None else on_purpose(operation.op, operation.given)),
        )
        self.graph.steps[step] = node
        self._note_written(node, [(number_of(step), output) for output in self._used[step]])
        self._by_number[number_of(step)] = node
        own = custom_slopes(custom, arrived, self._gradients.left.get(step, ()))
        local = own or local_slopes(operation, ran, places, into_part=into_part)
        self._edges_into(node, step, operation, places, sources, local={0: back_through(chain)} if chain else local)
        for place, source in constants:
            self.graph.edges.append(GraphEdge(source, node, place))
        self._mark(node, ran_last, custom)

    def _chain(self, step: Step, operation: Operation | None) -> list[Link]:
        """The views that a step leads back through at once, where it is no operation's own."""
        seen = self._trace.values.get((number_of(step), 0))
        if operation is not None or step.name() != REMADE_VIEW or seen is None:
            return []
        return chain_to(seen.token, self._links)

    def _source(self, operand: Step, module: str | None) -> int | None:
        if operand is None:
            return None
        leaf = leaf_of(operand)
        return self.graph.steps[operand] if leaf is None else self._parameter(leaf, module)

    def _constants(self, operation: Operation | None, places: Sequence[int | None]) -> list[tuple[int, int]]:
        """Nodes of the operation's tensors that have no gradient, with their places."""
        if operation is None:
            return []
        training = bool(operation.given.get("training"))
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
        made = None if label is not None else self._made_of_named(seen, user)
        text = "" if made is None else self._text(self._ran(made), [seen])
        if label is None and made is None:
            label = name_of_constant(seen, user, taken=self._trace.names.values())
            self._texts |= {} if label is None else {seen.token: label}
            label = label or f"constant {shape_in_words(seen.shape)}"
        return self.graph.add(
            kind=NodeKind.CONSTANT,
            name=label,
            text=text,
            module=user.module,
            value=seen.value,
            no_gradient=f"{label or text} does not ask for a gradient (requires_grad is False).",
            marks=frozenset({NodeMark.RANDOM} if self._cuts.drawn(seen, user.place) else ()),
        )

    def _made_of_named(self, seen: Seen, user: Operation) -> Operation | None:
        """The operation that made a nameless constant of tensors that have names: ``weightᵀ`` of a frozen weight."""
        maker = self._cuts.maker(seen, user.place)
        if maker is None or maker.in_place or not maker.tensors:
            return None
        return maker if all(self._label(each) is not None for _, each in maker.tensors) else None

    def _cut(self, operation: Operation, seen: Seen) -> int:
        """An operation that no gradient comes back through."""
        self._room -= 1
        sources = [(place, self._before(each, operation)) for place, (_, each) in enumerate(operation.tensors)]
        ran = self._ran(operation)
        detached = frozenset() if operation.differentiable else {NodeMark.DETACHED}
        node = self.graph.add(
            kind=NodeKind.OPERATION,
            op=short_op(operation.op, ran),
            name=self._label(seen),
            text=self._text(ran, [seen]),
            module=operation.module,
            value=seen.value,
            no_gradient=self._cuts.cut_in_words(operation),
            marks=marks_of(operation, None) | detached,
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

    def _each_output(self, step: Step, outputs: Sequence[Seen | None]) -> tuple[NodeOutput, ...]:
        """Of several that are used each by itself."""
        places, arrived = self._used[step], self._gradients.arrived.get(step, ())
        if len(places) < 2 or len(outputs) != len(places):
            return ()
        return tuple(
            NodeOutput(place, None if seen is None else seen.value, _at(arrived, place))
            for place, seen in zip(places, outputs, strict=True)
        )

    def _arrived(self, step: Step) -> TensorValue | None:
        every = self._gradients.arrived.get(step, ())
        return _join([_at(every, output) for output in self._used[step]])

    def _edges_into(
        self,
        node: int,
        step: Step,
        operation: Operation | None,
        places: Sequence[int | None],
        sources: Sequence[int | None],
        local: Mapping[int, LocalDerivative | None],
    ) -> None:
        left = self._gradients.left.get(step, ())
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
        into = self._into(node)
        operands = [self.graph.nodes[edge.source] for edge in into]
        made = self.graph.nodes[node]
        marks = marks_of(operation, custom) | marks_of_numbers(made, into, operands, operation)
        self.graph.nodes[node] = replace(made, marks=marks)

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
        if text.endswith(TURNED) and " " not in text and UNNAMED not in text:
            self._texts |= {each.token: text for each in outputs if each is not None}
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
        held: Held = argument.held(self._label(argument) or self._texts.get(argument.token))
        return held

    def _called(self, step: Step, custom: type | None) -> str:
        """An operation that no rule knows: its name, and its operands where they have names."""
        name = custom.__name__ if custom is not None else backward_in_words(step)
        nodes = [self._source(operand, None) for operand, _ in step.next_functions]
        operands = ["…" if node is None else self.graph.nodes[node].name or "…" for node in nodes if node is not None]
        return f"{name}({', '.join(operands)})"


def _several_names(given: GivenInput) -> tuple[str, ...]:
    if not given.also:
        return ()
    also = " and ".join(given.also)
    return (f"{given.name} was handed in as {also}, too: it is one tensor, and its gradient adds up all uses.",)


def _join(values: Sequence[TensorValue | None]) -> TensorValue | None:
    there = [each for each in values if each is not None]
    return joined(there) if there else None


def _at(every: Sequence[T], index: int) -> T | None:
    return every[index] if index < len(every) else None
