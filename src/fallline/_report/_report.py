"""``fl.report``: any result with a page of its own, as one offline HTML file."""

from collections.abc import Callable
from pathlib import Path

from fallline._errors import OptionError
from fallline._fit import objective_of, rates_of, summarised
from fallline._records import Answer, Backprop, Comparison, Recording, Run, Surface, SweepResult
from fallline._report._answer import answer_page
from fallline._report._backprop import backprop_page
from fallline._report._comparison import comparison_page
from fallline._report._page import Page, write_report
from fallline._report._recording import recording_page
from fallline._report._surface import surface_page
from fallline._report._sweep import sweep_page
from fallline._view._payload import build_payload, to_json

_PAGES: tuple[tuple[type, Callable[..., Page]], ...] = (
    (SweepResult, sweep_page),
    (Comparison, comparison_page),
    (Answer, answer_page),
    (Backprop, backprop_page),
    (Surface, surface_page),
    (Recording, recording_page),
)
"""Each kind of result with what makes its page; that of a run is below."""


def report(run: Run | Recording | SweepResult | Comparison | Answer | Backprop | Surface, path: str | Path) -> None:
    """Write the report of a run: its verdict and the live picture, in one HTML file that asks the network for nothing.

    Args:
        run: any recorded run; or what ``fl.watch`` recorded and ``fl.load`` read, and what ``fl.sweep``,
            ``fl.compare``, ``fl.why``, ``fl.backprop`` or ``fl.surface`` found: each has a page of its own.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> fl.report(fl.fit(epochs=3), folder / "three.html")
    >>> "<!doctype html>" in (folder / "three.html").read_text(encoding="utf-8").lower()
    True
    """
    page = page_of(run)
    write_report(page.payload_json, page.title, path, page.entry)


def page_of(result: Run | Recording | SweepResult | Comparison | Answer | Backprop | Surface) -> Page:
    """What the page of any result is made of: a report writes it to a file, a notebook shows it.

    Raises:
        OptionError: this has no page.
    """
    for kind, made in _PAGES:
        if isinstance(result, kind):
            return made(result)
    if not isinstance(result, Run):
        raise OptionError(f"fl.report takes a run, not {type(result).__name__}: fl.load reads one from its file.")
    told = summarised(result)
    payload = build_payload(told, objective_of(told), rates=rates_of(told))
    return Page(to_json(payload), f"{result.header.name} · fallline")
