"""How often the instruments measure: by step counts, or within a budget of measured time. docs/semantics.md#cost."""

import math
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from fallline._recorder._schedule import DENSITY, following, is_due
from fallline._records import Cost

NORMS: Final = "norms"
EVERY_STEP: Final = "every step"
SAME_BATCH: Final = "same batch"
PARTS: Final = "parts"
SHARPNESS: Final = "sharpness"
DENSITIES: Final[Mapping[str, int]] = MappingProxyType(
    {SAME_BATCH: DENSITY // 2, PARTS: DENSITY // 4, SHARPNESS: DENSITY // 4}
)
"""Where it is not the usual one."""
ALL_DENSITIES: Final = tuple(sorted({DENSITY, *DENSITIES.values()}))
PAUSE: Final = 8
"""A step that takes so many times the usual is a pause of the loop (a validation): it buys no measurements."""
LATELY: Final = 32
"""Steps over which what is usual is averaged."""
ASKS: Final = 8
"""So many calls that decide what is due have to fit into the allowance before the next one: they take a part of it."""
AT_LEAST: Final = 1 / 8
"""The share of the budget that the spaced instruments get, even where the rest alone uses it up."""


class Pace:
    """Says when an instrument is due, and keeps the books of what measuring costs.

    Without a budget the schedule of step counts decides, the norms are due at every step, ``every`` spaces the
    measurements on the step's own batch, and ``sharpness_every`` those of the sharpness. With one, an instrument is due
    as soon as its last measurement could be paid once more; while another one waits for its turn it may only use its
    own share of the budget.
    """

    def __init__(self, every: int | None, budget: float | None, sharpness_every: int | None = None) -> None:
        asked = {SAME_BATCH: every, SHARPNESS: sharpness_every}
        self._every = {instrument: steps for instrument, steps in asked.items() if steps is not None}
        self._budget = budget
        self._seconds: dict[str, float] = {}
        self._price: dict[str, float] = {}
        """What the last measurement of each spaced instrument took."""
        self._bill: dict[str, float] = {}
        """What has been booked for it since it was last due: one measurement may be booked in parts."""
        self._turn: dict[str, int] = {}
        """With ``every``: the multiple of it that was measured last. One that is not asked for is made up for later."""
        self._waiting: set[str] = set()
        self._spaced = self._unspaced = 0.0
        self._booked_inside = self._booked_between = 0.0
        self._inside = False
        self._began: float | None = None
        self._own = 0.0
        """The loop's own time, without measuring and without its pauses."""
        self._usual = 0.0
        """Its usual time between two rows."""
        self._entered = 0.0
        self.now = 0.0
        """When the last call of ``watch.step`` ended."""
        self.earliest = 0.0
        """Before this time nothing more will be due, by what was asked since :meth:`look`."""
        self._decision = 0.0
        """What a call of ``watch.step`` takes, on average, in which something is decided, without measurements."""

    def due(self, instrument: str, step: int) -> bool:
        """True where ``instrument`` measures at ``step``; what it takes then is to be booked."""
        every = self._every.get(instrument)
        if self._budget is None:
            return instrument is NORMS or is_due(step, every, DENSITIES.get(instrument, DENSITY))
        if every is not None and step // every == self._turn.get(instrument):
            self.earliest = min(self.earliest, self.now + self._usual)  # the next turn comes with a step, not a time
            return False
        price = self._price.get(instrument)
        if price is None:
            self._price[instrument] = self.earliest = 0.0  # only measuring shows what it costs
        elif not self._affords(instrument, price, self._budget):
            return False
        self._bill[instrument] = 0.0
        if every is not None:
            self._turn[instrument] = step // every
        return True

    def look(self, step: int) -> int:
        """Begin to ask what is due at ``step``; the step at which to ask again, not before :attr:`earliest`."""
        if self._budget is not None:
            self.earliest = math.inf
            return step + 1
        asked_next = min(following(step, density) for density in ALL_DENSITIES)
        return min([asked_next, *(step + every - step % every for every in self._every.values())])

    def settle(self) -> None:
        """What is due was asked: asking again waits until the budget pays for the asking, too."""
        if self._budget is not None and self.earliest > 0.0 and self._own > 0.0:
            allowed_a_second = self._allowance(self._budget) / self._own
            self.earliest = max(self.earliest, self.now + ASKS * self._decision / allowed_a_second)

    def enter(self, now: float) -> None:
        """``watch.step`` began at this time."""
        self._booked_inside, self._inside = 0.0, True
        measured, self._booked_between = self._booked_between, 0.0
        self._entered = now
        if self._began is None:
            self._began = now
            return
        between = max(0.0, now - self.now - measured)
        if self._usual == 0.0:
            self._usual = between
        between = min(between, PAUSE * self._usual)
        self._own += between
        self._usual += (between - self._usual) / LATELY

    def ordinary(self, entered: Sequence[float], inside: float, in_hooks: float, read: bool) -> None:
        """Calls of ``watch.step`` in which nothing else was booked.

        Each as by :meth:`enter` and :meth:`leave`, but for what they took ``inside``, which is that of all together.
        """
        if self._budget is not None:
            each, most = inside / len(entered), PAUSE * self._usual
            between = [min(now - before, most) for before, now in pairwise((self.now - each, *entered))]
            self._own = max(0.0, self._own + sum(between) - inside - in_hooks)
        self.now = entered[-1] + inside / len(entered)
        self._book(NORMS if read else EVERY_STEP, in_hooks)
        self._book(EVERY_STEP, inside)

    def spent(self, instrument: str, seconds: float) -> None:
        """Book what a measurement took, right after it."""
        if self._inside:
            self._booked_inside += seconds
        else:
            self._booked_between += seconds
        self._book(instrument, seconds)

    def leave(self, in_hooks: float, read: bool) -> None:
        """``watch.step`` ended: book what it took beside what was booked meanwhile, and the hooks' own time.

        Where they ``read``, that is the price of the norms.
        """
        if read:
            self._book(NORMS, in_hooks)
        else:
            self._book(EVERY_STEP, in_hooks)
        self._inside = False
        self._own -= min(in_hooks, self._own)
        self.now = time.perf_counter()
        own = self.now - self._entered - self._booked_inside
        self._decision += (own - self._decision) / LATELY
        self._book(EVERY_STEP, own)

    def cost(self) -> Cost:
        """What measuring has cost so far."""
        loop = 0.0 if self._began is None else self.now - self._began
        return Cost(sum(self._seconds.values()), dict(self._seconds), loop)

    def _book(self, instrument: str, seconds: float) -> None:
        self._seconds[instrument] = self._seconds.get(instrument, 0.0) + seconds
        if instrument in self._price:
            self._bill[instrument] += seconds
            self._price[instrument] = self._bill[instrument]
            self._spaced += seconds
        else:
            self._unspaced += seconds

    def _affords(self, instrument: str, price: float, budget: float) -> bool:
        """True where the allowance pays once more, and nobody else has to wait for it."""
        allowance = self._allowance(budget)
        own = self._seconds.get(instrument, 0.0)
        lacks = self._spaced + price - allowance
        if lacks <= 0 and not self._waiting <= {instrument}:
            lacks = (own + price) * len(self._price) - allowance
        if lacks <= 0:
            self._waiting.discard(instrument)
            self.earliest = 0.0
        else:
            self._waiting.add(instrument)
            self.earliest = min(self.earliest, self.now + lacks / budget)  # the allowance grows no faster
        return lacks <= 0

    def _allowance(self, budget: float) -> float:
        """Seconds that the spaced instruments may have taken so far."""
        whole = budget * self._own
        return max(whole - self._unspaced, AT_LEAST * whole)
