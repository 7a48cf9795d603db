"""What the page of a comparison is given (docs/payload-comparison.md): every number and sentence, computed here."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline import _explain as explain
from fallline._loss_function import LossFunction
from fallline._planes import Plane, components
from fallline._records import Basins, Comparison, Contender, Floats, RateRuns, StepPart
from fallline._view._chosen import chosen_steps
from fallline._view._paths_together import Ground, Walk, draw_together, on_plane
from fallline._view._rounding import significant
from fallline._view._shadows import Shadowed, fullness, hidden
from fallline._view._thinned import thinned
from fallline._view._typeset import typeset

SCHEMA = "fallline.compare-view/1"
SET = "Set by hand; where no rate was set, the best one that was found for the optimizer."
_MOST_MOMENTS = 360
_MOST_CHARTED = 64  # parameters: of more, none is charted
_NUMBERS = 60_000  # of all paths together that a page carries: more optimizers or parameters, fewer moments


def build_comparison_payload(
    comparison: Comparison, objective: LossFunction, settings: Sequence[str] = ("common", "best")
) -> dict[str, Any]:
    """The payload of a comparison; NaN and ±inf are floats here, ``to_json`` writes them as strings.

    Args:
        comparison: the record.
        objective: its loss over all rows, in the training scale.
        settings: which rates it shows.
    """
    moments = _moments(comparison)
    return {
        "schema": SCHEMA,
        "title": comparison.name,
        "subtitle": comparison.about,
        "terms": [typeset(each) for each in (*explain.setting_sentences(comparison), *_shown_seeds(comparison))],
        "dimensions": _dimensions(comparison),
        "parameter_names": list(comparison.parameter_names) if _charted(comparison) else [],
        "floor": {"loss": comparison.floor, "kind": comparison.floor_kind.value},
        "start": {
            "loss": float(comparison.start_losses[0]),
            "parameters": comparison.starts[0].tolist() if _charted(comparison) else None,
        },
        "goal": {"share": comparison.goal, "loss": float(comparison.goal_levels[0])},
        "words": {
            "runs": "The optimizers",
            "run": "optimizer",
            "hint": "click one for its step",
            "pick": "Show the parts of its step",
        },
        "leader": comparison.ranking[0],
        "first": 1,
        "total_steps": comparison.steps,
        "taken": comparison.path_at[moments].tolist(),
        "contenders": [
            {"label": each.label, "name": each.name, "optimizer": each.optimizer} for each in comparison.contenders
        ],
        "settings": [setting_payload(comparison, objective, which)[0] for which in settings],
        "basins": None if comparison.basins is None else _basins(comparison, comparison.basins),
        "rates": None,
    }


def _dimensions(comparison: Comparison) -> int:
    """P"""
    return int(comparison.starts.shape[1])


def _charted(comparison: Comparison) -> bool:
    """Whether parameters are few enough to be told apart one by one."""
    return _dimensions(comparison) <= _MOST_CHARTED


def _shown_seeds(comparison: Comparison) -> list[str]:
    """Which of the seeds the pictures show."""
    if len(comparison.seeds) == 1:
        return []
    return [
        f"The pictures show the runs of seed {comparison.seeds[0]}; the band around the picked optimizer's loss spans "
        f"all {len(comparison.seeds)} seeds."
    ]


def runs_of(comparison: Comparison, which: str) -> list[RateRuns]:
    """[contenders] each at its own best rate (``best``), or at the common or given one (``common``, ``given``)."""
    return [each.best if which == "best" else each.common for each in comparison.contenders]


def _moments(comparison: Comparison) -> NDArray[np.int64]:
    """[F + 1] indices into ``path_at`` of the moments that the picture can stop at, the start first."""
    each = _dimensions(comparison) if _charted(comparison) else 0
    numbers = 2 * len(comparison.contenders) * (each + 5)
    most = max(60, min(_MOST_MOMENTS, _NUMBERS // numbers))
    return np.concatenate([[0], chosen_steps(len(comparison.path_at) - 1, most) + 1])


def setting_payload(comparison: Comparison, objective: LossFunction, which: str) -> tuple[dict[str, Any], Plane]:
    """The contenders' runs at their ``best`` rates, at the ``common`` one, or at ``given`` ones; and their plane."""
    runs = runs_of(comparison, which)
    leader = comparison.ranking[0]
    walks = [_walk(comparison, run) for run in [*runs[:leader], *runs[leader + 1 :], runs[leader]]]
    drawn, plane = draw_together(Ground.of(comparison), objective, walks)
    reach = drawn["reach"] if _charted(comparison) else []
    return {**drawn, "reach": reach, **runs_payload(comparison, objective, plane, which)}, plane


def runs_payload(comparison: Comparison, objective: LossFunction, plane: Plane, which: str) -> dict[str, Any]:
    """What of a setting moves with its runs, on a plane that stays: all but the ground under them."""
    runs, moments = runs_of(comparison, which), _moments(comparison)
    name, verdict, reason, rows = _words(comparison, which)
    return {
        "id": which,
        "name": name,
        "titles": {"verdict": f"The verdict, {name}", "results": f"Results, {name}"},
        "verdict": [typeset(each) for each in verdict],
        "reason": typeset(reason),
        "hidden": [typeset(each) for each in hidden(objective, plane, _labelled(comparison, runs))],
        "runs": [
            {**_run(comparison, objective, plane, moments, run), "plain": _is_plain(one)}
            for one, run in zip(comparison.contenders, runs, strict=True)
        ],
        "table": table_of(rows),
        "more": [],
    }


def _words(comparison: Comparison, which: str) -> tuple[str, list[str], str, list[tuple[str, ...]]]:
    """A setting's name, its verdict, where its rates come from, and its table."""
    if which == "best":
        granted = explain.setting_sentences(comparison)[-1]
        return "each at its own best rate", explain.verdict_at_best(comparison), granted, explain.best_rows(comparison)
    if which == "common":
        rows = explain.common_rows(comparison)
        return "at one common rate", explain.verdict_at_common(comparison), comparison.common_reason, rows
    verdict = explain.verdict_at_given(comparison)
    return "at the rates that are set", verdict, SET, explain.given_rows(comparison)


def _is_plain(contender: Contender) -> bool:
    """Whether a step is its gradient alone."""
    return contender.optimizer == "SGD" and not any(contender.optimizer_options.values())


def _labelled(comparison: Comparison, runs: list[RateRuns]) -> list[Shadowed]:
    return [
        Shadowed(one.label, run.path, float(run.final_losses[0]), bool(run.diverged[0]))
        for one, run in zip(comparison.contenders, runs, strict=True)
    ]


def _walk(comparison: Comparison, run: RateRuns) -> Walk:
    """A run as a path; on somebody's own objective its loss was measured at every step."""
    losses = run.first_losses[comparison.path_at] if comparison.on_own else None
    return Walk(run.path, losses, bool(run.diverged[0]))


def table_of(rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Written rows, the titles first; the first column holds names."""
    return {
        "columns": list(rows[0]),
        "cells": [[typeset(cell) for cell in row] for row in rows[1:]],
        "numeric": [False, *(True for _ in rows[0][1:])],
    }


def _run(
    comparison: Comparison,
    objective: LossFunction,
    plane: Plane,
    moments: NDArray[np.int64],
    run: RateRuns,
) -> dict[str, Any]:
    path = run.path[moments]
    losses = _losses_at(comparison, run, moments)
    return {
        "rate": run.rate,
        "diverged": bool(run.diverged[0]),
        "steps_to_goal": run.steps_to_goal[0],
        "loss": losses,
        "parameters": significant(path, 9).tolist() if _charted(comparison) else None,
        "full": fullness(plane, path),
        "uv": None if plane.kind == "parameters" else significant(on_plane(plane, objective, path), 9).tolist(),
        "parts_uv": _parts(run, plane, moments),
        "curve": _loss_curve(comparison, run),
    }


def _losses_at(comparison: Comparison, run: RateRuns, moments: NDArray[np.int64]) -> list[float | None]:
    """[F + 1] the loss over all rows where it was measured at that moment, else None."""
    known = {int(step): k for k, step in enumerate(comparison.measured_at)}
    at = [known.get(int(step)) for step in comparison.path_at[moments]]
    return [None if k is None else float(run.first_losses[k]) for k in at]


def _parts(run: RateRuns, plane: Plane, moments: NDArray[np.int64]) -> list[dict[str, Any]] | None:
    """The terms [F, 2] of each step from one moment to the next; None where those lie further apart."""
    if run.parts is None:
        return None
    whole = np.diff(moments) == 1
    begin = moments[:-1]
    found = []
    for part in run.parts:
        change = part.change[np.minimum(begin, len(part.change) - 1)]
        moved = components(plane, change)  # on a curve: along its axis, level
        pairs = significant(moved, 9).tolist()
        uv = [pair if known else None for pair, known in zip(pairs, whole.tolist(), strict=True)]
        if part.name != "unattributed" or _seen(part.change, run.parts):
            found.append({"name": part.name, "uv": uv})
    return found


def _seen(change: Floats, parts: tuple[StepPart, ...]) -> bool:
    """Whether an unattributed rest is large enough to be drawn."""
    with np.errstate(all="ignore"):
        whole = sum(float(np.nansum(np.abs(part.change))) for part in parts)
        return float(np.nansum(np.abs(change))) > 1e-3 * whole


def _loss_curve(comparison: Comparison, run: RateRuns) -> dict[str, Any]:
    """The loss over steps: the first seed's, and the lowest and highest of all seeds."""
    step = comparison.measured_at.astype(np.float64)
    first = run.first_losses
    kept = thinned(np.log1p(step), first - min(comparison.floor, float(np.nanmin(first, initial=np.inf))), False, True)
    several = len(run.losses) > 1
    return {
        "step": step[kept].astype(np.int64).tolist(),
        "loss": significant(first[kept], 9).tolist(),
        "low": significant(run.losses.min(axis=0)[kept], 6).tolist() if several else None,
        "high": significant(run.losses.max(axis=0)[kept], 6).tolist() if several else None,
    }


def _basins(comparison: Comparison, basins: Basins) -> dict[str, Any]:
    """The maps: for each start the index of its minimum, null where it ended in none."""
    lowest, highest = float(basins.minimum_losses.min()), float(basins.minimum_losses.max())
    return {
        "axes": list(comparison.parameter_names),
        "x": [float(basins.first_axis[0]), float(basins.first_axis[-1])],
        "y": [float(basins.second_axis[0]), float(basins.second_axis[-1])],
        "minima": [
            {"at": at.tolist(), "loss": float(loss), "is_global": bool(best)}
            for at, loss, best in zip(basins.minima, basins.minimum_losses, basins.is_global, strict=True)
        ],
        "sentences": [typeset(each) for each in explain.basin_sentences(comparison)],
        "table": table_of(explain.basin_rows(comparison)),
        "by_loss": bool(highest - lowest > 1e-6 * max(1.0, abs(highest))),
        "start": comparison.starts[0].tolist(),
        "maps": [
            {
                "contender": each.contender,
                "rate": each.rate,
                "ends_in": None if each.ends_in is None else _masked(each.ends_in, each.settled),
                "shares": None if each.shares is None else list(each.shares),
                "unsettled": each.unsettled,
                "label": comparison.contenders[each.contender].label,
                "left_out": each.left_out,
            }
            for each in basins.maps
        ],
    }


def _masked(ends: NDArray[np.int64], settled: NDArray[np.bool_] | None) -> list[list[int | None]]:
    known = np.ones(ends.shape, dtype=np.bool_) if settled is None else settled
    return [
        [value if there else None for value, there in zip(row, mask, strict=True)]
        for row, mask in zip(ends.tolist(), known.tolist(), strict=True)
    ]
