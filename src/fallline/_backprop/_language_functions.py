"""The functions that an expression may use: what each takes in its brackets, and the PyTorch function behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from fallline._backprop._language_shapes import (
    Said,
    check_broadcast,
    check_classes,
    check_dim,
    check_dims,
    check_product,
    check_same,
    check_scores,
    check_size,
    reshaped,
)


class Kind(Enum):
    """What stands at a place in a function's brackets."""

    VALUE = "a value"
    VALUES = "a list of values"
    CLASSES = "class numbers"
    NUMBER = "a number"
    WHOLE = "a whole number"
    SHAPE = "whole numbers"
    FLAG = "True or False"
    REDUCTION = '"mean", "sum" or "none"'


@dataclass(frozen=True)
class Parameter:
    """One place in a function's brackets."""

    name: str
    kind: Kind = Kind.VALUE
    required: bool = False
    default: Any = None
    by_name: bool = False
    """Only as ``name=…``."""


@dataclass(frozen=True)
class Function:
    """A function of the language."""

    parameters: tuple[Parameter, ...]
    run: Callable[..., Tensor]
    """Of what is said and one argument for each parameter."""
    entrywise: bool = False
    """Of one value, each entry by itself: of a number it is a number."""


X: Final = Parameter("x", required=True)
Y: Final = Parameter("y", required=True)
DIM: Final = Parameter("dim", Kind.WHOLE)
KEEP: Final = Parameter("keepdim", Kind.FLAG, default=False, by_name=True)
CORRECTION: Final = Parameter("correction", Kind.WHOLE, default=1, by_name=True)
MEAN: Final = Parameter("reduction", Kind.REDUCTION, default="mean", by_name=True)
TARGET: Final = Parameter("target", required=True)


def _of_one(compute: Callable[[Tensor], Tensor], *, entrywise: bool = True) -> Function:
    def run(said: Said, x: Tensor) -> Tensor:
        del said  # it fits every shape
        return compute(x)

    return Function((X,), run, entrywise)


def _of_two(compute: Callable[[Tensor, Tensor], Tensor]) -> Function:
    def run(said: Said, x: Tensor, y: Tensor) -> Tensor:
        check_broadcast(said, x, y)
        return compute(x, y)

    return Function((X, Y), run)


def _over(compute: Callable[..., Any], *more: Parameter, dim: Parameter = DIM) -> Function:
    """Over all entries, or along one dimension."""

    def run(said: Said, x: Tensor, dim: int | None, keepdim: bool, *settings: Any) -> Tensor:
        chosen = {parameter.name: setting for parameter, setting in zip(more, settings, strict=True)}
        if "correction" in chosen:
            _spread(said, x, dim, chosen["correction"])
        if dim is None:
            if keepdim:
                raise said.fault("keepdim needs the dimension that is kept, as in dim=0")
            return _tensor(compute(x, **chosen))
        return _tensor(compute(x, dim=check_dim(said, x, dim), keepdim=keepdim, **chosen))

    return Function((X, dim, KEEP, *more), run)


def _tensor(result: Any) -> Tensor:
    """The values of what came back: max and min along a dimension tell their places, too."""
    return result if isinstance(result, Tensor) else result.values


def _spread(said: Said, x: Tensor, dim: int | None, correction: int) -> None:
    """Refuses a variance of too few entries: n − correction divides it."""
    entries = x.numel() if dim is None or x.ndim == 0 else x.shape[check_dim(said, x, dim)]
    if entries <= correction:
        raise said.fault(f"it divides by the number of entries less {correction}, and there are {entries}; "
                         "correction=0 divides by their number")  # fmt: skip


def _softmax(compute: Callable[..., Tensor]) -> Function:
    def run(said: Said, x: Tensor, dim: int | None) -> Tensor:
        if dim is None:
            check_dims(said, x, 0, 1, "say along which dimension, as in dim=1")
        return compute(x, check_dim(said, x, 0 if dim is None else dim))

    return Function((X, DIM), run)


def _leaky_relu(said: Said, x: Tensor, slope: float) -> Tensor:
    return functional.leaky_relu(x, _held(said, x, slope))


def _clamp(said: Said, x: Tensor, least: float | None, greatest: float | None) -> Tensor:
    if least is None and greatest is None:
        raise said.fault("clamp needs a least or a greatest number, as in clamp(x, 0, 1)")
    low, high = (None if end is None else _held(said, x, end) for end in (least, greatest))
    return torch.clamp(x, low, high)


def _held(said: Said, x: Tensor, number: float) -> float:
    limit = torch.finfo(x.dtype).max
    if limit < abs(number) < float("inf"):
        word = str(x.dtype).removeprefix("torch.")
        raise said.fault(f"{number:g} is beyond the largest number of {word}, {limit:.4g}".replace("-", "−"))
    return number


def _matmul(said: Said, x: Tensor, y: Tensor) -> Tensor:
    check_product(said, x, y)
    return x @ y


def _mm(said: Said, x: Tensor, y: Tensor) -> Tensor:
    if x.ndim != 2 or y.ndim != 2:
        raise said.fault(f"{said.has(0, x)} and {said.has(1, y)}; mm takes two matrices, matmul vectors as well")
    check_product(said, x, y)
    return torch.mm(x, y)


def _dot(said: Said, x: Tensor, y: Tensor) -> Tensor:
    if x.ndim != 1 or x.shape != y.shape:
        raise said.fault(f"{said.has(0, x)} and {said.has(1, y)}; dot takes two vectors of the same length")
    return torch.dot(x, y)


def _transpose(said: Said, x: Tensor, one: int, other: int) -> Tensor:
    return x.transpose(check_dim(said, x, one), check_dim(said, x, other))


def _turned(said: Said, x: Tensor) -> Tensor:
    """``.T`` and ``.t()``."""
    check_dims(said, x, 0, 2, "a matrix is turned by .T, of more dimensions say which two, as in transpose(x, 0, 1)")
    return x.t()


def _reshape(said: Said, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    return x.reshape(reshaped(said, x, sizes))


def _unsqueeze(said: Said, x: Tensor, dim: int) -> Tensor:
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise said.fault(f"{said.has(0, x)}, so a new dimension can stand at 0 to {x.ndim}")
    return x.unsqueeze(dim)


def _cat(said: Said, parts: tuple[Tensor, ...], dim: int) -> Tensor:
    first = parts[0]
    place = check_dim(said, first, dim) % max(first.ndim, 1)
    others = _without(first, place)
    for number, part in enumerate(parts):
        if part.ndim == 0:
            raise said.fault(f"{said.has(number, part)}; cat joins vectors and matrices, stack single numbers")
        if part.ndim != first.ndim or _without(part, place) != others:
            raise said.fault(
                f"{said.has(0, first)} and {said.has(number, part)}; "
                f"cat joins what differs in dimension {place} alone, stack makes a new one"
            )
    check_size(said, (*others[:place], sum(part.shape[place] for part in parts), *others[place:]))
    return torch.cat(parts, place)


def _without(tensor: Tensor, place: int) -> tuple[int, ...]:
    """The shape but for one dimension."""
    return (*tensor.shape[:place], *tensor.shape[place + 1 :])


def _stack(said: Said, parts: tuple[Tensor, ...], dim: int) -> Tensor:
    first = parts[0]
    for number, part in enumerate(parts):
        if part.shape != first.shape:
            raise said.fault(f"{said.has(0, first)} and {said.has(number, part)}; stack takes equal shapes")
    if not -first.ndim - 1 <= dim <= first.ndim:
        raise said.fault(f"{said.has(0, first)}, so a new dimension can stand at 0 to {first.ndim}")
    check_size(said, (len(parts), *first.shape))
    return torch.stack(parts, dim)


def _mse_loss(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    check_same(said, x, target)
    return functional.mse_loss(x, target, reduction=reduction)


def _cross_entropy(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    if target.is_floating_point():  # probabilities of the classes
        check_scores(said, x)
        check_same(said, x, target)
    else:
        check_classes(said, x, target)
    return functional.cross_entropy(x, target, reduction=reduction)


def _with_logits(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    check_same(said, x, target)
    return functional.binary_cross_entropy_with_logits(x, target, reduction=reduction)


ENTRYWISE: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "sqrt": torch.sqrt, "exp": torch.exp, "log": torch.log, "log1p": torch.log1p, "expm1": torch.expm1,
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "asin": torch.asin, "acos": torch.acos, "atan": torch.atan,
    "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh,
    "abs": torch.abs, "sign": torch.sign, "floor": torch.floor, "neg": torch.neg, "square": torch.square,
    "reciprocal": torch.reciprocal,
    "sigmoid": torch.sigmoid, "relu": torch.relu, "softplus": functional.softplus,
    "gelu": functional.gelu, "silu": functional.silu,
}  # fmt: skip
OF_TWO: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
OVER: Final[Mapping[str, Callable[..., Any]]] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "prod": torch.prod,
    "max": torch.max,
    "min": torch.min,
}
FUNCTIONS: Final[Mapping[str, Function]] = {
    **{name: _of_one(compute) for name, compute in ENTRYWISE.items()},
    **{name: _of_two(compute) for name, compute in OF_TWO.items()},
    **{name: _over(compute) for name, compute in OVER.items()},
    "norm": _over(torch.linalg.vector_norm, dim=Parameter("dim", Kind.WHOLE, by_name=True)),  # second: the order p
    "var": _over(torch.var, CORRECTION),
    "std": _over(torch.std, CORRECTION),
    "leaky_relu": Function((X, Parameter("negative_slope", Kind.NUMBER, default=0.01)), _leaky_relu),
    "softmax": _softmax(torch.softmax),
    "log_softmax": _softmax(torch.log_softmax),
    "clamp": Function((X, Parameter("min", Kind.NUMBER), Parameter("max", Kind.NUMBER)), _clamp),
    "matmul": Function((X, Y), _matmul),
    "mm": Function((X, Y), _mm),
    "dot": Function((X, Y), _dot),
    "t": Function((X,), _turned),
    "transpose": Function(
        (X, Parameter("dim0", Kind.WHOLE, required=True), Parameter("dim1", Kind.WHOLE, required=True)), _transpose
    ),
    "reshape": Function((X, Parameter("shape", Kind.SHAPE, required=True)), _reshape),
    "flatten": _of_one(torch.flatten, entrywise=False),
    "unsqueeze": Function((X, Parameter("dim", Kind.WHOLE, required=True)), _unsqueeze),
    "cat": Function((Parameter("tensors", Kind.VALUES, required=True), Parameter("dim", Kind.WHOLE, default=0)), _cat),
    "stack": Function(
        (Parameter("tensors", Kind.VALUES, required=True), Parameter("dim", Kind.WHOLE, default=0)), _stack
    ),
    "detach": _of_one(torch.detach, entrywise=False),
    "mse_loss": Function((X, TARGET, MEAN), _mse_loss),
    "cross_entropy": Function((X, Parameter("target", Kind.CLASSES, required=True), MEAN), _cross_entropy),
    "binary_cross_entropy_with_logits": Function((X, TARGET, MEAN), _with_logits),
}
