"""Which argument of an operation each of its gradients belongs to, and which operation belongs to a step back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fallline._backprop._seen import Key, Operation, Seen
from fallline._backprop._torch_private import REMADE_VIEW, WRITTEN_VIEW, custom_class, number_of
from fallline._backprop._walk import Step, leaf_of


@dataclass(eq=False)
class Recorded:
    """The operations of a trace, by the number of the autograd node that they belong to."""

    made: dict[int, Operation] = field(default_factory=dict)
    """The one that a node was made for."""
    last: dict[int, Operation] = field(default_factory=dict)
    """The last one of a number: of an ``autograd.Function`` the one that made its output."""
    written: list[Operation] = field(default_factory=list)
    """Those in place, in order."""
    viewed: dict[int, Operation] = field(default_factory=dict)
    """The one that made a view, by the token of the view; of views of views, and of several views at once, none."""
    remade: dict[int, Operation] = field(default_factory=dict)
    """The same by the number of the node that the view got when it was used after its base was written to."""

    _made_by_views: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Recorded":
        """Sorted once."""
        recorded = cls()
        for operation in operations:
            recorded._note_views(operation)
            if operation.differentiable:
                recorded.made.setdefault(operation.number, operation)
                if operation.in_place:
                    recorded.written.append(operation)
            elif operation.in_custom:
                recorded.last[operation.number] = operation
        return recorded

    def operation(self, step: Step) -> Operation | None:
        """The operation that this step goes back through; None where nobody saw it, and of a custom one."""
        if custom_class(step) is not None:
            return None
        number = number_of(step)
        if step.name() == WRITTEN_VIEW:
            before = [each for each in self.written if each.number < number]
            return before[-1] if before else None
        if step.name() == REMADE_VIEW and number not in self.made:
            return self.remade.get(number)
        return self.made.get(number)

    def _note_views(self, operation: Operation) -> None:
        for _, seen in operation.tensors:
            if seen.key is not None and seen.token in self.viewed:
                self.remade.setdefault(seen.key[0], self.viewed[seen.token])
        if operation.view and len(operation.outputs) == 1 and operation.outputs[0] is not None:
            base = operation.tensors[0][1].token
            if base not in self._made_by_views:
                self.viewed[operation.outputs[0].token] = operation
        if operation.view:
            self._made_by_views.update(each.token for each in operation.outputs if each is not None)


def arguments_of(step: Step, operation: Operation | None) -> list[int | None]:
    """For each of the step's operands its place among the operation's tensors; None where it cannot be told.

    The operands stand in the order of the schema, and those without a gradient may be left out of it, so that each is
    looked for behind the one before.
    """
    operands: Sequence[tuple[Step, int]] = step.next_functions
    if operation is None:
        return [None] * len(operands)
    places: list[int | None] = []
    after = 0
    for index, (operand, output) in enumerate(operands):
        whole = index == 0 and (step.name() == WRITTEN_VIEW or _remade(step, operation))  # the view is a part of it
        place = 0 if whole else _place(operation, operand, output, after)
        places.append(place)
        after = after if place is None else place + 1
    return places


def _remade(step: Step, operation: Operation) -> bool:
    return step.name() == REMADE_VIEW and operation.number != number_of(step)


def _place(operation: Operation, operand: Step, output: int, after: int) -> int | None:
    if operand is None:
        return None
    rest = enumerate(operation.tensors[after:], after)
    return next((place for place, (_, seen) in rest if _is(seen, operand, output)), None)


def _is(seen: Seen, operand: Step, output: int) -> bool:
    leaf = leaf_of(operand)
    if leaf is not None:
        return seen.leaf is leaf
    key: Key = (number_of(operand), output)
    return seen.key == key
