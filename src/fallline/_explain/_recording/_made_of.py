"""What the updates of a loop were made of, and the effective step of adaptive optimizers."""

import numpy as np

from fallline._explain._numbers import MINUS, count, listed, number, percent, rough
from fallline._explain._recording._rows import last_part, layer_words, of_whom, plain_group
from fallline._records import PARTS, Floats, Recording

WORTH_NAMING = 0.005
"""A part with a smaller share than this is not named."""
AGAINST = "; a part that points against the whole counts below 0, so that others can be more than 100 %"
MINUS_NAMED = -WORTH_NAMING
SMALL_COUNT_MOST = "a mean over each layer's entries, in which those with the smallest gradients count most"
MANY_TIMES, EXACT_TIMES = 10, 1000
"""From here on a share is no percentage; up to here it has a decimal, so that one sees them add up."""


def made_of_sentences(recording: Recording) -> list[str]:
    """The parts of the updates of every optimizer, then the effective step."""
    told = []
    for optimizer in range(len(recording.header.optimizers)):
        told += _parts(recording, optimizer)
    return [*told, *_effective(recording)]


def shares_words(shares: Floats) -> str:
    """Shares [S] in words, the largest first: ``momentum 62 %, gradient 30 % and decay 8 %``."""
    order = sorted(range(len(PARTS)), key=lambda part: -abs(float(shares[part])))
    named = [f"{PARTS[part]} {_share(float(shares[part]))}" for part in order if abs(shares[part]) >= WORTH_NAMING]
    return listed(named) if named else ""


def _share(share: float) -> str:
    """100 % to less than half a percent, as what is smaller is not named; in times where it is many."""
    if abs(share - 1) < WORTH_NAMING:
        return "100 %"
    if abs(share) < MANY_TIMES:
        return percent(share)
    many = f"{abs(share):,.1f}" if abs(share) < EXACT_TIMES else rough(abs(share))
    return f"{MINUS if share < 0 else ''}{many} times the whole"


@np.errstate(all="ignore")  # what is not finite is data
def made_shares(recording: Recording, optimizer: int) -> tuple[Floats, int] | None:
    """The shares [S] of all measured updates together, and how many; docs/semantics.md#parts-of-a-step.

    Σ part · Δθ / Σ |Δθ|² over the measured steps: medians of parts would not add up. None where nothing was measured.
    """
    parts, steps = recording.parts, recording.steps
    if not len(parts) or not len(steps):
        return None
    rows = np.minimum(np.searchsorted(steps.step, parts.step), len(steps) - 1)
    length = steps.update_norm[rows, optimizer]
    usable = parts.measured[:, optimizer] & np.isfinite(parts.share[:, optimizer]).all(axis=1)
    usable &= (steps.step[rows] == parts.step) & steps.measured[rows, optimizer] & np.isfinite(length) & (length > 0)
    if not usable.any():
        return None
    weight = (length[usable] / length[usable].max()) ** 2
    shares = weight @ parts.share[usable, optimizer] / weight.sum()
    return (shares, int(usable.sum())) if np.isfinite(shares).all() else None


def _parts(recording: Recording, optimizer: int) -> list[str]:
    made = made_shares(recording, optimizer)
    words = "" if made is None else shares_words(made[0])
    if made is None or not words or (plain_group(recording) is not None and words == f"{PARTS[0]} 100 %"):
        return []
    return [
        f"The updates{of_whom(recording, optimizer)} were made of {words} "
        f"({count(made[1], 'measured step')} together, each weighed by the square of its length)"
        f"{'' if (made[0] > MINUS_NAMED).all() else AGAINST}."
    ]


def _effective(recording: Recording) -> list[str]:
    """How large the rate became after the optimizer's own division, at the end."""
    effective = recording.effective
    if not len(effective):
        return []
    end = last_part(len(effective))
    rates = np.where(effective.measured[end] & np.isfinite(effective.rate[end]), effective.rate[end], np.nan)
    known = np.flatnonzero(np.isfinite(rates).any(axis=0))
    if not known.size:
        return []
    middles = np.nanmedian(rates[:, known], axis=0)
    most, least = int(np.argmax(middles)), int(np.argmin(middles))
    when = f"of the last {count(end.stop - end.start, 'measured step')}"
    turned = "The optimizer's own division turned the rate into an effective step of"
    if middles[most] == middles[least]:
        return [f"{turned} {number(float(middles[most]))}, in the median {when}: {SMALL_COUNT_MOST}."]
    low, high = (f"{number(float(middles[k]))} ({layer_words(recording.header, int(known[k]))})" for k in (least, most))
    return [f"{turned} {low} to {high}, in the median {when}: {SMALL_COUNT_MOST}."]
