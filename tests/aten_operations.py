"""ATen operations as they run, one ``Ran`` each: what the rules are tested on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from fallline._backprop._ran import Held, Ran


@dataclass(frozen=True, eq=False)
class Recorded:
    """An operation, and the argument places of the operands that were asked about."""

    ran: Ran
    edges: tuple[int, ...]


class _Spy(TorchDispatchMode):
    def __init__(self, operands: Sequence[Tensor], labels: Sequence[str | None]) -> None:
        super().__init__()
        self._operands, self._labels = operands, labels
        self.recorded: list[Recorded] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        schema = func._schema.arguments
        given = [
            args[i] if i < len(args) else kwargs.get(a.name, a.default_value if a.has_default_value() else None)
            for i, a in enumerate(schema)
        ]
        arguments = tuple(self._held(each) for each in given)
        edges = tuple(i for operand in self._operands for i, each in enumerate(given) if _is_in(operand, each))
        output = func(*args, **kwargs)
        outputs = output if isinstance(output, (tuple, list)) else (output,)
        op, _, overload = str(func).removeprefix("aten.").partition(".")
        ran = Ran(
            op.removesuffix("_"),
            overload,
            arguments,
            tuple(a.name for a in schema),
            tuple(self._held(o) for o in outputs),
        )
        self.recorded.append(Recorded(ran, edges))
        return output

    def _held(self, each: Any) -> Any:
        if isinstance(each, (tuple, list)):
            return tuple(self._held(one) for one in each)
        if not isinstance(each, Tensor):
            return each
        label = next((lab for t, lab in zip(self._operands, self._labels, strict=True) if t is each), None)
        return Held(each.detach().clone() if each.numel() <= 1000 else None, tuple(each.shape), each.dtype, label)


def _is_in(operand: Tensor, each: Any) -> bool:
    return operand is each or (isinstance(each, (tuple, list)) and any(operand is one for one in each))


def operations(fn: Callable[..., Any], *operands: Tensor, labels: Sequence[str | None] = ()) -> list[Recorded]:
    """Every operation of ``fn(*operands)`` in order; ``labels`` are what the operands are called."""
    with torch.no_grad(), _Spy(operands, [*labels, *[None] * (len(operands) - len(labels))]) as spy:
        fn(*operands)
    return spy.recorded


def operation(fn: Callable[..., Any], *operands: Tensor, labels: Sequence[str | None] = ()) -> Recorded:
    """The one operation of ``fn`` that takes all of ``operands``."""
    (found,) = [each for each in operations(fn, *operands, labels=labels) if len(set(each.edges)) >= len(operands)]
    return found
