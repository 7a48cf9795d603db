"""The stability limit of a PyTorch optimizer as it stands, on any objective.

On the boundary the parameters change sign from step to step along one direction, and each optimizer's own recurrence
turns into η·(c·P⁻¹H + δ)·v = 2·v, with the share c of the gradient that momentum leaves of such a zigzag and the
decay δ (coupled decay stands beside H, inside the brackets of P⁻¹). So groups with other rates, decays or states of
their own are one symmetric eigenvalue problem; for one group it is the table of docs/semantics.md#stability-limit.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from fallline._arguments import checked_seed, checked_tolerance
from fallline._curvature._operator import Operator
from fallline._curvature._preconditioner import tensor_preconditioner
from fallline._curvature._sharpness import sharpness_of
from fallline._errors import OptionError
from fallline._objective import Objective
from fallline._points import HOW, refuse_other
from fallline._records import Floats, LimitKind, Sharpness, StabilityLimit
from fallline._wording import number

Measure = Callable[[Operator, Floats | None], Sharpness]
"""The sharpness of S·H·S + shift, and its S."""
KNOWN = {torch.optim.SGD: "SGD", torch.optim.RMSprop: "RMSprop", torch.optim.Adam: "Adam", torch.optim.AdamW: "AdamW"}


NOTHING_CURVES = "Nothing curves upwards here beyond the error of the measurement: no rate is too large for it."
OF_DECAY = (
    "Nothing of the loss curves upwards here beyond the error of the measurement: it is that of the weight decay, "
    "beyond which each step takes the parameters farther across 0 than they were."
)


class _Scales(NamedTuple):
    """What the optimizer does to the gradient, parameter by parameter."""

    roots: Floats
    """[P] √(rate relative to the first group's / P); 0 for parameters that it does not hold."""
    decay: Floats
    """[P] decoupled decay times the relative rate, 0 for the others."""
    coupled: Floats
    """[P] coupled decay, which stands beside H."""
    share: float
    """c"""


class _NoLimitError(Exception):
    """Why there is none: one sentence."""


def stability_limit(
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    *,
    tolerance: float = 1e-3,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> StabilityLimit:
    """The largest stable learning rate of ``optimizer`` where its parameters stand now.

    Provable for SGD with and without momentum, on the local quadratic and full batch; for RMSprop, Adam and AdamW that
    of the preconditioner of this moment. With several groups it is the rate of the first one, the others keeping their
    ratio to it.

    Args:
        optimizer: holds tensors of the objective's model; those it does not hold stand still.
        objective: the loss over the rows that count.
        tolerance: the error of the sharpness to reach, as a share.
        seed: of the random start.
        dtype: of the products.

    Raises:
        OptionError: the loss is not finite here, or the optimizer holds none of the objective's parameters.

    >>> model = torch.nn.Linear(1, 1, dtype=torch.float64)
    >>> x = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    >>> objective = Objective(model, torch.nn.MSELoss(), (x, 2 * x + 1))
    >>> limit = stability_limit(torch.optim.SGD(model.parameters(), lr=0.1), objective)
    >>> round(limit.value, 4), limit.kind.value
    (0.4189, 'provable')
    """
    tolerance, seed = checked_tolerance(tolerance, "1e-3"), checked_seed(seed)

    def measure(operator: Operator, roots: Floats | None) -> Sharpness:
        return sharpness_of(operator, tolerance=tolerance, roots=roots, seed=seed)

    return limit_by(measure, optimizer, objective, dtype)


def limit_by(
    measure: Measure, optimizer: torch.optim.Optimizer, objective: Objective, dtype: torch.dtype | None
) -> StabilityLimit:
    """The same from any measurement of the sharpness."""
    refuse_other(objective)
    if not isinstance(objective, Objective):
        raise OptionError(f"A limit is that of a model's optimizer: the objective is an {HOW}.")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise OptionError(f"The optimizer is one of torch.optim, not a {type(optimizer).__name__}.")
    try:
        scales = _scales(optimizer, tuple(objective.tensors))
    except _NoLimitError as reason:
        return StabilityLimit(None, None, None, str(reason))
    kind = LimitKind.PROVABLE if isinstance(optimizer, torch.optim.SGD) else LimitKind.FROZEN
    held = scales.roots > 0
    decay = scales.decay[held]
    plain = bool(np.all(scales.roots == 1))
    alone = held.all() or not decay.any()  # parameters that stand still have neither curvature nor decay
    if alone and np.all(decay == decay[0]) and not scales.coupled.any():
        beside, shift = float(decay[0]), np.zeros_like(scales.decay)
    elif plain and np.all(scales.coupled == scales.coupled[0]):
        beside, shift = scales.share * float(scales.coupled[0]), np.zeros_like(scales.decay)
    else:  # a decay of their own for some of them: part of the eigenvalue problem
        beside, shift = 0.0, scales.coupled * scales.roots**2 + scales.decay / scales.share
    operator = Operator(
        objective,
        present_parameters(objective),
        roots=None if plain else scales.roots,
        shift=shift if shift.any() else None,
        dtype=dtype,
    )
    found = measure(operator, None if plain else scales.roots)
    return _limit_from(found, scales.share, beside, kind, _basis(kind, float(decay.max())))


def _limit_from(found: Sharpness, share: float, beside: float, kind: LimitKind, basis: str) -> StabilityLimit:
    """The limit of share·λ + decay; a decay has one of its own where nothing curves upwards."""
    bound, curves = share * found.value + beside, found.value > found.error
    straight = abs(found.value) <= found.error
    if curves and bound > 0:
        return StabilityLimit(2 / bound, kind, found, basis)
    if beside > 0 and bound > 0 and (straight or bound > share * found.error):
        # where the loss is straight, decoupled decay needs no preconditioner
        return StabilityLimit(2 / bound, LimitKind.PROVABLE if straight else kind, found, OF_DECAY)
    return StabilityLimit(None, None, found, NOTHING_CURVES)


def present_parameters(objective: Objective) -> Floats:
    """[P] of the objective's model as it stands now."""
    return objective.parameters


def _basis(kind: LimitKind, decoupled: float) -> str:
    """What the limit rests on; ``decoupled`` is the largest decay beside the gradient, at the first group's rate."""
    if kind is LimitKind.PROVABLE:
        return "Provable on the parabola that the loss is here, for full-batch steps."
    said = "For the preconditioner of this moment: past it the optimizer stalls in a cycle"
    if decoupled > 0:
        return f"{said}; it diverges only past {number(2 / decoupled)}, 2 over its weight decay."
    return f"{said}, it does not diverge."


def _scales(optimizer: torch.optim.Optimizer, tensors: tuple[torch.Tensor, ...]) -> _Scales:
    name = KNOWN.get(type(optimizer))
    if name is None:
        raise _NoLimitError(f"No limit is known for {type(optimizer).__name__}.")
    places = {id(tensor): index for index, tensor in enumerate(tensors)}
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    if not all(rate > 0 for rate in rates[:1]):
        raise _NoLimitError("The first group's learning rate is 0: there is nothing to compare the others with.")
    shares = {_share(name, group) for group in optimizer.param_groups}
    if len(shares) > 1:
        raise _NoLimitError("The groups have different momentum: no limit is known for that.")
    ends = np.cumsum([0, *(tensor.numel() for tensor in tensors)])
    roots, decay, coupled = np.zeros((3, ends[-1]))
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        for parameter in group["params"]:
            if id(parameter) not in places:
                if parameter.requires_grad:
                    raise OptionError("The optimizer holds parameters that are not the objective's model's.")
                continue
            index = places[id(parameter)]
            part = slice(ends[index], ends[index + 1])
            diagonal = _diagonal(name, optimizer.state.get(parameter, {}), group, stepped=bool(optimizer.state))
            if diagonal is None:
                continue
            roots[part] = np.sqrt(rate / rates[0] / diagonal)
            given = float(group["weight_decay"])
            if _decoupled(name, group):
                decay[part] = given * rate / rates[0]
            else:
                coupled[part] = given
    if not roots.any():
        raise OptionError("The optimizer holds none of the objective's parameters: pass it those of the same model.")
    return _Scales(roots, decay, coupled, shares.pop())


def _decoupled(name: str, group: Mapping[str, Any]) -> bool:
    """Whether weight decay goes past the preconditioner; Adam can be told so as well."""
    return bool(group.get("decoupled_weight_decay", name == "AdamW"))


def _share(name: str, group: Mapping[str, Any]) -> float:
    """c; refused where momentum undamps, and for variants whose limit is not known."""
    if group.get("maximize"):
        raise _NoLimitError("The optimizer climbs (maximize): there is no limit to be stable below.")
    if group.get("amsgrad"):
        raise _NoLimitError("No limit is known for amsgrad.")
    if name in ("Adam", "AdamW"):
        first = float(group["betas"][0])
        return (1 - first) / (1 + first)
    momentum = float(group["momentum"])
    if momentum >= 1:
        raise _NoLimitError("A momentum of 1 or more damps nothing: no rate is stable.")
    if name == "RMSprop":
        return 1 / (1 + momentum)
    if group["nesterov"]:
        return (1 + 2 * momentum) / (1 + momentum)
    if momentum == 0:
        return 1.0
    if group["dampening"] >= 1:
        raise _NoLimitError("A dampening of 1 or more lets nothing of the gradient through: no limit is known.")
    return (1 - float(group["dampening"])) / (1 + momentum)


def _diagonal(name: str, state: Mapping[str, Any], group: Mapping[str, Any], *, stepped: bool) -> Floats | float | None:
    """P of one tensor; None for one that other steps have left out: it stands still."""
    if name == "SGD":
        return 1.0
    if group["weight_decay"] != 0 and not _decoupled(name, group):
        raise _NoLimitError(f"{name}'s weight decay is preconditioned like the gradient: no limit is known.")
    if not state and stepped:
        return None
    if not state:
        raise _NoLimitError(f"{name} has not made a step yet: it has no preconditioner.")
    diagonal: Floats = tensor_preconditioner(name, state, group).cpu().numpy().ravel()
    if not (np.isfinite(diagonal).all() and (diagonal > 0).all()):
        raise _NoLimitError(f"The preconditioner of {name} is not above 0 and finite everywhere: no limit is known.")
    return diagonal
