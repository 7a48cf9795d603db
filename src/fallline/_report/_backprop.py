"""A backward pass as one offline HTML file."""

from pathlib import Path

from fallline._records import Backprop
from fallline._report._page import Page, write_report
from fallline._view._backprop import build_backprop_payload
from fallline._view._payload import to_json


def backprop_report(graph: Backprop, path: str | Path) -> None:
    """Write the page of a backward pass: its graph, played step by step with this run's numbers. Nothing is fetched.

    Args:
        graph: what ``fl.backprop`` returns.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> backprop_report(fl.backprop("y = x*x; y.sum()", at={"x": [1.0, 2.0]}), folder / "square.html")
    >>> "<!doctype html>" in (folder / "square.html").read_text(encoding="utf-8").lower()
    True
    """
    page = backprop_page(graph)
    write_report(page.payload_json, page.title, path, page.entry)


def backprop_page(graph: Backprop) -> Page:
    """What the page of a backward pass is made of."""
    return Page(to_json(build_backprop_payload(graph)), f"{graph.title} · fallline", "graph.js")
