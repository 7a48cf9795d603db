"""What a mean was divided by: each loss function's own denominator, by which batches are weighed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from fallline._errors import OptionError
from fallline._objective._batches import Batch

IGNORED: Final = -100
"""PyTorch's own ignore_index."""
CLASSES: Final = (nn.CrossEntropyLoss, nn.NLLLoss)
CLASS_FUNCTIONS: Final = (functional.cross_entropy, functional.nll_loss)
ELEMENTWISE: Final = (
    nn.MSELoss,
    nn.L1Loss,
    nn.HuberLoss,
    nn.SmoothL1Loss,
    nn.BCELoss,
    nn.BCEWithLogitsLoss,
    nn.GaussianNLLLoss,
    nn.PoissonNLLLoss,
    nn.SoftMarginLoss,
    nn.HingeEmbeddingLoss,
)
ELEMENTWISE_FUNCTIONS: Final = (
    functional.mse_loss,
    functional.l1_loss,
    functional.huber_loss,
    functional.smooth_l1_loss,
    functional.binary_cross_entropy,
    functional.binary_cross_entropy_with_logits,
    functional.gaussian_nll_loss,
    functional.poisson_nll_loss,
    functional.soft_margin_loss,
    functional.hinge_embedding_loss,
)
TARGETS: Final = ("labels", "label", "targets", "target", "y")
"""What the target is called in a batch that is a mapping."""


@dataclass(frozen=True, eq=False)
class Denominator:
    """A rule that says what the loss of a batch was divided by."""

    name: str
    of: Callable[[Batch], float | None]
    """None where the batch has nothing of the kind."""


def candidates(loss_fn: Callable[..., Any]) -> list[Denominator]:
    """What this loss function may divide by, the likeliest first."""
    return [*_known(loss_fn), *_general()]


def is_known(loss_fn: Callable[..., Any]) -> bool:
    """Whether its rule is documented, so that its values need not tell."""
    return next(_known(loss_fn), None) is not None


def refuse_reduction(loss_fn: Callable[..., Any]) -> None:
    """Refuse a loss that says itself that it is no mean.

    Raises:
        OptionError: its reduction is "sum" or "none".
    """
    loss_fn, options = _taken_apart(loss_fn)
    reduction = getattr(loss_fn, "reduction", options.get("reduction", "mean"))
    if reduction in ("sum", "none"):
        raise OptionError(
            f"This loss is no mean (reduction='{reduction}'), so it would depend on how many rows there are: "
            "use reduction='mean'."
        )


def _taken_apart(loss_fn: Any) -> tuple[Any, Mapping[str, Any]]:
    """A function and the options it is given."""
    return (loss_fn.func, loss_fn.keywords) if isinstance(loss_fn, partial) else (loss_fn, {})


def _known(loss_fn: Callable[..., Any]) -> Iterator[Denominator]:
    """Of a loss function whose rule is documented."""
    loss_fn, options = _taken_apart(loss_fn)
    classes = isinstance(loss_fn, nn.CrossEntropyLoss | nn.NLLLoss) or loss_fn in (
        functional.cross_entropy,
        functional.nll_loss,
    )
    if classes:
        weight = getattr(loss_fn, "weight", options.get("weight"))
        ignored = getattr(loss_fn, "ignore_index", options.get("ignore_index", IGNORED))
        name = "targets that are not ignored" if weight is None else "class weights of the targets"
        yield Denominator(name, lambda batch: _class_weights(target_of(batch), weight, ignored))
    elif isinstance(loss_fn, ELEMENTWISE) or loss_fn in ELEMENTWISE_FUNCTIONS:
        yield Denominator("elements", lambda batch: _elements(target_of(batch)))


def _general() -> list[Denominator]:
    return [
        Denominator("rows", lambda batch: float(batch.rows)),
        Denominator("elements", lambda batch: _elements(target_of(batch))),
        Denominator("targets that are not ignored", lambda batch: _class_weights(target_of(batch), None, IGNORED)),
        Denominator("next targets that are not ignored", _next_targets),
        Denominator("targets that are not NaN", _not_nan),
        Denominator("places that are not masked", _not_masked),
    ]


def target_of(batch: Batch) -> Tensor | None:
    """The one tensor that the output is compared with, None where that is not known."""
    if batch.is_mapping:
        return next((batch.target[name] for name in TARGETS if isinstance(batch.target.get(name), Tensor)), None)
    return batch.target_tensors[0] if batch.target_tensors else None


def _elements(target: Tensor | None) -> float | None:
    return None if target is None else float(target.numel())


def _class_weights(target: Tensor | None, weight: Tensor | None, ignored: int) -> float | None:
    """Sum of the weights of the classes that are not ignored; of class probabilities, the places that have them."""
    if target is None:
        return None
    if target.is_floating_point():
        return float(target.numel() // target.shape[1]) if target.dim() > 1 else 1.0
    if weight is None:
        return float(torch.count_nonzero(target != ignored))
    return float(weight.detach().double()[target[target != ignored].to(weight.device)].sum())


def _next_targets(batch: Batch) -> float | None:
    """Of a language model, whose output at a place is compared with the target at the next."""
    target = target_of(batch)
    if target is None or target.is_floating_point() or target.dim() < 2:
        return None
    return _class_weights(target[:, 1:], None, IGNORED)


def _not_nan(batch: Batch) -> float | None:
    target = target_of(batch)
    if target is None or not target.is_floating_point():
        return None
    return float(torch.isfinite(target).sum())


def _not_masked(batch: Batch) -> float | None:
    mask = batch.input.get("attention_mask") if isinstance(batch.input, Mapping) else None
    return float(mask.sum()) if isinstance(mask, Tensor) else None
