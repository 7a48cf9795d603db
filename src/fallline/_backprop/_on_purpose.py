"""Operations whose step back is no derivative, on purpose: padding, scaling by frequency, rounding, symmetry, samples.

What such a step back gives is the derivative of another function, one that has the same value at the point: a row that
does not move, rows that move the less the more often they are taken, a rounding that lets every change through
(Bengio, Léonard and Courville 2013). The differences are taken of that one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from fallline._backprop._one_triangle import ONE_TRIANGLE, one_triangle
from fallline._backprop._sampled import DIRICHLET, SAMPLED, sampled
from fallline._backprop._stand_ins import Hold, StandIn
from fallline._backprop._torch_private import default_of, schema_of


def stand_in_for(
    func: Any, args: Any, kwargs: Mapping[str, Any], *, recorded: bool, inside: bool = False
) -> Callable[[Hold], Any] | None:
    """The function whose derivative PyTorch gives; None where it is the operation's own.

    Args:
        func: the operation.
        args: its arguments …
        kwargs: … and those by name.
        recorded: autograd makes a node for it.
        inside: it runs inside of an ``autograd.Function``, whose own step back is asked for.
    """
    schema = schema_of(func)
    name = schema.name.removeprefix("aten::")
    found = STAND_INS.get(name)
    if found is None or not (name == DIRICHLET if inside else recorded or name == RENORMED):
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
    if op == "_embedding_bag" and given.get("scale_grad_by_freq"):
        told.append(BAG_SCALED)
    if op in ROUNDING:
        told.append(
            "Fake quantisation rounds, and its step back hands the gradient on as if it did not (straight through), on "
            "purpose: that is no derivative, and the check does not round either."
        )
    if op in LEARNABLE:
        told.append(
            "Fake quantisation with a scale and a zero point that learn: its step back hands the gradient on as if it "
            "did not round (straight through), to scale and zero point as well, on purpose: that is no derivative."
        )
    if op == "_ctc_loss":
        told.append(
            "ctc_loss is of what log_softmax gives. Where those log-probabilities move freely, PyTorch's gradient is "
            "not the slope of the loss: it adds exp of each of them, on purpose, as going back through log_softmax "
            "needs, and the check adds them too."
        )
    return [*told, *(each for each in (one_triangle(op, given), sampled(op)) if each is not None)]


def on_purpose_of(custom: type | None) -> list[str]:
    """The same of an ``autograd.Function``, of which PyTorch has some itself; nothing of others.

    Args:
        custom: its class; None of an operation that was not seen.
    """
    ours = custom is not None and custom.__module__.split(".")[0] == torch.__name__
    told = sampled(custom.__name__) if custom is not None and ours else None
    return [] if told is None else [told]


def _embedding(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    weight, padding = given["weight"].detach(), given["padding_idx"]
    if "offsets" not in given and padding >= 0:  # a bag leaves padding out of its sum
        held = hold("padding", weight[padding].clone())
        weight = weight.index_copy(0, torch.tensor([padding], device=weight.device), held[None])
    if given["scale_grad_by_freq"]:
        before = hold("weight", weight)
        taken = torch.bincount(given["indices"].reshape(-1), minlength=len(weight)).clamp(min=1)
        if "offsets" in given and weight.device.type == "cpu":
            taken = _taken_in_bags(given["indices"].reshape(-1), taken)
        weight = before + (weight - before) / taken.reshape(-1, *[1] * (weight.dim() - 1))
    return func(**dict(given) | {"weight": weight})


def _taken_in_bags(indices: torch.Tensor, taken: torch.Tensor) -> torch.Tensor:
    """What the CPU's step back divides each row by: for the k-th row in use, how often the k-th index was taken.

    The indices are in order there, and so are the rows. Both are the same row only where each was taken once before.
    """
    ordered = indices.sort().values
    rows = torch.bincount(ordered).nonzero().flatten()
    return taken.index_copy(0, rows, taken[ordered[: len(rows)]])


def _renormed(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    """max_norm: rows are scaled down where autograd does not see it, which is a shift that stays as it is."""
    weight = given["self"]
    before = weight.clone()
    output = func(**given)
    weight.copy_(before + hold("shift", weight - before))
    return output


def _rounded(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    plain = given["self"].detach()
    rounded, inside = func(**dict(given) | _in_float32(given))
    before, out = hold("self", plain), hold("rounded", rounded)
    return out + hold("inside", inside) * (plain - before), inside


def _ctc(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    """The loss, and the sum of the probabilities of each step that counts, which behind log_softmax is always 1."""
    plain = given["log_probs"].detach()
    lengths = torch.as_tensor(given["input_lengths"], device=plain.device)
    counts = torch.arange(len(plain), device=plain.device)[:, None] < lengths.reshape(1, -1)
    each = plain.exp().sum(-1).reshape(len(plain), -1)
    total = torch.where(counts, each, torch.zeros_like(each)).sum(0)
    loss, alpha = func(**given)
    return loss + (total - hold("probabilities", total)).reshape(loss.shape), alpha


def _in_float32(given: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Scale and zero point, which are not known in float64."""
    known = {name: each for name in ("scale", "zero_point") if isinstance(each := given.get(name), torch.Tensor)}
    return {name: each.to(torch.float32) for name, each in known.items() if each.dtype is torch.float64}


BAG_SCALED: Final = (
    "On the CPU PyTorch divides the rows of a bag by other counts than their own: the k-th row in use by how often the "
    "k-th of the indices, in order, was taken. The check does as PyTorch does there."
)
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
LEARNABLE: Final = frozenset(
    ("_fake_quantize_learnable_per_tensor_affine", "_fake_quantize_learnable_per_channel_affine")
)
STAND_INS: Final[Mapping[str, StandIn]] = {
    "embedding": _embedding,
    "_embedding_bag": _embedding,
    RENORMED: _renormed,
    **dict.fromkeys(ROUNDING, _rounded),
    "_ctc_loss": _ctc,
    **ONE_TRIANGLE,
    **SAMPLED,
}
