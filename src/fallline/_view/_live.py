"""The picture of a run among runs to come: what stays while a rate is dragged, and what moves with it.

A :class:`Scene` depends on the problem, the start and the optimizer, through one run of them; every other run of the
same problem is drawn in its windows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane
from fallline._records import Floats, Run, SweepResult
from fallline._view._chosen import chosen_steps
from fallline._view._curve import KIND
from fallline._view._data_panel import DataPanel
from fallline._view._drawn import Backdrop, draw_again, draw_backdrop, draw_trail
from fallline._view._frame import plane_of
from fallline._view._history import BUCKETS
from fallline._view._path import Path
from fallline._view._payload import frame_limit, moving, standing
from fallline._view._rate_words import BEATS
from fallline._view._rates import example_runs, measured_rates
from fallline._view._rounding import significant
from fallline._view._slices import SLICE_T
from fallline._view._stops import frame_steps, slice_places
from fallline._view._text import ViewText
from fallline._view._trail import MOST_POINTS

Steps = NDArray[np.int64]

_COARSE = 121
"""Nodes along a side of the grid while the problem itself is dragged."""
_PASSING_BUCKETS, _PASSING_POINTS = 200, 500
_BOWL_DIGITS = 4
_MOST_FRAMES = 600
"""Of a whole reply: all steps of the usual runs, and no seconds of waiting for the long ones."""
_SAME: Mapping[str, str] = MappingProxyType(
    {
        "start_uv": "start",
        "end_uv": "end",
        "slice_promised": "first_order_change",
        "slice_came": "real_change",
        "slice_reach": "reach",
    }
)
"""Columns of ``frames`` that are left out where they are those of another (decode.js puts them back)."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What the picture of a run stands in."""

    plane: Plane
    path: Path
    """Of the run that the windows were chosen for."""
    backdrop: Backdrop
    panel: DataPanel | None

    def path_of(self, run: Run, objective: LossFunction) -> Path:
        """A run's path, its excess measured from the scene's floor: one colour is one loss for all runs."""
        own = self.path
        return replace(
            Path.of(run, objective), floor=own.floor, floor_known=own.floor_known, start_excess=own.start_excess
        )


def scene_of(run: Run, objective: LossFunction) -> Scene:
    """The scene that shows ``run`` well, with wider windows for those that leave it."""
    path = Path.of(run, objective)
    path = replace(path, also=_other_side(run, objective, path))
    plane = plane_of(run, path)
    return Scene(plane, path, _light(draw_backdrop(run, path, plane, objective, far=True)), _panel(run))


def _other_side(run: Run, objective: LossFunction, path: Path) -> Floats | None:
    """[1, P] the start's mirror image in the minimum of a parabola: below the limit plain descent never goes past it.

    So the runs that bounce from wall to wall stay in the picture, whatever rate it was framed for.
    """
    parabola = run.moments is not None or getattr(objective, "quadratic", None) is not None
    if not parabola or path.optimum is None:
        return None
    with np.errstate(all="ignore"):
        mirrored = 2 * path.optimum - path.vectors[0]
    return mirrored[None] if np.isfinite(mirrored).all() else None


def _light(backdrop: Backdrop) -> Backdrop:
    """Bowls in fewer digits, still finer than a pixel: a page that is served is waited for."""
    bowls = [{**bowl, "loss": _rounded(bowl["loss"])} for bowl in backdrop.payload["bowls"]]
    return backdrop._replace(payload={**backdrop.payload, "bowls": bowls})


def _rounded(loss: list[list[float]]) -> list[list[float]]:
    rounded: list[list[float]] = significant(np.array(loss), _BOWL_DIGITS).tolist()
    return rounded


def scene_again(scene: Scene, run: Run, objective: LossFunction) -> Scene:
    """The same windows on another problem with as many parameters, as ``run`` descends on it; drawn coarsely.

    While a point of the data is dragged the ground moves under the ball, and the picture's edges stay.
    """
    path = Path.of(run, objective)
    if scene.plane.kind == KIND:
        return Scene(scene.plane, path, draw_backdrop(run, path, scene.plane, objective, far=True), _panel(run))
    drawn = draw_again(run, path, scene.plane, objective, scene.backdrop.windows, finest=_COARSE)
    return Scene(scene.plane, path, _light(drawn), _panel(run))


def _panel(run: Run) -> DataPanel | None:
    """The same rows however many frames a reply has."""
    if run.sample is None:
        return None
    return DataPanel.of(run, run.sample, len(all_frames(run)))


def whole_payload(scene: Scene, run: Run, objective: LossFunction, rates: SweepResult | str | None) -> dict[str, Any]:
    """docs/payload.md, of a run in its scene, with a rate slider that takes every rate."""
    return {
        **ground(scene, run, objective),
        **run_part(scene, run, objective, all_frames(run)),
        "rates": continuous_rates(rates),
    }


def ground(scene: Scene, run: Run, objective: LossFunction) -> dict[str, Any]:
    """The keys that change with the problem alone."""
    return {
        **standing(run, objective, text=ViewText(), path=scene.path_of(run, objective), plane=scene.plane),
        **scene.backdrop.payload,
        "data": None if scene.panel is None else scene.panel.payload(run),
    }


def run_part(scene: Scene, run: Run, objective: LossFunction, steps: Steps, *, passing: bool = False) -> dict[str, Any]:
    """The keys that change with the run.

    Args:
        steps: those that become frames.
        passing: the next reply follows soon: charts and trail are coarser, and no number is another.
    """
    path = scene.path_of(run, objective)
    moved = moving(
        run,
        objective,
        text=ViewText(),
        path=path,
        plane=scene.plane,
        panel=scene.panel,
        steps=steps,
        buckets=_PASSING_BUCKETS if passing else BUCKETS,
        slice_t=slice_places(run) if passing or run.moments is not None else SLICE_T,
    )
    moved["frames"] = _told_once(moved["frames"])
    drawn = draw_trail(path, scene.plane, objective, scene.backdrop, most=_PASSING_POINTS if passing else MOST_POINTS)
    batch = {"size": run.header.batch_size, "rows": run.header.rows}
    return {"title": run.header.name, "run_title": "This run", "batch": batch, **moved, "trail": drawn}


def _told_once(frames: dict[str, Any]) -> dict[str, Any]:
    """Without the columns that are those of another: of two parameters, say, a point is its own place in the plane."""
    return {name: column for name, column in frames.items() if name not in _SAME or column != frames[_SAME[name]]}


def all_frames(run: Run) -> Steps:
    """The steps of a reply that somebody has time to look at."""
    return chosen_steps(len(run), min(frame_limit(run), _MOST_FRAMES))


def few_frames(run: Run, most: int, around: int | None = None) -> Steps:
    """[≤ most + 3] steps of a reply that the next one soon replaces; those beside the step ``around`` among them.

    >>> import fallline as fl
    >>> few_frames(fl.fit(epochs=100), 8, around=70).tolist()
    [0, 1, 2, 3, 9, 20, 44, 69, 70, 71, 99]
    """
    total = len(run)
    steps = frame_steps(total, min(most, max(1, frame_limit(run))))
    if around is None or not total:
        return steps
    near = np.clip(np.arange(around - 1, around + 2), 0, total - 1)
    return np.unique(np.concatenate([steps, near]))


def continuous_rates(rates: SweepResult | str | None) -> dict[str, Any] | None:
    """The payload's ``rates`` for a slider that takes every rate between the ends that were measured."""
    if rates is None:
        return None
    if isinstance(rates, str):
        return {"continuous": True, "reason": rates, "stops": None}
    return {
        "continuous": True,
        "reason": None,
        "low": float(rates.rates[0]),
        "high": float(rates.rates[-1]),
        "home": "recommended rate",
        "own": None,
        **measured_rates(rates),
        "examples": example_runs(rates),
        "captions": list(BEATS),
        "stops": None,
    }
