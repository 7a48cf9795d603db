"""In a notebook a run displays its picture, the report's own page, inside the output cell; a sweep tells its answer."""

import html
from typing import Any

from fallline._explain import explain, recommendation_sentences, sweep_line, zone_meaning, zone_range
from fallline._fit import objective_of, summarised
from fallline._records import Run, SweepResult
from fallline._report import report_page
from fallline._view import build_payload, to_json

HEIGHT = 900
"""CSS pixels; the page lays itself out in any width."""


def register_display(shell: Any) -> None:
    """Teach an IPython shell to show runs and sweeps.

    By the name of the type, so that nothing else of fallline is loaded before a run is there to be shown.
    """
    shell.display_formatter.formatters["text/html"].for_type_by_name("fallline._records._run", "Run", run_html)
    shell.display_formatter.formatters["text/plain"].for_type_by_name("fallline._records._run", "Run", run_text)
    shell.display_formatter.formatters["text/plain"].for_type_by_name(
        "fallline._records._sweep", "SweepResult", sweep_text
    )


def run_html(run: Run) -> str:
    """The picture of a run as HTML for an output cell.

    The page runs in a frame of its own that may execute its script and nothing else: it cannot reach the notebook.
    """
    told = summarised(run)
    page = report_page(to_json(build_payload(told, objective_of(told))), told.header.name)
    title = html.escape(f"The descent of {told.header.name}")
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" title="{title}" '
        f'width="100%" height="{HEIGHT}" style="border: 0"></iframe>'
    )


def run_text(run: Run, printer: Any, cycle: bool) -> None:
    """The explanation of a run, where a notebook shows text only (IPython's pretty-printer protocol)."""
    printer.text(repr(run) if cycle else str(explain(summarised(run))))


def sweep_text(result: SweepResult, printer: Any, cycle: bool) -> None:
    """The answer of a sweep and its zones; ``fl.figures.zones`` draws them."""
    zones = [f"{span.name.value}  {zone_range(span)}: {zone_meaning(result, span)}" for span in result.zones]
    told = "\n".join([sweep_line(result), "", *recommendation_sentences(result), "", *zones])
    printer.text(repr(result) if cycle else told)
