"""What the runs of a comparison come to: the record, judged from one floor."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._compare._about import about
from fallline._compare._arena import Arena, Flown
from fallline._compare._basins import has_basins, map_basins
from fallline._compare._contenders import Entry
from fallline._compare._difference import against_the_leader, confidence_of
from fallline._compare._judge import floor_of, judge, rounding_of
from fallline._compare._starts import Starts
from fallline._compare._trials import good_rates, good_span, slack_of
from fallline._compare._tuning import Tried
from fallline._formulas import Formula
from fallline._parts import parts_of
from fallline._records import OWN, Basins, Comparison, Contender, Floats, RateRuns, StepPart


class Field(NamedTuple):
    """What the runs that are shown have in common."""

    arena: Arena
    starts: Starts
    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...]
    trials: int
    goal: float
    common_rate: float
    common_reason: str
    deterministic: bool
    stopped: str | None
    """The note that Ctrl-C ended the tuning; None where nothing did."""


class Level(NamedTuple):
    """What excess is measured from, and against."""

    floor: float
    start_excess: Floats
    """[K]"""
    rounding: Floats
    """[K]"""


def comparison_of(field: Field, tried: Sequence[Tried], rates: Sequence[float], began: float) -> Comparison:
    """The runs at each contender's best rate (``rates``) and at the common one, and everything said about them."""
    arena, problem = field.arena, field.arena.problem
    best = [_fly(field, one, rate) for one, rate in zip(tried, rates, strict=True)]
    common = [_fly(field, one, field.common_rate) for one in tried]
    seen = [np.array(one.losses) for one in tried] + [runs.losses for runs in (*best, *common)]
    floor, floor_kind = floor_of(problem.objective.floor, seen)
    start_losses = best[0].losses[0, :, 0]
    level = Level(floor, start_losses - floor, rounding_of(start_losses, floor))
    contenders = tuple(
        _contender(field, one, rate, level, at_best, at_common)
        for one, rate, at_best, at_common in zip(tried, rates, best, common, strict=True)
    )
    terms = (arena.steps, level.start_excess, level.rounding, field.deterministic)
    ranking, at_best_found = against_the_leader(contenders, [one.best for one in contenders], *terms, tuned=True)
    _, at_common_found = against_the_leader(contenders, [one.common for one in contenders], *terms, tuned=False)
    return Comparison(
        name=problem.name,
        about=about(problem),
        parameter_names=problem.parameter_names,
        loss=problem.loss_name or OWN,
        rows=problem.rows,
        batch_size=arena.batch_size,
        epochs=arena.epochs,
        steps=arena.steps,
        goal=field.goal,
        floor=floor,
        floor_kind=floor_kind,
        seeds=field.seeds,
        tuning_seeds=field.tuning_seeds,
        starts=field.starts.shown,
        starts_drawn=field.starts.sentence,
        start_losses=start_losses,
        deterministic=field.deterministic,
        common_rate=field.common_rate,
        common_reason=field.common_reason,
        trials=field.trials,
        trial_runs=field.trials * len(field.tuning_seeds),
        measured_at=arena.measured_at,
        path_at=arena.path_at,
        contenders=contenders,
        ranking=ranking,
        at_best=at_best_found,
        at_common=at_common_found,
        confidence=confidence_of(len(contenders)),
        formula=problem.formula,
        moments=None if problem.quadratic is None else problem.quadratic.moments,
        sample=problem.sample(),
        optimum=problem.objective.optimum,
        basins=None if field.stopped is not None else _basins(field, tried, rates),
        seconds=time.perf_counter() - began,
        notes=(
            *([] if field.stopped is None else [field.stopped]),
            *problem.origin.notes,
            *getattr(problem.objective, "notes", ()),
        ),
    )


def _fly(field: Field, one: Tried, rate: float) -> Flown:
    return field.arena.run(one.entry, [rate], field.starts.shown, field.seeds)


def _contender(field: Field, one: Tried, rate: float, level: Level, best: Flown, common: Flown) -> Contender:
    """One optimizer's trials and its runs."""
    scores = one.scores(field.arena, field.goal, level.floor)
    # The rate stays what it was chosen to be, even where the shown runs have found a lower floor since.
    chosen = int(np.flatnonzero(scores.rates == rate)[0])
    span, last = good_span(scores), len(scores.rates) - 1
    low, high = (None, None) if span is None else (float(scores.rates[span[0]]), float(scores.rates[span[1]]))
    bounds = (float(np.median(level.rounding)), float(np.median(level.start_excess)))
    return Contender(
        name=one.entry.name,
        label=one.entry.label,
        optimizer=one.entry.optimizer,
        optimizer_options=dict(one.entry.options),
        limit=one.range.limit,
        range_kind=one.range.kind,
        rates=scores.rates,
        trial_steps=tuple(float(steps) if np.isfinite(steps) else None for steps in scores.steps),
        trial_excess=scores.excess,
        good=good_rates(scores),
        good_low=low,
        good_high=high,
        good_open=span is not None and (span[0] == 0 or span[1] == last),
        at_edge=chosen in (0, last),
        slack=slack_of(scores, unreached=field.arena.steps + 1, excess_bounds=bounds),
        best=_runs(field, one, rate, best, level),
        common=_runs(field, one, field.common_rate, common, level),
        batched=one.batched,
        probe=one.probe,
    )


def _runs(field: Field, one: Tried, rate: float, flown: Flown, level: Level) -> RateRuns:
    return runs_of_rate(field.arena, one.entry, rate, flown, goal=field.goal, floor=level.floor, seed=field.seeds[0])


def runs_of_rate(
    arena: Arena, entry: Entry, rate: float, flown: Flown, *, goal: float, floor: float, seed: int
) -> RateRuns:
    """The record of one rate's runs; ``seed`` is the first of them."""
    judged = judge(flown.losses, goal=goal, floor=floor, measured_at=arena.measured_at)
    return RateRuns(
        rate=rate,
        losses=flown.losses[0],
        path=flown.path,
        parts=_parts(arena, entry, rate, flown.path, seed),
        final_losses=flown.losses[0, :, -1],
        excess_left=judged.excess[0],
        steps_to_goal=tuple(int(steps) if np.isfinite(steps) else None for steps in judged.steps[0]),
        diverged=judged.diverged[0],
    )


def _parts(arena: Arena, entry: Entry, rate: float, path: Floats, seed: int) -> tuple[StepPart, ...] | None:
    """The terms of each step of a path [T + 1, P]; None for plain SGD, unknown optimizers, long runs."""
    if not arena.keeps_parts:
        return None
    gradients = arena.gradients(path, seed)
    parts = parts_of(entry.optimizer, entry.options, path, gradients, np.full(len(gradients), rate))
    plain = {"gradient", "unattributed"}
    return None if parts is None or {part.name for part in parts} <= plain else parts


def _basins(field: Field, tried: Sequence[Tried], rates: Sequence[float]) -> Basins | None:
    objective = field.arena.problem.objective
    if not isinstance(objective, Formula) or not has_basins(objective):
        return None
    entries = [one.entry for one in tried]
    return map_basins(objective, entries, rates, steps=field.arena.steps, meter=field.arena.meter)
