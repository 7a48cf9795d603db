"""The columns of ``frames``: every number the picture shows at the steps it can stop at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane, components, coordinates, distance, points
from fallline._records import Floats, Run
from fallline._surface import stacked_loss
from fallline._view._curve import KIND, uphill_on_curve
from fallline._view._data_panel import DataPanel
from fallline._view._frame import place
from fallline._view._parts import step_parts
from fallline._view._path import Path
from fallline._view._rounding import significant
from fallline._view._slices import SLICE_T, slices
from fallline._view._text import ViewText

Steps = NDArray[np.int64]

_SEEN = 1e-3  # of a step's parts put together: an unattributed rest smaller than that is not drawn
_DIRECTION_DIGITS = 7  # an arrow's, which nobody reads as a number


def frames(
    run: Run,
    objective: LossFunction,
    *,
    text: ViewText,
    path: Path,
    plane: Plane,
    panel: DataPanel | None,
    steps: Steps,
    slice_t: Floats = SLICE_T,
) -> dict[str, Any]:
    """[F] entries per column for the chosen steps, their slices at ``slice_t``."""
    start, end = path.vectors[steps], path.vectors[steps + 1]
    return {
        **_recorded(run, steps, start, end),
        **_in_plane(run, objective, path, plane, steps),
        "sentences": [text.step_sentences(run, step) for step in steps.tolist()],
        "beats": [text.step_beats(run, step) for step in steps.tolist()],
        "reach_note": [text.reach_note(run, step) for step in steps.tolist()],
        **_along_step(run, objective, steps, start, end, slice_t),
        "curve_start": None if panel is None else panel.output(start).tolist(),
        "curve_end": None if panel is None else panel.output(end).tolist(),
    }


def _recorded(run: Run, steps: Steps, start: Floats, end: Floats) -> dict[str, Any]:
    """The record as it is."""
    columns = run.columns
    full = _masked(columns.full_loss[steps], columns.full_loss_measured[steps])
    with np.errstate(all="ignore"):
        after = columns.loss[steps] + columns.real_change[steps]
    if run.header.full_batch:
        after = np.where(columns.full_loss_measured[steps], columns.full_loss[steps], after)
    return {
        "step": steps.tolist(),
        "epoch": columns.epoch[steps].astype(np.int64).tolist(),
        "learning_rate": columns.learning_rate[steps].tolist(),
        "loss": columns.loss[steps].tolist(),
        "loss_after": after.tolist(),
        "full_loss": full,
        "start": start.tolist(),
        "end": end.tolist(),
        "gradient": columns.gradient[steps].tolist(),
        "first_order_change": columns.first_order_change[steps].tolist(),
        "real_change": columns.real_change[steps].tolist(),
        "reach": _masked(columns.reach[steps], columns.reach_measured[steps]),
    }


def _in_plane(run: Run, objective: LossFunction, path: Path, plane: Plane, steps: Steps) -> dict[str, Any]:
    """Where the points of a step lie in the plane, and what the plane's loss is there."""
    start, end = path.vectors[steps], path.vectors[steps + 1]
    columns = run.columns
    with np.errstate(all="ignore"):
        ghost = start - (end - start)
    end_uv = coordinates(plane, end)
    away = distance(plane, end)
    ghost_loss = stacked_loss(objective, ghost)
    plane_loss = stacked_loss(objective, points(plane, end_uv))
    with np.errstate(all="ignore"):
        off_plane = np.abs(columns.full_loss[steps] - plane_loss) / path.start_excess
    if plane.directions.shape[1] <= 2:  # the plane is the whole space: rounding is not a distance
        off_plane = np.zeros(len(steps))
    return {
        "start_uv": place(plane, start, objective).tolist(),
        "end_uv": place(plane, end, objective).tolist(),
        "gradient_uv": significant(directions(plane, columns.gradient[steps]), _DIRECTION_DIGITS).tolist(),
        "ghost_uv": place(plane, ghost, objective).tolist(),
        "ghost_loss": ghost_loss.tolist(),
        "parts_uv": _parts_uv(run, plane, steps),
        "distance": away.tolist(),
        "plane_loss": plane_loss.tolist(),
        "off_plane": _masked(off_plane, columns.full_loss_measured[steps]),
    }


def directions(plane: Plane, vectors: Floats) -> Floats:
    """[F, 2] of length one; left as they are where they have no direction (zero, not finite)."""
    if plane.kind == KIND:
        return uphill_on_curve(vectors)
    uv = components(plane, vectors)
    with np.errstate(all="ignore"):
        largest = np.abs(uv).max(axis=1, keepdims=True, initial=0.0)
        scaled = uv / largest
        unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.where(np.isfinite(unit), unit, uv)


def _parts_uv(run: Run, plane: Plane, steps: Steps) -> list[list[dict[str, Any]]] | None:
    parts = step_parts(run)
    if parts is None:
        return None
    if plane.kind == KIND:  # they would lie on one another
        return [[] for _ in steps]
    moved = [components(plane, part.change[steps]) for part in parts]
    with np.errstate(all="ignore"):
        lengths = [np.abs(uv).sum(axis=1) for uv in moved]
        rest_is_seen = lengths[-1] > _SEEN * np.sum(lengths, axis=0)
    drawn = []
    for frame in range(len(steps)):
        count = len(parts) if rest_is_seen[frame] else len(parts) - 1
        drawn.append(
            [{"name": part.name, "uv": uv[frame].tolist()} for part, uv in zip(parts[:count], moved, strict=False)]
        )
    return drawn


def _along_step(
    run: Run, objective: LossFunction, steps: Steps, start: Floats, end: Floats, slice_t: Floats
) -> dict[str, Any]:
    cut = slices(run, objective, steps, start, end, slice_t)
    return {
        "slice": cut.losses.tolist(),
        "slice_promised": cut.promised.tolist(),
        "slice_came": cut.came.tolist(),
        "slice_reach": _masked(cut.reach, cut.reach_measured),
    }


def _masked(values: Floats, measured: NDArray[np.bool_]) -> list[float | None]:
    """None where nothing was measured."""
    return [value if known else None for value, known in zip(values.tolist(), measured.tolist(), strict=True)]
