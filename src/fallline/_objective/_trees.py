"""Tensors in nested tuples, lists and mappings: the shapes in which batches come."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor


def mapped(tree: Any, function: Callable[[Tensor], Any]) -> Any:
    """The same nesting with ``function`` of every tensor; what is no tensor stays. Mappings become dicts.

    >>> import torch
    >>> mapped({"x": (torch.ones(2), "name")}, lambda tensor: tensor + 1)
    {'x': (tensor([2., 2.]), 'name')}
    """
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        return {key: mapped(value, function) for key, value in tree.items()}
    if isinstance(tree, tuple):
        parts = [mapped(value, function) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if isinstance(tree, list):
        return [mapped(value, function) for value in tree]
    return tree


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that is no nesting, each with the keys that lead to it.

    >>> list(leaves({"x": [1, (2, 3)]}))
    [('.x.0', 1), ('.x.1.0', 2), ('.x.1.1', 3)]
    """
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(tree, tuple | list):
        for place, value in enumerate(tree):
            yield from leaves(value, f"{path}.{place}")
    else:
        yield path, tree


def tensors(tree: Any) -> list[Tensor]:
    """All tensors in it, in order."""
    return [leaf for _, leaf in leaves(tree) if isinstance(leaf, Tensor)]


def size_in_bytes(tree: Any) -> int:
    """Of all tensors in it."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors(tree))
