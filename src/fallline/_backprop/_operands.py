"""Which argument of an operation each of its gradients belongs to, and which operation belongs to a step back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fallline._backprop._seen import Key, Operation, Seen
from fallline._backprop._torch_private import WRITTEN_VIEW, custom_class, number_of
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

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Recorded":
        """Sorted once."""
        recorded = cls()
        for operation in operations:
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
        return self.made.get(number)


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
        whole = index == 0 and step.name() == WRITTEN_VIEW  # of which the written tensor is a part
        place = 0 if whole else _place(operation, operand, output, after)
        places.append(place)
        after = after if place is None else place + 1
    return places


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
