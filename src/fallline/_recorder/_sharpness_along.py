"""Sharpness along a loop: of the objective that the watch was given, where its model stands after a step.

docs/semantics.md#sharpness-along-a-loop.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from fallline._curvature import NotFiniteError, SharpnessTracker, present_parameters
from fallline._errors import OptionError
from fallline._objective import Objective
from fallline._random_state import HOST
from fallline._recorder._given import number_of
from fallline._recorder._guard import Guard, guarded
from fallline._recorder._pace import SHARPNESS
from fallline._recorder._settings import Settings
from fallline._recorder._taken import Pacing, Record
from fallline._records import Event, EventKind, LimitKind, Sharpness, SharpnessSeries, StabilityLimit

NAME: Final = "the sharpness"
MOST: Final = (128, 64, 32, 16)
"""Products that a measurement may take: as many of these as have room …"""
ROOM: Final = 4
"""… in one part in so many of the memory, and 16 of them in what is left."""
BESIDE: Final = 6
"""Vectors in work beside those of Lanczos, whose room grows by doubling."""
SEVERAL: Final = "Several optimizers make the steps: the sharpness is tracked, and no stability limit beside it."


@dataclass(frozen=True, eq=False)
class Tracked:
    """The objective of a watch, and how much a measurement of it may take."""

    objective: Objective
    most_products: int

    @property
    def words(self) -> str:
        """What it is, for the record."""
        return repr(self.objective).removeprefix("<Objective: ").removesuffix(">")

    @property
    def bytes_needed(self) -> int:
        """Of a measurement's vectors; recorded graphs stay within the objective's own ``memory``."""
        return _bytes_needed(self.objective, self.most_products)

    def along(self, optimizers: Sequence[torch.optim.Optimizer], pace: Pacing, guard: Guard) -> "SharpnessAlong":
        """What measures it along the steps of these optimizers."""
        tracker = SharpnessTracker(self.objective, most_products=self.most_products)
        return SharpnessAlong(tracker, self.objective, optimizers, pace=pace, guard=guard)


def tracked_objective(objective: object | None, tensors: Iterable[nn.Parameter], settings: Settings) -> Tracked | None:
    """What is tracked beside the parameters that are watched; None for nothing.

    Raises:
        OptionError: it is no objective, or one of another model.
    """
    if objective is None:
        if settings.sharpness_every is not None:
            raise OptionError("sharpness_every= goes with objective=, the loss whose sharpness is tracked.")
        return None
    if not isinstance(objective, Objective):
        raise OptionError(
            "objective= is an fl.Objective(model, loss_fn, data), the loss whose sharpness is tracked, not "
            f"a {type(objective).__name__}."
        )
    watched = {id(tensor) for tensor in tensors}
    if not any(id(tensor) in watched for tensor in objective.tensors):
        raise OptionError(
            "objective= holds another model than the one that is watched: make it of the same, "
            "fl.Objective(model, loss_fn, data)."
        )
    share = settings.memory // ROOM
    return Tracked(objective, next((most for most in MOST if _bytes_needed(objective, most) <= share), MOST[-1]))


def _bytes_needed(objective: Objective, most_products: int) -> int:
    number = torch.promote_types(objective.dtype, torch.float32).itemsize
    return (most_products + most_products // 2 + BESIDE) * number * objective.parameter_count


class SharpnessAlong:
    """Measures after the steps that are due; leaves everything of the program as it was."""

    def __init__(
        self,
        tracker: SharpnessTracker,
        objective: Objective,
        optimizers: Sequence[torch.optim.Optimizer],
        *,
        pace: Pacing,
        guard: Guard,
    ) -> None:
        self.guard = guard
        self._tracker, self._objective = tracker, objective
        self._optimizers, self._pace = tuple(optimizers), pace
        self._told: set[str] = set()
        self.next = math.inf
        """The step after which it measures; infinite while none is due."""

    def prepare(self, step: int) -> None:
        """Decide whether the coming step is measured; one that could not be hands it on to the next."""
        if math.isinf(self.next) and self.guard.works(NAME) and self._pace.due(SHARPNESS, step):
            self.next = step

    def take(self, step: int) -> Sequence[Record]:
        """What is measured where the parameters stand now, after ``step``."""
        self.next = math.inf
        began = time.perf_counter()
        taken = self._measured(step)
        self._pace.spent(SHARPNESS, time.perf_counter() - began)
        return taken or ()

    @guarded(NAME)
    def _measured(self, step: int) -> Sequence[Record]:
        with _plainly(self._objective.device):
            try:
                limit = self._limit()
            except NotFiniteError:
                limit = StabilityLimit(None, None, NOT_FINITE, "")
        if limit.sharpness is None:
            raise ValueError("a limit that was tracked has a sharpness")
        row = sharpness_row(step, limit, limit.sharpness, self._rate())
        if not limit.why or limit.why in self._told:
            return (row,)
        self._told.add(limit.why)
        return row, Event(step, EventKind.NOTE, limit.why)

    def _rate(self) -> float:
        """Of the first group, as in the rows of the steps: NaN for an optimizer that has none."""
        return number_of(self._optimizers[0].param_groups[0].get("lr", math.nan))

    def _limit(self) -> StabilityLimit:
        """With the sharpness of the loss itself where no limit is known, and then why."""
        why = SEVERAL
        if len(self._optimizers) == 1:
            found = self._tracker.limit(self._optimizers[0])
            if found.sharpness is not None:
                return StabilityLimit(found.value, found.kind, found.sharpness, "")
            why = found.why
        return StabilityLimit(None, None, self._tracker(present_parameters(self._objective)), why)


@contextmanager
def _plainly(device: torch.device) -> Iterator[None]:
    """Neither in the loop's low precision nor with a search for NaN, which is a measurement here."""
    with ExitStack() as off:
        off.enter_context(torch.autograd.set_detect_anomaly(False))
        for kind in dict.fromkeys((HOST, device.type)):
            off.enter_context(torch.autocast(kind, enabled=False))
        yield


NOT_FINITE: Final = Sharpness(math.nan, math.nan, 0, np.zeros(0), converged=False, preconditioned=False)
"""Of a loss without curvature, as it is not finite."""


def sharpness_row(step: int, limit: StabilityLimit, found: Sharpness, learning_rate: float) -> SharpnessSeries:
    """One row.

    >>> row = sharpness_row(3, StabilityLimit(0.5, LimitKind.PROVABLE, None, ""), NOT_FINITE, 0.1)
    >>> row.share, row.kind(0).value
    (array([0.2]), 'provable')
    """
    return SharpnessSeries(
        step=np.array([step], dtype=np.int64),
        sharpness=np.array([found.value]),
        error=np.array([found.error]),
        products=np.array([found.products], dtype=np.int64),
        preconditioned=np.array([found.preconditioned]),
        converged=np.array([found.converged]),
        learning_rate=np.array([learning_rate]),
        limit=np.array([math.nan if limit.value is None else limit.value]),
        provable=np.array([limit.kind is LimitKind.PROVABLE]),
        limit_measured=np.array([limit.value is not None]),
    )
