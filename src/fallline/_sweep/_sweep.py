"""A sweep: many learning rates, each run for real, and the judgement on them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fallline._curvature import Limit
from fallline._problem import SweptProblem, limit_at
from fallline._records import Floats, FloorKind, Landmark, LimitKind, Mask, Recommendation, SweepResult, Trial, Zone
from fallline._sweep._examples import example_of_each
from fallline._sweep._landmarks import Found, find_landmarks, frozen_landmarks
from fallline._sweep._notes import notes_on
from fallline._sweep._probe import scales_with_rate
from fallline._sweep._rates import default_rates
from fallline._sweep._recommend import Picture, chosen_rate, nothing_to_remove, reason_for, why_none
from fallline._sweep._runs import Progress, Runner, Runs
from fallline._sweep._seeds import middle_run, of_seeds
from fallline._sweep._settling import saturates_from, still_plunges
from fallline._sweep._zones import Judgement, judge, spans

EXTENSIONS = 6
WIDE = 1e3
"""Times the lowest just right rate: larger ones need not be tried if they are just right as well."""
BLIND = 2
"""Of them, as long as no bottom is seen: there may be none."""
EXTENDED_BY = 100.0
RATES_OF_EXTENSION = 13
LOWEST_RATE, HIGHEST_RATE = 1e-15, 1e15
TRIALS = ((1 / 3, "a third of it"), (1.0, "the recommended rate"), (3.0, "three times it"))
SETTLED = 1e-3
"""Of the slope at the start: a run whose slope is below it has settled."""


def sweep_problem(
    problem: SweptProblem,
    start: Floats,
    *,
    optimizer: str,
    options: Mapping[str, object],
    steps: int,
    rates: Floats | None = None,
    goal: float = 0.99,
    batch_size: int | None = None,
    seeds: Sequence[int] = (0,),
    refine: bool = True,
    progress: Progress | None = None,
) -> SweepResult:
    """Run every rate and judge them; docs/semantics.md#zones.

    Args:
        problem: what is descended on.
        start: [P], or [K, P] one for each seed, in the training scale.
        optimizer: a class of ``torch.optim``, or ``momentum``, ``nesterov``.
        options: as ``optimizer_options`` returns them.
        steps: T updates of each run.
        rates: [B] rising; chosen unless given (:func:`default_rates`), and then the recommended rate is one of them.
        goal: the part of the excess loss that is to be removed.
        batch_size: rows per step; all of them unless given.
        seeds: [K] of the order of the batches.
        refine: place the limits more closely by further runs; else they lie on one of the rates.
        progress: called with (updates done, updates planned, lowest loss so far).

    Raises:
        OptionError: the optimizer cannot train such parameters.
        KeyboardInterrupt: Ctrl-C; nothing is left behind.
    """
    starts = np.broadcast_to(np.asarray(start, dtype=np.float64), (len(seeds), np.shape(start)[-1]))
    runner = Runner(
        problem,
        starts,
        optimizer=optimizer,
        options=options,
        steps=steps,
        batch_size=batch_size,
        seeds=seeds,
        progress=progress,
    )
    scales_with_rate(runner.optimizer, runner.options)  # refuses what cannot be run, before a formula of its limit
    limit = _limit(runner)
    if rates is None:
        value = None if limit is None else limit.value
        runs = runner.run(default_rates(value, problem, starts[0], runner.optimizer))
        runs = _extended(runner, runs, goal, limit)
    else:
        runs = runner.run(np.asarray(rates, dtype=np.float64))
    measured = _measure(runner, runs, goal, limit)
    found = find_landmarks(
        runner,
        runs,
        measured.judgement,
        limit,
        bottom_seen=measured.bottom_seen and not measured.at_bottom,
        refine=refine,
    )
    choice = _choose(runner, runs, measured, goal, limit)
    if choice.recommended is not None:
        found = Found(found.landmarks + _frozen(runner, runs, measured, choice, found), found.limit)
        if rates is None and choice.recommended.value not in runs.rates:
            runs = runs.joined(choice.runs_at(choice.recommended.value))
            measured = _measure(runner, runs, goal, limit)
    return _result(runner, runs, measured, choice, found, goal)


def _limit(runner: Runner) -> Limit | None:
    """That of all rows at once; for mini-batches no more than that."""
    limit = limit_at(runner.problem, runner.optimizer, runner.options)
    return limit if limit is None or runner.batch_size is None else Limit(limit.value, LimitKind.FULL_BATCH)


class _Measured(NamedTuple):
    """What was read off the runs."""

    judgement: Judgement
    floor_kind: FloorKind
    bottom_seen: bool
    at_bottom: bool
    """There is no excess loss to remove."""
    out_of_reach: float | None
    """The floor that is known, where no run came near and the lowest one settled elsewhere."""


class _Choice(NamedTuple):
    """What is recommended, and the runs that show it."""

    recommended: Recommendation | None
    advice: str
    trials: tuple[Trial, ...]
    runs: Runs | None
    """At a third of it, at it, at three times it."""

    def runs_at(self, rate: float) -> Runs:
        """The run at one of the rates of the trials."""
        if self.runs is None:
            raise ValueError("nothing was tried")
        return self.runs.only(int(np.flatnonzero(self.runs.rates == rate)[0]))


def _extended(runner: Runner, runs: Runs, goal: float, limit: Limit | None) -> Runs:
    """More rates at either end, until rates that creep and rates that bounce or diverge are both seen."""
    for extension in range(EXTENSIONS):
        measured = _measure(runner, runs, goal, limit)
        zones = measured.judgement.zones
        low, high = float(runs.rates[0]), float(runs.rates[-1])
        ends = []
        found = measured.judgement.just_right
        wide = found is not None and high > WIDE * runs.rates[found[0]]  # a loss without a minimum bears any rate
        if zones[-1] in (Zone.TOO_SMALL, Zone.JUST_RIGHT) and high < HIGHEST_RATE and not wide:
            ends.append(np.geomspace(high, high * EXTENDED_BY, RATES_OF_EXTENSION)[1:])
        if zones[0] is not Zone.TOO_SMALL and low > LOWEST_RATE and np.isfinite(runs.losses[0, 0, 0]):
            ends.append(np.geomspace(low / EXTENDED_BY, low, RATES_OF_EXTENSION)[:-1])
        if measured.at_bottom or runner.options.get("maximize") or saturates_from(runs.trajectories[0]) is not None:
            break  # other rates would say nothing else
        if not ends or (extension >= BLIND and not measured.bottom_seen):
            break
        runs = runs.joined(runner.run(np.sort(np.concatenate(ends))))
    return runs


def _measure(runner: Runner, runs: Runs, goal: float, limit: Limit | None) -> _Measured:
    """Floor, zones, crossings and stalls of these runs."""
    known = runner.problem.objective.floor
    finite = runs.losses[np.isfinite(runs.losses)]
    lowest = float(finite.min()) if finite.size else float("nan")
    bottom_seen = known is not None or not still_plunges(_by_end(runs.losses))
    floor, kind, unreached = (lowest, FloorKind.LOWEST_SEEN, None)
    if known is not None:
        floor, kind = known, FloorKind.OPTIMUM
        settled = _settled_elsewhere(runner, runs, known, goal)
        if settled is not None:
            floor, kind, unreached = settled, FloorKind.LOWEST_SEEN, known

    start_loss = float(runs.losses[0, 0, 0])
    at_bottom = bottom_seen and np.isfinite(start_loss) and nothing_to_remove(start_loss, floor)

    linear = limit is not None and limit.kind is LimitKind.PROVABLE  # a parabola, and an optimizer with a closed form
    judgement = judge(
        runs.losses,
        goal=goal,
        floor=floor,
        rates=None if linear else runs.rates,  # nothing is luck there
        kept=runs.kept,
        crossing=runs.crossing,
        stable=_below(limit, runs.rates),
        aimless=at_bottom or not bottom_seen,
    )
    return _Measured(judgement, kind, bottom_seen, at_bottom, unreached)


def _below(limit: Limit | None, rates: Floats) -> Mask | None:
    """[B] which rates lie below a provable limit, None where there is none."""
    return None if limit is None or limit.kind is not LimitKind.PROVABLE else rates < limit.value


def _by_end(losses: Floats) -> Floats:
    """[S, B] of runs [K, S, B] for each rate the one that ends in the middle."""
    ends = np.where(np.isnan(losses[:, -1]), np.inf, losses[:, -1])
    return middle_run(losses, np.argsort(ends, axis=0, kind="stable")[len(losses) // 2])


def _settled_elsewhere(runner: Runner, runs: Runs, floor: float, goal: float) -> float | None:
    """The lowest loss that a run settled at, where no run ends at the goal over the known floor; else None."""
    losses, objective = runs.losses[0], runner.problem.objective
    with np.errstate(all="ignore"):
        there = losses[-1] <= floor + (1 - goal) * (losses[0] - floor)
        if runner.problem.quadratic is not None or there.any():
            return None
        first, last = (np.linalg.norm(objective.gradient(runs.trajectories[0, place]), axis=-1) for place in (0, -1))
        settled = (last <= SETTLED * first) & (losses[-1] < losses[0])
    return float(losses[-1][settled].min()) if settled.any() else None


def _choose(runner: Runner, runs: Runs, measured: _Measured, goal: float, limit: Limit | None) -> _Choice:
    """A rate, its reason, and real runs at a third of it, at it and at three times it."""
    judgement = measured.judgement
    picture = Picture(
        rates=runs.rates,
        losses=middle_run(runs.losses, judgement.seeds),
        judgement=judgement,
        goal=goal,
        steps=runner.steps,
        limit=limit,
        bottom_seen=measured.bottom_seen,
        at_bottom=measured.at_bottom,
        maximizes=bool(runner.options.get("maximize")),
        capped=_cap(runner, limit),
        same_from=saturates_from(runs.trajectories[0]),
    )
    value = chosen_rate(picture)
    if value is None or judgement.just_right is None:
        return _Choice(None, why_none(picture), (), None)
    low, high = picture.interval(judgement.just_right)
    trials, needed, trial_runs = _try(runner, value, runs.rates, judgement, goal, limit)
    if trials[1].zone is not Zone.JUST_RIGHT:  # between measured rates anything may happen on a rough surface
        inside = [
            rate
            for rate in runs.rates[slice(judgement.just_right[0], judgement.just_right[1] + 1)].tolist()
            if rate <= picture.most
        ]
        value = min(inside, key=lambda rate: abs(np.log(rate / value)))
        trials, needed, trial_runs = _try(runner, value, runs.rates, judgement, goal, limit)
    reason = reason_for(picture, value, needed)
    return _Choice(Recommendation(value, low, high, reason), reason, trials, trial_runs)


def _cap(runner: Runner, limit: Limit | None) -> bool:
    """Whether a limit is one to keep half of: it holds at the bottom. That of a steeper place says nothing there."""
    if limit is None:
        return False
    at_bottom = runner.problem.objective.floor is not None
    return runner.problem.quadratic is not None or (limit.kind is LimitKind.LOCAL and at_bottom)


def _try(
    runner: Runner, value: float, rates: Floats, judgement: Judgement, goal: float, limit: Limit | None
) -> tuple[tuple[Trial, ...], int | None, Runs]:
    """The trials around ``value``, the steps that it took to the goal, and their runs."""
    runs = runner.run(np.array([factor * value for factor, _ in TRIALS]))
    stable = _below(limit, runs.rates)
    alone = judge(runs.losses, goal=goal, floor=judgement.floor, kept=runs.kept, stable=stable)
    losses = middle_run(runs.losses, alone.seeds)
    trials = tuple(
        Trial(
            name=name,
            learning_rate=float(runs.rates[place]),
            losses=losses[:, place],
            parameters=runs.trajectories[alone.seeds[place], :, place],
            parameters_at=runs.path_kept if len(runs.path_kept) < len(runs.kept) else None,
            zone=judgement.zone_beside(
                alone.zones[place],
                alone.steps_to_goal[place],
                place=int(np.searchsorted(rates, runs.rates[place])),
            ),
            steps_to_goal=alone.steps_to_goal[place],
        )
        for place, (_, name) in enumerate(TRIALS)
    )
    return trials, alone.steps_to_goal[1], runs


def _frozen(runner: Runner, runs: Runs, measured: _Measured, choice: _Choice, found: Found) -> tuple[Landmark, ...]:
    if choice.runs is None or choice.runs.preconditioners is None:
        return ()
    at, diagonal = choice.runs.trajectories[0, -1, 1], choice.runs.preconditioners[1]
    return frozen_landmarks(runner, measured.judgement, runs.rates, found.limit, at, diagonal)


def _result(runner: Runner, runs: Runs, measured: _Measured, choice: _Choice, found: Found, goal: float) -> SweepResult:
    """Everything put into the record."""
    problem, judgement = runner.problem, measured.judgement
    ends = runs.losses[:, -1]
    origin = problem.origin
    return SweepResult(
        name=problem.name,
        parameter_names=problem.parameter_names,
        optimizer=runner.optimizer,
        optimizer_options=runner.options,
        start=runs.trajectories[0, 0, 0],
        steps=runner.steps,
        rows=problem.rows,
        batch_size=runner.batch_size,
        seeds=runner.seeds,
        goal=goal,
        start_loss=float(runs.losses[0, 0, 0]),
        floor=judgement.floor,
        floor_kind=measured.floor_kind,
        rates=runs.rates,
        final_losses=of_seeds(ends, judgement.seeds),
        final_low=np.sort(ends, axis=0)[0],
        final_high=np.sort(ends, axis=0)[-1],
        steps_to_goal=judgement.steps_to_goal,
        zone_of_each=judgement.zones,
        crosses_valley=judgement.crosses,
        stalls_at=_or_none(judgement.hovering.middle),
        zones=spans(runs.rates, judgement.zones),
        landmarks=found.landmarks,
        measured_limit=None if found.limit is None else found.limit.rate,
        recommended=choice.recommended,
        advice=choice.advice,
        trials=choice.trials,
        example_of_zone=example_of_each(runs.rates, judgement, choice.recommended),
        losses=runs.losses[0],
        trajectories=runs.trajectories[0],
        batched=runs.batched,
        probe=runs.probe,
        notes=notes_on(
            runner, runs, judgement, measured.floor_kind, measured.out_of_reach, bottom_seen=measured.bottom_seen
        ),
        crossed=None if runs.crossing is None else runs.crossing[0][0],
        kept_steps=runs.kept,
        loss_name=problem.loss_name,
        formula=problem.formula,
        moments=None if problem.quadratic is None or problem.rows is None else problem.quadratic.moments,
        sample=problem.sample(),
        target=origin.target,
        features=origin.features,
        scaling=problem.scaling,
        optimum=problem.objective.optimum,
        dtype=problem.dtype,
        bottom_seen=measured.bottom_seen,
        stall_peaks=_or_none(judgement.hovering.highest),
        start_losses=runs.losses[:, 0, 0],
        source=None if problem.loss_name is None else origin.source,
        source_hash=None if problem.loss_name is None else origin.source_hash,
        path_steps=runs.path_kept if len(runs.path_kept) < len(runs.kept) else None,
    )


def _or_none(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in values)
