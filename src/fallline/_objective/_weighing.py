"""The first pass over the data: what each batch weighs in the mean, and whether the loss is a function at all."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from fallline._arguments import real_number
from fallline._errors import DataError, OptionError
from fallline._objective._averaging import (
    ROUNDING,
    Cut,
    Cuts,
    Split,
    doubtful,
    fitting,
    refusal,
    weighs_alike,
)
from fallline._objective._batches import Batch
from fallline._objective._denominators import Denominator, candidates, is_known, refuse_reduction
from fallline._objective._functional import Evaluation, Functional
from fallline._objective._mode import batch_statistics, refuse_random, refuse_split, same
from fallline._objective._not_evaluated import FAULTS, not_evaluated
from fallline._objective._source import Source

COARSE: Final = 16
"""Units of rounding where the model cannot be evaluated in float64."""
JOLT: Final = 0.1
"""Of a tensor's typical entry: where a loss tells nothing at the model's own parameters, it is looked at near them."""
GIVEN: Final = "denominator"


@dataclass(frozen=True, eq=False)
class Weighing:
    """How the mean over all rows is made of the batches."""

    rule: Denominator
    total: float
    """Of all denominators."""
    sizes: tuple[float, ...]
    """Of each batch, in the order of the first pass."""
    splits: bool
    """Whether a batch may be taken in parts: the parts give the loss of the whole."""
    cut: Cut | None
    notes: tuple[str, ...]


def find_weighing(
    functional: Functional,
    loss_fn: Callable[..., Any],
    source: Source,
    given: Callable[[Any], float] | None,
    *,
    training: bool,
) -> Weighing:
    """Read all data once, find the loss's denominator, and check it.

    Raises:
        OptionError: the loss is no mean, or depends on the split into batches, or on random numbers.
        DataError: there is nothing to average.
    """
    refuse_reduction(loss_fn)
    rules = candidates(loss_fn) if given is None else [Denominator(GIVEN, lambda batch: _asked(given, batch))]
    cuts, first = Cuts(rules), None
    sizes: list[list[float | None]] = [[] for _ in rules]
    with source.undisturbed(), functional.session():  # a loader may draw random numbers
        for batch in source.first_pass():
            first = batch if first is None else first
            cuts.see(batch)
            for column, rule in zip(sizes, rules, strict=True):
                column.append(rule.of(batch))
    mixed = batch_statistics(functional.model, training=training)
    refuse_split(mixed, source.count, training=training)
    check = _Check(functional, training=training)
    if first is not None:
        check.function(cuts.found[0].whole if cuts.found and not mixed else first, first)
    splits = check.splits(cuts.found, through_output=bool(mixed))
    deciding = [split for split in splits if split.decides]
    fits = fitting(rules, deciding, check.rounding)
    if given is None:
        rule, notes = _chosen(rules, fits, deciding, sizes, known=is_known(loss_fn), undecided=bool(cuts.found))
    else:
        rule, notes = rules[0], [] if fits or not deciding else [_depends()]
    return _weighed(rule, sizes[rules.index(rule)], bool(fits) and not mixed, cuts.found, notes)


def _chosen(
    rules: Sequence[Denominator],
    fits: list[Denominator],
    deciding: Sequence[Split],
    sizes: Sequence[Sequence[float | None]],
    *,
    known: bool,
    undecided: bool,
) -> tuple[Denominator, list[str]]:
    if deciding and not fits:
        raise refusal(deciding)
    if not deciding:
        rule = next(rule for rule, column in zip(rules, sizes, strict=True) if None not in column)
        unsure = f"The loss is not finite here, so that it is a mean over {rule.name} could not be checked."
        return rule, [unsure] if undecided else []
    if known and fits[0] is rules[0]:
        return rules[0], []
    columns = [sizes[rules.index(rule)] for rule in fits]
    others = [rule for rule, column in zip(fits, columns, strict=True) if not weighs_alike(columns[0], column)]
    if others:
        raise doubtful([rule.name for rule in (fits[0], *others)])
    return fits[0], []


def _asked(given: Callable[[Any], float], batch: Batch) -> float:
    """What the user's own denominator says of a batch."""
    answer = given(batch.given)
    size = real_number(answer)
    if size is None or not math.isfinite(size):
        raise OptionError(f"denominator(batch) is a finite number, what the loss divides by; here it gave {answer!r}.")
    return size


def _depends() -> str:
    return (
        "The loss of a batch is not the mean of its parts by the given denominator: its value belongs to this split "
        "into batches."
    )


def _weighed(
    rule: Denominator, column: Sequence[float | None], splits: bool, cuts: Sequence[Cut], notes: list[str]
) -> Weighing:
    sizes = tuple(size or 0.0 for size in column)
    total = sum(sizes)
    if not total > 0 or min(sizes) < 0:
        raise DataError(f"No target counts in the loss: the batches weigh {total:g} together, by {rule.name}.")
    return Weighing(rule, total, sizes, splits, cuts[0] if cuts else None, tuple(notes))


class _Check:
    """Evaluates small batches at the model's own parameters and near them."""

    def __init__(self, functional: Functional, *, training: bool) -> None:
        self._functional, self._training = functional, training
        self.rounding = ROUNDING

    def function(self, batch: Batch, whole: Batch) -> None:
        """See that the loss is a function of the parameters, on ``batch``, a part of the ``whole`` one.

        Raises:
            OptionError: two passes differ, or there is none.
        """
        with self._functional.session() as evaluation, torch.no_grad():
            ready = prepared(self._functional, batch, None)
            for parts in self._places(None):
                try:
                    losses = [evaluation.loss(parts, ready) for _ in range(2)]
                except FAULTS as error:
                    raise not_evaluated(self._fault_of(whole, evaluation, parts) or error, whole) from error
                if not same(*losses):
                    raise refuse_random(training=self._training)

    def _fault_of(self, whole: Batch, evaluation: Evaluation, parts: Sequence[Tensor]) -> Exception | None:
        """What goes wrong with all of the rows: numbers that the user knows."""
        try:
            evaluation.loss(parts, prepared(self._functional, whole, None))
        except FAULTS as error:
            return error
        return None

    def splits(self, cuts: Sequence[Cut], *, through_output: bool) -> list[Split]:
        """The losses of all cuts at both places; of the parts of one output where rows depend on each other."""
        if not cuts:
            return []
        try:
            return self._splits(cuts, torch.float64, through_output)
        except RuntimeError:  # a model whose code names a dtype
            self.rounding = max(ROUNDING, COARSE * torch.finfo(self._functional.dtype).eps)
            return self._splits(cuts, None, through_output)

    def _splits(self, cuts: Sequence[Cut], dtype: torch.dtype | None, through_output: bool) -> list[Split]:
        measure = _loss_through_output if through_output else _loss_of_parts
        with self._functional.session(dtype) as evaluation, torch.no_grad():
            return [
                Split(cut, *measure(self._functional, evaluation, parts, cut, dtype))
                for parts in self._places(dtype)
                for cut in cuts
            ]

    def _places(self, dtype: torch.dtype | None) -> list[list[Tensor]]:
        """The parameters (0 where they are not finite), and a point near them: at many a start all rows are alike."""
        generator = torch.Generator().manual_seed(0)
        here: list[Tensor] = []
        near: list[Tensor] = []
        for tensor in self._functional.tensors:
            finite = torch.nan_to_num(tensor.detach().to("cpu", torch.float64), 0.0, 0.0, 0.0)
            size = JOLT * float(finite.square().mean().sqrt()) + JOLT**2 if finite.numel() else 0.0
            jolt = size * torch.randn(finite.shape, generator=generator, dtype=torch.float64)
            for place, values in ((here, finite), (near, finite + jolt)):
                place.append(values.to(tensor.device, tensor.dtype if dtype is None else dtype))
        return [here, near]


def prepared(functional: Functional, batch: Batch, dtype: torch.dtype | None) -> Batch:
    """On the model's device, in the dtype of the evaluation; as given where the model mixes dtypes."""
    own = functional.dtype if len(set(functional.dtypes)) == 1 else None
    return batch.cast(functional.device, dtype or own, dtype)


def _loss_of_parts(
    functional: Functional, evaluation: Evaluation, parts: Sequence[Tensor], cut: Cut, dtype: torch.dtype | None
) -> tuple[float, tuple[float, float]]:
    whole, first, second = (
        float(evaluation.loss(parts, prepared(functional, batch, dtype)).detach()) for batch in (cut.whole, *cut.parts)
    )
    return whole, (first, second)


def _loss_through_output(
    functional: Functional, evaluation: Evaluation, parts: Sequence[Tensor], cut: Cut, dtype: torch.dtype | None
) -> tuple[float, tuple[float, float]]:
    whole = prepared(functional, cut.whole, dtype)
    output = evaluation.output(parts, whole)
    both, rows = Batch(output, whole.target, (output, whole.target)), cut.parts[0].rows
    first, second = (
        float(evaluation.loss_fn(part.input, part.target)) for part in (both.part(0, rows), both.part(rows, whole.rows))
    )
    return float(evaluation.loss_fn(output, whole.target)), (first, second)
