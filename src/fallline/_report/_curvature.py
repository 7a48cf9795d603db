"""How a loss curves as one offline HTML file."""

from pathlib import Path

from fallline._records import Curvature
from fallline._report._page import Page, write_report
from fallline._view._curvature import build_curvature_payload
from fallline._view._payload import to_json


def curvature_report(found: Curvature, path: str | Path) -> None:
    """Write the page of a curvature: its spectrum, slices, limits, and how well each is known. Nothing is fetched.

    Args:
        found: what ``fl.curvature`` returns.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> from fallline._quadratic import Quadratic
    >>> folder = getfixture("tmp_path")
    >>> curvature_report(fl.curvature(Quadratic.from_data([[0.0], [2.0]], [1.0, 5.0])), folder / "bowl.html")
    >>> "<!doctype html>" in (folder / "bowl.html").read_text(encoding="utf-8").lower()
    True
    """
    page = curvature_page(found)
    write_report(page.payload_json, page.title, path, page.entry)


def curvature_page(found: Curvature) -> Page:
    """What the page of a curvature is made of."""
    return Page(to_json(build_curvature_payload(found)), f"{found.name}: curvature · fallline", "why.js")
