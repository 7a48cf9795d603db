"""The report of a sweep: the rate slider leads, at home on the recommended rate."""

from pathlib import Path

import numpy as np

from fallline import _explain as explain
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._reach import measure_reach
from fallline._records import Columns, Header, LimitKind, Outcome, Run, Scaling, Summary, SweepResult, Zone
from fallline._report._page import write_report
from fallline._sweep import objective_of
from fallline._version import VERSION
from fallline._view._payload import build_payload, to_json
from fallline._view._rate_words import BEATS
from fallline._view._text import ViewText

_HOME, _EXAMPLE = "recommended rate", "rate shown first"


def sweep_report(result: SweepResult, path: str | Path) -> None:
    """Write the report of a sweep: the rate slider, pictures of every rate, the zones in words, in one offline file.

    Args:
        result: what ``fl.sweep`` returned.
        path: the file to write; it appears whole or not at all.

    Raises:
        OptionError: the sweep was over somebody's own loss function, which the result does not hold.
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> sweep_report(fl.sweep(epochs=20), folder / "sweep.html")
    >>> (folder / "sweep.html").stat().st_size > 100_000
    True
    """
    objective = objective_of(result)
    if objective is None:
        raise OptionError(
            "The report of a sweep draws the loss itself, and the result of a sweep over your own loss function does "
            "not hold it: fl.figures.zones(result) draws its zones."
        )
    run = _run_at(result, objective, _first_shown(result))
    home = _EXAMPLE if result.recommended is None else _HOME
    payload = build_payload(run, objective, _words(result), result, home=home)
    payload["outcome"] = "recommended" if result.recommended is not None else "no safe rate"
    payload["run_title"] = "What the sweep says"
    write_report(to_json(payload), f"{result.name}: learning rates · fallline", path)


def _first_shown(result: SweepResult) -> int:
    """The rate the page opens with: the recommended one, else one that shows its zone well."""
    if result.recommended is not None:
        return int(np.argmin(np.abs(np.log(result.rates / result.recommended.value))))
    for zone in (Zone.JUST_RIGHT, Zone.TOO_SMALL, Zone.BOUNCING, Zone.DIVERGING):
        if zone in result.example_of_zone:
            return result.example_of_zone[zone]
    return 0


def _run_at(result: SweepResult, objective: LossFunction, index: int) -> Run:
    """One rate's run as a record of its own, as far as every step of it was kept."""
    kept = np.arange(result.steps + 1) if result.kept_steps is None else result.kept_steps
    gaps = np.flatnonzero(np.diff(kept) != 1)
    points = int(gaps[0]) + 1 if len(gaps) else len(kept)
    path, losses = result.trajectories[:points, index], result.losses[:points, index]
    sound = np.isfinite(path).all(axis=1) & np.isfinite(losses)
    if not sound.all():
        points = int(np.argmin(sound)) + 1
        path, losses = path[:points], losses[:points]
    rate = float(result.rates[index])
    columns = _columns(objective, path, losses, rate)
    summary = _summary(result, losses, index)
    return Run(_header(result, rate, len(columns)), columns, result.sample, result.moments, summary)


def _columns(objective: LossFunction, path: np.ndarray, losses: np.ndarray, rate: float) -> Columns:
    """What the loss over all rows says of every step."""
    before, after = path[:-1], path[1:]
    steps = len(before)
    with np.errstate(all="ignore"):
        gradient = objective.gradient(before) if steps else np.empty_like(before)
        update = after - before
        promised = np.einsum("tp,tp->t", gradient, update)
        came = objective.change(before, after) if steps else np.empty(0)
        rounding = (
            8 * np.finfo(np.float64).eps * np.einsum("tp,tp->t", np.abs(update), np.abs(gradient) + np.abs(before))
        )
        reach, measured = measure_reach(promised, 2 * (came - promised), rounding, 2 * rounding)
    return Columns(
        epoch=np.arange(steps, dtype=np.float64),
        learning_rate=np.full(steps, rate),
        loss=losses[:-1],
        real_change=came,
        first_order_change=promised,
        reach=reach,
        reach_measured=measured,
        full_loss=losses[1:],
        full_loss_measured=np.ones(steps, dtype=np.bool_),
        gradient=gradient,
        parameters=after,
    )


def _header(result: SweepResult, rate: float, steps: int) -> Header:
    return Header(
        name=result.name,
        source=result.name if result.formula is None else result.formula,
        source_hash="",
        rows=result.rows,
        target=result.target,
        features=result.features or (),
        parameter_names=result.parameter_names,
        loss=result.loss_name or "",
        optimizer=result.optimizer,
        optimizer_options=result.optimizer_options,
        learning_rate=rate,
        learning_rate_reason="",
        schedule="",
        epochs=steps,
        batch_size=result.rows,  # every number on the page is of all rows
        seed=result.seeds[0],
        dtype="float64",
        scaling=result.scaling or Scaling((), ()),
        start=tuple(result.start.tolist()),
        start_loss=result.start_loss,
        versions={"fallline": VERSION},
        started="",
        formula=result.formula,
    )


def _summary(result: SweepResult, losses: np.ndarray, index: int) -> Summary:
    limit = next((mark for mark in result.landmarks if mark.name == "stability limit"), None)
    diverged = result.zone_of_each[index] is Zone.DIVERGING
    kind = None if limit is None else limit.kind
    return Summary(
        outcome=Outcome.DIVERGED if diverged else Outcome.DESCENDING,
        learned={},
        exact=None,
        first_loss=result.start_loss,
        last_loss=float(losses[-1]),
        best_loss=float(np.nanmin(losses)),
        stability_limit=None if limit is None else limit.predicted,
        limit_kind=LimitKind.PROVABLE if limit is not None and kind is None else kind,
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


def _words(result: SweepResult) -> ViewText:
    """The sweep's own words; those of a step are the loop's only where a step saw all there is."""
    index = _first_shown(result)
    plain = ViewText()
    whole = result.batch_size is None
    said = [explain.rate_sentence(result, index)]
    return ViewText(
        verdict=lambda _run: verdict(result),
        data_line=lambda _run: "",
        conversion_line=lambda _run: "" if result.scaling is None else plain.conversion_line(_run),
        subtitle=lambda _run: explain.sweep_line(result),
        step_sentences=plain.step_sentences if whole else lambda _run, _step: said,
        step_beats=plain.step_beats if whole else lambda _run, _step: list(BEATS),
        reach_note=plain.reach_note if whole else lambda _run, _step: "",
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def verdict(result: SweepResult) -> list[str]:
    """Everything the sweep has to say: the answer, the goal, each zone, the marks, the folklore."""
    return [
        *explain.recommendation_sentences(result),
        explain.goal_line(result),
        *(
            f"{_capital(span.name.value)}, {explain.zone_range(span)}: {explain.zone_meaning(result, span)}."
            for span in result.zones
        ),
        *(f"{_capital(explain.landmark_sentence(mark))}." for mark in result.landmarks),
        *explain.stall_sentences(result),
        *explain.folklore_sentences(result),
    ]
