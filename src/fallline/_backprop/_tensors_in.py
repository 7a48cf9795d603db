"""The tensors among an operation's arguments or outputs."""

from typing import Any

import torch


def tensors_in(values: Any) -> list[torch.Tensor]:
    """In lists, tuples and dicts too.

    >>> len(tensors_in([torch.ones(1), 2, [torch.ones(1)], {"weight": torch.ones(1)}]))
    3
    """
    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, dict):
        values = values.values()
    elif not isinstance(values, list | tuple):
        return []
    found: list[torch.Tensor] = []
    for each in values:
        if isinstance(each, torch.Tensor):
            found.append(each)
        elif isinstance(each, list | tuple | dict):
            found += tensors_in(each)
    return found


def tensors_within(value: Any) -> list[torch.Tensor]:
    """The same of what somebody else made: a list that holds itself is no end to it.

    >>> endless = [torch.ones(1)]
    >>> endless.append(endless)
    >>> len(tensors_within(endless))
    1
    """
    waiting, known, found = [value], set[int](), list[torch.Tensor]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, torch.Tensor):
            found.append(each)
        elif isinstance(each, list | tuple | dict) and id(each) not in known:
            known.add(id(each))
            waiting += each.values() if isinstance(each, dict) else each
    return found
