"""One input's gradient against differences: entry by entry, or along random directions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, isnan, nan, sqrt
from typing import Final

import torch

from fallline._backprop._differences import Slope, largest_of
from fallline._backprop._verdicts import Derivative, Judge, Judged, Verdict
from fallline._records import CheckedInput

CLOSER_LOOKS: Final = 24
"""More doubtful entries of one input are first looked at beside the point: most lie at kinks."""
SHORT: Final = 0.001
"""The step along a direction, in units of the usual one: it moves much at once, and crosses kinks on its way."""
NEGLIGIBLE: Final = 1e-6
"""Of the largest entry of a gradient: what is smaller is compared on this scale."""


@dataclass(frozen=True)
class Compared:
    """What came out for one input."""

    checked: CheckedInput
    wrong: Derivative | None
    """The first derivative that was found wrong."""
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    """How many derivatives got which."""
    thing: str = "entry"
    """What was compared: ``"entry"`` or ``"direction"``."""
    not_looked_at: int = 0
    """Doubtful entries beyond the number of closer looks."""
    kink: Slope | None = None
    """The slopes to either side of the wrong derivative, where it is wrong at a kink alone."""


def compare_entries(judge: Judge, name: str) -> Compared:
    """Every entry of one input; two evaluations each, more for those that look doubtful.

    Args:
        judge: at the point.
        name: of the input.
    """
    gradient = judge.probe.gradients[name].reshape(-1)
    scale = NEGLIGIBLE * largest_of(gradient)
    leaf, typical = judge.probe.leaves[name], judge.probe.typical[name]
    flat = leaf.reshape(-1)

    def entry(place: int) -> Derivative:
        direction = torch.zeros_like(flat)
        direction[place] = 1.0
        size = abs(float(flat[place]))
        along = {name: direction.reshape(leaf.shape)}
        return Derivative(along, float(gradient[place]), size, typical, 1.0, scale, one_entry=True)

    glances = {place: judge.at_a_glance(entry(place)) for place in range(flat.numel())}
    settled = [each for each in glances.items() if each[1].verdict is not Verdict.DOUBTFUL]
    doubtful = [each for each in glances.items() if each[1].verdict is Verdict.DOUBTFUL]
    wrong: Derivative | None = None
    waiting = dict(_most_doubtful_first(doubtful, scale))
    few = len(waiting) <= CLOSER_LOOKS
    closer = list(waiting) if few else _not_at_a_kink(judge, entry, waiting, settled)
    while closer and wrong is None:
        for place in closer:
            judged = judge.closely(entry(place))
            settled.append((place, judged))
            del waiting[place]
            if judged.verdict is Verdict.WRONG:
                wrong = entry(place)
                break
        else:
            closer = _not_at_a_kink(judge, entry, waiting, settled)
    looked = len(settled)
    where, worst = _worst(settled)
    at = None if where is None else _unravel(where, tuple(leaf.shape))
    verdicts = Counter(judged.verdict for _, judged in settled)
    checked = _checked(
        name, worst, scale, entries=flat.numel() if wrong is not None else _compared(verdicts), directions=0, at=at
    )
    checked = replace(checked, planned=flat.numel())
    left = 0 if wrong is not None else flat.numel() - looked
    kink = worst.found if worst.verdict is Verdict.WRONG and worst.at_a_kink else None
    return Compared(checked, wrong, verdicts, "entry", left, kink)


def _not_at_a_kink(
    judge: Judge, entry: Callable[[int], Derivative], waiting: dict[int, Judged], settled: list[tuple[int, Judged]]
) -> list[int]:
    """Of the doubtful entries that are too many for closer looks, some of those that need one.

    The others are settled: what agrees as far as one difference tells, and what is right beside the point, at a kink.
    """
    found: list[int] = []
    for place, judged in list(waiting.items()):
        if judge.used_up or len(found) == CLOSER_LOOKS:
            break
        verdict = judge.roughly(entry(place), judged)
        if verdict is Verdict.DOUBTFUL:
            found.append(place)
        else:
            settled.append((place, judged._replace(verdict=verdict)))
            del waiting[place]
    return found


def compare_directions(judge: Judge, names: Sequence[str], number: int, seed: int) -> dict[str, Compared]:
    """Several inputs at once, along random directions that move all of them; the same outcome for each.

    No single number of a gradient can be wrong without a random direction showing it: the chance that the error is at a
    right angle to it is 0, that it looks ten times smaller than it is 8 %.

    Args:
        judge: at the point.
        names: of the inputs.
        number: of directions.
        seed: of their generator.
    """
    probe = judge.probe
    sizes = {name: probe.typical[name] for name in names}
    scale = sqrt(sum((sizes[name] * _norm(probe.gradients[name])) ** 2 for name in names))
    settled: list[tuple[int, Judged]] = []
    wrong: Derivative | None = None
    for place in range(number):
        plain = probe.random_direction(list(names), seed + place)
        direction = {name: each.mul_(sizes[name]) for name, each in plain.items()}
        along = probe.along(direction)
        asked = Derivative(direction, along, 1.0, 1.0, SHORT, scale)
        judged = judge.at_a_glance(asked)
        if judged.verdict is Verdict.DOUBTFUL:
            judged = judge.closely(asked)
        settled.append((place, judged))
        if judged.verdict is Verdict.WRONG:
            wrong = asked
            break
    _, worst = _worst(settled)
    verdicts = Counter(judged.verdict for _, judged in settled)
    return {
        name: Compared(
            replace(
                _checked(name, worst, scale, entries=0, directions=_compared(verdicts), at=None), planned=len(settled)
            ),
            wrong,
            verdicts,
            "direction",
        )
        for name in names
    }


def _compared(verdicts: Mapping[Verdict, int]) -> int:
    return verdicts.get(Verdict.AGREES, 0) + verdicts.get(Verdict.WRONG, 0)


def _norm(gradient: torch.Tensor) -> float:
    norm = float(torch.linalg.vector_norm(gradient))
    return norm if isfinite(norm) else largest_of(gradient)


def _most_doubtful_first(doubtful: Sequence[tuple[int, Judged]], scale: float) -> list[tuple[int, Judged]]:
    return sorted(doubtful, key=lambda each: -_order(_relative(each[1], scale)))


def _worst(settled: Sequence[tuple[int, Judged]]) -> tuple[int | None, Judged]:
    """A wrong one if there is one, else the largest difference among those that could be compared."""
    wrong = [each for each in settled if each[1].verdict is Verdict.WRONG]
    agree = [each for each in settled if each[1].verdict is Verdict.AGREES]
    known = wrong or agree
    if not known:
        return None, Judged(Verdict.HIDDEN, nan, None)
    if wrong:
        return wrong[-1]
    return max(known, key=lambda each: _apart(each[1]))


def _apart(judged: Judged) -> float:
    return nan if judged.found is None else abs(judged.autograd - judged.found.value)


def _relative(judged: Judged, scale: float) -> float:
    if judged.found is None:
        return nan
    apart, size = _apart(judged), max(abs(judged.autograd), abs(judged.found.value), scale)
    return apart if isnan(apart) or size == 0 else apart / size


def _order(relative: float) -> float:
    """NaN is the largest difference there is."""
    return inf if isnan(relative) else relative


def _checked(
    name: str, worst: Judged, scale: float, *, entries: int, directions: int, at: tuple[int, ...] | None
) -> CheckedInput:
    return CheckedInput(
        name=name,
        entries=entries,
        directions=directions,
        largest_difference=_apart(worst),
        relative_difference=_relative(worst, scale),
        at=at,
        autograd=worst.autograd,
        differences=nan if worst.found is None else worst.found.value,
        agrees=worst.verdict is not Verdict.WRONG and entries + directions > 0,
    )


def _unravel(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    found: list[int] = []
    for size in reversed(shape):
        found.append(place % size)
        place //= size
    return tuple(reversed(found))
