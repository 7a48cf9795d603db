"""Fewer points of a long series for a page: bins of rows that keep the lowest, the highest and what is not finite.

Shapes: R rows of a series, K bins of them.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats, Integers, Mask

FINITE, NAN, ABOVE, BELOW, BREAK = 1, 2, 4, 8, 16
"""The bits of a bin: it holds finite values, NaN, +∞, −∞; the line is broken before it."""
MOST_BREAKS = 500
"""Of one line: beyond that the widest are shown."""
_ENDS = 500  # rows at either end that a page holds one by one
_AROUND = 250  # and to either side of an alarm or an event
_SINGLE_SHARE = 4  # at most one bin in so many goes to them
_SINGLE_IS_CHEAPER = 3  # a single row is one number, a bin three: lowest, highest, mean
_MISSING = 5.0  # so many times wider than the intervals beside it: something is missing there


@dataclass(frozen=True, eq=False)
class Bins:
    """Where each bin of a series begins."""

    starts: Integers
    """[K] rows, rising; the first is 0."""
    breaks: Mask
    """[K] the line is broken before this bin: something is missing between."""
    rows: int
    size: int
    """Rows of a bin; 1 where every row is a bin of its own. Around what matters bins of one row stand between."""

    @property
    def ends(self) -> Integers:
        """[K] the last row of each."""
        return np.append(self.starts[1:], self.rows)[: len(self.starts)] - 1


def bins_of(step: Integers, most: int, around: Sequence[int] = (), gaps: Sequence[tuple[int, int]] = ()) -> Bins:
    """About ``most`` bins of one size, with single rows between at the ends and ``around`` some steps.

    Args:
        step: [R] rising.
        most: how many bins a page can hold; of single rows three times as many, which take the same room.
        around: steps whose surroundings are kept row by row: alarms and events.
        gaps: first and last missing step of each gap in the record; no bin spans one.

    >>> bins = bins_of(np.arange(5_000), most=1_000)
    >>> bins.size, len(bins.starts), bins_of(np.arange(3_000), most=1_000).size
    (6, 937, 1)
    """
    rows = len(step)
    broken = _breaks(step, gaps)
    if rows <= _SINGLE_IS_CHEAPER * most:
        return Bins(np.arange(rows), broken, rows, 1)
    single = _single_rows(step, most // _SINGLE_SHARE, around)
    fixed = int(np.count_nonzero(single | broken))
    size = -(-rows // max(1, most - fixed))
    begins = broken | single
    begins[::size] = True
    begins[1:] |= single[:-1]
    starts = np.flatnonzero(begins)
    return Bins(starts, broken[starts], rows, size)


def _breaks(step: Integers, gaps: Sequence[tuple[int, int]]) -> Mask:
    """[R] True where the line does not come from the row before.

    Across a gap of the record; and where far more steps lie between than on either side.
    """
    broken = np.zeros(len(step), dtype=np.bool_)
    if len(step) < 2:
        return broken
    after = np.searchsorted(step, [last for _, last in gaps])
    broken[after[(after > 0) & (after < len(step))]] = True
    every = np.diff(step).astype(np.float64)
    moved = np.flatnonzero(every > 0)  # a number may be logged twice at one step
    apart = every[moved]
    if len(apart) > 1:
        beside = np.maximum(np.append(apart[1:], apart[-2]), np.insert(apart[:-1], 0, apart[1]))
        wide = np.flatnonzero(apart > _MISSING * beside)
        widest = wide[np.argsort(-apart[wide], kind="stable")[:MOST_BREAKS]]
        broken[moved[widest] + 1] = True
    return broken


def _single_rows(step: Integers, most: int, around: Sequence[int]) -> Mask:
    """[R] rows that stay single: as many as there is room for, nearest to what matters first."""
    rows = len(step)
    ends = min(_ENDS, most // 4)
    single = np.zeros(rows, dtype=np.bool_)
    single[:ends] = single[rows - ends :] = True
    for place in np.searchsorted(step, np.asarray(around, dtype=np.int64)):
        if int(np.count_nonzero(single)) + 2 * _AROUND > most:
            break
        single[max(0, int(place) - _AROUND) : int(place) + _AROUND + 1] = True
    return single


def binned(values: Floats, bins: Bins) -> dict[str, Any]:
    """One series as it travels: lowest, highest and mean of each bin's finite values, and what else it holds.

    Args:
        values: [R]

    Returns:
        ``low``, ``high`` and ``mean``, [K] each (``high`` and ``mean`` are None where every bin is one row), ``flags``
        [K]: the bits of this module; where a bin holds no finite value the three are 0. ``finite`` [K] is how many of
        its rows are finite, None where all are.

    >>> made = binned(np.array([1.0, np.nan, 3.0, 5.0]), Bins(np.array([0, 2]), np.zeros(2, bool), 4, 2))
    >>> decoded(made["high"]), decoded(made["mean"]), decoded(made["flags"], np.uint8)
    (array([1., 5.]), array([1., 4.]), array([3, 1], dtype=uint8))
    """
    finite = np.isfinite(values)
    flags = np.where(bins.breaks, BREAK, 0).astype(np.uint8)
    kinds = ((FINITE, finite), (NAN, np.isnan(values)), (ABOVE, np.isposinf(values)), (BELOW, np.isneginf(values)))
    for bit, held in kinds:
        flags |= np.where(_any(held, bins), bit, 0).astype(np.uint8)
    if bins.size == 1:
        only = encoded(np.where(finite, values, 0.0))
        return {"low": only, "high": None, "mean": None, "flags": encoded(flags), "finite": None}
    known = _any(finite, bins)
    low = np.minimum.reduceat(np.where(finite, values, np.inf), bins.starts)
    high = np.maximum.reduceat(np.where(finite, values, -np.inf), bins.starts)
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    return {
        "low": encoded(low),
        "high": encoded(high),
        "mean": encoded(np.clip(_means(values, finite, bins), low, high)),
        "flags": encoded(flags),
        "finite": None if finite.all() else encoded(_rows(finite, bins)),
    }


def _any(held: Mask, bins: Bins) -> Mask:
    return held if bins.size == 1 else np.logical_or.reduceat(held, bins.starts)


def _means(values: Floats, finite: Mask, bins: Bins) -> Floats:
    """[K] of the finite values; a sum may overflow although no value does, so each is divided first."""
    weight = 1.0 / np.maximum(_rows(finite, bins), 1.0)
    each = np.where(finite, values, 0.0) * np.repeat(weight, bins.ends - bins.starts + 1)
    return np.asarray(np.add.reduceat(each, bins.starts))


def _rows(held: Mask, bins: Bins) -> Floats:
    """[K] how many rows of each bin are among those."""
    return np.asarray(np.add.reduceat(held.astype(np.float64), bins.starts))


def axis_of(step: Integers, bins: Bins) -> dict[str, Any]:
    """First and last step of each bin and its rows as they travel; both None where every bin is one row."""
    return {
        "first": encoded(step[bins.starts].astype(np.float64)),
        "last": None if bins.size == 1 else encoded(step[bins.ends].astype(np.float64)),
        "rows": None if bins.size == 1 else encoded((bins.ends - bins.starts + 1).astype(np.float64)),
        "size": bins.size,
    }


def encoded(values: NDArray[Any]) -> str:
    """The bytes of an array as text: float64 little-endian, or bytes as they are.

    >>> encoded(np.array([1.0]))
    'AAAAAAAA8D8='
    """
    kind = np.dtype(np.uint8) if values.dtype == np.uint8 else np.dtype("<f8")
    return b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def decoded(text: str, kind: Any = "<f8") -> NDArray[Any]:
    """:func:`encoded` backwards: what the page does."""
    return np.frombuffer(b64decode(text), dtype=kind)


def gaps_of(step: Integers) -> list[tuple[int, int]]:
    """First and last missing step of each gap in a record: the widest ``MOST_BREAKS`` of them.

    >>> gaps_of(np.array([0, 1, 5, 6]))
    [(2, 4)]
    """
    apart = np.diff(step)
    at = np.flatnonzero(apart > 1)
    widest = np.sort(at[np.argsort(-apart[at], kind="stable")[:MOST_BREAKS]])
    return [(int(step[k]) + 1, int(step[k + 1]) - 1) for k in widest]
