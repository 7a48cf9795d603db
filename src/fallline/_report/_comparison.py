"""A comparison of optimizers as one offline HTML file."""

from pathlib import Path

from fallline._loss_function import LossFunction
from fallline._records import Comparison
from fallline._report._page import Page, write_report
from fallline._view._comparison import build_comparison_payload
from fallline._view._payload import to_json


def comparison_report(comparison: Comparison, path: str | Path, objective: LossFunction | None = None) -> None:
    """Write the page of a comparison: all paths on one live picture, the results, the verdict. Nothing is fetched.

    Args:
        comparison: what ``fl.compare`` returns.
        path: the file to write; it appears whole or not at all.
        objective: what was compared on, where that was your own.

    Raises:
        OptionError: it was your own, and is not given.
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> found = fl.compare(formula="ravine", optimizers=["sgd", "adam"], epochs=20, trials=3, seeds=1)
    >>> comparison_report(found, folder / "ravine.html")
    >>> "<!doctype html>" in (folder / "ravine.html").read_text(encoding="utf-8").lower()
    True
    """
    page = comparison_page(comparison, objective)
    write_report(page.payload_json, page.title, path, page.entry)


def comparison_page(comparison: Comparison, objective: LossFunction | None = None) -> Page:
    """What the page of a comparison is made of.

    Raises:
        OptionError: it was on somebody's own objective, which is not given.
    """
    from fallline._compare import objective_of  # noqa: PLC0415  (a fit's report does without it)

    loss = objective_of(comparison) if objective is None else objective
    payload = build_comparison_payload(comparison, loss)
    return Page(to_json(payload), f"{comparison.name}, optimizers compared · fallline", "compare.js")
