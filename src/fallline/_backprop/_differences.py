"""Central differences in float64: slopes along a line, each with an estimate of its own error.

D(h) = (f(x + h·d) − f(x − h·d)) / 2h is off by h²·f‴/6 (truncation) and by noise/h (the rounding of f). The step
that balances both for values of size 1 is eps^(1/3) = 6·10⁻⁶ (Nocedal and Wright, Numerical Optimization, 8.1); where
that is not good enough, a ladder of steps is tried and the one with the smallest error taken (Ridders 1982). The noise
of f is not assumed to be float64's: it is measured from a table of differences (Moré and Wild 2011, ECnoise), so that a
function that rounds to float32 on its way is compared as well as it can be.
"""

from collections.abc import Callable
from itertools import pairwise
from math import comb, inf, isfinite, sqrt
from typing import Final, NamedTuple

import torch

Line = Callable[[float], torch.Tensor | None]
"""t → f(x + t·d), flat, already weighed by the vector; None where it cannot be evaluated."""

EPSILON: Final = 2.0**-52
LEAST: Final = 2.0**-1022
"""Below it float64 has fewer digits, down to none."""
STEP: Final = EPSILON ** (1 / 3)
NOISE_POINTS: Final = 7
NOISE_SPACING: Final = 1e-10
"""Between the points of the table: f is a straight line there, but for its rounding."""
LADDER: Final = tuple(10.0**power for power in range(2, -8, -1))
"""Steps that are tried, in units of the usual one."""
OF_SMALL: Final = tuple(10.0**power for power in range(-1, -6, -1))
"""Steps that are tried below a size of 0.1, in units of it: a logarithm has no room for others."""
SMALL: Final = 0.1
APART: Final = 0.01
"""Slopes to either side that differ by a larger share are looked at for a kink."""
SHORTER: Final = 0.01
"""Of a step: the slope of a cube root is 20 times as large there."""


class Slope(NamedTuple):
    """df/dt at t = 0."""

    value: float
    error: float
    """Estimated, not a bound."""
    before: float
    """The slope over the last step before 0 …"""
    after: float
    """… and over the first one after it: at a kink they differ."""


def total(difference: torch.Tensor) -> float:
    """Of what changed in every entry of the result: an entry that did not change adds no rounding."""
    return float(difference.sum())


def slope(line: Line, here: torch.Tensor, step: float, noise: float) -> Slope | None:
    """By one central difference, two evaluations; None where the function is not finite at either end.

    The error is the one of the rounding, which is never below float64's own for the values that were subtracted; the
    truncation is not known from one step.

    Args:
        line: the function.
        here: its value at 0.
        step: h.
        noise: how far a value of f is off, absolutely.

    >>> found = slope(lambda t: torch.tensor([(3 + t) ** 2], dtype=torch.float64), torch.tensor([9.0]), 1e-5, 1e-15)
    >>> round(found.value, 6)
    6.0
    """
    above, below = (line(step), line(-step)) if step > LEAST else (None, None)
    if above is None or below is None:
        return None
    value = total(above - below) / (2 * step)
    after, before = total(above - here) / step, total(here - below) / step
    if not (isfinite(value) and isfinite(after) and isfinite(before)):
        return None
    rounding = max(noise, LEAST, EPSILON * max(largest_of(above), largest_of(below)))
    return Slope(value, rounding / step, before, after)


def best_slope(
    line: Line, here: torch.Tensor, size: float, noise: float, usual: float = STEP, typical: float = 1.0
) -> Slope | None:
    """The most exact of a ladder of central differences; None where no two steps in a row have finite values.

    Two steps in a row differ by what the truncation of both makes: c·h₁² − c·h₂². That holds where the steps are short
    enough to see the function smooth; pairs that do are taken before all others.

    Args:
        line: the function.
        here: its value at 0.
        size: of what moves: the entry's |x|, or 1 for a direction.
        noise: how far a value of f is off, absolutely.
        usual: the step for a size of 1.
        typical: size of the other entries of its input.

    >>> steep = lambda t: torch.sin(torch.tensor([1e4 * t], dtype=torch.float64))
    >>> found = best_slope(steep, torch.zeros(1), 1.0, 1e-16)
    >>> abs(found.value - 1e4) < 1e-3
    True
    """
    candidates: list[tuple[bool, float, Slope]] = []
    larger: tuple[float, Slope] | None = None
    for step in _ladder(size, usual, typical):
        found = slope(line, here, step, noise)
        if found is not None and larger is not None:
            ratio = (step / larger[0]) ** 2
            truncation = abs(found.value - larger[1].value) / (1 - ratio)
            smooth = _smooth(larger[1], found)
            for each, off in ((larger[1], truncation), (found, truncation * max(ratio, 0.1))):
                rough = not smooth or (each is larger[1] and not _in_proportion(larger, (step, found)))
                candidates.append((rough, each.error + off, each._replace(error=each.error + off)))
        larger = None if found is None else (step, found)
    return min(candidates, key=lambda each: each[:2])[2] if candidates else None


def _ladder(size: float, usual: float, typical: float) -> list[float]:
    """The longest first, no two closer than a factor of 2: such a pair would hide its own truncation."""
    steps = [usual * max(1.0, size) * rung for rung in LADDER]
    for small in (size, typical):
        if 0 < small < SMALL:
            steps += [small * rung for rung in OF_SMALL]
    kept: list[float] = []
    for step in sorted(steps, reverse=True):
        if not kept or step < kept[-1] / 2:
            kept.append(step)
    return kept


def _smooth(larger: Slope, smaller: Slope) -> bool:
    """Whether the slopes before and after 0 come together in proportion to the step.

    They stay apart at a kink, and where both steps overlook how the function turns close to 0 (1/x at 1e-30).
    """
    return _bend(smaller) <= 0.6 * _bend(larger) + 8 * smaller.error


def _in_proportion(larger: tuple[float, Slope], smaller: tuple[float, Slope]) -> bool:
    """Whether what the larger step sees goes on down to the smaller one: else there is a kink between them."""
    return _bend(larger[1]) * smaller[0] / larger[0] <= 2 * _bend(smaller[1]) + 8 * smaller[1].error


def _bend(found: Slope) -> float:
    return abs(found.after - found.before)


def may_be_kink(found: Slope, scale: float) -> bool:
    """Whether the slopes to either side are so far apart that a shorter step is worth a look.

    Args:
        found: by one step.
        scale: what counts as large.
    """
    return _bend(found) > APART * max(_steepest(found), scale) + 8 * found.error


def is_kink(longer: Slope, shorter: Slope) -> bool:
    """Whether the slopes to either side stay apart where the step is ``SHORTER``."""
    return not _smooth(longer, shorter)


def have_settled(longer: Slope, shorter: Slope) -> bool:
    """Whether the slope to either side is the same with a shorter step: at a jump, and of a root at 0, it grows."""
    allowed = APART * max(_steepest(longer), _steepest(shorter)) + 8 * shorter.error
    return max(abs(longer.before - shorter.before), abs(longer.after - shorter.after)) <= allowed


def grows(line: Line, here: torch.Tensor, size: float, noise: float, usual: float = STEP) -> bool:
    """Whether the slope to one side grows with a shorter step, as of √|x| at 0: there it is infinite in truth.

    Args:
        line: the function.
        here: its value at 0.
        size: of what moves.
        noise: how far a value of f is off, absolutely.
        usual: the longer step for a size of 1.
    """
    step = usual * max(1.0, size)
    longer, shorter = (slope(line, here, each, noise) for each in (step, SHORTER * (min(step, size) or step)))
    if longer is None or shorter is None:
        return True
    return _steepest(shorter) > 2 * _steepest(longer) + 8 * shorter.error


def _steepest(found: Slope) -> float:
    return max(abs(found.before), abs(found.after))


def noise_of(line: Line, here: torch.Tensor) -> float:
    """How far one value of Σf is off by its own rounding, absolutely; at least float64's own for its largest entry.

    From the third and fourth differences of seven values on a short line that begins beside 0, where a kink often
    is; the smaller of both, because a kink or a jump on the line would be taken for noise.

    Args:
        line: along a direction that moves everything.
        here: the value at 0.
    """
    least = EPSILON * largest_of(here)
    values = [line(NOISE_SPACING * (place + 1)) for place in range(NOISE_POINTS)]
    known = [total(each - here) for each in values if each is not None]
    if len(known) < NOISE_POINTS or not all(isfinite(each) for each in known):
        return least
    found = inf
    table = known
    for order in range(1, 5):
        table = [after - before for before, after in pairwise(table)]
        if order >= 3:  # from the third order on a straight line and its bend are gone
            found = min(found, sqrt(sum(each * each for each in table) / len(table) / comb(2 * order, order)))
    return max(least, found)


def usual_step(noise: float, size: float) -> float:
    """The step for entries of size 1, longer for a function that rounds more than float64.

    Args:
        noise: of one value.
        size: of the largest value.
    """
    least = EPSILON * size  # 0 for a denormal size as well
    coarse = noise / least if least > 0 else 1.0
    return float(min(1e-2, STEP * max(1.0, coarse / 100) ** (1 / 3)))


def largest_of(values: torch.Tensor) -> float:
    """|the largest finite entry|; 0 where there is none."""
    if not values.numel():
        return 0.0
    least, greatest = (float(end) for end in values.aminmax())
    if isfinite(least) and isfinite(greatest):
        return max(-least, greatest)
    finite = values[torch.isfinite(values)]
    return float(finite.abs().max()) if finite.numel() else 0.0
