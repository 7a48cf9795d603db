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
