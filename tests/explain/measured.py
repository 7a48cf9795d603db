"""A small sweep that is measured here, by a loop written out: (w − 3)² + 1 from w = 5, by plain descent."""

from dataclasses import replace
from itertools import groupby

import numpy as np

from fallline._records import (
    Floats,
    FloorKind,
    Landmark,
    LimitKind,
    Recommendation,
    SweepResult,
    Trial,
    Zone,
    ZoneSpan,
)

LIMIT = 1.0
"""2 / λ with λ = 2."""
START, MINIMUM, FLOOR = 5.0, 3.0, 1.0


def descent(rates: Floats, steps: int) -> tuple[Floats, Floats]:
    """Parameters [T + 1, B, 1] and losses [T + 1, B]."""
    w = np.full(len(rates), START)
    path = [w]
    with np.errstate(all="ignore"):  # some of them diverge
        for _ in range(steps):
            w = w - rates * 2 * (w - MINIMUM)
            path.append(w)
        stack = np.stack(path)
        return stack[:, :, None], (stack - MINIMUM) ** 2 + FLOOR


def parabola_sweep(rates: Floats | None = None, steps: int = 40, goal: float = 0.99) -> SweepResult:
    """The sweep of these rates, by the definitions of docs/semantics.md for one parameter."""
    rates = np.geomspace(0.001, 3.0, 25) if rates is None else rates
    trajectories, losses = descent(rates, steps)
    start, final = losses[0, 0], losses[-1]
    enough = FLOOR + (1 - goal) * (start - FLOOR)
    reached = [np.flatnonzero(losses[:, k] <= enough) for k in range(len(rates))]
    needed = tuple(int(found[0]) if found.size and final[k] <= enough else None for k, found in enumerate(reached))
    fewest = min((steps for steps in needed if steps is not None), default=0)
    zones = tuple(_zone(float(final[k]), needed[k], fewest, float(value), start) for k, value in enumerate(rates))
    right = rates[[zone is Zone.JUST_RIGHT for zone in zones]]
    value = float(min(np.sqrt(right[0] * right[-1]), LIMIT / 2)) if right.size else None
    found = None if value is None else Recommendation(value, float(right[0]), float(right[-1]), "half the limit is 0.5")
    diverging = rates[[zone is Zone.DIVERGING for zone in zones]]
    measured = float(diverging[0]) if diverging.size else None
    return SweepResult(
        name="(w − 3)² + 1",
        parameter_names=("w",),
        optimizer="SGD",
        optimizer_options={},
        start=np.array([START]),
        steps=steps,
        rows=None,
        batch_size=None,
        seeds=(0,),
        goal=goal,
        start_loss=float(start),
        floor=FLOOR,
        floor_kind=FloorKind.OPTIMUM,
        rates=rates,
        final_losses=final,
        final_low=final,
        final_high=final,
        steps_to_goal=needed,
        zone_of_each=zones,
        crosses_valley=tuple(bool(value > LIMIT / 2) for value in rates),
        stalls_at=(None,) * len(rates),
        zones=_spans(rates, zones),
        landmarks=(
            Landmark("stability limit", LIMIT, measured, LimitKind.PROVABLE),
            Landmark("crosses the valley", LIMIT / 2, None, None),
        ),
        measured_limit=measured,
        recommended=found,
        advice="half the limit is 0.5" if found else "no safe answer: every rate diverged",
        trials=() if value is None else _trials(value, steps, zones, rates),
        example_of_zone={zone: zones.index(zone) for zone in Zone if zone in zones},
        losses=losses,
        trajectories=trajectories,
        batched=True,
        probe="SGD's step is proportional to its rate, as a probe of 50 steps showed, so all rates ran in one batch.",
    )


def stalling_sweep() -> SweepResult:
    """The same with what adaptive optimizers and several starts add."""
    made = parabola_sweep(np.array([0.01, 0.1, 0.3, 0.6]))
    return replace(
        made,
        optimizer="Adam",
        optimizer_options={"betas": (0.8, 0.99)},
        seeds=(0, 1, 2),
        final_low=made.final_losses * 0.9,
        final_high=made.final_losses * 1.1,
        stalls_at=(None, None, 0.002, 0.05),
        crosses_valley=(None, False, True, True),
        zone_of_each=(Zone.TOO_SMALL, Zone.JUST_RIGHT, Zone.BOUNCING, Zone.BOUNCING),
        zones=_spans(made.rates, (Zone.TOO_SMALL, Zone.JUST_RIGHT, Zone.BOUNCING, Zone.BOUNCING)),
        steps_to_goal=(None, 11, None, None),
        recommended=Recommendation(0.1, 0.1, 0.1, "it is the only one"),
        landmarks=(Landmark("stability limit", 2.5, None, LimitKind.FROZEN),),
        measured_limit=None,
        batched=False,
        probe="Each rate ran by itself.",
    )


def hopeless_sweep() -> SweepResult:
    """Every rate diverges."""
    return parabola_sweep(np.array([1.5, 2.0, 40.0]), steps=400)


def _zone(final: float, needed: int | None, fewest: int, rate: float, start: float) -> Zone:
    if not np.isfinite(final) or final > start:
        return Zone.DIVERGING
    if needed is not None and needed <= 3 * fewest:
        return Zone.JUST_RIGHT
    return Zone.TOO_SMALL if rate < LIMIT / 2 else Zone.BOUNCING


def _spans(rates: Floats, zones: tuple[Zone, ...]) -> tuple[ZoneSpan, ...]:
    spans = []
    for zone, group in groupby(range(len(rates)), key=lambda k: zones[k]):
        inside = list(group)
        spans.append(ZoneSpan(zone, float(rates[inside[0]]), float(rates[inside[-1]])))
    return tuple(spans)


def _trials(value: float, steps: int, zones: tuple[Zone, ...], rates: Floats) -> tuple[Trial, ...]:
    names = ("a third of it", "the recommended rate", "three times it")
    trials = []
    for name, factor in zip(names, (1 / 3, 1.0, 3.0), strict=True):
        path, losses = descent(np.array([value * factor]), steps)
        zone = zones[int(np.argmin(np.abs(np.log(rates / (value * factor)))))]
        trials.append(Trial(name, value * factor, losses[:, 0], path[:, 0], zone))
    return tuple(trials)
