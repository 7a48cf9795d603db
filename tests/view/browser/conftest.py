"""A real Chromium for the pages, and pages of small recorded runs.

``tests/view/fixtures/textbook.json`` is the payload of the textbook run cut to its first 30 steps,
``diverged.json`` that of the same line at twice the stability limit: 80 steps, of which some are frames, the last ones
not finite.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import recordings
from fallline._records import Backprop, Recording
from fallline._report import backprop_report, recording_report, write_report
from fallline._view._backprop import build_backprop_payload
from fallline._view._recording import build_recording_payload
from view.browser.asking import OpenAsking, asking_pages

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@dataclass
class Opened:
    """A report in the browser, with everything the browser had to say about it."""

    page: Page
    payload: dict[str, Any]
    url: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def number(self, name: str) -> str:
        return self.page.locator(f'[data-number="{name}"]').inner_text()

    def picture(self, name: str) -> str:
        """The canvas as it is painted, after whatever was asked for has been drawn."""
        self.settle()
        return str(self.page.evaluate(f"document.querySelector('.fl-canvas-{name}').toDataURL()"))

    def open_table(self, summary: str = "summary") -> None:
        """Open a table of numbers: it is made when the browser says that it is open, a moment after the click."""
        self.page.locator(summary).click()
        self.page.locator(".fl-table-scroll:visible tbody tr").first.wait_for()

    def hold_clock(self) -> None:
        """Stop the page's time: from here it passes only by ``page.clock.run_for``, however slow the machine is."""
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1)

    def settle(self) -> None:
        """Wait until what was asked for is drawn: two animation frames."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


Open = Callable[..., Opened]
CARD_BOXES = """(cards) => cards.map((card) => {
  const { x, y, width, height } = card.querySelector(".fl-graph-body").getBBox();
  const at = card.transform.baseVal.consolidate().matrix;
  return [at.e + x, at.f + y, at.e + x + width, at.f + y + height];
})"""
"""Where the cards of a graph stand in its drawing: left, top, right, bottom."""


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a written page from ``file://``; at the end nothing may have been complained of or asked for."""
    opened: list[Opened] = []

    def start(path: Path, payload: dict[str, Any], *, waits_for: str | None, **context: Any) -> Opened:
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}).new_page()
        report = Opened(page, payload, path.as_uri())
        page.on("console", lambda message: report.complaints.append(message.text))
        page.on("pageerror", lambda error: report.complaints.append(str(error)))
        page.on("request", lambda request: report.requests.append(request.url))
        opened.append(report)
        page.goto(report.url)
        if waits_for is not None:
            page.wait_for_selector(waits_for, state="attached")
            report.settle()
        return report

    yield start
    for report in opened:
        assert report.complaints == []
        assert [url for url in report.requests if not url.startswith("data:")] == [report.url]
        report.page.context.close()


@pytest.fixture
def open_report(open_page: Open, tmp_path: Path) -> Open:
    """Write a fixture's report and open it."""

    def start(
        name: str = "textbook", *, change: Callable[[dict[str, Any]], None] | None = None, **context: Any
    ) -> Opened:
        payload = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
        if change is not None:
            change(payload)
        target = tmp_path / f"{name}.html"
        write_report(json.dumps(payload), f"{name} · fallline", target)
        drawn = ".fl-button-step, .fl-body-empty" if context.get("java_script_enabled", True) else None
        return open_page(target, payload, waits_for=drawn, **context)

    return start


def shown(value: float | str | None) -> str:
    """A number as the page writes it: four significant figures, a true minus sign, grouped digits, powers of ten."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return {"NaN": "NaN", "Infinity": "∞", "-Infinity": "−∞"}[value]
    if value == 0 or 1e-4 <= abs(float(f"{value:.4g}")) < 1e4:
        text = f"{value:.4g}"
    elif 1e4 <= abs(value) < 999_950:
        text = f"{float(f'{value:.4g}'):,.0f}"
    else:
        mantissa, exponent = f"{value:.3e}".split("e")
        raised = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(abs(int(exponent))))
        text = f"{float(mantissa):g}×10" + ("⁻" if int(exponent) < 0 else "") + raised
    return text.replace("-", "−")


@pytest.fixture
def open_asking(browser: Browser) -> Iterator[OpenAsking]:
    """Open the picture over a host that answers wishes."""
    yield from asking_pages(browser)


@pytest.fixture
def open_recording(open_page: Open, tmp_path: Path) -> Open:
    """Write the page of a recording (by its name in the catalogue) and open it."""

    def start(name: str | Recording = "diverging", **context: Any) -> Opened:
        recording = name if isinstance(name, Recording) else recordings.CATALOGUE[name]()
        target = tmp_path / "recording.html"
        recording_report(recording, target)
        return open_page(target, build_recording_payload(recording), waits_for=".fl-rec-made", **context)

    return start


@pytest.fixture
def open_graph(open_page: Open, tmp_path: Path) -> Open:
    """Write the page of a graph and open it, without motion unless told."""

    def start(graph: Backprop, **context: Any) -> Opened:
        target = tmp_path / "graph.html"
        backprop_report(graph, target)
        told = {"reduced_motion": "reduce", **context}
        return open_page(target, build_backprop_payload(graph), waits_for=".fl-graph-unit", **told)

    return start


def overlapping(boxes: list[list[float]]) -> list[tuple[int, int]]:
    """The pairs of boxes (left, top, right, bottom) that share more than half a pixel each way."""
    held = np.array(boxes)
    low = np.maximum(held[:, None, :2], held[None, :, :2])
    high = np.minimum(held[:, None, 2:], held[None, :, 2:])
    both = ((high - low) > 0.5).all(axis=2)
    return [(int(a), int(b)) for a, b in np.argwhere(np.triu(both, 1))]


def wait_until(report: Opened, until: Callable[[], bool]) -> None:
    """The wheel acts when the browser gets to it; the page's own policy forbids Playwright's polling."""
    for _ in range(120):
        if until():
            return
        report.settle()
    raise AssertionError("it never happened")
