"""The report of a sweep: the rate slider leads, at home on the recommended rate."""

from pathlib import Path

import numpy as np

from fallline import _explain as explain
from fallline._errors import OptionError
from fallline._fit import run_of_trial
from fallline._loss_function import LossFunction
from fallline._records import SweepResult, Zone
from fallline._report._page import Page, write_report
from fallline._sweep import objective_of
from fallline._view._own_sweep import build_own_sweep_payload
from fallline._view._payload import build_payload, to_json
from fallline._view._rate_words import BEATS
from fallline._view._text import ViewText

_HOME, _EXAMPLE = "recommended rate", "rate shown first"


def sweep_report(result: SweepResult, path: str | Path, objective: LossFunction | None = None) -> None:
    """Write the report of a sweep: the rate slider, pictures of every rate, the zones in words, in one offline file.

    Args:
        result: what ``fl.sweep`` returned.
        path: the file to write; it appears whole or not at all.
        objective: what was swept, where that was your own.

    Raises:
        OptionError: it was your own, which the result does not hold, and is not given.
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> sweep_report(fl.sweep(epochs=20), folder / "sweep.html")
    >>> (folder / "sweep.html").stat().st_size > 100_000
    True
    """
    page = sweep_page(result, objective)
    write_report(page.payload_json, page.title, path, page.entry)


def sweep_page(result: SweepResult, own: LossFunction | None = None) -> Page:
    """What the page of a sweep is made of; ``own`` is what was swept, where that was somebody's own.

    Raises:
        OptionError: it was somebody's own, which the result does not hold, and is not given.
    """
    objective = objective_of(result)
    if objective is None:
        return _own_page(result, own)
    run = run_of_trial(result, objective, _first_shown(result))
    home = _EXAMPLE if result.recommended is None else _HOME
    payload = build_payload(run, objective, _words(result), result, home=home)
    payload["outcome"] = "recommended" if result.recommended is not None else "no safe rate"
    payload["run_title"] = "What the sweep says"
    payload["batch"]["size"] = result.rows  # every number on the page is of all rows
    if result.batch_size is not None and payload["frames"]["parts_uv"] is not None:
        # What the optimizer consumed was not kept, so its steps are drawn whole.
        payload["frames"]["parts_uv"] = [[] for _ in payload["frames"]["step"]]
    return Page(to_json(payload), f"{result.name}: learning rates · fallline")


def _own_page(result: SweepResult, objective: LossFunction | None) -> Page:
    """On somebody's own objective, of any size: the zones, and its runs on a plane of their paths."""
    if objective is None:
        raise OptionError(
            "The report of a sweep draws the loss itself, and the result of a sweep over your own loss function does "
            "not hold it: give it along, fl.report(result, path, objective=objective); fl.figures.zones(result) draws "
            "its zones alone."
        )
    payload = build_own_sweep_payload(result, objective, verdict(result))
    return Page(to_json(payload), f"{result.name}: learning rates · fallline", "compare.js")


def _first_shown(result: SweepResult) -> int:
    """The rate the page opens with: the recommended one, else one that shows its zone well."""
    if result.recommended is not None:
        return int(np.argmin(np.abs(np.log(result.rates / result.recommended.value))))
    for zone in (Zone.JUST_RIGHT, Zone.TOO_SMALL, Zone.BOUNCING, Zone.DIVERGING):
        if zone in result.example_of_zone:
            return result.example_of_zone[zone]
    return 0


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
        *explain.goal_sentences(result),
        *(
            f"{_capital(span.name.value)}, {explain.zone_range(span)}: {explain.zone_meaning(result, span)}."
            for span in result.zones
        ),
        *(f"{_capital(explain.landmark_sentence(mark))}." for mark in result.landmarks),
        *explain.stall_sentences(result),
        *explain.folklore_sentences(result),
    ]
