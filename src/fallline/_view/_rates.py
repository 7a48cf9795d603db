"""What the rate slider is given: zones, marks, and the measured runs it stops at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._explain import rate_sentence, rate_words
from fallline._loss_function import LossFunction
from fallline._planes import Plane
from fallline._records import Floats, Landmark, LimitKind, Run, SweepResult, Zone
from fallline._view._data_panel import DataPanel
from fallline._view._rate_words import BEATS, slider_note, slider_short
from fallline._view._rounding import significant, spelled
from fallline._view._stops import stop_columns, stops_of

_BUCKETS = 240  # of an example's curves
_SHOWN_ZONES = (Zone.DIVERGING, Zone.BOUNCING, Zone.JUST_RIGHT, Zone.TOO_SMALL)


def rates_payload(
    run: Run,
    objective: LossFunction,
    plane: Plane,
    panel: DataPanel | None,
    rates: SweepResult | str | None,
    home: str = "recorded run",
) -> dict[str, Any] | None:
    """The payload's ``rates``: None where nobody asked, only a reason where there are none.

    ``home`` is what the page calls the run with all its steps.
    """
    if rates is None:
        return None
    if isinstance(rates, str):
        return {"reason": rates}
    stops = stops_of(run, rates)
    return {
        "reason": None,
        "home": home,
        "snaps": slider_short(rates),
        "note": slider_note(rates),
        "own": own_stop(run, rates),
        **measured_rates(rates),
        "examples": example_runs(rates),
        "captions": list(BEATS),
        "stops": {
            **stop_columns(run, objective, plane, rates, stops),
            "inputs": None if panel is None else significant(panel.inputs).tolist(),
        },
    }


def measured_rates(rates: SweepResult) -> dict[str, Any]:
    """What came of every rate: zones, marks and final losses, without their runs."""
    indices = range(len(rates.rates))
    return {
        "advice": rates.advice,
        "goal": rates.goal,
        "goal_loss": rates.excess_to_reach,
        "start_loss": rates.start_loss,
        "floor": {"loss": rates.floor, "kind": rates.floor_kind.value},
        "value": rates.rates.tolist(),
        "zone": [zone.value for zone in rates.zone_of_each],
        "words": [rate_words(rates, index) for index in indices],
        "sentence": [rate_sentence(rates, index) for index in indices],
        "steps_to_goal": list(rates.steps_to_goal),
        "final": spelled(rates.final_losses),
        "final_low": spelled(rates.final_low) if len(rates.seeds) > 1 else None,
        "final_high": spelled(rates.final_high) if len(rates.seeds) > 1 else None,
        "zones": [{"name": span.name.value, "low": span.low, "high": span.high} for span in rates.zones],
        "marks": _marks(rates),
        "measured_limit": rates.measured_limit,
        "resolution": None if rates.measured_limit is None else _resolution(rates),
        "recommended": _recommended(rates),
    }


def example_runs(rates: SweepResult) -> list[dict[str, Any]]:
    """One rate of each zone that occurs, with its curves."""
    return [
        _example(rates, zone, rates.example_of_zone[zone]) for zone in _SHOWN_ZONES if zone in rates.example_of_zone
    ]


def own_stop(run: Run, rates: SweepResult) -> int | None:
    """Which of the rates is the run's own; None where none is."""
    with np.errstate(all="ignore"):
        apart = np.abs(rates.rates / run.header.learning_rate - 1)
    nearest = int(np.argmin(apart))
    return nearest if apart[nearest] < 1e-9 else None


def _marks(rates: SweepResult) -> list[dict[str, Any]]:
    """The predicted rates that lie on the track, named as the optimizer's theory names them."""
    marks = []
    for mark in rates.landmarks:
        if mark.name == "crosses the valley":
            marks.append(_mark(mark, "crossing", "1/λ crosses the valley", "1/λ"))
        elif mark.kind is LimitKind.FULL_BATCH:
            marks.append(_mark(mark, "full batch", "the full batch's limit", "full batch"))
        elif mark.name == "stability limit":
            marks.append(_mark(mark, "limit", *_limit_names(mark, rates)))
    return marks


def _mark(mark: Landmark, kind: str, name: str, short: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "short": short, "rate": mark.predicted}


def _limit_names(mark: Landmark, rates: SweepResult) -> tuple[str, str]:
    """What kind of limit it is, in full and where there is little room."""
    plain = rates.optimizer == "SGD" and not any(rates.optimizer_options.values())
    if mark.kind is LimitKind.FROZEN:
        return "predicted threshold", "threshold"
    if mark.kind is LimitKind.LOCAL:
        return ("2/λ of the local curvature", "2/λ") if plain else ("limit of the local curvature", "limit")
    return ("2/λ predicted limit", "2/λ") if plain else ("predicted limit", "limit")


def _resolution(rates: SweepResult) -> float | None:
    """How far apart the rates were that placed the measured limit, as a part of it."""
    return next((mark.resolution for mark in rates.landmarks if mark.name == "stability limit"), None)


def _recommended(rates: SweepResult) -> dict[str, Any] | None:
    found = rates.recommended
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}


def _example(rates: SweepResult, zone: Zone, index: int) -> dict[str, Any]:
    """Loss and the first parameter over the steps of one rate, as the lowest and highest of each bucket."""
    losses, place = rates.losses[:, index], rates.trajectories[:, index, 0]
    buckets = min(len(losses), _BUCKETS)
    first = np.arange(buckets, dtype=np.int64) * len(losses) // buckets
    return {
        "zone": zone.value,
        "stop": index,
        "step": (first if rates.kept_steps is None else rates.kept_steps[first]).tolist(),
        "loss_low": _extreme(np.fmin, losses, first),
        "loss_high": _extreme(np.fmax, losses, first),
        "parameter_low": _extreme(np.fmin, place, first),
        "parameter_high": _extreme(np.fmax, place, first),
    }


def _extreme(which: np.ufunc, values: Floats, first: NDArray[np.int64]) -> list[Any]:
    return spelled(significant(which.reduceat(values, first), 5))
