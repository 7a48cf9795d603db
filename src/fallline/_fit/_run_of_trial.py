"""One rate of a sweep as a record of its own, so that whatever shows a run can show it."""

from dataclasses import replace

import numpy as np

from fallline._fit._measure import measure
from fallline._fit._record_problem import recorded_problem
from fallline._loss_function import LossFunction
from fallline._records import Floats, Header, Outcome, Run, Scaling, Step, Summary, SweepResult, Zone
from fallline._version import VERSION


def run_of_trial(result: SweepResult, objective: LossFunction, index: int) -> Run:
    """The run at one of the swept rates, as far as every step of it was kept.

    Losses, slopes and changes are of all rows, whatever batches its steps saw: that is what a sweep keeps.

    Args:
        result: of a table or a formula.
        objective: the loss that was swept.
        index: which of ``result.rates``.

    >>> import fallline as fl
    >>> from fallline._sweep import objective_of
    >>> swept = fl.sweep(epochs=5)
    >>> run = run_of_trial(swept, objective_of(swept), 0)
    >>> len(run), run.header.target, bool(run.header.learning_rate == swept.rates[0])
    (5, 'y', True)
    """
    path, losses = _kept_path(result, index)
    rate, steps = float(result.rates[index]), len(path) - 1
    header = _header(result, rate, steps)
    with np.errstate(all="ignore"):  # a diverging run's numbers are measurements
        gradient = objective.gradient(path[:-1]) if steps else path[:-1]
    taken = [
        Step(at, at // header.steps_per_epoch, rate, float(losses[at]), tuple(gradient[at]), tuple(path[at + 1]))
        for at in range(steps)
    ]
    columns = measure(recorded_problem(header, result.sample, result.moments), None, path[0], taken)
    columns = replace(columns, full_loss=losses[1:], full_loss_measured=np.ones(steps, dtype=np.bool_))
    return Run(header, columns, result.sample, result.moments, _summary(result, losses, index))


def _kept_path(result: SweepResult, index: int) -> tuple[Floats, Floats]:
    """[t + 1, P] and [t + 1]: up to the first step that was not kept, or the first point that is not finite."""
    kept = np.arange(result.steps + 1) if result.kept_steps is None else result.kept_steps
    gaps = np.flatnonzero(np.diff(kept) != 1)
    points = int(gaps[0]) + 1 if len(gaps) else len(kept)
    path, losses = result.trajectories[:points, index], result.losses[:points, index]
    sound = np.isfinite(path).all(axis=1) & np.isfinite(losses)
    last = points if sound.all() else int(np.argmin(sound)) + 1
    return path[:last], losses[:last]


def _header(result: SweepResult, rate: float, steps: int) -> Header:
    if result.source is None or result.source_hash is None or result.loss_name is None:
        raise ValueError("a sweep over somebody's own loss function does not hold what it ran on")
    batch_size = result.rows if result.batch_size is None else result.batch_size
    per_epoch = 1 if result.rows is None or batch_size is None else -(-result.rows // batch_size)
    return Header(
        name=result.name,
        source=result.source,
        source_hash=result.source_hash,
        rows=result.rows,
        target=result.target,
        features=result.features or (),
        parameter_names=result.parameter_names,
        loss=result.loss_name,
        optimizer=result.optimizer,
        optimizer_options=result.optimizer_options,
        learning_rate=rate,
        learning_rate_reason="",
        schedule="",
        epochs=-(-steps // per_epoch),
        batch_size=batch_size,
        seed=result.seeds[0],
        dtype="float64",  # of a sweep's runs, whatever a fit would use
        scaling=result.scaling or Scaling((), ()),
        start=tuple(result.start.tolist()),
        start_loss=result.start_loss,
        versions={"fallline": VERSION},
        started=None,
        formula=result.formula,
    )


def _summary(result: SweepResult, losses: Floats, index: int) -> Summary:
    limit = next((mark for mark in result.landmarks if mark.name == "stability limit"), None)
    diverged = result.zone_of_each[index] is Zone.DIVERGING
    return Summary(
        outcome=Outcome.DIVERGED if diverged else Outcome.DESCENDING,
        learned={},
        exact=None,
        first_loss=result.start_loss,
        last_loss=float(losses[-1]),
        best_loss=float(np.nanmin(losses)),
        stability_limit=None if limit is None else limit.predicted,
        limit_kind=None if limit is None else limit.kind,
        share_of_limit=None if limit is None else float(result.rates[index]) / limit.predicted,
        condition_number=None,
        sharpness=None,
        flattest=None,
        raw_condition_number=None,
        raw_stability_limit=None,
        raw_steps=None,
        steps_to_finish=None,
        separable=False,
        seconds=0.0,
    )
