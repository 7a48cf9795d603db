"""The autograd graph behind a result: its steps in the order of the forward pass, or in one that a rerun has too."""

import heapq
from dataclasses import dataclass
from typing import Any, Final

import torch

from fallline._backprop._torch_private import LEAF, number_of

CONVERSION: Final = "ToCopyBackward0"
"""A change of dtype: a graph in float64 has others than one in float32."""
Step = Any
"""PyTorch's own node: one step of the backward pass."""


@dataclass(frozen=True)
class Walk:
    """All steps behind a result."""

    steps: tuple[Step, ...]
    """Operations, those that ran first first; leaves are not among them."""
    leaves: tuple[torch.Tensor, ...]
    """Tensors that ask for a gradient, in the order in which the operations used them."""


def leaf_of(step: Step) -> torch.Tensor | None:
    """The tensor whose gradient ends here; None of an operation."""
    if step is None or step.name() != LEAF:
        return None
    variable: torch.Tensor = step.variable
    return variable


def steps_behind(*last: Step | None) -> list[Step]:
    """Every step, leaves too, each once. The order depends on nothing but how the steps hang together.

    Without recursion: a graph may be a million operations deep.

    >>> x = torch.ones(2, requires_grad=True)
    >>> [step.name() for step in steps_behind((x * x).sum().grad_fn)]
    ['SumBackward0', 'MulBackward0', 'torch::autograd::AccumulateGrad']
    """
    found: dict[Step, None] = {}
    waiting = [each for each in reversed(last) if each is not None]
    while waiting:
        step = waiting.pop()
        if step in found:
            continue
        found[step] = None
        waiting.extend(each for each, _ in reversed(step.next_functions) if each is not None)
    return list(found)


def comparable_steps(result: torch.Tensor) -> list[Step]:
    """The steps in an order that a second run of the function has too, also one in float64.

    Changes of dtype are left out; and nothing goes by the numbers of ``walk``, which each thread counts for itself.
    """
    return [step for step in steps_behind(result.grad_fn) if step.name() != CONVERSION]


def began_before(result: torch.Tensor, first: int) -> list[torch.Tensor]:
    """Leaves that steps back lead to which this thread made before its node ``first``."""
    early = [step for step in steps_behind(result.grad_fn) if leaf_of(step) is None and number_of(step) < first]
    return [leaf for leaf in map(leaf_of, steps_behind(*early)) if leaf is not None]


def walk(result: torch.Tensor) -> Walk:
    """From the result to its leaves."""
    if result.grad_fn is None:
        return Walk((), (result,) if result.requires_grad else ())
    users, waiting = _users(result.grad_fn)
    ready = [(number_of(step), place, step) for place, (step, open_) in enumerate(waiting.items()) if open_ == 0]
    heapq.heapify(ready)
    steps: list[Step] = []
    place = len(waiting)
    while ready:
        _, _, step = heapq.heappop(ready)
        steps.append(step)
        for user in users.get(step, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                place += 1
                heapq.heappush(ready, (number_of(user), place, user))
    found = (leaf_of(operand) for step in steps for operand, _ in step.next_functions)
    leaves = {id(leaf): leaf for leaf in found if leaf is not None}
    return Walk(tuple(steps), tuple(leaves.values()))


def used_outputs(walk: Walk) -> dict[Step, list[int]]:
    """Of each step the outputs that a gradient comes back to."""
    used: dict[Step, set[int]] = {step: set() for step in walk.steps}
    for step in walk.steps:
        for operand, output in step.next_functions:
            if operand in used:
                used[operand].add(output)
    return {step: sorted(outputs) or [0] for step, outputs in used.items()}


def _users(last: Step) -> tuple[dict[Step, list[Step]], dict[Step, int]]:
    """Who uses each operation, once for each use, and how many operands each waits for."""
    users: dict[Step, list[Step]] = {}
    waiting: dict[Step, int] = {}
    for step in steps_behind(last):
        if step.name() == LEAF:
            continue
        operands = [each for each, _ in step.next_functions if each is not None and each.name() != LEAF]
        waiting[step] = len(operands)
        for operand in operands:
            users.setdefault(operand, []).append(step)
    return users, waiting
