"""The page "Backprop": every example runs, values are dragged in place, faults stand under the field with a caret."""

import pytest

from studio.browser.conftest import Opened, OpenStudio

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened_at(open_studio: OpenStudio, at: str = "#/backprop") -> Opened:
    opened = open_studio(at)
    opened.page.locator(".fl-graph-svg").wait_for(timeout=60_000)
    return opened


def test_every_example_runs_and_is_checked(open_studio: OpenStudio) -> None:
    opened = opened_at(open_studio)
    chips = opened.page.locator(".st-chip")
    for index in range(chips.count()):
        chips.nth(index).click()
        text = opened.page.locator("#st-expression").input_value()
        opened.until(f"document.querySelector('.fl-title')?.textContent === {text!r}")
        assert opened.faults() == []
        assert opened.page.locator(".fl-graph-outcome").inner_text() == "gradients checked"


def test_a_value_is_dragged_and_the_moment_stays(open_studio: OpenStudio) -> None:
    opened = opened_at(open_studio, "#/backprop?expression=w*x&at=w=1;x=2")
    page = opened.page
    for _ in range(2):
        page.get_by_role("button", name="One step on").click()
    counter = page.locator(".fl-counter").inner_text()
    opened.until("location.hash.endsWith('&step=2')")
    page.get_by_role("slider", name="w").focus()
    page.keyboard.press("ArrowRight")
    opened.until("location.hash.includes('w=1.05')")
    assert page.locator(".fl-counter").inner_text() == counter
    assert "The result is 2.1" in page.locator(".fl-graph-lead").inner_text()
    assert page.get_by_label("Value of w").input_value() == "1.05"
    page.get_by_role("button", name="The PyTorch that does the same").click()
    assert "w = torch.tensor(1.05" in page.locator(".st-code").inner_text() or page.get_by_role("tab").count() == 2
    page.keyboard.press("Escape")
    again = opened_at(open_studio, opened.hash())
    again.until("document.querySelector('.fl-counter').textContent.startsWith('step 2 of')")
    page.get_by_role("button", name="Undo").click()
    opened.until("!location.hash.includes('w=1.05')")


def test_a_fault_stands_under_the_field_with_a_caret(open_studio: OpenStudio) -> None:
    opened = opened_at(open_studio)
    page = opened.page
    page.locator("#st-expression").fill("y = x + 2; z = y*y*2 z.mean()")
    opened.until("document.querySelector('#st-expression-fault').textContent !== ''")
    line, marks = page.locator(".st-caret").inner_text().split("\n")
    assert line[marks.index("^") : marks.index("^") + 6] == "z.mean"
    assert page.locator(".fl-title").inner_text() == "y = x + 2; z = y*y*2; z.mean()"
    page.get_by_text("Share", exact=True).click()
    page.get_by_role("button", name="The Python that does the same").click()
    assert 'fl.backprop("y = x + 2; z = y*y*2; z.mean()"' in page.locator(".st-code").inner_text()  # of what is drawn
    page.keyboard.press("Escape")
    page.locator("#st-expression").evaluate(
        "(each) => { each.value = 'x+'.repeat(6e5); each.dispatchEvent(new Event('input')); }"
    )
    opened.until("document.querySelector('#st-expression-fault').textContent.startsWith('This is too long')")
    page.locator("#st-expression").fill("x*x")
    opened.until("!document.querySelector('.st-vector').hidden")
    page.get_by_label("Weights of the result's entries").fill("1, 0, 0")
    opened.until("location.hash.includes('vector=')")
    assert opened.faults() == []
    page.get_by_label("Value of x").fill("1, a")
    opened.until("document.querySelector('.st-leaf .st-fault').textContent.includes('no number')")
