"""An answered question as one offline HTML file."""

from pathlib import Path

from fallline._records import Answer
from fallline._report._page import Page, write_report
from fallline._view._answer import build_answer_payload
from fallline._view._payload import to_json


def answer_report(answer: Answer, path: str | Path) -> None:
    """Write the page of an answered question: its words, its curves and its tables, asking the network for nothing.

    Args:
        answer: what ``fl.why`` returns.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> answer_report(fl.why("minus"), folder / "minus.html")
    >>> "<!doctype html>" in (folder / "minus.html").read_text(encoding="utf-8").lower()
    True
    """
    page = answer_page(answer)
    write_report(page.payload_json, page.title, path, page.entry)


def answer_page(answer: Answer) -> Page:
    """What the page of an answered question is made of."""
    return Page(to_json(build_answer_payload(answer)), f"{answer.title} · fallline", "why.js")
