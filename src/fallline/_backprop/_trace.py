"""The forward pass as PyTorch's dispatcher saw it: every operation with its tensors, and the module that ran it."""

import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from fallline._backprop._handed_in import foreign_in_words
from fallline._backprop._modules import Modules
from fallline._backprop._resolved import Resolved, copies_lazy
from fallline._backprop._seen import Key, Operation, Seen
from fallline._backprop._tensors_in import tensors_in
from fallline._backprop._torch_private import (
    DispatchMode,
    default_of,
    going_backward,
    in_custom_forward,
    next_number,
    number_of,
    ran,
    saving_hooked,
    schema_of,
)
from fallline._backprop._values import KEPT, value_of
from fallline._backprop._written_past import Watched, Written, WrittenPast, same
from fallline._records import TensorValue
from fallline._undisturbed import Kept

REARRANGED: Final = frozenset(
    {"t", "transpose", "permute", "view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "alias", "detach"}
)
"""Operations whose output has the very entries of their input, so that a large one need not be summed up again."""
ON_ITS_WAY: Final = "What the function makes on its way"
STATISTICS: Final = frozenset({"running_mean", "running_var"})
"""Arguments that a normalization writes to, though its schema does not say so."""


NO_DROPOUT: Final = frozenset({"dropout_p", "dropout"})
"""Arguments that are the probability of dropout inside of an operation."""


class Trace(DispatchMode):
    """Writes down every operation that runs while it is entered; changes none."""

    def __init__(self, modules: Modules, kept: Kept) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.names: dict[int, str] = {}
        """What tensors are called, by token."""
        self.values: dict[Key, Seen] = {}
        """The tensor of each node's output, as it was last seen."""
        self.not_followed: str | None = None
        """Of a tensor with a gradient that cannot be looked at: the sentence that says so."""
        self._modules = modules
        self._kept = kept
        self._foreign: dict[int, torch.UntypedStorage] = {}
        """Memory that was there before, by address: it is held, so that no other gets the address."""
        self._tokens: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._next_token = 0
        self.past = WrittenPast()
        self._resolved = Resolved[tuple[Seen, Operation]]()
        self._copies: dict[int, torch.Tensor] = {}
        """What small tensors held when they were last looked at, by token."""
        self._known: dict[int, tuple[int | None, TensorValue]] = {}
        """What was said of a tensor, by token, with PyTorch's count of its changes then."""

    def name(self, name: str, tensor: torch.Tensor) -> None:
        """Call this tensor by this name from now on; the first name stays."""
        self.names.setdefault(self.token(tensor), name)

    def theirs(self, tensor: torch.Tensor) -> None:
        """This one was there before: it is kept before it is written to."""
        if tensor.layout is torch.strided and not tensor.is_meta:
            storage = tensor.untyped_storage()
            self._foreign.setdefault(storage.data_ptr(), storage)

    def token(self, tensor: torch.Tensor) -> int:
        """A number for this very object; no other one gets it, even after its end."""
        known = self._tokens.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return known[1]
        self._next_token += 1
        self._tokens[id(tensor)] = (weakref.ref(tensor), self._next_token)
        return self._next_token

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation, and write it down."""
        schema = schema_of(func)
        given = _in_schema_order(schema, args, kwargs or {})
        number = _own_number(given)
        grad_enabled = torch.is_grad_enabled()
        asks = grad_enabled and any(each.requires_grad for each in tensors_in(given))
        if self._is_foreign(tensors_in(given), asks=asks):
            return ran(func, args, kwargs or {})
        self._keep(schema, given)
        arguments = tuple(self._seen(each, content=asks) for each in given)
        aliases = [argument.alias_info for argument in schema.arguments if argument.alias_info is not None]
        in_place = any(alias.is_write for alias in aliases)
        watched = self._watched(schema, given) if in_place else []
        outputs = ran(func, args, kwargs or {})
        made = outputs if isinstance(outputs, tuple | list) else (outputs,)
        flat = [each for one in made for each in (one if isinstance(one, tuple | list) else (one,))]
        if self._is_foreign(tensors_in(flat), asks=asks):
            return outputs
        differentiable = asks and any(_continuous(each) for each in flat)
        name, overload = schema.name.split("::")[-1], schema.overload_name or "default"
        op = name.removesuffix("_") if in_place else name
        for token in self.past.wrote(op, watched) if watched else ():
            self._known.pop(token, None)
        reused = self._rearranged(op, arguments) if differentiable else None
        if differentiable and self._cloned_for(number, in_place, arguments):
            number -= 1
        operation = Operation(
            place=len(self.operations),
            op=op,
            overload=overload,
            number=number,
            names=tuple(argument.name for argument in schema.arguments),
            arguments=arguments,
            outputs=tuple(
                self._output(each, (number, place) if differentiable else None, reused)
                for place, each in enumerate(flat)
            ),
            module=self._modules.path,
            differentiable=differentiable and op != "detach",
            grad_enabled=grad_enabled,
            in_place=in_place,
            view=bool(aliases) and not in_place,
            random=torch.Tag.nondeterministic_seeded in func.tags and not _keeps_all(schema, given),
            pointwise=torch.Tag.pointwise in func.tags,
            higher_order=going_backward(),
            in_custom=in_custom_forward(),
            packed=saving_hooked(),
            whole=self._whole(given[0]) if differentiable and in_place and given else None,
        )
        self.operations.append(operation)
        if asks and op == "clone" and copies_lazy(schema.name, tensors_in(given)) and isinstance(arguments[0], Seen):
            self._resolved.note(outputs, (arguments[0], operation))
        return outputs

    def _is_foreign(self, tensors: Sequence[torch.Tensor], *, asks: bool) -> bool:
        """Whether one of them cannot be looked at; no error, which inside of an operation could end the program."""
        sentence = next((each for each in (foreign_in_words(ON_ITS_WAY, tensor) for tensor in tensors) if each), None)
        if sentence is not None and asks:
            self.not_followed = sentence
        return sentence is not None

    def _watched(self, schema: Any, given: list[Any]) -> list[Watched]:
        """What an operation in place may change without autograd's knowledge."""
        if in_custom_forward() or going_backward():
            return []
        pairs = zip(schema.arguments, given, strict=True)
        writes = [
            value for argument, value in pairs if argument.alias_info is not None and argument.alias_info.is_write
        ]
        return self.past.about_to_write(tensors_in(writes))

    def result(self, tensor: torch.Tensor) -> Seen:
        """The tensor that the function gave back."""
        seen: Seen = self._seen(tensor, content=True)
        return seen

    def _keep(self, schema: Any, given: list[Any]) -> None:
        """What is the user's and will be written to is kept before."""
        for tensor in tensors_in(given):
            if not self._knows(tensor) and tensor.layout is torch.strided:
                storage = tensor.untyped_storage()
                self._foreign.setdefault(storage.data_ptr(), storage)
                if tensor.is_leaf and tensor.requires_grad:
                    self._kept.leaf(tensor)
        for argument, value in zip(schema.arguments, given, strict=True):
            if isinstance(value, torch.Generator):
                self._kept.generator(value)
            alias = argument.alias_info
            writes = (alias is not None and alias.is_write) or argument.name in STATISTICS
            for tensor in tensors_in(value) if writes else ():
                if tensor.layout is torch.strided and tensor.untyped_storage().data_ptr() in self._foreign:
                    self._kept.contents([tensor])

    def _knows(self, tensor: torch.Tensor) -> bool:
        known = self._tokens.get(id(tensor))
        return known is not None and known[0]() is tensor

    def _seen(self, argument: Any, *, content: bool) -> Any:
        """The argument with tensors replaced; the numbers of large ones only where a step back needs them."""
        if isinstance(argument, list | tuple):
            return tuple(self._seen(each, content=content) for each in argument)
        if not isinstance(argument, torch.Tensor):
            return argument
        original = self._resolved.find(argument)
        if original is not None:
            original[1].differentiable = False  # PyTorch's own copy of it, which autograd does not know
            return original[0]
        seen = self._bare(argument)
        if seen.requires_grad and argument.grad_fn is not None:
            seen.key = (number_of(argument.grad_fn), argument.output_nr)
            self.values[seen.key] = seen
            self._compare(seen, argument)
        elif seen.requires_grad:
            seen.leaf = argument
        if seen.requires_grad:
            self.past.note(argument, seen.token, seen.key, used=True)
        if content or argument.numel() <= KEPT:
            self._look(seen, argument)
        return seen

    def _compare(self, seen: Seen, tensor: torch.Tensor) -> None:
        """Finds what was written to a small tensor without any operation, as NumPy does."""
        copy = self._copies.get(seen.token)
        if copy is None or not tensor.is_cpu or tensor.is_meta or self.past.key_of(seen.token) != seen.key:
            return
        if seen.key not in self.past.outputs and not torch.equal(copy, tensor.detach()):
            known = self._known.pop(seen.token, None)
            if known is not None and not same(known[1], value_of(tensor)):
                self.past.found(seen.token, seen.key, Written(None, no_grad=False))

    def _look(self, seen: Seen, tensor: torch.Tensor) -> None:
        if tensor.numel() <= KEPT and not tensor.is_meta:
            seen.copy = _copy(tensor)
        if seen.leaf is None:
            self._copies |= {} if seen.copy is None else {seen.token: seen.copy}
            known = self._known.get(seen.token)
            version = _version(tensor)
            if known is None or version is None or known[0] != version:
                known = self._known[seen.token] = (version, value_of(tensor))
            seen.value = known[1]

    def _output(self, output: Any, key: Key | None, reused: TensorValue | None) -> Seen | None:
        """``key``: where its gradient will go, as far as can be told now; None where it has none."""
        if not isinstance(output, torch.Tensor):
            return None
        seen = self._bare(output)
        if key is not None:
            self.past.note(output, seen.token, key, used=False)
        if key is not None or output.numel() <= KEPT:
            if output.numel() <= KEPT and not output.is_meta:
                seen.copy = self._copies[seen.token] = _copy(output)
            same = reused is not None and reused.numbers is None and reused.count == output.numel()
            seen.value = replace(reused, shape=seen.shape) if reused is not None and same else value_of(output)
            self._known[seen.token] = (_version(output), seen.value)
        return seen

    def _bare(self, tensor: torch.Tensor) -> Seen:
        return Seen(self.token(tensor), tuple(tensor.shape), tensor.dtype, tensor.requires_grad)

    def _cloned_for(self, number: int, in_place: bool, arguments: tuple[Any, ...]) -> bool:
        """Autograd copied what is about to be written over, for the step back: the copy has the later number."""
        last = self.operations[-1] if self.operations else None
        first = arguments[0] if arguments else None
        if not in_place or last is None or last.op != "clone" or not isinstance(first, Seen):
            return False
        return last.number == number and last.tensors[0][1].token == first.token

    def _whole(self, written: Any) -> Seen | None:
        """The tensor that the written one is a part of, as it is now."""
        if not isinstance(written, torch.Tensor) or not written._is_view() or written._base is None:
            return None
        base = written._base
        seen = self._bare(base)
        if base.numel() <= KEPT and not base.is_meta:
            seen.value = value_of(base)
        return seen

    @staticmethod
    def _rearranged(op: str, arguments: tuple[Any, ...]) -> TensorValue | None:
        first = arguments[0] if arguments else None
        if op not in REARRANGED or not isinstance(first, Seen):
            return None
        if first.value is None and first.leaf is not None and first.leaf.numel() > KEPT:
            first.value = value_of(first.leaf)
        return first.value


def _version(tensor: torch.Tensor) -> int | None:
    """How often it was written to; None where nobody counts."""
    return None if tensor.is_inference() else tensor._version


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    plain = tensor.detach()
    return plain.clone() if plain.layout is torch.strided else plain.to_dense()


def _in_schema_order(schema: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """All arguments, positional and named ones, defaults filled in."""
    rest = schema.arguments[len(args) :]
    return [*args, *(kwargs[each.name] if each.name in kwargs else default_of(each) for each in rest)]


def _own_number(given: list[Any]) -> int:
    """Of the autograd node that was made for the operation that is about to run.

    It is the last one, but for those of its arguments: a view of a tensor that was written to gets a new node when it
    is used, which is after the operation's own got its number.
    """
    remade = {number_of(each.grad_fn) for each in tensors_in(given) if each.requires_grad and each.grad_fn is not None}
    number = next_number() - 1
    while number in remade:
        number -= 1
    return number


def _continuous(output: Any) -> bool:
    return isinstance(output, torch.Tensor) and (output.is_floating_point() or output.is_complex())


def _keeps_all(schema: Any, given: Sequence[Any]) -> bool:
    """Whether its dropout has probability 0: nothing is drawn then, though it might be."""
    named = zip(schema.arguments, given, strict=False)
    return any(argument.name in NO_DROPOUT and each == 0 for argument, each in named if isinstance(each, float | int))
