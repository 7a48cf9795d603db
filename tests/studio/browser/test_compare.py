"""The page "Compare": rates and the start are moved, canvases and the player's place stay, the address says it all."""

import pytest

from studio.browser.conftest import Opened, OpenStudio

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHORT = "#/compare?formula=ravine&epochs=20&start=(1,10)&contenders=SGD,Adam"


def rate(opened: Opened, contender: int) -> str:
    return opened.page.locator(f"[data-number=rate-{contender}]").inner_text()


def opened_at(open_studio: OpenStudio, at: str = SHORT) -> Opened:
    opened = open_studio(at)
    opened.drawn()
    opened.until("document.querySelectorAll('.fl-setting').length === 2")
    opened.page.evaluate("window.before = document.querySelector('.fl-canvas-contour')")
    return opened


def test_a_rate_is_set_by_a_key_and_the_place_in_the_run_stays(open_studio: OpenStudio) -> None:
    opened = opened_at(open_studio)
    page = opened.page
    for _ in range(3):
        page.get_by_role("button", name="One step on").click()
    best = rate(opened, 0)
    page.get_by_role("slider", name="SGD: learning rate").focus()
    page.keyboard.press("ArrowLeft")
    opened.until("location.hash.includes('SGD:0.0')")
    opened.until(
        "document.querySelector('.fl-setting[aria-pressed=true]')?.textContent === 'at the rates that are set'"
    )
    assert float(rate(opened, 0)) == pytest.approx(float(best) / 1.1, rel=0.01)
    assert page.locator(".fl-counter").inner_text() == "3 of 20 steps taken"
    assert page.evaluate("window.before === document.querySelector('.fl-canvas-contour')")
    assert page.evaluate("document.activeElement.ariaLabel") == "SGD: learning rate"
    shown = [rate(opened, 0), rate(opened, 1)]
    assert "step=3" in opened.hash()
    again = open_studio(opened.hash())
    again.drawn()
    again.until("document.querySelectorAll('.fl-setting').length === 3")
    assert [rate(again, 0), rate(again, 1)] == shown
    assert again.page.locator(".fl-counter").inner_text() == "3 of 20 steps taken"
    page.get_by_role("button", name="Undo").click()
    opened.until("!location.hash.includes('SGD:0.0')")
    page.go_back()
    opened.until("location.hash.includes('SGD:0.0')")


def test_the_start_is_dragged(open_studio: OpenStudio) -> None:
    opened = opened_at(open_studio)
    page = opened.page
    page.get_by_role("switch", name="Show Adam").click()
    page.locator(".fl-canvas-contour").scroll_into_view_if_needed()
    box = page.locator(".fl-canvas-contour").bounding_box()
    assert box is not None
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"]
    page.mouse.click(x, y)
    opened.until("!location.hash.includes('start=(1,10)')")
    assert "start=(" in opened.hash()
    assert page.get_by_role("switch", name="Show Adam").get_attribute("aria-checked") == "false"
    assert page.evaluate("window.before === document.querySelector('.fl-canvas-contour')")


def test_contenders_come_and_go_and_a_twin_is_refused_under_the_list(open_studio: OpenStudio) -> None:
    opened = opened_at(open_studio)
    page = opened.page
    page.get_by_label("Add", exact=True).select_option("momentum")
    opened.until("document.querySelectorAll('.fl-legend tbody tr').length === 3")
    page.get_by_role("button", name="Remove SGD").click()
    opened.until("document.querySelectorAll('.fl-legend tbody tr').length === 2")
    assert page.locator(".st-contender-name").all_inner_texts() == ["Adam", "momentum"]
    page.get_by_label("Add", exact=True).select_option("Adam")
    twin = page.locator(".st-twin")
    assert twin.inner_text().startswith("Adam is there already, with the same options: nothing was added.")
    assert page.locator(".st-contender-name").all_inner_texts() == ["Adam", "momentum"]
    twin.get_by_role("button").click()
    opened.until("document.querySelectorAll('.fl-legend tbody tr').length === 3")
    assert opened.faults() == []
