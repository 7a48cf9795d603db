"""What a picture of stability along a run is drawn from: limits that were measured, or recordings that hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fallline._errors import OptionError
from fallline._records import Floats, LimitKind, Recording, StabilityLimit


@dataclass(frozen=True, eq=False)
class Course:
    """One run: shapes [n] of the measurements that have a limit."""

    name: str
    steps: Floats
    share: Floats
    sharpness: Floats
    edge: Floats
    """The sharpness at which the rate would be the limit."""
    left_out: int
    """Measurements without a limit."""
    frozen: bool
    preconditioned: bool


def courses_of(measured: object, rates: object, steps: Sequence[int] | None) -> list[Course]:
    """A course for each run; ``rates`` and ``steps`` of a recording are its own.

    Raises:
        OptionError: these are neither limits nor recordings, or they do not fit together.
    """
    if not isinstance(measured, Mapping):
        return [_course("", measured, rates, steps)]
    if not measured:
        raise OptionError("There is no run to draw.")
    if isinstance(rates, Mapping) and set(rates) != set(measured):
        raise OptionError("Every run needs its learning rate, by the same names as the limits.")
    of_run = rates if isinstance(rates, Mapping) else dict.fromkeys(measured, rates)
    return [_course(str(name), each, of_run[name], steps) for name, each in measured.items()]


def _course(name: str, measured: object, rates: object, steps: Sequence[int] | None) -> Course:
    if isinstance(measured, Recording):
        if rates is not None or steps is not None:
            raise OptionError("A recording has its own learning rates and steps: leave learning_rate= and steps= out.")
        return _of_recording(name, measured)
    if not isinstance(measured, Sequence) or not all(isinstance(one, StabilityLimit) for one in measured):
        raise OptionError(
            "fl.figures.stability takes what fl.stability_limit returns, one or a list of them, or recordings of "
            f"fl.watch(…, objective=…), not {type(measured).__name__}."
        )
    return _of_limits(name, measured, rates, steps)


def _of_recording(name: str, recording: Recording) -> Course:
    series = recording.sharpness
    if not len(series):
        raise OptionError("This recording has no sharpness: record it with fl.watch(model, optimizer, objective=…).")
    has = series.limit_measured
    return Course(
        name=name,
        steps=series.step[has].astype(np.float64),
        share=series.share[has],
        sharpness=series.sharpness[has],
        edge=series.edge[has],
        left_out=int(np.sum(~has)),
        frozen=bool((~series.provable[has]).any()),
        preconditioned=bool(series.preconditioned[has].any()),
    )


def _of_limits(name: str, limits: Sequence[StabilityLimit], rates: object, steps: Sequence[int] | None) -> Course:
    if rates is None:
        raise OptionError("The learning rate is needed: one number, or one for each limit.")
    try:
        rate = np.broadcast_to(np.asarray(rates, dtype=np.float64), (len(limits),))
        place = np.arange(len(limits), dtype=np.float64) if steps is None else np.asarray(steps, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError("One learning rate is needed, or one for each limit.") from None
    if place.shape != (len(limits),):
        raise OptionError(f"There are {len(limits):,} limits and {place.size:,} steps: give one step for each limit.")
    has = np.array([one.value is not None for one in limits], dtype=np.bool_)
    value = np.array([np.nan if one.value is None else one.value for one in limits])
    sharp = np.array([np.nan if one.sharpness is None else one.sharpness.value for one in limits])
    share = rate / value
    return Course(
        name=name,
        steps=place[has],
        share=share[has],
        sharpness=sharp[has],
        edge=(sharp / share)[has],
        left_out=int(np.sum(~has)),
        frozen=any(one.kind is LimitKind.FROZEN for one in limits),
        preconditioned=any(one.sharpness is not None and one.sharpness.preconditioned for one in limits),
    )
