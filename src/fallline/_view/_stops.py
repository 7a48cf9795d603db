"""The runs the rate slider stops at: few steps of each, enough to draw it and to read its numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane, components, coordinates, distance, points
from fallline._reach import measure_reach
from fallline._records import Floats, Mask, Run, SweepResult
from fallline._surface import stacked_loss
from fallline._view._curve import KIND
from fallline._view._frame import place
from fallline._view._frames import directions
from fallline._view._rounding import significant, spelled
from fallline._view._slices import readable

Steps = NDArray[np.int64]

_MOST_FRAMES, _FEWEST_FRAMES = 56, 12
_CONSECUTIVE = 0.55  # of the frames: the first steps, without a gap
_NUMBERS = 40_000  # in all stops together
_ROW_EVALUATIONS = 6_000_000  # rows × parameter vectors they may cost where a loss has no moments
_PARABOLA_T = np.array([-0.5, 0.5, 1.5, 2.5])
_SLICE_DIGITS = 4  # of a slice's own range: finer than a pixel
_CURVED_T = np.linspace(-0.5, 2.5, 7)


@dataclass(frozen=True)
class Stops:
    """F steps of each of B runs; P parameters."""

    steps: Steps
    """[F] the same for all."""
    at: Steps
    """[F] where the sweep keeps the point before each of them; the point after it follows."""
    counts: list[int]
    """[B] frames up to the first number that is not finite."""
    first_not_finite: list[int | None]
    """[B] the step that made it."""


def stops_of(run: Run, result: SweepResult) -> Stops:
    """The steps of every rate that the slider can show."""
    kept = np.arange(result.steps + 1) if result.kept_steps is None else result.kept_steps
    pairs = np.flatnonzero(np.diff(kept) == 1)  # steps of which both ends are known
    at = pairs[frame_steps(len(pairs), _affordable(run, result))]
    sound = np.isfinite(result.trajectories).all(axis=2) & np.isfinite(result.losses)
    first = np.where(sound.all(axis=0), len(sound), sound.argmin(axis=0))  # index into the kept points
    counts = np.maximum(1, np.searchsorted(at, first, side="left"))
    broken = [None if place == len(sound) else int(max(0, kept[place] - 1)) for place in first.tolist()]
    return Stops(kept[at], at, counts.tolist(), broken)


def frame_steps(total: int, most: int) -> Steps:
    """[≤ most] of ``total`` steps: the first ones without a gap, then logarithmically spaced, the last among them.

    >>> frame_steps(3, 10).tolist(), frame_steps(100, 8).tolist()
    ([0, 1, 2], [0, 1, 2, 3, 9, 20, 44, 99])
    """
    if total <= most:
        return np.arange(total)
    head = int(most * _CONSECUTIVE)
    later = np.geomspace(head, total - 1, most - head + 1)[1:].round().astype(np.int64)
    return np.unique(np.concatenate([np.arange(head), later]))


def stop_columns(run: Run, objective: LossFunction, plane: Plane, result: SweepResult, stops: Stops) -> dict[str, Any]:
    """The payload's ``rates.stops``: [B] lists of as many frames as each run has."""
    from fallline._fit import float64_rounding  # noqa: PLC0415  (only here is torch needed)

    F, (B, P) = len(stops.at), result.trajectories.shape[1:]
    before, after = (result.trajectories[at].reshape(F * B, P) for at in (stops.at, stops.at + 1))
    losses = result.losses[stops.at].ravel()
    with np.errstate(all="ignore"):
        gradient = objective.gradient(before)
        update = after - before
        promised = np.einsum("np,np->n", gradient, update)
        came = objective.change(before, after)
        rounding = float64_rounding(run, before, update, losses)
        reach, measured = measure_reach(promised, 2 * (came - promised), rounding, 2 * rounding)
        ghost = stacked_loss(objective, before - update)
        along = _slices(run, objective, before, update, (losses, promised, came))
    columns: dict[str, NDArray[Any]] = {
        "start": significant(before),
        "end": significant(after),
        "gradient": significant(gradient, 5),
        "loss": significant(losses),
        "loss_after": significant(result.losses[stops.at + 1].ravel()),
        "first_order_change": significant(promised, 5),
        "real_change": significant(came, 5),
        "reach": _masked(significant(reach, 5), measured),
        "ghost_loss": significant(ghost, 4),
        "slice": along,
        **_shadows(objective, plane, (before, after, gradient)),
    }
    lists: dict[str, Any] = {}
    for name, values in columns.items():
        by_rate = np.moveaxis(values.reshape(F, B, *values.shape[1:]), 0, 1)
        lists[name] = [spelled(held[:count]) for held, count in zip(by_rate, stops.counts, strict=True)]
    return {
        "step": stops.steps.tolist(),
        "slice_t": slice_places(run).tolist(),
        "epoch": (stops.steps // run.header.steps_per_epoch).tolist(),
        "first_not_finite": stops.first_not_finite,
        **lists,
        "bands": _bands(result, stops),
    }


def _masked(values: Floats, measured: Mask) -> NDArray[np.object_]:
    """None where nothing was measured."""
    held = values.astype(np.object_)
    held[~measured] = None
    return held


def _slices(run: Run, objective: LossFunction, before: Floats, update: Floats, changes: tuple[Floats, ...]) -> Floats:
    """[F·B, n] the loss along each step at :func:`slice_places`, of a parabola from the step's own three numbers."""
    losses, promised, came = changes
    t = slice_places(run)
    if run.moments is not None:
        return readable(losses[:, None] + promised[:, None] * t + (came - promised)[:, None] * t**2, _SLICE_DIGITS)
    line = before[:, None, :] + t[None, :, None] * update[:, None, :]
    losses = stacked_loss(objective, line.reshape(-1, before.shape[1])).reshape(len(before), len(t))
    return readable(losses, _SLICE_DIGITS)


def slice_places(run: Run) -> Floats:
    """Where along a step its loss is told: a cubic through four of them is exact on a parabola."""
    return _PARABOLA_T if run.moments is not None else _CURVED_T


def _shadows(objective: LossFunction, plane: Plane, moved: tuple[Floats, Floats, Floats]) -> dict[str, Floats]:
    """Where more than two parameters lie in the plane; for two the plane is the whole space."""
    before, after, gradient = moved
    if before.shape[1] == 2:
        return {}
    if plane.kind == KIND:
        before_uv, after_uv = (place(plane, vectors, objective) for vectors in (before, after))
        uphill = significant(directions(plane, gradient), 5)
        return {"start_uv": significant(before_uv), "end_uv": significant(after_uv), "gradient_uv": uphill}
    end_uv = coordinates(plane, after)
    with np.errstate(all="ignore"):
        shadow = stacked_loss(objective, points(plane, end_uv))
    return {
        "start_uv": significant(coordinates(plane, before)),
        "end_uv": significant(end_uv),
        "gradient_uv": significant(components(plane, gradient), 5),
        "distance": significant(distance(plane, after), 4),
        "plane_loss": significant(shadow, 4),
    }


def _bands(result: SweepResult, stops: Stops) -> dict[str, Any]:
    """What lies between the frames that leave steps out: the lowest and highest from each of them to the next."""
    gaps = np.flatnonzero(np.diff(stops.steps) > 1)
    first = stops.at[gaps[0] :] if len(gaps) else stops.at[:0]
    bands: dict[str, Any] = {"step": stops.steps[gaps[0] :].tolist() if len(gaps) else []}
    for end, extreme in (("low", np.fmin), ("high", np.fmax)):
        if not len(first):
            held, places = np.empty((0, len(result.rates))), np.empty((0, *result.trajectories.shape[1:]))
        else:
            held = extreme.reduceat(result.losses[1:], first, axis=0)
            places = extreme.reduceat(result.trajectories[1:], first, axis=0)
        bands[f"loss_{end}"] = spelled(significant(held.T, 5))
        bands[f"parameters_{end}"] = spelled(significant(np.transpose(places, (1, 2, 0)), 5))
    return bands


def _affordable(run: Run, result: SweepResult) -> int:
    """Frames per stop: fewer for many parameters, and where each costs a pass over many rows."""
    B, P = result.trajectories.shape[1:]
    per_frame = 3 * P + 10 + (8 if P > 2 else 0)
    most = _NUMBERS // (B * per_frame)
    if run.moments is None and run.sample is not None:
        most = min(most, _ROW_EVALUATIONS // (B * (5 + len(_CURVED_T)) * max(len(run.sample.target), 1)))
    return int(np.clip(most, _FEWEST_FRAMES, _MOST_FRAMES))
