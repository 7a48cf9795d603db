"""What autograd holds constant (``detach``, ``no_grad``, indices, ``item()``), held constant for differences as well.

Autograd's derivative is the one of a function in which these values do not move; differences would see them move.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from math import prod
from typing import Any, Final

import torch

from fallline._backprop._custom_forwards import CustomForwards
from fallline._backprop._on_purpose import stand_in_for
from fallline._backprop._resolved import Resolved, copies_lazy
from fallline._backprop._tensors_in import tensors_in
from fallline._backprop._torch_private import (
    ITEM,
    DispatchMode,
    as_they_are,
    custom_functions_run,
    in_custom_forward,
    next_number,
    ran,
    saving_hooked,
    schema_of,
)

PRODUCTS: Final = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1, "mv": 0, "dot": 0}
"""Operations whose cost is the output's entries times the last axis of the argument of this place."""

CUTTING: Final = ("aten::detach", "aten::detach_")
"""Operations that are there to cut a gradient off."""
STAND_IN: Final = " "
"""Between the name of an operation and that of what its stand-in holds."""
Slot = tuple[str, int]
"""An operation and which of its tensors."""


WIDE: Final = {
    **dict.fromkeys((torch.float16, torch.bfloat16, torch.float32, torch.float64), torch.float64),
    **dict.fromkeys((torch.complex32, torch.complex64, torch.complex128), torch.complex128),
}
"""Each dtype in double precision."""
PER_OPERATION: Final = 20_000
"""What running an operation takes that hardly computes anything, in multiplications."""


class OtherOperationsError(Exception):
    """The function ran other operations than the first time: what it held constant cannot be told."""


class Constants(DispatchMode):
    """Notes every value that an operation used without a gradient, and how much work the whole was."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[Slot, Any]] = []
        self.work = 0
        """Multiplications, roughly, and what an operation takes beside them."""
        self.coarsest = torch.float64
        """Of the dtypes that the function computed in."""
        self.checkpointed = False
        """Part of the function runs again in the backward pass."""
        self.unseen: set[int] = set()
        """Numbers, since this run began, of autograd nodes whose operation used what moves and has no gradient."""
        self.used_again: tuple[str, ...] = ()
        """Names of ``autograd.Function``s of which operations outside used what their forward had kept."""
        self.custom = False
        """An ``autograd.Function`` was applied."""
        self._forwards = CustomForwards()
        self._resolved = Resolved[bool]()
        self._open = ExitStack()
        self._first = 0

    def __enter__(self) -> Any:
        """From here on."""
        self._first = next_number()
        self._open.enter_context(custom_functions_run(self._run))
        return super().__enter__()  # type: ignore[no-untyped-call]  # PyTorch gives it no types

    def __exit__(self, *error: Any) -> None:
        """What was kept of this run's tensors is given up."""
        super().__exit__(*error)  # type: ignore[no-untyped-call]  # PyTorch gives it no types
        self._open.close()
        self.used_again, self.custom = tuple(self._forwards.used_again), self._forwards.ran
        self._forwards = CustomForwards()

    def _run(self, apply: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        made = self._forwards.run(apply, args, kwargs)
        if any(each.requires_grad for each in tensors_in((args, kwargs))):
            self._note_precision(made)
        return made

    def _note_precision(self, output: Any) -> None:
        self.coarsest = max((self.coarsest, *_precisions(output)), key=lambda dtype: torch.finfo(dtype).eps)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation."""
        inside = in_custom_forward()
        self.checkpointed = self.checkpointed or saving_hooked()
        operands = tensors_in((args, kwargs))
        asking = any(each.requires_grad for each in operands)
        recorded = asking and torch.is_grad_enabled()
        name = schema_of(func).name
        given = self._tensors_through(func, args, kwargs or {}, inside=inside, recorded=recorded)
        stand_in = stand_in_for(func, *given, recorded=recorded, inside=inside)
        output = ran(func, *given) if stand_in is None else stand_in(partial(self._hold, name))
        if recorded and copies_lazy(name, operands):
            self._resolved.note(output, True)
        self.work += PER_OPERATION + _work(func, given[0], output)
        if inside or asking:
            self._note_precision(output)
        if inside:  # what NumPy made there is no operation's output
            with as_they_are():
                self._note_precision([each for each in operands if not self._forwards.holds(each)])
        if inside:
            self._forwards.made_inside(output)
            return output
        cut = name in CUTTING or not torch.is_grad_enabled()
        self._forwards.made_outside(operands, output, recorded=recorded, cut=cut)
        if name.endswith(ITEM):
            return self._constant((ITEM, 0), output)
        return output

    def _tensors_through(self, func: Any, args: Any, kwargs: Any, *, inside: bool, recorded: bool) -> tuple[Any, Any]:
        if not (recorded or inside):
            return args, kwargs
        written = written_by(func, args, kwargs)
        name, place = schema_of(func).name, iter(range(10**9))

        def through(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(through(each) for each in value)
            if not isinstance(value, torch.Tensor) or value.requires_grad or id(value) in written:
                return value
            if self._resolved.find(value) is not None:
                return value
            if inside and not self._forwards.holds(value):
                return value
            if not inside and self._forwards.moves_unseen(value):
                self.unseen.add(next_number() - 1 - self._first)
                return value
            return self._constant((name, next(place)), value)

        return through(tuple(args)), {key: through(value) for key, value in kwargs.items()}

    def _hold(self, operation: str, name: str, value: torch.Tensor) -> Any:
        return self._constant((f"{operation}{STAND_IN}{name}", 0), value)

    def _constant(self, slot: Slot, value: Any) -> Any:
        self.values.append((slot, value.detach().clone() if isinstance(value, torch.Tensor) else value))
        return value


class Held(Constants):
    """Runs the function with the constants of another run; ``moved`` tells whether any would have been another."""

    def __init__(self, constants: Constants) -> None:
        super().__init__()
        self.moved = False
        self.cut_moved = False
        """The same of what autograd holds constant, without what a stand-in of an operation does."""
        self._forwards = CustomForwards(expected=constants.custom)
        self._known = constants.values
        self._place = 0

    def _constant(self, slot: Slot, value: Any) -> Any:
        if self._place >= len(self._known) or self._known[self._place][0] != slot:
            raise OtherOperationsError
        known = self._known[self._place][1]
        self._place += 1
        moved = not _same(known, value)
        self.moved = self.moved or moved
        self.cut_moved = self.cut_moved or (moved and STAND_IN not in slot[0])
        return known.clone() if isinstance(known, torch.Tensor) else known


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if not one.layout == other.layout == torch.strided:
            return _same_sparse(one, other)
        return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())  # noqa: PLR0124  (NaN)
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124  (NaN equals NaN here)


def _same_sparse(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Sparse tensors cannot be compared: their entries are, and where they lie."""
    if one.layout != other.layout or one.shape != other.shape:
        return False
    return all(_same(first, second) for first, second in zip(_parts(one), _parts(other), strict=True))


def _parts(sparse: torch.Tensor) -> list[torch.Tensor]:
    """The tensors that a sparse one is made of."""
    if sparse.layout is torch.sparse_coo:
        return [sparse._indices(), sparse._values()]
    if sparse.layout in (torch.sparse_csr, torch.sparse_bsr):
        return [sparse.crow_indices(), sparse.col_indices(), sparse.values()]
    if sparse.layout in (torch.sparse_csc, torch.sparse_bsc):
        return [sparse.ccol_indices(), sparse.row_indices(), sparse.values()]
    return [sparse.to_dense()]


class Promoting(DispatchMode):
    """Brings every floating or complex operand of an operation to double precision where one of them is in it.

    Arithmetic does so by itself. A function made for float32 has float32 constants, and a product of matrices refuses
    to mix them.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation."""
        named = kwargs or {}
        dtypes = {each.dtype for each in tensors_in((args, named)) if each.dtype in WIDE}
        double = set(WIDE.values())
        if dtypes <= double or not dtypes & double:
            return ran(func, args, named)
        written = written_by(func, args, named)

        def through(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(through(each) for each in value)
            if not isinstance(value, torch.Tensor) or id(value) in written:
                return value
            return value.to(WIDE.get(value.dtype, value.dtype))

        return ran(func, through(tuple(args)), {key: through(value) for key, value in named.items()})


def _precisions(output: Any) -> list[torch.dtype]:
    return [each.dtype for each in tensors_in(output) if each.is_floating_point()]


def written_by(func: Callable[..., Any], args: Any, kwargs: Any) -> set[int]:
    """Ids of the tensors that an operation writes into: those must stay the very objects.

    Args:
        func: the operation.
        args: its arguments …
        kwargs: … and those by name.
    """
    arguments = schema_of(func).arguments
    pairs = [*zip(arguments, args, strict=False), *((each, kwargs.get(each.name)) for each in arguments[len(args) :])]
    return {
        id(tensor)
        for argument, value in pairs
        if argument.alias_info is not None and argument.alias_info.is_write
        for tensor in tensors_in(value)
    }


def _work(func: Any, args: Any, output: Any) -> int:
    name = schema_of(func).name.split("::")[-1]
    made = sum(each.numel() for each in tensors_in(output))
    if name == "convolution":
        return made * prod(args[1].shape[1:]) if len(args) > 1 else made
    if name in PRODUCTS and len(args) > PRODUCTS[name]:
        return made * int(args[PRODUCTS[name]].shape[-1])
    if "attention" in name and len(args) > 1:
        return made * int(args[1].shape[-2])
    return made
