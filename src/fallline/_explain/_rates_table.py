"""A sweep as rows for a table, and as the numbers of its JSON (docs/json.md)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fallline._explain._numbers import MOST_NAMED
from fallline._explain._rates import indices_of, rate, rate_digits
from fallline._records import FloorKind, LimitKind, SweepResult, Trial
from fallline._wording import number, percent, written

SCHEMA = "fallline.sweep/1"
ROWS = 12
"""Rates in the table, unless the zones have more ends."""


class RateRow(NamedTuple):
    """One measured rate, written out."""

    rate: str
    zone: str
    final_loss: str
    """Or how far it lies above the lowest loss possible, where final losses are written alike."""
    steps: str
    """To the goal; ``—`` where it was not reached."""
    crosses: str
    """``yes``, ``no`` or empty where that is not defined."""
    share: str
    """Of the predicted limit; empty without one, and where that is no bound for mini-batches."""
    remark: str
    """``← use this``, ``← fastest``, ``← closest`` or empty."""


ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Of a loss: an excess below it is not one that was measured."""


def rate_columns(result: SweepResult) -> tuple[str, ...]:
    """What the cells of a :class:`RateRow` are."""
    final = "above lowest" if losses_print_alike(result) else "final loss"
    return ("rate", "zone", final, "steps to goal", "crosses", "of limit", "")


def losses_print_alike(result: SweepResult) -> bool:
    """Whether several runs end at what is written like the lowest loss possible: their excess tells them apart."""
    floor = number(result.floor)
    known = result.floor_kind is FloorKind.OPTIMUM and result.floor != 0
    return known and sum(number(float(loss)) == floor for loss in result.final_losses) > 1


def _end(result: SweepResult, loss: float, digits: int = 4) -> str:
    """A loss at the end, as it is or above the lowest possible one."""
    if not losses_print_alike(result):
        return number(loss, digits)
    excess = loss - result.floor
    return "≈ 0" if excess <= ROUNDING * abs(result.floor) else number(excess, 3)


def trial_rows(result: SweepResult) -> list[Sequence[str]]:
    """The three short runs around the recommended rate, below their head."""
    ended = "above lowest" if losses_print_alike(result) else f"loss after {result.steps:,}"
    rows: list[Sequence[str]] = [("tried for real", "rate", ended, "steps to goal", "")]
    rows += [
        (
            trial.name,
            rate(trial.learning_rate),
            _end(result, float(trial.losses[-1])),
            "—" if trial.steps_to_goal is None else f"{trial.steps_to_goal:,}",
            trial.zone.value,
        )
        for trial in result.trials
    ]
    return rows


def fastest_index(result: SweepResult) -> int | None:
    """The rate that reached the goal in the fewest steps, the lowest of several; None where none did."""
    reached = [(needed, k) for k, needed in enumerate(result.steps_to_goal) if needed is not None]
    return min(reached)[1] if reached else None


def closest_index(result: SweepResult) -> int | None:
    """The rate that came lowest where none reached the goal; None where one did, or none came below its start."""
    finite = np.where(np.isfinite(result.final_losses), result.final_losses, np.inf)
    lowest = int(np.argmin(finite))
    return lowest if fastest_index(result) is None and finite[lowest] < result.start_loss else None


def recommended_index(result: SweepResult) -> int | None:
    """The recommended rate among the measured ones, None where it is not one of them."""
    if result.recommended is None:
        return None
    (found,) = np.nonzero(np.isclose(result.rates, result.recommended.value, rtol=1e-9, atol=0.0))
    return int(found[0]) if found.size else None


def shown_indices(result: SweepResult, most: int = ROWS) -> list[int]:
    """About ``most`` rates that tell the story: the ends of every zone, those with a remark, some between."""
    ends = [indices_of(result, span) for span in result.zones]
    chosen = {k for inside in ends if inside for k in (inside[0], inside[-1])}
    told = (fastest_index(result), recommended_index(result), closest_index(result))
    chosen |= {k for k in told if k is not None}
    every = len(result.rates)
    while len(chosen) < min(most, every):
        gaps = sorted(chosen) or [0]
        edges = [-1, *gaps, every]
        before, after = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
        if after - before < 2:
            break
        chosen.add((before + after) // 2)
    return sorted(chosen)


def rate_rows(result: SweepResult, most: int = ROWS) -> list[RateRow]:
    """The table of a sweep, one row a rate, rising."""
    shown = shown_indices(result, most)
    digits = rate_digits(result.rates[shown])
    return [_row(result, k, digits) for k in shown]


def _row(result: SweepResult, k: int, digits: int) -> RateRow:
    limit, crosses, needed = _limit(result), result.crosses_valley[k], result.steps_to_goal[k]
    remarks = {closest_index(result): "← closest", fastest_index(result): "← fastest"}
    remark = "← use this" if k == recommended_index(result) else remarks.get(k, "")
    final = _end(result, float(result.final_losses[k]))
    low, high = (_end(result, float(ends[k]), 3) for ends in (result.final_low, result.final_high))
    if len(result.seeds) > 1 and low != high:
        final = f"{low} … {high}"
    return RateRow(
        written(float(result.rates[k]), digits),
        result.zone_of_each[k].value,
        final,
        "—" if needed is None else f"{needed:,}",
        "" if crosses is None else "yes" if crosses else "no",
        "" if limit is None else percent(float(result.rates[k]) / limit),
        remark,
    )


def _limit(result: SweepResult) -> float | None:
    """The limit that rates are measured by."""
    marks = (mark for mark in result.landmarks if mark.name == "stability limit")
    return next((mark.predicted for mark in marks if mark.kind is not LimitKind.FULL_BATCH), None)


def sweep_numbers(result: SweepResult) -> dict[str, object]:
    """Everything a program may want of a sweep, for ``fallline._store.plain``; docs/json.md names each field."""
    found, named = result.recommended, len(result.start) <= MOST_NAMED
    return {
        "schema": SCHEMA,
        "problem": {
            "name": result.name,
            "parameter_count": len(result.start),
            "parameters": result.parameter_names if named else None,
            "rows": result.rows,
            "start": result.start if named else None,
            "start_loss": result.start_loss,
        },
        "optimizer": {"name": result.optimizer, "options": dict(result.optimizer_options)},
        "steps": result.steps,
        "batch_size": result.batch_size,
        "seeds": result.seeds,
        "goal": result.goal,
        "loss_at_goal": result.excess_to_reach,
        "floor": result.floor,
        "floor_kind": result.floor_kind,
        "bottom_seen": result.bottom_seen,
        "predicted_limit": result.predicted_limit,
        "measured_limit": result.measured_limit,
        "landmarks": [
            {
                "name": mark.name,
                "predicted": mark.predicted,
                "measured": mark.measured,
                "difference": mark.difference,
                "resolution": mark.resolution,
                "kind": mark.kind,
            }
            for mark in result.landmarks
        ],
        "zones": [{"name": span.name, "low": span.low, "high": span.high} for span in result.zones],
        "recommended": None
        if found is None
        else {"value": found.value, "low": found.low, "high": found.high, "reason": found.reason},
        "advice": result.advice,
        "rates": result.rates,
        "final_losses": result.final_losses,
        "bands": {"low": result.final_low, "high": result.final_high} if len(result.seeds) > 1 else None,
        "steps_to_goal": result.steps_to_goal,
        "zone_of_each": result.zone_of_each,
        "crosses_valley": result.crosses_valley,
        "stalls_at": result.stalls_at,
        "stall_peaks": result.stall_peaks,
        "trials": [_trial(trial, result.steps) for trial in result.trials],
        "batched": result.batched,
        "probe": result.probe,
        "notes": result.notes,
    }


def _trial(trial: Trial, steps: int) -> dict[str, object]:
    return {
        "name": trial.name,
        "learning_rate": trial.learning_rate,
        "zone": trial.zone,
        "steps": steps,
        "steps_to_goal": trial.steps_to_goal,
        "first_loss": float(trial.losses[0]),
        "last_loss": float(trial.losses[-1]),
    }
