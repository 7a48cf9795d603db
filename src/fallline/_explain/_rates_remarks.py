"""What a reader of a sweep may stumble over: a modest goal, a limit that limits nothing, how the rates were run."""

import numpy as np

from fallline._records import FloorKind, LimitKind, Moments, SweepResult, Zone
from fallline._wording import number, percent, written

FAR = 1.5
"""Times the lowest loss: a recommended run that ends higher has left much, whatever part of the start it removed."""
HARDER_GOALS = (0.999, 0.9999, 0.99999, 0.999999)
WORTH_TELLING = 100.0
"""How many times rounder standardising must make the bowl to be mentioned."""


def ending_sentences(result: SweepResult) -> list[str]:
    """That the recommended run ends far above the lowest loss, and what asks for more; nothing where it is near."""
    trial = next((one for one in result.trials if one.name == "the recommended rate"), None)
    if trial is None or result.floor_kind is not FloorKind.OPTIMUM or not result.floor > 0:
        return []
    end, excess = float(trial.losses[-1]), float(trial.losses[0]) - result.floor
    if not np.isfinite(end) or end < FAR * result.floor:
        return []
    left = percent((end - result.floor) / excess)
    told = (
        f"It ends at {number(end)}, {number(end / result.floor, 2)} times the lowest loss possible, "
        f"{number(result.floor)}: {left} of the excess loss at the start is left."
    )
    harder = next((goal for goal in HARDER_GOALS if (1 - goal) * excess <= 0.1 * result.floor), None)
    if harder is not None and harder > result.goal:
        told += f" --goal {harder:g} asks for {number(result.floor + (1 - harder) * excess)}."
    return [told + _rounder(result)]


def _rounder(result: SweepResult) -> str:
    """What standardising would make of the bowl; empty where it is standardised, or would hardly be rounder."""
    if result.moments is None or result.scaling is None or not result.scaling.is_identity:
        return ""
    raw, standardised = condition_numbers(result.moments)
    if not raw >= WORTH_TELLING * standardised:
        return ""
    return (
        " Standardising the features would take the bowl's condition number from "
        f"{number(raw, 2)} to {number(standardised, 2)}."
    )


def condition_numbers(moments: Moments) -> tuple[float, float]:
    """Largest over smallest curvature of a bowl on raw features, and on the same features standardised.

    The last parameter is the bias, so that H / 2 = [[E x xᵀ, E x], [E xᵀ, 1]]; standardised it is the features'
    correlation matrix beside a 1. NaN where a feature does not vary.
    """
    half = moments.hessian / moments.hessian[-1, -1]
    mean = half[:-1, -1]
    covariance = half[:-1, :-1] - np.outer(mean, mean)
    spread = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    if not (spread > 0).all():
        return float("nan"), float("nan")
    round_one = np.eye(len(half))
    round_one[:-1, :-1] = covariance / np.outer(spread, spread)
    raw, standardised = (np.linalg.eigvalsh(matrix) for matrix in (half, round_one))
    if raw[0] <= 0 or standardised[0] <= 0:
        return float("nan"), float("nan")
    return float(raw[-1] / raw[0]), float(standardised[-1] / standardised[0])


def frozen_sentences(result: SweepResult) -> list[str]:
    """That a threshold of a frozen preconditioner limits nothing here, where rates above it are just right."""
    mark = next((mark for mark in result.landmarks if mark.kind is LimitKind.FROZEN), None)
    if mark is None:
        return []
    beyond = [
        float(value)
        for value, zone in zip(result.rates, result.zone_of_each, strict=True)
        if zone is Zone.JUST_RIGHT and value > mark.predicted
    ]
    if not beyond:
        return []
    return [
        f"The {mark.name} {written(mark.predicted)} limits nothing here: {written(beyond[-1])} is just right at "
        f"{percent(beyond[-1] / mark.predicted)} of it. It is that of the preconditioner at the end of one run, the "
        "recommended one, and moves with the rate."
    ]


def probe_sentences(result: SweepResult) -> list[str]:
    """How the rates were run, for a reader; the probe's own numbers are in the record."""
    if len(result.rates) == 1:
        return []
    if not result.batched:
        return [result.probe]
    return ["All rates ran in one batch; a probe beforehand found the same numbers as single runs."]
