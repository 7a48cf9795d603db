"""The smoothed loss, when it explodes, and whether it fell at all; docs/semantics.md#ramp."""

from collections.abc import Sequence

import numpy as np

from fallline._records import Floats

KEPT = 0.98
"""Of the mean so far, at each batch: that of fastai and Lightning, which the known rules were made for."""
TIMES = 4
"""The loss has exploded at so many times the lowest: as in fastai and Smith's 2017 test."""
MEDIAN = 1.4826
"""Standard deviation of normal numbers in units of their median distance from the middle."""
PARTS, FEWEST = (10, 5, 3), 6
"""Of how many parts of a pass one is compared with the first, and losses that are needed for it."""
SURE = 4.0
"""Standard errors by which the loss has to fall, to have fallen."""
ROUNDING = 1e-6
"""Of the loss at the start: nothing smaller is a fall."""


class Smoother:
    """The exponential mean of the finite losses so far, its weights adding up to 1 from the first on.

    >>> smoother = Smoother()
    >>> smoother.add(2.0), smoother.add(float("nan")), round(smoother.add(1.0), 3)
    (2.0, nan, 1.495)
    """

    def __init__(self) -> None:
        self._sum = self._weight = 0.0
        self.first: float | None = None
        self.lowest: float | None = None

    def add(self, loss: float) -> float:
        """The mean with one loss more; NaN, and nothing added, where that is not finite."""
        if not np.isfinite(loss):
            return float("nan")
        self._sum = KEPT * self._sum + (1 - KEPT) * loss
        self._weight = KEPT * self._weight + (1 - KEPT)
        mean = self._sum / self._weight
        self.first = mean if self.first is None else self.first
        self.lowest = mean if self.lowest is None else min(self.lowest, mean)
        return mean

    def exploded(self, mean: float) -> bool:
        """Whether a mean is far above the lowest: four times it, or three times the fall where that is more.

        The fall makes it the same for losses that go down to 0, or below.
        """
        if self.first is None or self.lowest is None:
            return False
        return mean > self.lowest + (TIMES - 1) * max(abs(self.lowest), self.first - self.lowest)


def smoothed(losses: Sequence[float]) -> Floats:
    """[M] the means of losses [M]."""
    smoother = Smoother()
    return np.array([smoother.add(loss) for loss in losses], dtype=np.float64)


def fell(losses: Floats, at_start: Floats) -> bool:
    """Whether batches' losses [M] fell below those of the same batches at the start [M].

    Some tenth, fifth or third of them in a row lies clearly below the first one: by the scatter of what they lost, told
    from neighbours. Beside itself, a batch that happens to be easy is no fall.

    >>> two = np.full(50, 2.0)
    >>> fell(np.linspace(2.0, 1.0, 50), two), fell(two, two), fell(np.linspace(2.0, 3.0, 50), two)
    (True, False, False)
    """
    with np.errstate(invalid="ignore"):
        lost = losses - at_start
    lost = lost[np.isfinite(lost)]
    if len(lost) < FEWEST:
        return False
    totals = np.concatenate(([0.0], np.cumsum(lost)))
    scatter = MEDIAN * float(np.median(np.abs(np.diff(lost)))) / np.sqrt(2)
    smallest = ROUNDING * float(np.median(np.abs(at_start[np.isfinite(at_start)])))
    for part in PARTS:
        width = max(2, len(lost) // part)
        means = (totals[width:] - totals[:-width]) / width
        if means[0] - means.min() > max(SURE * scatter * np.sqrt(2 / width), smallest):
            return True
    return False
