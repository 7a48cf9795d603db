"""Tensors of the graph that were written to where autograd does not see it: by ``.data``, an alias, in ``no_grad``."""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from fallline._backprop._seen import Key
from fallline._backprop._values import value_of
from fallline._records import GraphNode, NodeKind, NodeMark, TensorValue


@dataclass(eq=False)
class Written:
    """What wrote to a tensor."""

    op: str | None
    """Without the underscore; None where no operation of PyTorch's did (NumPy)."""
    no_grad: bool
    """It ran under ``torch.no_grad()``; else through an alias without a gradient."""
    used_after: bool = field(default=False, init=False)
    """An operation used the tensor since."""


@dataclass(eq=False)
class Owner:
    """A tensor that autograd knows, and the memory that it lies in."""

    token: int
    key: Key | None
    """None of a leaf."""
    tensor: "weakref.ref[torch.Tensor]"
    count: int
    used: bool
    """An operation used it since, and so it is known to have a gradient."""


@dataclass(frozen=True, eq=False)
class Watched:
    """A tensor that lies in memory that is about to be written to, and what it holds."""

    owner: Owner
    value: TensorValue | None
    """None of a tensor that nobody has any more, but perhaps a step back."""
    tensor: torch.Tensor | None


class WrittenPast:
    """Follows every tensor with a gradient by the memory that it lies in."""

    def __init__(self) -> None:
        self.leaves: dict[int, Written] = {}
        """By token."""
        self.outputs: dict[Key, Written] = {}
        self._owners: dict[int, dict[int, Owner]] = {}
        """By storage and token."""
        self._by_token: dict[int, Owner] = {}
        self._storages: dict[int, StorageWeakRef] = {}
        """As long as these are held, no other storage gets the identity of one."""

    def note(self, tensor: torch.Tensor, token: int, key: Key | None, *, used: bool) -> None:
        """Autograd knows this tensor, since an operation used it, or will, since one made it of such a tensor."""
        if tensor.layout is not torch.strided or tensor.is_meta:
            return
        written = self.leaves.get(token) if key is None else self.outputs.get(key)
        if written is not None and used:
            written.used_after = True
        storage = tensor.untyped_storage()
        place = storage._cdata
        if place not in self._storages:
            self._storages[place] = StorageWeakRef(storage)  # type: ignore[no-untyped-call]  # PyTorch gives it no types
        owners = self._owners.setdefault(place, {})
        known = owners.get(token)
        if known is None:
            owners[token] = self._by_token[token] = Owner(token, key, weakref.ref(tensor), tensor.numel(), used)
        else:
            known.key, known.used = key, known.used or used

    def about_to_write(self, tensors: Sequence[torch.Tensor]) -> list[Watched]:
        """What may change without a step back, when these are written to."""
        found = []
        for tensor in tensors:
            if tensor.layout is not torch.strided or (torch.is_grad_enabled() and tensor.requires_grad):
                continue  # autograd sees the latter
            for owner in self._owners.get(tensor.untyped_storage()._cdata, {}).values():
                alive = owner.tensor()
                if alive is not None and alive.requires_grad:
                    found.append(Watched(owner, value_of(alive), alive))
                elif alive is None and owner.used and owner.count <= tensor.numel():
                    found.append(Watched(owner, None, None))
        return found

    def wrote(self, op: str, watched: Sequence[Watched]) -> set[int]:
        """Tokens of those that an operation changed."""
        changed = [each for each in watched if each.tensor is None or not same(each.value, value_of(each.tensor))]
        for each in changed:
            self.found(each.owner.token, each.owner.key, Written(op, not torch.is_grad_enabled()))
        return {each.owner.token for each in changed}

    def found(self, token: int, key: Key | None, written: Written) -> None:
        """This tensor was written to."""
        if key is None:
            self.leaves.setdefault(token, written)
        else:
            self.outputs.setdefault(key, written)

    def key_of(self, token: int) -> Key | None:
        """Where the gradient of this tensor went when it was last seen; None where it never was."""
        owner = self._by_token.get(token)
        return None if owner is None else owner.key


def same(one: TensorValue | None, other: TensorValue | None) -> bool:
    """Whether two values are equal as far as is known; NaN equals NaN."""
    if one is None or other is None:
        return one is other
    if one.numbers is not None and other.numbers is not None:
        return np.array_equal(one.numbers, other.numbers, equal_nan=True)
    return _summary(one) == _summary(other)


def _summary(value: TensorValue) -> list[str]:
    return [repr(each) for each in (value.least, value.greatest, value.mean, value.norm, value.not_finite)]


def marked_where_written(nodes: Sequence[GraphNode], written: Mapping[int, Written]) -> list[GraphNode]:
    """The nodes, those marked that were written to; ``written`` by their ids."""
    return [_marked(node, written[node.id]) if node.id in written else node for node in nodes]


def _marked(node: GraphNode, written: Written) -> GraphNode:
    return replace(node, marks=node.marks | {NodeMark.WRITTEN_PAST}, notes=(*node.notes, _in_words(node, written)))


def _in_words(node: GraphNode, written: Written) -> str:
    called = node.name or node.text or node.op
    if written.op is None:
        how = f"{called} was written to past autograd, outside of PyTorch (NumPy, or .data set anew)"
    elif written.no_grad:
        how = f"{written.op}_ wrote to {called} past autograd, under torch.no_grad()"
    else:
        how = f"{written.op}_ wrote to {called} past autograd, through a detached alias (.detach() or .data)"
    if not written.used_after:
        return f"{how}, after it was used: a step back that kept it worked with the new numbers."
    old = (
        f"the gradient is of the old formula, {node.text}"
        if node.kind is NodeKind.OPERATION and node.text
        else "the gradient is as if the new numbers had been there from the beginning"
    )
    return f"{how}: autograd does not know of it, so {old}."
