"""The largest stable learning rate on a local quadratic, optimizer by optimizer.

Each limit is the rate at which the update's own recurrence along the sharpest eigenvector, curvature λ, stops
contracting. Heavy ball and Nesterov: Polyak 1964, O'Donoghue and Candès 2015; adaptive optimizers with their
preconditioner held fixed: Cohen et al. 2022, "Adaptive Gradient Methods at the Edge of Stability".
docs/semantics.md#stability-limit.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fallline._records import Floats, LimitKind


class Limit(NamedTuple):
    """A stability limit and what kind of statement it is."""

    value: float
    kind: LimitKind


def provable_limit(optimizer: str, options: Mapping[str, object], sharpness: float) -> Limit | None:
    """The limit of plain SGD and its relatives, None for every other optimizer or where nothing curves.

    None too for a momentum of 1 or more: nothing damps it, so no rate is small enough.

    Args:
        optimizer: class name in ``torch.optim``.
        options: ``momentum``, ``dampening``, ``nesterov``, ``weight_decay`` as given to it.
        sharpness: λ, the largest eigenvalue of the Hessian.

    >>> round(provable_limit("SGD", {}, 68.5).value, 4)
    0.0292
    >>> round(provable_limit("SGD", {"momentum": 0.9}, 68.5).value, 4)
    0.0555
    """
    curvature = sharpness + _number(options, "weight_decay")
    if optimizer != "SGD" or options.get("maximize") or not curvature > 0:
        return None
    momentum, dampening = _number(options, "momentum"), _number(options, "dampening")
    if momentum >= 1:
        return None
    if options.get("nesterov"):
        return Limit(2 * (1 + momentum) / ((1 + 2 * momentum) * curvature), LimitKind.PROVABLE)
    if momentum == 0:
        return Limit(2 / curvature, LimitKind.PROVABLE)
    return Limit(2 * (1 + momentum) / ((1 - dampening) * curvature), LimitKind.PROVABLE) if dampening < 1 else None


def frozen_limit(
    optimizer: str, options: Mapping[str, object], hessian: Floats, preconditioner: Floats
) -> Limit | None:
    """The threshold of RMSProp, Adam and AdamW for the preconditioner of this moment; None for others.

    Args:
        optimizer: class name in ``torch.optim``.
        options: as given to it; PyTorch's defaults fill the rest.
        hessian: [P, P] at this moment.
        preconditioner: [P] the diagonal P in Δθ = −η P⁻¹ m.
    """
    root = 1 / np.sqrt(preconditioner)
    return threshold(optimizer, options, float(np.linalg.eigvalsh(root[:, None] * hessian * root)[-1]))


def threshold(optimizer: str, options: Mapping[str, object], sharpness: float) -> Limit | None:
    """The same from the largest eigenvalue of P⁻¹H.

    >>> round(threshold("Adam", {}, 38.0).value, 4)
    1.0
    """
    if options.get("maximize"):
        return None
    if optimizer == "RMSprop":
        momentum = _number(options, "momentum")
        if not sharpness > 0 or _number(options, "weight_decay") != 0 or momentum >= 1:
            return None  # as for Adam: the decay is a part of the gradient that is preconditioned
        return Limit(2 * (1 + momentum) / sharpness, LimitKind.FROZEN)
    if optimizer not in ("Adam", "AdamW") or options.get("amsgrad"):
        return None
    beta = _first_beta(options)
    decay = _number(options, "weight_decay", 0.01 if optimizer == "AdamW" else 0.0)
    if decay != 0 and not options.get("decoupled_weight_decay", optimizer == "AdamW"):
        return None
    bound = (1 - beta) * sharpness + (1 + beta) * decay
    return Limit(2 * (1 + beta) / bound, LimitKind.FROZEN) if bound > 0 else None


def _number(options: Mapping[str, object], key: str, default: float = 0.0) -> float:
    value = options.get(key, default)
    return float(value) if isinstance(value, int | float) else default


def _first_beta(options: Mapping[str, object]) -> float:
    betas = options.get("betas", (0.9, 0.999))
    return float(betas[0]) if isinstance(betas, tuple | list) else 0.9
