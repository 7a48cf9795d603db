"""In a notebook a result displays its page, the one its report has, inside the output cell; or its words."""

import html
from typing import Any

from fallline._errors import OptionError
from fallline._explain import explain, recommendation_sentences, sweep_line, zone_meaning, zone_range
from fallline._fit import summarised
from fallline._records import Answer, Backprop, Comparison, Curvature, Run, Surface, SweepResult
from fallline._report import page_of, report_page

HEIGHT = 900
"""CSS pixels; the page lays itself out in any width."""
WITH_PAGES = (
    ("fallline._records._run", "Run"),
    ("fallline._records._sweep", "SweepResult"),
    ("fallline._records._comparison", "Comparison"),
    ("fallline._records._answer", "Answer"),
    ("fallline._records._backprop", "Backprop"),
    ("fallline._records._surface", "Surface"),
    ("fallline._records._curvature", "Curvature"),
)


def register_display(shell: Any) -> None:
    """Teach an IPython shell to show runs, sweeps, comparisons, answers, backward passes, surfaces and curvatures.

    By the name of the type, so that nothing else of fallline is loaded before there is one to be shown.
    """
    formatters = shell.display_formatter.formatters
    for module, name in WITH_PAGES:
        formatters["text/html"].for_type_by_name(module, name, page_html)
    formatters["text/plain"].for_type_by_name("fallline._records._run", "Run", run_text)
    formatters["text/plain"].for_type_by_name("fallline._records._sweep", "SweepResult", sweep_text)


def page_html(result: Run | SweepResult | Comparison | Answer | Backprop | Surface | Curvature) -> str | None:
    """The page of a result as HTML for an output cell; None where it has none, and its words stand there alone.

    The page runs in a frame of its own that may execute its script and nothing else: it cannot reach the notebook.
    """
    try:
        page = page_of(result)
    except OptionError:  # a sweep of somebody's own loss function does not hold what its page draws
        return None
    return (
        f'<iframe srcdoc="{html.escape(report_page(*page))}" sandbox="allow-scripts" '
        f'title="{html.escape(page.title)}" width="100%" height="{HEIGHT}" style="border: 0"></iframe>'
    )


def run_text(run: Run, printer: Any, cycle: bool) -> None:
    """The explanation of a run, where a notebook shows text only (IPython's pretty-printer protocol)."""
    printer.text(repr(run) if cycle else str(explain(summarised(run))))


def sweep_text(result: SweepResult, printer: Any, cycle: bool) -> None:
    """The answer of a sweep and its zones; ``fl.figures.zones`` draws them."""
    zones = [f"{span.name.value}  {zone_range(span)}: {zone_meaning(result, span)}" for span in result.zones]
    told = "\n".join([sweep_line(result), "", *recommendation_sentences(result), "", *zones])
    printer.text(repr(result) if cycle else told)
