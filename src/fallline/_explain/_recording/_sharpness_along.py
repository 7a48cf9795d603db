"""Sharpness along a loop, and the share of the stability limit; docs/semantics.md#sharpness-along-a-loop."""

import numpy as np

from fallline._explain._numbers import count, number, part_of, percent
from fallline._explain._recording._rows import last_part, middle
from fallline._records import Recording, SharpnessSeries

AT_THE_EDGE = 0.1
"""So near to the limit, in the median of the end, a run is said to be at the edge of stability."""
STEADY = 1e-3
"""The sharpness at which the rate is the limit is told as one number where it moves by less than this part."""


def sharpness_sentences(recording: Recording) -> list[str]:
    """Where the sharpness began and ended; then where the learning rate stood beside its limit."""
    series = recording.sharpness
    finite = np.flatnonzero(np.isfinite(series.sharpness))
    lost = len(series) - finite.size
    told = [_course(recording, finite)] if finite.size else []
    told += [*_share(series), *_beyond(series)]
    if lost:
        where = count(len(series), "measurement")
        told.append(f"At {lost:,} of {where} of the sharpness the loss was not finite.")
    return told


def _course(recording: Recording, finite: np.ndarray) -> str:
    series = recording.sharpness
    value, step = series.sharpness[finite], series.step[finite]
    what = "The sharpness of P⁻¹H" if series.preconditioned[finite].any() else "The sharpness"
    of = recording.header.instruments.objective
    whose = f" of the objective ({of})" if of else ""
    if finite.size == 1:
        return f"{what}{whose} was {number(float(value[0]))} after step {int(step[0]):,}."
    top = int(np.argmax(value))
    ends = f"{number(float(value[0]))} after step {int(step[0]):,} and {number(float(value[-1]))}"
    highest = (
        "" if top in (0, finite.size - 1) else f", and at most {number(float(value[top]))}, after step {step[top]:,}"
    )
    return f"{what}{whose} was {ends} after step {int(step[-1]):,}{highest} ({count(finite.size, 'measurement')})."


def _share(series: SharpnessSeries) -> list[str]:
    """The middle of the end; the sharpness that the rate allows, where it is one number there."""
    known = np.flatnonzero(series.limit_measured & np.isfinite(series.share))
    if not known.size:
        return []
    rows = known[last_part(known.size)]
    typical = middle(series.share[rows])
    if typical is None:
        return []
    which = f"Over the last {rows.size:,} measurements" if rows.size > 1 else "At the only measurement"
    middle_of = " in the median" if rows.size > 1 else ""
    said = f"{which} the learning rate was {part_of(typical.median, 'the stability limit')}{middle_of}"
    low, high = float(series.share[rows].min()), float(series.share[rows].max())
    if percent(low) != percent(high):
        said = f"{said} ({percent(low)} to {percent(high)})"
    if abs(typical.median - 1) <= AT_THE_EDGE:
        said += f": the edge of stability, where the sharpness stays at what the rate allows{_edge(series, rows)}"
    return [f"{said}.", *_kind(series, rows)]


def _edge(series: SharpnessSeries, rows: np.ndarray) -> str:
    edge = series.edge[rows]
    level = float(np.median(edge))
    return f", {number(level)}" if float(np.ptp(edge)) <= STEADY * level else ""


def _kind(series: SharpnessSeries, rows: np.ndarray) -> list[str]:
    if series.provable[rows].all():
        return []
    return ["That limit is of the preconditioner of each moment: past it the optimizer swings, it does not diverge."]


def _beyond(series: SharpnessSeries) -> list[str]:
    """How often the rate was above the limit."""
    known = series.limit_measured
    over = np.flatnonzero(known & (series.share > 1))
    if not over.size:
        return []
    return [
        f"It was above the limit at {over.size:,} of {count(int(known.sum()), 'measurement')}, first after step "
        f"{int(series.step[over[0]]):,}."
    ]


def sharpness_along_numbers(recording: Recording) -> dict[str, object] | None:
    """The series for programs: docs/json.md; None where nothing was tracked."""
    series = recording.sharpness
    if not len(series):
        return None
    kinds = [series.kind(row) for row in range(len(series))]
    known = series.limit_measured.tolist()
    return {
        "objective": recording.header.instruments.objective,
        "step": series.step,
        "sharpness": series.sharpness,
        "error": series.error,
        "products": series.products,
        "converged": series.converged,
        "preconditioned": series.preconditioned,
        "learning_rate": series.learning_rate,
        "limit": [value if there else None for value, there in zip(series.limit.tolist(), known, strict=True)],
        "share": [value if there else None for value, there in zip(series.share.tolist(), known, strict=True)],
        "kind": [None if kind is None else kind.value for kind in kinds],
    }
