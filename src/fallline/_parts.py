"""What a step is made of: the optimizer's arithmetic repeated in float64 from the recorded gradients.

    Δθ = −ηg − η(m − g) − η(P⁻¹ − I)m − ηδθ + unattributed

gradient, momentum, preconditioning, decay. ``m`` and ``P`` follow ``torch.optim`` (SGD: Sutskever et al.
2013; Adam: Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019; RMSprop: Hinton 2012). With coupled decay
the direction that momentum averages is g + δθ, and the momentum part is −η(m − g − δθ).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fallline._records import Floats, StepPart


@dataclass(frozen=True)
class _Recorded:
    """What the optimizer saw: gradients g, parameters before each step θ, learning rates η [T, 1]."""

    gradient: Floats
    before: Floats
    rate: Floats


def parts_of(
    optimizer: str, options: Mapping[str, object], trajectory: Floats, gradients: Floats, rates: Floats
) -> tuple[StepPart, ...] | None:
    """The terms of every update, their sum the recorded Δθ; the last is ``unattributed``.

    Args:
        optimizer: class name in ``torch.optim``.
        options: as given to it; PyTorch's defaults fill the rest.
        trajectory: [T + 1, P] the parameters before the first step and after each.
        gradients: [T, P] what the optimizer consumed.
        rates: [T]

    Returns:
        Parts of [T, P] each. Plain SGD has one beside the rest, its gradient; None for optimizers and options that are
        not known.

    >>> parts = parts_of("SGD", {}, np.array([[1.0], [0.5]]), np.array([[2.0]]), np.array([0.25]))
    >>> [(part.name, part.change.tolist()) for part in parts]
    [('gradient', [[-0.5]]), ('unattributed', [[0.0]])]
    """
    replay = _REPLAYS.get(optimizer)
    if replay is None or bool(options.get("maximize", False)):
        return None
    before, after = trajectory[:-1], trajectory[1:]
    with np.errstate(all="ignore"):
        named = replay(_Recorded(gradients, before, rates[:, None]), options)
        if named is None:
            return None
        rest = after - before
        for part in named:
            rest = rest - part.change
    return (*named, StepPart("unattributed", rest))


def _sgd(recorded: _Recorded, options: Mapping[str, object]) -> tuple[StepPart, ...]:
    momentum, decay = _number(options, "momentum", 0.0), _number(options, "weight_decay", 0.0)
    g, rate = recorded.gradient, recorded.rate
    pulled = g + decay * recorded.before
    direction = pulled
    if momentum != 0.0:
        fed = (1.0 - _number(options, "dampening", 0.0)) * pulled
        fed[:1] = pulled[:1]  # torch starts the buffer with the undamped gradient
        buffer = _decayed_sum(fed, momentum)
        direction = pulled + momentum * buffer if bool(options.get("nesterov", False)) else buffer
    parts = [StepPart("gradient", -rate * g)]
    if momentum != 0.0:
        parts.append(StepPart("momentum", -rate * (direction - pulled)))
    if decay != 0.0:
        parts.append(StepPart("decay", -rate * decay * recorded.before))
    return tuple(parts)


def _adam(
    recorded: _Recorded, options: Mapping[str, object], decoupled: bool = False, default_decay: float = 0.0
) -> tuple[StepPart, ...] | None:
    decay = _number(options, "weight_decay", default_decay)
    decoupled = decoupled or bool(options.get("decoupled_weight_decay", False))
    first, second = _pair(options, "betas", (0.9, 0.999))
    g = recorded.gradient
    pulled = g if decoupled else g + decay * recorded.before
    count = np.arange(1, len(g) + 1)[:, None]
    mean = _decayed_sum((1.0 - first) * pulled, first)
    square = _decayed_sum((1.0 - second) * pulled * pulled, second)
    if bool(options.get("amsgrad", False)):
        square = np.maximum.accumulate(square, axis=0)
    momentum = mean / (1.0 - first**count)
    scale = np.sqrt(square / (1.0 - second**count)) + _number(options, "eps", 1e-8)
    return _preconditioned(recorded, pulled, momentum, scale, decay)


def _adamw(recorded: _Recorded, options: Mapping[str, object]) -> tuple[StepPart, ...] | None:
    return _adam(recorded, options, decoupled=True, default_decay=1e-2)


def _rmsprop(recorded: _Recorded, options: Mapping[str, object]) -> tuple[StepPart, ...] | None:
    if _number(options, "momentum", 0.0) != 0.0 or bool(options.get("centered", False)):
        return None
    decay, alpha = _number(options, "weight_decay", 0.0), _number(options, "alpha", 0.99)
    pulled = recorded.gradient + decay * recorded.before
    scale = np.sqrt(_decayed_sum((1.0 - alpha) * pulled * pulled, alpha)) + _number(options, "eps", 1e-8)
    return _preconditioned(recorded, pulled, None, scale, decay)


def _preconditioned(
    recorded: _Recorded, pulled: Floats, momentum: Floats | None, scale: Floats, decay: float
) -> tuple[StepPart, ...]:
    rate = recorded.rate
    direction = pulled if momentum is None else momentum
    parts = [StepPart("gradient", -rate * recorded.gradient)]
    if momentum is not None:
        parts.append(StepPart("momentum", -rate * (momentum - pulled)))
    parts.append(StepPart("preconditioning", -rate * (1.0 / scale - 1.0) * direction))
    if decay != 0.0:
        parts.append(StepPart("decay", -rate * decay * recorded.before))
    return tuple(parts)


def _decayed_sum(values: Floats, decay: float) -> Floats:
    """[T, P] s with sₜ = decay · sₜ₋₁ + valuesₜ and s₋₁ = 0."""
    columns = [list(accumulate(column.tolist(), lambda total, value: decay * total + value)) for column in values.T]
    return np.array(columns, dtype=np.float64).reshape(values.shape[::-1]).T


def _number(options: Mapping[str, object], name: str, default: float) -> float:
    value = options.get(name, default)
    if not isinstance(value, int | float):
        raise TypeError(f"optimizer option {name} is recorded as {value!r}, a number was expected")
    return float(value)


def _pair(options: Mapping[str, object], name: str, default: tuple[float, float]) -> tuple[float, float]:
    value = options.get(name, default)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise TypeError(f"optimizer option {name} is recorded as {value!r}, two numbers were expected")
    return float(value[0]), float(value[1])


_REPLAYS: Mapping[str, Callable[[_Recorded, Mapping[str, object]], tuple[StepPart, ...] | None]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adamw,
    "RMSprop": _rmsprop,
}
