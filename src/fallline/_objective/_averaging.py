"""Which denominator a loss has: what fits when a batch is split in two unequal parts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import torch
from torch import Tensor

from fallline._errors import OptionError
from fallline._objective._batches import Batch, has_rows
from fallline._objective._denominators import Denominator
from fallline._objective._trees import tensors

ROUNDING: Final = 2e-5
"""What float32 inside of a model may do to a sum over many rows."""
WINDOW: Final = 64
"""Rows that a check is made on, where they tell the denominators apart."""
WINDOWS: Final = 64
"""So many places are tried."""
CUTS: Final = 4
"""Splits that are kept for the check."""

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Cut:
    """A batch in two parts, and which pairs of rules weigh them differently."""

    whole: Batch
    parts: tuple[Batch, Batch]
    tells: frozenset[Pair]

    def copy(self) -> "Cut":
        """With memory of its own: a loader may fill the same again."""
        whole, at = _copied(self.whole), self.parts[0].rows
        return Cut(whole, (whole.part(0, at), whole.part(at, whole.rows)), self.tells)


def _copied(batch: Batch) -> Batch:
    return batch.mapped(lambda tensor: tensor.detach().clone())


@dataclass(frozen=True)
class Split:
    """A cut with its losses."""

    cut: Cut
    loss: float
    losses: tuple[float, float]

    @property
    def decides(self) -> bool:
        """Whether the losses are finite: a part in which nothing counts may be NaN."""
        return math.isfinite(self.loss)

    def missed(self, rule: Denominator) -> float | None:
        """How far L·d is from Σ Lᵢ·dᵢ, as a share of their size; None where the rule has no answer here."""
        whole, parts = rule.of(self.cut.whole), [rule.of(part) for part in self.cut.parts]
        if whole is None or None in parts:
            return None
        terms = [loss * size for loss, size in zip(self.losses, parts, strict=True) if size]  # nothing counts: 0 · NaN
        scale = abs(self.loss * whole) + sum(map(abs, terms))
        if not math.isfinite(scale):
            return None
        return abs(self.loss * whole - sum(terms)) / scale if scale > 0 else 0.0

    @property
    def is_sum(self) -> bool:
        """Whether the whole is the sum of its parts."""
        scale = abs(self.loss) + sum(map(abs, self.losses))
        return scale > 0 and abs(self.loss - sum(self.losses)) <= ROUNDING * scale


class Cuts:
    """Collects, while the batches go by, the few splits on which the rules differ."""

    def __init__(self, rules: Sequence[Denominator]) -> None:
        self._rules = rules
        self._told: frozenset[Pair] = frozenset()
        self._before: Batch | None = None
        self.found: list[Cut] = []

    def see(self, batch: Batch) -> None:
        """Look at one more batch; of single rows at two together."""
        whole = batch if batch.rows > 1 or self._before is None else joined(self._before, batch)
        self._before = _copied(batch) if batch.rows == 1 else None
        if whole is None or len(self.found) >= CUTS:
            return
        for cut in self._cuts(whole):
            self.found.append(cut.copy())
            self._told |= cut.tells
            if len(self.found) >= CUTS:
                return

    def _cuts(self, batch: Batch) -> Iterator[Cut]:
        """Of the batch or of places in it: the first, and those that tell what was not told before."""
        rows = batch.rows
        for begin in range(0, min(rows, WINDOW * WINDOWS), WINDOW):
            yield from self._cuts_of(batch.part(begin, begin + WINDOW) if rows > WINDOW else batch)
        if rows > WINDOW and self._tells(self._sizes(batch), batch.part(0, WINDOW)) - self._told:
            yield from self._cuts_of(batch)

    def _cuts_of(self, whole: Batch) -> Iterator[Cut]:
        rows, sizes = whole.rows, self._sizes(whole)
        for at in dict.fromkeys((rows // 3, rows - rows // 4, 1, rows - 1)):
            if 0 < at < rows:
                first = whole.part(0, at)
                tells = self._tells(sizes, first)
                if tells - self._told or not self.found:
                    yield Cut(whole, (first, whole.part(at, rows)), tells)

    def _sizes(self, batch: Batch) -> list[float | None]:
        return [rule.of(batch) for rule in self._rules]

    def _tells(self, whole: list[float | None], part: Batch) -> frozenset[Pair]:
        """The pairs of rules that give a part different shares of the whole."""
        shares = list(map(_share, whole, self._sizes(part)))
        if len({share for share in shares if share is not None}) < 2:
            return frozenset()
        return frozenset((i, j) for i, j in combinations(range(len(shares)), 2) if _apart(shares[i], shares[j]))


def _share(whole: float | None, part: float | None) -> float | None:
    return part / whole if whole and part is not None else None


def _apart(first: float | None, second: float | None) -> bool:
    return first is not None and second is not None and abs(first - second) > 1e-9


def fitting(rules: Sequence[Denominator], splits: Sequence[Split], rounding: float) -> list[Denominator]:
    """The rules that fit all splits, as well as the best of them does."""
    found = []
    for rule in rules:
        missed = [split.missed(rule) for split in splits]
        if splits and all(one is not None and one <= rounding for one in missed):
            found.append((max(one for one in missed if one is not None), rule))
    best = min((missed for missed, _ in found), default=0.0)
    return [rule for missed, rule in found if missed <= best + rounding / 100]


def weighs_alike(first: Sequence[float | None], second: Sequence[float | None]) -> bool:
    """Whether two rules give all batches the same shares of the mean."""
    totals = sum(one or 0.0 for one in first), sum(one or 0.0 for one in second)
    return not any(
        _apart(_share(totals[0], one), _share(totals[1], other)) for one, other in zip(first, second, strict=True)
    )


def refusal(splits: Sequence[Split]) -> OptionError:
    """Why no rule fits."""
    if splits and all(split.is_sum for split in splits):
        return OptionError(
            "This loss is a sum over the rows, not a mean: twice the rows would be twice the loss. Take the mean "
            "(reduction='mean')."
        )
    return OptionError(
        "This loss is no mean that is known here: a batch was split in two, and no weighing of the parts by rows, "
        "elements or targets that count gives the loss of the whole. Say what it divides by: "
        "denominator=callable(batch) -> float."
    )


def doubtful(names: Sequence[str]) -> OptionError:
    """Several rules fit, and they weigh the batches differently."""
    return OptionError(
        f"What this loss divides by cannot be told from its values: {' or '.join(dict.fromkeys(names))}. The batches "
        "weigh differently under these; say which with denominator=callable(batch) -> float."
    )


def joined(first: Batch, second: Batch) -> Batch | None:
    """Two batches as one; None where their shapes do not fit together."""
    rows, other_rows = first.rows, second.rows
    pairs = list(zip(tensors(first.given), tensors(second.given), strict=False))
    if len(tensors(first.given)) != len(tensors(second.given)) or any(a.shape[1:] != b.shape[1:] for a, b in pairs):
        return None
    others = iter([other for _, other in pairs])

    def together(tensor: Tensor) -> Tensor:
        other = next(others)
        both = has_rows(tensor, rows) and has_rows(other, other_rows)
        return torch.cat((tensor, other)) if both else tensor

    return first.mapped(together)
