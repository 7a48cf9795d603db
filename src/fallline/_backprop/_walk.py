"""The autograd graph behind a result: its nodes in the order of the forward pass, and what each step back leads to."""

import heapq
from dataclasses import dataclass
from typing import Any

import torch

from fallline._backprop._torch_private import LEAF, number_of

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


def walk(result: torch.Tensor) -> Walk:
    """From the result to its leaves, without recursion: a graph may be a million operations deep."""
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


def _users(last: Step) -> tuple[dict[Step, list[Step]], dict[Step, int]]:
    """Who uses each operation, once for each use, and how many operands each waits for."""
    users: dict[Step, list[Step]] = {}
    waiting: dict[Step, int] = {}
    open_ = [last]
    while open_:
        step = open_.pop()
        if step in waiting:
            continue
        operands = [each for each, _ in step.next_functions if each is not None and each.name() != LEAF]
        waiting[step] = len(operands)
        for operand in operands:
            users.setdefault(operand, []).append(step)
            open_.append(operand)
    return users, waiting
