"""``fl.report``: a run, a recording, a sweep, a comparison, an answer or a backward pass in one offline HTML file."""

from pathlib import Path

from fallline._errors import OptionError
from fallline._fit import objective_of, rates_of, summarised
from fallline._records import Answer, Backprop, Comparison, Recording, Run, SweepResult
from fallline._report._answer import answer_page
from fallline._report._backprop import backprop_page
from fallline._report._comparison import comparison_page
from fallline._report._page import Page, write_report
from fallline._report._recording import recording_page
from fallline._report._sweep import sweep_page
from fallline._view._payload import build_payload, to_json


def report(run: Run | Recording | SweepResult | Comparison | Answer | Backprop, path: str | Path) -> None:
    """Write the report of a run: its verdict and the live picture, in one HTML file that asks the network for nothing.

    Args:
        run: any recorded run; or what ``fl.watch`` recorded and ``fl.load`` read, and what ``fl.sweep``,
            ``fl.compare``, ``fl.why`` or ``fl.backprop`` found: each has a page of its own.
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


def page_of(result: Run | Recording | SweepResult | Comparison | Answer | Backprop) -> Page:
    """What the page of any result is made of: a report writes it to a file, a notebook shows it.

    Raises:
        OptionError: this has no page.
    """
    if isinstance(result, SweepResult):
        return sweep_page(result)
    if isinstance(result, Comparison):
        return comparison_page(result)
    if isinstance(result, Answer):
        return answer_page(result)
    if isinstance(result, Backprop):
        return backprop_page(result)
    if isinstance(result, Recording):
        return recording_page(result)
    if not isinstance(result, Run):
        raise OptionError(f"fl.report takes a run, not {type(result).__name__}: fl.load reads one from its file.")
    told = summarised(result)
    payload = build_payload(told, objective_of(told), rates=rates_of(told))
    return Page(to_json(payload), f"{result.header.name} · fallline")
