"""What the updates of a loop were made of, and the effective step of adaptive optimizers."""

import numpy as np

from fallline._explain._numbers import count, listed, number, percent
from fallline._explain._recording._rows import last_part, layer_words, of_whom
from fallline._records import PARTS, Floats, Recording

WORTH_NAMING = 0.005
"""A part with a smaller share than this at every measured step is not named."""


def made_of_sentences(recording: Recording) -> list[str]:
    """The parts of the updates of every optimizer, then the effective step."""
    told = []
    for optimizer in range(len(recording.header.optimizers)):
        told += _parts(recording, optimizer)
    return [*told, *_effective(recording)]


def shares_words(shares: Floats) -> str:
    """Shares [S] in words, the largest first: ``momentum 62 %, gradient 30 % and decay 8 %``."""
    order = sorted(range(len(PARTS)), key=lambda part: -abs(float(shares[part])))
    named = [f"{PARTS[part]} {percent(float(shares[part]))}" for part in order if abs(shares[part]) >= WORTH_NAMING]
    return listed(named) if named else ""


def _parts(recording: Recording, optimizer: int) -> list[str]:
    parts = recording.parts
    rows = parts.measured[:, optimizer] & np.isfinite(parts.share[:, optimizer]).all(axis=1)
    if not rows.any():
        return []
    words = shares_words(np.median(parts.share[rows, optimizer], axis=0))
    if not words:
        return []
    return [
        f"The updates{of_whom(recording, optimizer)} were made of {words} "
        f"(share along the update, median of {count(int(rows.sum()), 'step')})."
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
        return [f"{turned} {number(float(middles[most]))}, in the median {when}."]
    low, high = (f"{number(float(middles[k]))} ({layer_words(recording.header, int(known[k]))})" for k in (least, most))
    return [f"{turned} {low} to {high}, in the median {when}."]
