"""A sweep for the payload's tests, written out in NumPy: plain full-batch descent at every rate."""

from dataclasses import replace
from typing import Any

import numpy as np

from fallline._records import FloorKind, Landmark, LimitKind, Recommendation, Run, SweepResult, Zone, ZoneSpan


def made_sweep(run: Run, objective: Any, rates: np.ndarray | None = None, **changes: Any) -> SweepResult:
    """Every rate really run from the run's start; zones by simple rules that only need to look right."""
    limit = run.summary.stability_limit if run.summary is not None else 1.0
    if rates is None:
        rates = np.unique(np.append(np.geomspace(limit / 1000, 3 * limit, 48), run.header.learning_rate))
    steps = len(run)
    places = [np.tile(np.array(run.header.start), (len(rates), 1))]
    with np.errstate(all="ignore"):
        for _ in range(steps):
            places.append(places[-1] - rates[:, None] * objective.gradient(places[-1]))
        path = np.array(places)
        losses = objective.loss(path.reshape(-1, path.shape[2])).reshape(path.shape[:2])
    start_loss, floor = float(losses[0, 0]), float(run.moments.optimum_loss)
    goal_loss = floor + 0.01 * (start_loss - floor)
    reached = [int(np.argmax(at)) if at.any() else None for at in (losses <= goal_loss).T]
    fewest = min((steps for steps in reached if steps is not None), default=0)
    zones = tuple(_zone(*each, limit, start_loss, fewest) for each in zip(rates, losses[-1], reached, strict=True))
    right = [rate for rate, zone in zip(rates, zones, strict=True) if zone is Zone.JUST_RIGHT]
    middle = float(np.sqrt(right[0] * right[-1])) if right else limit / 4
    result = SweepResult(
        name=run.header.name,
        parameter_names=run.header.parameter_names,
        optimizer="SGD",
        optimizer_options={},
        start=path[0, 0],
        steps=steps,
        rows=run.header.rows,
        batch_size=None,
        seeds=(0,),
        goal=0.99,
        start_loss=start_loss,
        floor=floor,
        floor_kind=FloorKind.OPTIMUM,
        rates=rates,
        final_losses=losses[-1],
        final_low=losses[-1],
        final_high=losses[-1],
        steps_to_goal=tuple(reached),
        zone_of_each=zones,
        crosses_valley=tuple(bool(limit / 2 < rate) for rate in rates),
        stalls_at=(None,) * len(rates),
        zones=_spans(rates, zones),
        landmarks=(
            Landmark("stability limit", limit, limit * 1.01, LimitKind.PROVABLE),
            Landmark("crosses the valley", limit / 2, None, None),
        ),
        measured_limit=limit * 1.01,
        recommended=Recommendation(middle, right[0], right[-1], "made up") if right else None,
        advice="Made up.",
        trials=(),
        example_of_zone={zone: len(zones) - 1 - zones[::-1].index(zone) for zone in dict.fromkeys(zones)},
        losses=losses,
        trajectories=path,
        batched=True,
        probe="",
    )
    return replace(result, **changes)


def _zone(rate: float, final: float, reached: int | None, limit: float, start_loss: float, fewest: int) -> Zone:
    if not final <= start_loss:
        return Zone.DIVERGING
    if reached is not None and reached <= 3 * fewest:
        return Zone.JUST_RIGHT
    return Zone.TOO_SMALL if rate < limit / 2 else Zone.BOUNCING


def _spans(rates: np.ndarray, zones: tuple[Zone, ...]) -> tuple[ZoneSpan, ...]:
    spans = []
    first = 0
    for index in range(1, len(zones) + 1):
        if index == len(zones) or zones[index] is not zones[first]:
            spans.append(ZoneSpan(zones[first], float(rates[first]), float(rates[index - 1])))
            first = index
    return tuple(spans)
