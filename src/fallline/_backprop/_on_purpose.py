"""Operations whose step back is no derivative, and on purpose: padding, gradients scaled by frequency, rounding.

What such a step back gives is the derivative of another function, one that has the same value at the point: a row that
does not move, rows that move the less the more often they are taken, a rounding that lets every change through
(Bengio, Léonard and Courville 2013). The differences are taken of that one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from fallline._backprop._torch_private import default_of, schema_of

Hold = Callable[[str, torch.Tensor], torch.Tensor]
"""Gives a tensor, under a name, as it was at the point."""
StandIn = Callable[[Callable[..., Any], Mapping[str, Any], Hold], Any]
"""Of the operation, its arguments by name and ``Hold``, what comes out in place of the operation's own output."""


def stand_in_for(func: Any, args: Any, kwargs: Mapping[str, Any], *, recorded: bool) -> Callable[[Hold], Any] | None:
    """The function whose derivative PyTorch gives; None where it is the operation's own.

    Args:
        func: the operation.
        args: its arguments …
        kwargs: … and those by name.
        recorded: autograd makes a node for it.
    """
    schema = schema_of(func)
    name = schema.name.removeprefix("aten::")
    found = STAND_INS.get(name)
    if found is None or not (recorded or name == RENORMED):
        return None
    given = {each.name: default_of(each) for each in schema.arguments}
    given |= dict(zip(given, args, strict=False)) | dict(kwargs)
    return lambda hold: found(func, given, hold)


def on_purpose(op: str, given: Mapping[str, Any]) -> list[str]:
    """Sentences about a step back that is no derivative.

    Args:
        op: the operation, without namespace.
        given: its arguments by name.

    >>> on_purpose("embedding", {"padding_idx": 0, "scale_grad_by_freq": False})
    ['Row 0 is padding (padding_idx): PyTorch sends it no gradient, on purpose, and the check does not move it there.']
    """
    told = []
    if op == "embedding" and given.get("padding_idx", -1) >= 0:
        told.append(
            f"Row {given['padding_idx']} is padding (padding_idx): PyTorch sends it no gradient, on purpose, and the "
            "check does not move it there."
        )
    if op in ("embedding", "_embedding_bag") and given.get("scale_grad_by_freq"):
        told.append(
            "scale_grad_by_freq is there to divide the gradient of a row by how often the row was taken: that is no "
            "derivative, on purpose, and the check divides as well."
        )
    if op in ROUNDING:
        told.append(
            "Fake quantisation rounds, and its step back hands the gradient on as if it did not (straight through), on "
            "purpose: that is no derivative, and the check does not round either."
        )
    return told


def _embedding(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    weight, padding = given["weight"].detach(), given["padding_idx"]
    if "offsets" not in given and padding >= 0:  # a bag leaves padding out of its sum
        held = hold("padding", weight[padding].clone())
        weight = weight.index_copy(0, torch.tensor([padding], device=weight.device), held[None])
    if given["scale_grad_by_freq"]:
        before = hold("weight", weight)
        taken = torch.bincount(given["indices"].reshape(-1), minlength=len(weight)).clamp(min=1)
        weight = before + (weight - before) / taken.reshape(-1, *[1] * (weight.dim() - 1))
    return func(**dict(given) | {"weight": weight})


def _renormed(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    """max_norm: rows are scaled down where autograd does not see it, which is a shift that stays as it is."""
    weight = given["self"]
    before = weight.clone()
    output = func(**given)
    weight.copy_(before + hold("shift", weight - before))
    return output


def _rounded(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    plain = given["self"].detach()
    rounded, inside = func(**given)
    before, out = hold("self", plain), hold("rounded", rounded)
    return out + hold("inside", inside) * (plain - before), inside


RENORMED: Final = "embedding_renorm_"
"""Where autograd does not look."""
ROUNDING: Final = frozenset(
    (
        "fake_quantize_per_tensor_affine_cachemask",
        "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
        "fake_quantize_per_channel_affine_cachemask",
        "_fused_moving_avg_obs_fq_helper",
    )
)
STAND_INS: Final[Mapping[str, StandIn]] = {
    "embedding": _embedding,
    "_embedding_bag": _embedding,
    RENORMED: _renormed,
    **dict.fromkeys(ROUNDING, _rounded),
}
