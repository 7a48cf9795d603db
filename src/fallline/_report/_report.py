"""``fl.report``: any result with a page of its own, as one offline HTML file."""

from collections.abc import Callable
from pathlib import Path

from fallline._errors import OptionError
from fallline._fit import objective_of, rates_of, summarised
from fallline._loss_function import LossFunction
from fallline._records import Answer, Backprop, Comparison, Curvature, Recording, Run, Surface, SweepResult
from fallline._report._answer import answer_page
from fallline._report._backprop import backprop_page
from fallline._report._comparison import comparison_page
from fallline._report._curvature import curvature_page
from fallline._report._page import Page, write_report
from fallline._report._recording import recording_page
from fallline._report._surface import surface_page
from fallline._report._sweep import sweep_page
from fallline._view._payload import build_payload, to_json

_PAGES: tuple[tuple[type, Callable[..., Page]], ...] = (
    (Answer, answer_page),
    (Backprop, backprop_page),
    (Surface, surface_page),
    (Curvature, curvature_page),
    (Recording, recording_page),
)
"""Kinds of results with what makes their page; those of a run, a sweep and a comparison are below."""
Result = Run | Recording | SweepResult | Comparison | Answer | Backprop | Surface | Curvature


def report(run: Result, path: str | Path, *, objective: LossFunction | None = None) -> None:
    """Write the report of a run: its verdict and the live picture, in one HTML file that asks the network for nothing.

    Args:
        run: any recorded run; or what ``fl.watch`` recorded and ``fl.load`` read, and what ``fl.sweep``,
            ``fl.compare``, ``fl.why``, ``fl.backprop``, ``fl.surface`` or ``fl.curvature`` found: each has a page.
        path: the file to write; it appears whole or not at all.
        objective: your own, that of a sweep or a comparison on it: their results do not hold it.

    Raises:
        OptionError: this has no page, or that of a sweep or a comparison wants the objective.
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> fl.report(fl.fit(epochs=3), folder / "three.html")
    >>> "<!doctype html>" in (folder / "three.html").read_text(encoding="utf-8").lower()
    True
    """
    page = page_of(run, objective)
    write_report(page.payload_json, page.title, path, page.entry)


def page_of(result: Result, objective: LossFunction | None = None) -> Page:
    """What the page of any result is made of: a report writes it to a file, a notebook shows it.

    Raises:
        OptionError: this has no page, or it wants the objective.
    """
    if isinstance(result, Comparison):
        return comparison_page(result, objective)
    if isinstance(result, SweepResult):
        return sweep_page(result, objective)
    if objective is not None:
        raise OptionError("objective= goes with the result of a sweep or a comparison on your own objective.")
    for kind, made in _PAGES:
        if isinstance(result, kind):
            return made(result)
    if not isinstance(result, Run):
        raise OptionError(f"fl.report takes a run, not {type(result).__name__}: fl.load reads one from its file.")
    told = summarised(result)
    payload = build_payload(told, objective_of(told), rates=rates_of(told))
    return Page(to_json(payload), f"{result.header.name} · fallline")
