"""One derivative held against differences: right, wrong, or which reason there is not to say."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from functools import cached_property
from math import isfinite
from typing import Final, NamedTuple

import torch

from fallline._backprop._differences import (
    SHORTER,
    STEP,
    Slope,
    best_slope,
    grows,
    is_kink,
    largest_of,
    may_be_kink,
    slope,
)
from fallline._backprop._kinks import ROOM, Kink, lies_between, value_at_a_kink
from fallline._backprop._probe import SEED, CannotCompareError, Evaluate, Probe
from fallline._backprop._rounding import rounding_of

TOLERANCE: Final = 1e-5
"""Allowed relative difference. Differences in float64 are good to 1e-9 where the function is smooth."""
ERRORS: Final = 4.0
"""So many times its estimated error a difference may be off."""
EXACT: Final = 0.01
"""A difference says something where its error is less than this share of the derivative."""
AT_A_GLANCE: Final = 1e-5
"""The same for one difference alone."""
LONGER: Final = 30.0
"""So many times the step, where the rounding of the result is too much for it."""
SHORT: Final = 0.01
"""So many times the step, beside a kink."""
BESIDE: Final = 1e-4
"""How far, relatively, the function is looked at beside a point where it has a kink."""
PLACES_BESIDE: Final = 2
PLACES_AROUND: Final = 16
"""Points at which autograd's own slopes are asked for, before a value at a kink is called wrong."""


class Verdict(Enum):
    """What differences say about one derivative."""

    AGREES = auto()
    WRONG = auto()
    KINK = auto()
    """There is no derivative: the slopes to either side differ, and autograd's value lies between them."""
    UNJUDGED = auto()
    """Autograd is right all around, and here it is not what differences say: a jump, or several kinks in one."""
    NOT_FINITE = auto()
    """The function has no finite values beside the point."""
    DOUBTFUL = auto()
    """One difference does not settle it."""
    HIDDEN = auto()
    """The rounding of the result is larger than what the derivative would change."""


class Judged(NamedTuple):
    """One derivative and its verdict."""

    verdict: Verdict
    autograd: float
    found: Slope | None
    at_a_kink: bool = False
    """Wrong there and right all around; ``found`` has the slopes to either side."""


class Derivative(NamedTuple):
    """One derivative to be compared: along ``direction``, of autograd's value."""

    direction: Mapping[str, torch.Tensor]
    autograd: float
    size: float
    """Of what moves: the entry's |x|; 1 for a direction, which has the size of its inputs already."""
    typical: float
    """Of what moves with an entry's like: its input's root mean square; 1 for a direction."""
    step: float
    """Of the first look, in units of the usual one."""
    scale: float
    """What counts as large: the derivative's own size, or the gradient's for a direction that it may be nearly
    at a right angle to."""
    one_entry: bool = False
    """It is of one entry, and no direction."""


class Judge:
    """Compares derivatives at one point."""

    def __init__(self, probe: Probe, evaluate: Evaluate, most: int = 10**9) -> None:
        self.probe = probe
        self._most = most
        self._evaluate = evaluate
        self._inner: dict[Probe, float] = {}

    def at_a_glance(self, asked: Derivative) -> Judged:
        """By one central difference, or two where rounding spoils the first: it agrees, or is doubtful."""
        usual = self.probe.usual * max(1.0, asked.size) * asked.step
        found: Slope | None = None
        for step in (usual, LONGER * usual):
            found = slope(self.probe.line(asked.direction), self.probe.here, step, self.probe.noise)
            if found is None or not isfinite(asked.autograd):
                break
            if _exact(found, asked, EXACT if self.probe.coarse else AT_A_GLANCE):
                verdict = Verdict.DOUBTFUL
                if _agree(found, asked):  # with the middle of both slopes, of |x| at 0
                    verdict = Verdict.KINK if self._is_kink(asked, found, step) else Verdict.AGREES
                return Judged(verdict, asked.autograd, found)
        return Judged(Verdict.DOUBTFUL, asked.autograd, found)

    def closely(self, asked: Derivative) -> Judged:
        """By a ladder of steps; what does not agree is looked at beside the point, where a kink is not.

        Doubtful still where the evaluations are used up.
        """
        if self.used_up:
            return self.at_a_glance(asked)
        judged = self._here(self.probe, asked)
        if judged.verdict is not Verdict.WRONG or not isfinite(asked.autograd):
            return judged
        right = False
        for probe in self._beside:
            verdict = self._here(probe, self._moved_to(probe, asked)).verdict
            if verdict is Verdict.WRONG:
                return judged
            right = right or verdict is Verdict.AGREES
        return self._at_a_kink(asked) if right else judged

    def _is_kink(self, asked: Derivative, found: Slope, step: float) -> bool:
        if not (asked.one_entry and may_be_kink(found, asked.scale)):
            return False
        shorter = slope(self.probe.line(asked.direction), self.probe.here, SHORTER * step, self.probe.noise)
        return shorter is not None and is_kink(found, shorter)

    def _at_a_kink(self, asked: Derivative, longer: Slope | None = None) -> Judged:
        """Of a value that is right all around; ``longer`` is what the glance saw, where there was one."""
        line, step = self.probe.line(asked.direction), self.probe.usual * max(1.0, asked.size)
        longer = slope(line, self.probe.here, step, self.probe.noise) if longer is None else longer
        shorter = slope(line, self.probe.here, SHORTER * step, self.probe.noise)
        if longer is None or shorter is None or not asked.one_entry:
            return Judged(Verdict.UNJUDGED, asked.autograd, longer)
        found = value_at_a_kink(asked.autograd, longer, shorter, lambda: self._slopes_around(asked))
        verdict = {Kink.BETWEEN: Verdict.KINK, Kink.OUTSIDE: Verdict.WRONG}.get(found, Verdict.UNJUDGED)
        return Judged(verdict, asked.autograd, shorter, at_a_kink=True)

    def _slopes_around(self, asked: Derivative) -> tuple[list[float], float]:
        """Autograd's at many points close by, and the largest entry of its gradients there."""
        around = [*self._beside, *self._around]
        largest = max(largest_of(probe.gradients[name]) for probe in around for name in asked.direction)
        return [probe.along(asked.direction) for probe in around], largest

    def roughly(self, asked: Derivative, glance: Judged) -> Verdict:
        """What the glance says without a closer look, and one at a point beside, where a kink is not."""
        if glance.found is not None and isfinite(asked.autograd) and _agree(glance.found, asked):
            return Verdict.AGREES if _exact(glance.found, asked) else Verdict.HIDDEN
        short = SHORT * self.probe.usual * max(1.0, asked.size)  # not back to the kink
        for probe in self._beside:
            moved = self._moved_to(probe, asked)
            found = slope(probe.line(moved.direction), probe.here, short, probe.noise)
            if found is not None and isfinite(moved.autograd) and _exact(found, moved) and _agree(found, moved):
                if asked.one_entry and glance.found is not None and _plainly_between(glance.found, probe, asked):
                    return Verdict.KINK
                kink = self._at_a_kink(asked, glance.found).verdict
                return Verdict.DOUBTFUL if kink is Verdict.WRONG else kink
        return Verdict.DOUBTFUL

    def wrong_beside(self, asked: Derivative) -> Probe:
        """The point at which the operations are to be asked: beside this one, where nothing has a kink.

        The point itself where autograd is right beside it.
        """
        for probe in self._beside:
            if self._here(probe, self._moved_to(probe, asked)).verdict is Verdict.WRONG:
                return probe
        return self.probe

    def _here(self, probe: Probe, asked: Derivative) -> Judged:
        """An accusation is looked into: the result may be rounded more on its way than it shows from outside."""
        judged = self._by_ladder(probe, asked, probe.noise)
        if judged.verdict is not Verdict.WRONG:
            return judged
        noise = self._inner_noise(probe)
        return self._by_ladder(probe, asked, noise) if noise > probe.noise else judged

    def _inner_noise(self, probe: Probe) -> float:
        if probe not in self._inner:
            self._inner[probe] = rounding_of(probe)
        return self._inner[probe]

    @staticmethod
    def _by_ladder(probe: Probe, asked: Derivative, noise: float) -> Judged:
        line = probe.line(asked.direction)
        found = best_slope(line, probe.here, asked.size, noise, probe.usual, asked.typical)
        if found is None:
            return Judged(Verdict.NOT_FINITE, asked.autograd, None)
        if not isfinite(asked.autograd):
            infinite = grows(line, probe.here, asked.size, noise, probe.usual)
            return Judged(Verdict.NOT_FINITE if infinite else Verdict.WRONG, asked.autograd, found)
        if _agree(found, asked):
            return Judged(Verdict.AGREES if _exact(found, asked) else Verdict.HIDDEN, asked.autograd, found)
        return Judged(Verdict.WRONG, asked.autograd, found)

    @staticmethod
    def _moved_to(probe: Probe, asked: Derivative) -> Derivative:
        return asked._replace(autograd=probe.along(asked.direction))

    @cached_property
    def _beside(self) -> list[Probe]:
        return self._close_by(range(PLACES_BESIDE))

    @cached_property
    def _around(self) -> list[Probe]:
        return self._close_by(range(PLACES_BESIDE, PLACES_AROUND))

    def _close_by(self, places: Iterable[int]) -> list[Probe]:
        found = []
        far = BESIDE * self.probe.usual / STEP
        for place in places:
            direction = self.probe.sized_direction(SEED + 10 + place)
            moved = {name: leaf + far * direction[name] for name, leaf in self.probe.leaves.items()}
            try:
                found.append(Probe(self._evaluate, moved, self.probe.vector))
            except CannotCompareError:
                continue
        return found

    @property
    def used_up(self) -> bool:
        """Whether the evaluations are, that closer looks may take."""
        return self.evaluations > self._most

    @property
    def evaluations(self) -> int:
        """So far, at all points."""
        close_by: list[Probe] = [*self.__dict__.get("_beside", []), *self.__dict__.get("_around", [])]
        return self.probe.evaluations + sum(probe.evaluations for probe in close_by)


def _plainly_between(found: Slope, beside: Probe, asked: Derivative) -> bool:
    """Without a shorter step: the slopes to either side are no steeper than gradients close by, so there is no jump."""
    largest = max(largest_of(beside.gradients[name]) for name in asked.direction)
    return lies_between(asked.autograd, found) and max(abs(found.before), abs(found.after)) <= (1 + ROOM) * largest


def _agree(found: Slope, asked: Derivative) -> bool:
    allowed = TOLERANCE * max(abs(asked.autograd), abs(found.value), asked.scale) + ERRORS * found.error
    return abs(found.value - asked.autograd) <= allowed


def _exact(found: Slope, asked: Derivative, share: float = EXACT) -> bool:
    if found.value == asked.autograd:
        return True
    return found.error <= share * max(abs(asked.autograd), abs(found.value), asked.scale)
