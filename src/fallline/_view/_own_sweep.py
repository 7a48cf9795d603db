"""What the page of a sweep on somebody's own objective is given: that of a comparison, of its runs, and its rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline import _explain as explain
from fallline._loss_function import LossFunction
from fallline._planes import Plane
from fallline._records import Floats, SweepResult, Zone
from fallline._view._chosen import chosen_steps
from fallline._view._comparison import SCHEMA, table_of
from fallline._view._paths_together import Ground, Walk, draw_together, on_plane
from fallline._view._rates import measured_rates
from fallline._view._rounding import significant
from fallline._view._shadows import Shadowed, fullness, hidden
from fallline._view._thinned import thinned
from fallline._view._typeset import typeset

_MOST_CHARTED = 64  # parameters: of more, none is charted
_MOST_MOMENTS = 240
_TRIED = [False, True, True, True, False]  # which columns of the real runs hold numbers


@dataclass(frozen=True)
class _Shown:
    """One run that the page plays."""

    label: str
    rate: float
    zone: Zone
    steps_to_goal: int | None
    losses: Floats
    """[T + 1]"""
    path_at: NDArray[np.int64]
    """[R]"""
    path: Floats
    """[R, P]"""


def build_own_sweep_payload(result: SweepResult, objective: LossFunction, verdict: Sequence[str]) -> dict[str, Any]:
    """The payload; NaN and ±inf are floats here, ``to_json`` writes them as strings.

    Args:
        result: of a sweep on ``objective``.
        verdict: what the sweep has to say.
    """
    shown = _shown(result)
    charted = len(result.parameter_names) <= _MOST_CHARTED
    tried = bool(result.trials)
    first = 1 if tried else 0
    moments = _moments(shown[0].path_at)
    return {
        "schema": SCHEMA,
        "title": result.name,
        "subtitle": explain.sweep_line(result),
        "terms": [typeset(each) for each in (*result.notes, *explain.probe_sentences(result))],
        "dimensions": len(result.parameter_names),
        "parameter_names": list(result.parameter_names) if charted else [],
        "floor": {"loss": result.floor, "kind": result.floor_kind.value},
        "start": {"loss": result.start_loss, "parameters": result.start.tolist() if charted else None},
        "words": {
            "runs": "Three real runs" if tried else "A run of each zone",
            "run": "run",
            "hint": "",
            "pick": "Show its steps",
        },
        "goal": {"share": result.goal, "loss": result.excess_to_reach},
        "leader": first,
        "first": 0,
        "total_steps": result.steps,
        "taken": shown[0].path_at[moments].tolist(),
        "contenders": [{"label": each.label, "name": each.label, "optimizer": result.optimizer} for each in shown],
        "settings": [_setting(result, objective, shown, moments, verdict, first, charted=charted)],
        "basins": None,
        "rates": {
            **measured_rates(result),
            "own": explain.recommended_index(result),
            "home": "recommended rate",
            "named": True,
        },
    }


def _shown(result: SweepResult) -> list[_Shown]:
    """A third of the recommended rate, it and three times it; where none is recommended a run of each zone."""
    every = np.arange(result.steps + 1) if result.kept_steps is None else result.kept_steps
    if result.trials:
        return [
            _Shown(
                trial.name,
                trial.learning_rate,
                trial.zone,
                trial.steps_to_goal,
                trial.losses,
                every if trial.parameters_at is None else trial.parameters_at,
                trial.parameters,
            )
            for trial in result.trials
        ]
    places = every if result.path_steps is None else result.path_steps
    return [
        _Shown(
            f"{explain.rate(float(result.rates[k]))}, {zone.value}",
            float(result.rates[k]),
            zone,
            result.steps_to_goal[k],
            result.losses[:, k],
            places,
            result.trajectories[:, k],
        )
        for zone, k in sorted(result.example_of_zone.items(), key=lambda pair: pair[1])
    ]


def _moments(path_at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices into ``path_at`` of the moments that the picture can stop at, the start first."""
    return np.concatenate([[0], chosen_steps(len(path_at) - 1, _MOST_MOMENTS) + 1])


def _setting(
    result: SweepResult,
    objective: LossFunction,
    shown: list[_Shown],
    moments: NDArray[np.int64],
    verdict: Sequence[str],
    first: int,
    *,
    charted: bool,
) -> dict[str, Any]:
    walks = [Walk(each.path, each.losses[each.path_at], each.zone is Zone.DIVERGING) for each in shown]
    ground = Ground(
        names=result.parameter_names,
        start_loss=result.start_loss,
        floor=result.floor,
        floor_kind=result.floor_kind,
        optimum=result.optimum,
        minima=None,
        formula=False,
        exact=False,
        own=True,
    )
    drawn, plane = draw_together(ground, objective, [*walks[:first], *walks[first + 1 :], walks[first]])
    shadows = [
        Shadowed(f"the run at {each.label}", each.path, float(each.losses[-1]), walk.diverged)
        for each, walk in zip(shown, walks, strict=True)
    ]
    plain = result.optimizer == "SGD" and not any(result.optimizer_options.values())
    return {
        "id": "runs",
        "name": "as they ran",
        "titles": {"verdict": "What the sweep says", "results": "The rates"},
        "verdict": [typeset(each) for each in verdict],
        "reason": "",
        **drawn,
        "reach": drawn["reach"] if charted else [],
        "hidden": [typeset(each) for each in hidden(objective, plane, shadows)],
        "runs": [{**_run(result, objective, plane, moments, each, charted=charted), "plain": plain} for each in shown],
        "table": {
            **table_of([explain.rate_columns(result), *explain.rate_rows(result)]),
            "numeric": [False, False, True, True, False, True, False],
        },
        "more": _more(result),
    }


def _run(
    result: SweepResult,
    objective: LossFunction,
    plane: Plane,
    moments: NDArray[np.int64],
    each: _Shown,
    *,
    charted: bool,
) -> dict[str, Any]:
    path = each.path[moments]
    least = min(result.floor, float(np.nanmin(each.losses, initial=np.inf)))
    steps = np.arange(len(each.losses))
    kept = thinned(np.log1p(steps.astype(np.float64)), each.losses - least, False, True)
    return {
        "rate": each.rate,
        "diverged": each.zone is Zone.DIVERGING,
        "steps_to_goal": each.steps_to_goal,
        "loss": each.losses[each.path_at[moments]].tolist(),
        "parameters": significant(path, 9).tolist() if charted else None,
        "full": fullness(plane, path),
        "uv": None if plane.kind == "parameters" else significant(on_plane(plane, objective, path), 9).tolist(),
        "parts_uv": None,
        "curve": {
            "step": steps[kept].tolist(),
            "loss": significant(each.losses[kept], 9).tolist(),
            "low": None,
            "high": None,
        },
    }


def _more(result: SweepResult) -> list[dict[str, Any]]:
    """Further tables: predicted beside measured, and the three real runs."""
    more = []
    if result.landmarks:
        more.append({"title": "Predicted and measured", **table_of(explain.landmark_rows(result))})
    if result.trials:
        head, *rows = explain.trial_rows(result)
        more.append({"title": "Tried for real", **table_of([("run", *head[1:-1], "zone"), *rows]), "numeric": _TRIED})
    return more
