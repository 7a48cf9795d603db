"""A run of the function in which every autograd node's output is seen, and, if wanted, put in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from fallline._backprop._held_constant import written_by
from fallline._backprop._probe import Probe
from fallline._backprop._torch_private import DispatchMode, next_number, number_of, ran
from fallline._backprop._walk import CONVERSION, comparable_steps, leaf_of, steps_behind

Place = tuple[int, int]
"""A node, by its place among the comparable steps, and which of its outputs; of a leaf its AccumulateGrad node."""
Key = tuple[int | str, int]
"""A node's number since the run began, or a leaf's name; and which output."""


class Watch(DispatchMode):
    """Keeps the output of every autograd node as the next operation sees it; puts other values in their place."""

    def __init__(self, leaves: Mapping[str, torch.Tensor], instead: Mapping[Key, torch.Tensor]) -> None:
        super().__init__()
        self.seen: dict[Key, torch.Tensor] = {}
        self._leaves = {id(leaf): name for name, leaf in leaves.items()}
        self._instead = instead
        self.first = next_number()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation."""
        named = kwargs or {}
        written = written_by(func, args, named)
        given = [self._through(each, written) for each in args]
        return ran(func, given, {key: self._through(each, written) for key, each in named.items()})

    def _through(self, value: Any, written: set[int]) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(self._through(each, written) for each in value)
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            return value
        key = self._key(value)
        if key is None:
            return value
        self.seen[key] = value.detach().clone()
        replacement = self._instead.get(key)
        if replacement is None or id(value) in written or replacement.shape != value.shape:
            return value
        return replacement.to(value.dtype).clone()

    def _key(self, tensor: torch.Tensor) -> Key | None:
        if tensor.grad_fn is not None:
            return number_of(tensor.grad_fn) - self.first, tensor.output_nr
        name = self._leaves.get(id(tensor))
        return None if name is None else (name, 0)


@dataclass
class Arrivals:
    """Gradients at every node in the one backward pass."""

    at: dict[int, tuple[torch.Tensor | None, ...]] = field(default_factory=dict)
    """For each output of the node."""
    sent: dict[int, tuple[torch.Tensor | None, ...]] = field(default_factory=dict)
    """For each of its operands."""

    def note(self, node: int, sent: Sequence[torch.Tensor | None], at: Sequence[torch.Tensor | None]) -> None:
        """What one node got and gave."""
        self.at[node], self.sent[node] = _copies(at), _copies(sent)


class Run:
    """The function once more, with the values of all nodes.

    Args:
        probe: the function and its point.
        moved: leaves in place of their own.
        base: an earlier run, whose places ``instead`` speaks of.
        instead: values that operations get in place of a node's output.
    """

    def __init__(
        self,
        probe: Probe,
        moved: Mapping[str, torch.Tensor],
        base: "Run | None" = None,
        instead: Mapping[Place, torch.Tensor] | None = None,
    ) -> None:
        self._leaves = probe.asking(moved)
        self._probe, self._vector = probe, probe.vector
        keys: dict[Place, Key] = {} if base is None else base.keys
        watch = Watch(self._leaves, {keys[place]: value for place, value in (instead or {}).items()})
        self.epsilon = torch.finfo(probe.precision).eps
        """Of the coarsest dtype on the way."""
        self.result = probe.run(self._leaves, watch)
        self.nodes = comparable_steps(self.result)
        self.names = [node.name() for node in self.nodes]
        conversions = [each for each in steps_behind(self.result.grad_fn) if each.name() == CONVERSION]
        self._places = {node: place for place, node in enumerate((*self.nodes, *conversions))}
        self.operands = [[self._source(each, output) for each, output in node.next_functions] for node in self.nodes]
        """For each node the places of its operands, behind all nodes those of changes of dtype; None for one without a
        gradient."""
        self.keys: dict[Place, Key] = self._keys(watch)
        self.unseen = {place for place, node in enumerate(self.nodes) if number_of(node) - watch.first in probe.unseen}
        """Nodes whose operation used something that moves and has no gradient."""
        self.values = {place: watch.seen[key] for place, key in self.keys.items() if key in watch.seen}
        """The value at each place, as far as an operation saw it."""
        if self.nodes:
            self.values[0, self.result.output_nr] = self.result.detach()

    def gradients(self) -> Arrivals:
        """By one backward pass."""
        arrivals = Arrivals()
        hooks = [node.register_hook(partial(arrivals.note, place)) for place, node in enumerate(self.nodes)]
        begin = torch.ones_like(self.result) if self._vector is None else self._vector.to(self.result.dtype)
        try:
            self._probe.go_back(self.result, begin, list(self._leaves.values()))
        finally:
            for hook in hooks:
                hook.remove()
        return arrivals

    def epsilon_of(self, place: Place) -> float:
        """Of the dtype that one value has."""
        return float(torch.finfo(self.values[place].dtype).eps)

    def _source(self, node: Any, output: int) -> Place | None:
        """Where an operand comes from."""
        return None if node is None else (self._places[node], output)

    def _keys(self, watch: Watch) -> dict[Place, Key]:
        names = {id(leaf): name for name, leaf in self._leaves.items()}
        numbers: dict[int | str, int] = {}
        for node, place in self._places.items():
            leaf = leaf_of(node)
            if leaf is None:
                numbers[number_of(node) - watch.first] = place
            elif id(leaf) in names:
                numbers[names[id(leaf)]] = place
        return {(numbers[who], output): (who, output) for who, output in watch.seen if who in numbers}


def _copies(gradients: Sequence[torch.Tensor | None]) -> tuple[torch.Tensor | None, ...]:
    return tuple(None if each is None else each.detach().clone() for each in gradients)
