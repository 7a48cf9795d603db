"""The page of an answered question in a real Chromium."""

from pathlib import Path
from typing import Any

import pytest

from fallline._report import answer_report
from fallline._view._answer import build_answer_payload
from view.browser.conftest import Open, Opened, shown
from view.comparisons import answer

pytestmark = pytest.mark.browser


@pytest.fixture
def open_answer(open_page: Open, tmp_path: Path) -> Open:
    """Write the page of an answer and open it."""

    def start(**context: Any) -> Opened:
        target = tmp_path / "why.html"
        answer_report(answer(), target)
        return open_page(target, build_answer_payload(answer()), waits_for=".fl-article", **context)

    return start


def test_the_words_are_the_answer_s_in_their_order(open_answer: Open) -> None:
    report = open_answer()
    page, told = report.page, report.payload
    assert page.locator("h1").inner_text() == told["title"]
    assert page.locator(".fl-lead").inner_text() == told["summary"]
    assert page.locator("h2").all_inner_texts() == [each["heading"] for each in told["sections"]]
    paragraphs = [text for each in told["sections"] for text in each["paragraphs"]]
    assert page.locator(".fl-article-section > p").all_inner_texts() == paragraphs
    assert page.locator(".fl-facts tbody td").all_inner_texts() == ["−160.4", "−24.44"]


def test_every_chart_is_drawn_and_says_its_numbers(open_answer: Open) -> None:
    report = open_answer()
    canvases = report.page.locator("canvas")
    assert canvases.count() == 2
    painted = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    for canvas in canvases.all():
        assert canvas.get_attribute("role") == "img"
        canvas.scroll_into_view_if_needed()
        report.settle()
        assert canvas.evaluate(painted) > 20
    label = canvases.nth(0).get_attribute("aria-label") or ""
    assert label.startswith("Loss over steps. loss against steps taken. minus: 10.24 at 0")
    assert "plus: 10 at 0, ∞ at 200." in label
    assert "best possible: 0.24." in label


def test_the_numbers_are_there_as_a_table(open_answer: Open) -> None:
    report = open_answer()
    summary = report.page.locator("summary").nth(1)
    summary.focus()
    report.page.keyboard.press("Enter")
    rows = report.page.locator(".fl-table-scroll:visible tbody tr")
    series = report.payload["sections"][1]["exhibits"][0]["series"]
    rows.nth(1).wait_for()  # the table is made when the browser says that the details are open, a moment later
    second = rows.nth(1).locator("th, td").all_inner_texts()
    assert second == ["measured", shown(series[0]["x"][1]), shown(series[0]["y"][1])]


@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_in_either_theme(open_answer: Open, width: int, scheme: Any) -> None:
    report = open_answer(viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert report.page.locator(".fl").get_attribute("data-mode") == scheme
    assert report.page.evaluate("document.documentElement.scrollWidth") <= width
    box = report.page.locator(".fl-article p").first.bounding_box()
    assert box is not None
    assert box["width"] <= 700


def test_the_projector_is_large_type_and_arrows_go_by_sections(open_answer: Open) -> None:
    report = open_answer()
    report.page.keyboard.press("p")
    report.settle()
    size = "getComputedStyle(document.querySelector('.fl-article-section > p')).fontSize"
    assert report.page.evaluate(size) == "24px"
    top = "document.querySelectorAll('h2')[1].getBoundingClientRect().top"
    before = report.page.evaluate(top)
    for _ in range(2):
        report.page.keyboard.press("ArrowRight")
    assert report.page.evaluate(top) < before
    report.page.keyboard.press("Escape")
    assert report.page.evaluate(size) == "16px"


def test_paper_is_light_and_has_no_controls(open_answer: Open) -> None:
    report = open_answer(color_scheme="dark")
    report.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert report.page.locator(".fl").get_attribute("data-mode") == "light"
    report.page.emulate_media(media="print")
    assert report.page.locator("button:visible, summary:visible").count() == 0
    report.page.emulate_media(media="screen")
    report.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert report.page.locator(".fl").get_attribute("data-mode") == "dark"


def test_every_control_is_reached_by_tab(open_answer: Open) -> None:
    report = open_answer()
    reached = set()
    for _ in range(8):
        report.page.keyboard.press("Tab")
        reached.add(report.page.evaluate("document.activeElement.textContent + document.activeElement.ariaLabel"))
    assert {"Projectornull", "Theme: autonull", "The numbers as a tablenull"} <= reached
