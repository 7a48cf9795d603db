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
    CONDITION = "a comparison"
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


def _running(said: Said, x: Tensor, dim: int | None) -> Tensor:
    """cumsum."""
    if dim is None:
        check_dims(said, x, 0, 1, "say along which dimension, as in dim=1")
    return torch.cumsum(x, check_dim(said, x, 0 if dim is None else dim))


def _log_sum(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """logsumexp, over all entries as well."""
    return torch.logsumexp(x, tuple(range(x.ndim)) if dim is None else dim, keepdim)


def _where(said: Said, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    three = (condition, x, y)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        check_broadcast(said.of(one, other), three[one], three[other])
    return torch.where(condition, x, y)


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


def _outer(said: Said, x: Tensor, y: Tensor) -> Tensor:
    if x.ndim != 1 or y.ndim != 1:
        raise said.fault(f"{said.has(0, x)} and {said.has(1, y)}; outer takes two vectors")
    check_size(said, (*x.shape, *y.shape))
    return torch.outer(x, y)


def _linear(said: Said, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x @ Wᵀ + b."""
    if x.ndim == 0 or weight.ndim != 2 or x.shape[-1] != weight.shape[1]:
        raise said.fault(f"{said.has(0, x)} and {said.has(1, weight)}; linear takes a matrix W with a column for each "
                         "entry of x, and forms x @ W.T")  # fmt: skip
    if bias is not None and bias.shape != weight.shape[:1]:
        raise said.fault(f"{said.has(1, weight)} and {said.has(2, bias)}; b has an entry for each row of W")
    check_size(said, (*x.shape[:-1], weight.shape[0]))
    return functional.linear(x, weight, bias)


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


def _permute(said: Said, x: Tensor, dims: tuple[int, ...]) -> Tensor:
    known = all(-x.ndim <= dim < x.ndim for dim in dims)
    if not known or sorted(dim % x.ndim for dim in dims) != list(range(x.ndim)):
        raise said.fault(f"{said.has(0, x)}; permute takes each of its dimensions once")
    return x.permute(dims)


def _squeeze(said: Said, x: Tensor, dim: int | None) -> Tensor:
    return x.squeeze() if dim is None else x.squeeze(check_dim(said, x, dim))


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


def _loss(compute: Callable[..., Tensor]) -> Function:
    """Of a value and a target of its shape."""

    def run(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
        check_same(said, x, target)
        return compute(x, target, reduction=reduction)

    return Function((X, TARGET, MEAN), run)


def _cross_entropy(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    if target.is_floating_point():  # probabilities of the classes
        check_scores(said, x)
        check_same(said, x, target)
    else:
        check_classes(said, x, target)
    return functional.cross_entropy(x, target, reduction=reduction)


def _nll_loss(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    if target.is_floating_point():
        raise said.fault(f"{said.operand(1)} stands for class numbers: an input, or whole numbers as they are")
    check_classes(said, x, target)
    return functional.nll_loss(x, target, reduction=reduction)


def _binary_cross_entropy(said: Said, x: Tensor, target: Tensor, reduction: str) -> Tensor:
    check_same(said, x, target)
    for place, each in ((0, x), (1, target)):
        if not bool(((each >= 0) & (each <= 1)).all()):
            raise said.fault(f"{said.operand(place)} holds what is no probability, 0 to 1; "
                             "binary_cross_entropy_with_logits takes scores")  # fmt: skip
    return functional.binary_cross_entropy(x, target, reduction=reduction)


ENTRYWISE: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "exp": torch.exp, "exp2": torch.exp2, "expm1": torch.expm1,
    "log": torch.log, "log2": torch.log2, "log10": torch.log10, "log1p": torch.log1p,
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "asin": torch.asin, "acos": torch.acos, "atan": torch.atan,
    "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh,
    "asinh": torch.asinh, "atanh": torch.atanh, "erf": torch.erf,
    "abs": torch.abs, "sign": torch.sign, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round,
    "neg": torch.neg, "square": torch.square, "reciprocal": torch.reciprocal,
    "sigmoid": torch.sigmoid, "relu": torch.relu, "softplus": functional.softplus,
    "logsigmoid": functional.logsigmoid, "gelu": functional.gelu, "silu": functional.silu, "elu": functional.elu,
    "selu": functional.selu, "mish": functional.mish,
}  # fmt: skip
OF_TWO: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "atan2": torch.atan2,
}
OVER: Final[Mapping[str, Callable[..., Any]]] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "prod": torch.prod,
    "max": torch.max,
    "min": torch.min,
    "amax": torch.amax,
    "amin": torch.amin,
    "logsumexp": _log_sum,
}
CLAMP: Final = Function((X, Parameter("min", Kind.NUMBER), Parameter("max", Kind.NUMBER)), _clamp)
RESHAPE: Final = Function((X, Parameter("shape", Kind.SHAPE, required=True)), _reshape)
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
    "cumsum": Function((X, DIM), _running),
    "where": Function((Parameter("condition", Kind.CONDITION, required=True), X, Y), _where),
    "clamp": CLAMP,
    "clip": CLAMP,
    "matmul": Function((X, Y), _matmul),
    "mm": Function((X, Y), _mm),
    "dot": Function((X, Y), _dot),
    "outer": Function((X, Y), _outer),
    "linear": Function((X, Parameter("W", required=True), Parameter("b")), _linear),
    "t": Function((X,), _turned),
    "transpose": Function(
        (X, Parameter("dim0", Kind.WHOLE, required=True), Parameter("dim1", Kind.WHOLE, required=True)), _transpose
    ),
    "permute": Function((X, Parameter("dims", Kind.SHAPE, required=True)), _permute),
    "reshape": RESHAPE,
    "view": RESHAPE,
    "squeeze": Function((X, DIM), _squeeze),
    "flatten": _of_one(torch.flatten, entrywise=False),
    "unsqueeze": Function((X, Parameter("dim", Kind.WHOLE, required=True)), _unsqueeze),
    "cat": Function((Parameter("tensors", Kind.VALUES, required=True), Parameter("dim", Kind.WHOLE, default=0)), _cat),
    "stack": Function(
        (Parameter("tensors", Kind.VALUES, required=True), Parameter("dim", Kind.WHOLE, default=0)), _stack
    ),
    "detach": _of_one(torch.detach, entrywise=False),
    "mse_loss": _loss(functional.mse_loss),
    "l1_loss": _loss(functional.l1_loss),
    "huber_loss": _loss(functional.huber_loss),
    "smooth_l1_loss": _loss(functional.smooth_l1_loss),
    "cross_entropy": Function((X, Parameter("target", Kind.CLASSES, required=True), MEAN), _cross_entropy),
    "nll_loss": Function((X, Parameter("target", Kind.CLASSES, required=True), MEAN), _nll_loss),
    "binary_cross_entropy": Function((X, TARGET, MEAN), _binary_cross_entropy),
    "binary_cross_entropy_with_logits": _loss(functional.binary_cross_entropy_with_logits),
}
