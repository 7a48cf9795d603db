"""A sweep: many learning rates, each run for real, and the judgement on them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fallline._curvature import Limit
from fallline._problem import Problem, limit_at
from fallline._records import Floats, FloorKind, Landmark, LimitKind, Recommendation, SweepResult, Trial, Zone
from fallline._sweep._crossing import crosses_valley
from fallline._sweep._examples import example_of_each
from fallline._sweep._landmarks import Found, find_landmarks, frozen_landmark
from fallline._sweep._notes import notes_on
from fallline._sweep._probe import scales_with_rate
from fallline._sweep._rates import default_rates
from fallline._sweep._recommend import Picture, chosen_rate, nothing_to_remove, reason_for, why_none
from fallline._sweep._runs import Progress, Runner, Runs
from fallline._sweep._settling import hovers_at, saturates_from, still_plunges
from fallline._sweep._zones import Judgement, judge, middle, middle_run, spans

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
    problem: Problem,
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
    limit = limit_at(problem, runner.optimizer, runner.options)
    if rates is None:
        value = None if limit is None else limit.value
        runs = runner.run(default_rates(value, problem, starts[0], runner.optimizer))
        runs = _extended(runner, runs, goal)
    else:
        runs = runner.run(np.asarray(rates, dtype=np.float64))
    measured = _measure(runner, runs, goal)
    found = find_landmarks(
        runner,
        runs,
        measured.judgement,
        limit,
        bottom_seen=measured.bottom_seen and not measured.at_bottom,
        refine=refine,
    )
    choice = _choose(runner, runs, measured, goal, limit)
    landmarks = found.landmarks
    if choice.recommended is not None:
        frozen = _frozen(runner, runs, measured, choice)
        landmarks += () if frozen is None else (frozen,)
        if rates is None and choice.recommended.value not in runs.rates:
            runs = runs.joined(choice.runs_at(choice.recommended.value))
            measured = _measure(runner, runs, goal)
    return _result(runner, runs, measured, choice, Found(landmarks, found.measured_limit), goal)


class _Measured(NamedTuple):
    """What was read off the runs."""

    judgement: Judgement
    crosses: tuple[bool | None, ...]
    stalls: Floats
    """[B] NaN where a run does not cycle."""
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


def _extended(runner: Runner, runs: Runs, goal: float) -> Runs:
    """More rates at either end, until rates that creep and rates that bounce or diverge are both seen."""
    for extension in range(EXTENSIONS):
        measured = _measure(runner, runs, goal)
        zones = measured.judgement.zones
        low, high = float(runs.rates[0]), float(runs.rates[-1])
        ends = []
        found = measured.judgement.just_right
        wide = found is not None and high > WIDE * runs.rates[found[0]]  # a loss without a minimum bears any rate
        if zones[-1] in (Zone.TOO_SMALL, Zone.JUST_RIGHT) and high < HIGHEST_RATE and not wide:
            ends.append(np.geomspace(high, high * EXTENDED_BY, RATES_OF_EXTENSION)[1:])
        if zones[0] is not Zone.TOO_SMALL and low > LOWEST_RATE and np.isfinite(runs.losses[0, 0, 0]):
            ends.append(np.geomspace(low / EXTENDED_BY, low, RATES_OF_EXTENSION)[:-1])
        if measured.at_bottom or runner.options.get("maximize") or saturates_from(runs.losses[0]) is not None:
            break  # other rates would say nothing else
        if not ends or (extension >= BLIND and not measured.bottom_seen):
            break
        runs = runs.joined(runner.run(np.sort(np.concatenate(ends))))
    return runs


def _measure(runner: Runner, runs: Runs, goal: float) -> _Measured:
    """Floor, zones, crossings and stalls of these runs."""
    known = runner.problem.objective.floor
    finite = runs.losses[np.isfinite(runs.losses)]
    lowest = float(finite.min()) if finite.size else float("nan")
    middle_losses = middle_run(runs.losses)
    bottom_seen = known is not None or not still_plunges(middle_losses)
    floor, kind, unreached = (lowest, FloorKind.LOWEST_SEEN, None)
    if known is not None:
        floor, kind = known, FloorKind.OPTIMUM
        settled = _settled_elsewhere(runner, runs, known, goal)
        if settled is not None:
            floor, kind, unreached = settled, FloorKind.LOWEST_SEEN, known

    start_loss = float(runs.losses[0, 0, 0])
    at_bottom = bottom_seen and np.isfinite(start_loss) and nothing_to_remove(start_loss, floor)

    def judged(crosses: tuple[bool | None, ...] | None) -> Judgement:
        return judge(
            runs.losses,
            goal=goal,
            floor=floor,
            rates=runs.rates,
            kept=runs.kept,
            crosses=crosses,
            aimless=at_bottom or not bottom_seen,
        )

    judgement = judged(None)
    crosses: tuple[bool | None, ...] = (None,) * len(runs.rates)
    if runs.crossing is not None:
        crosses = crosses_valley(*runs.crossing, judgement.steps_to_goal)
    if judgement.just_right is None:
        judgement = judged(crosses)
    stalls = hovers_at(middle_losses, floor)
    stalls[[zone is Zone.DIVERGING for zone in judgement.zones]] = np.nan
    return _Measured(judgement, crosses, stalls, kind, bottom_seen, at_bottom, unreached)


def _settled_elsewhere(runner: Runner, runs: Runs, floor: float, goal: float) -> float | None:
    """The lowest loss that a run settled at, where no run ends at the goal over the known floor; else None."""
    losses, objective = runs.losses[0], runner.problem.objective
    with np.errstate(all="ignore"):
        there = losses[-1] <= floor + (1 - goal) * (losses[0] - floor)
        if runner.problem.quadratic is not None or there.any():
            return None
        first, last = (np.linalg.norm(objective.gradient(runs.trajectories[place]), axis=-1) for place in (0, -1))
        settled = (last <= SETTLED * first) & (losses[-1] < losses[0])
    return float(losses[-1][settled].min()) if settled.any() else None


def _choose(runner: Runner, runs: Runs, measured: _Measured, goal: float, limit: Limit | None) -> _Choice:
    """A rate, its reason, and real runs at a third of it, at it and at three times it."""
    judgement = measured.judgement
    losses = middle_run(runs.losses)
    picture = Picture(
        runs.rates,
        losses,
        judgement,
        goal,
        runner.steps,
        limit,
        measured.bottom_seen,
        measured.at_bottom,
        bool(runner.options.get("maximize")),
        _cap(runner, limit),
    )
    value = chosen_rate(picture)
    if value is None or judgement.just_right is None:
        return _Choice(None, why_none(picture), (), None)
    low, high = picture.interval(judgement.just_right)
    trials, trial_runs = _try(runner, value, judgement, goal)
    if trials[1].zone is not Zone.JUST_RIGHT:  # between measured rates anything may happen on a rough surface
        inside = [
            rate
            for rate in runs.rates[slice(judgement.just_right[0], judgement.just_right[1] + 1)].tolist()
            if rate <= picture.most
        ]
        value = min(inside, key=lambda rate: abs(np.log(rate / value)))
        trials, trial_runs = _try(runner, value, judgement, goal)
    reason = reason_for(picture, value)
    return _Choice(Recommendation(value, low, high, reason), reason, trials, trial_runs)


def _cap(runner: Runner, limit: Limit | None) -> bool:
    """Whether a limit is one to keep half of: it holds at the bottom. That of a steeper place says nothing there."""
    if limit is None:
        return False
    objective = runner.problem.objective
    return limit.kind is LimitKind.PROVABLE or (limit.kind is LimitKind.LOCAL and objective.floor is not None)


def _try(runner: Runner, value: float, judgement: Judgement, goal: float) -> tuple[tuple[Trial, ...], Runs]:
    runs = runner.run(np.array([factor * value for factor, _ in TRIALS]))
    alone = judge(runs.losses, goal=goal, floor=judgement.floor, kept=runs.kept)
    trials = tuple(
        Trial(
            name=name,
            learning_rate=float(runs.rates[place]),
            losses=runs.losses[0, :, place],
            parameters=runs.trajectories[:, place],
            zone=judgement.zone_beside(alone.zones[place], alone.steps_to_goal[place], above=factor > 1),
        )
        for place, (factor, name) in enumerate(TRIALS)
    )
    return trials, runs


def _frozen(runner: Runner, runs: Runs, measured: _Measured, choice: _Choice) -> Landmark | None:
    if choice.runs is None or choice.runs.preconditioners is None:
        return None
    at, diagonal = choice.runs.trajectories[-1, 1], choice.runs.preconditioners[1]
    return frozen_landmark(runner, measured.judgement, runs.rates, measured.stalls, at, diagonal)


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
        start=runs.trajectories[0, 0],
        steps=runner.steps,
        rows=problem.rows,
        batch_size=runner.batch_size,
        seeds=runner.seeds,
        goal=goal,
        start_loss=float(runs.losses[0, 0, 0]),
        floor=judgement.floor,
        floor_kind=measured.floor_kind,
        rates=runs.rates,
        final_losses=middle(ends),
        final_low=np.sort(ends, axis=0)[0],
        final_high=np.sort(ends, axis=0)[-1],
        steps_to_goal=judgement.steps_to_goal,
        zone_of_each=judgement.zones,
        crosses_valley=measured.crosses,
        stalls_at=tuple(None if np.isnan(excess) else float(excess) for excess in measured.stalls),
        zones=spans(runs.rates, judgement.zones),
        landmarks=found.landmarks,
        measured_limit=found.measured_limit,
        recommended=choice.recommended,
        advice=choice.advice,
        trials=choice.trials,
        example_of_zone=example_of_each(runs.rates, judgement, choice.recommended),
        losses=runs.losses[0],
        trajectories=runs.trajectories,
        batched=runs.batched,
        probe=runs.probe,
        notes=notes_on(
            runner, runs, judgement, measured.floor_kind, measured.out_of_reach, bottom_seen=measured.bottom_seen
        ),
        crossed=None if runs.crossing is None else runs.crossing[0],
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
    )
