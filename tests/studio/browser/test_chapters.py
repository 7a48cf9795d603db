"""Chapters in the browser: nothing is told before a choice, and the answer speaks of the run on the screen."""

import re

import pytest
from playwright.sync_api import expect

from studio.browser.conftest import Opened, OpenStudio

pytestmark = pytest.mark.browser
LONG = 90_000


def choose(opened: Opened, words: str) -> None:
    opened.page.get_by_label(words).check(timeout=LONG)


def reveal(opened: Opened) -> list[str]:
    opened.page.get_by_role("button", name="Show what was measured").click()
    opened.page.locator(".st-measured p").first.wait_for(timeout=LONG)
    return said(opened)


def said(opened: Opened) -> list[str]:
    return opened.page.locator(".st-measured p").all_inner_texts()


def test_read_predict_try_measured_next(open_studio: OpenStudio) -> None:
    opened = open_studio("#/chapters")
    page = opened.page
    page.locator(".st-contents-link").nth(6).click()
    page.get_by_role("heading", name="The tiny example (w − 3)²", level=1).wait_for()
    page.get_by_label("At 4.6").wait_for()
    assert page.locator("canvas").count() == 0  # the run would tell
    for part in ("Try", "Measured", "Not quite true"):
        assert not page.get_by_role("heading", name=part, exact=True).is_visible()
    choose(opened, "At 5.4")
    page.locator("canvas").first.wait_for(timeout=LONG)
    assert page.get_by_role("heading", name="Try", exact=True).is_visible()
    assert page.locator(".st-choice-right").count() == 0
    answer = reveal(opened)
    assert answer[0] == "The first step: 5.000 − 0.1 × 4.000 = 4.600."
    assert page.locator(".st-choice-right").inner_text().split("\n")[0] == "At 4.6"
    assert "Measured was another one" in page.locator(".st-verdict").inner_text()
    assert page.get_by_role("link", name="Next: Too small, just right").is_visible()
    back = page.get_by_role("button", name="Back to the chapter’s own run")
    assert not back.is_visible()

    rate = page.locator("input[aria-label*='earning rate'], .fl-rate-line input").first
    rate.fill("1.1")
    rate.press("Enter")
    opened.until("document.querySelector('.st-measured-of').textContent.includes('learning rate 1.1,')", within=LONG)
    assert said(opened)[0] == "The first step: 5.000 − 1.1 × 4.000 = 0.6000."
    assert any(each.startswith("The run diverged") for each in said(opened))
    page.reload()  # the whole state is in the address
    opened.until("document.querySelector('.st-measured-of')?.textContent.includes('learning rate 1.1,')", within=LONG)
    assert page.get_by_label("At 5.4").is_checked()
    back.click()
    opened.until("document.querySelector('.st-measured-of').textContent.includes('learning rate 0.1,')", within=LONG)
    expect(back).not_to_be_visible()
    assert re.search(r"[?&]now", opened.hash()) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("autograd", "x.grad = [4.8927"),
        ("own-network", "42 of 160 steps were measured"),
        ("optimizers", "Steps to the goal"),
    ],
)
def test_chapters_stand_on_other_pages_too(open_studio: OpenStudio, name: str, expected: str) -> None:
    opened = open_studio(f"#/chapters?name={name}", viewport={"width": 390, "height": 844})
    choose(opened, "I don’t know")
    assert expected in reveal(opened)[0]
    assert opened.page.locator(".st-verdict").inner_text() == "Measured was the choice marked ✓."
    opened.page.get_by_role("button", name="To the picture").click()
    opened.until("document.documentElement.scrollWidth <= innerWidth")


def test_a_chapter_that_is_not_there(open_studio: OpenStudio) -> None:
    opened = open_studio("#/chapters?name=tinny")
    fault = opened.page.locator(".st-chapter-fault")
    fault.wait_for()
    assert fault.inner_text() == 'There is no chapter "tinny". Did you mean "tiny"?'


def test_what_was_measured_is_marked_as_old_until_the_new_run_is_measured(open_studio: OpenStudio) -> None:
    opened = open_studio("#/chapters/loss")
    choose(opened, "I don’t know")
    before = reveal(opened)
    old = opened.page.locator(".st-measured-old")
    expect(old).not_to_be_visible()
    opened.page.evaluate(
        """() => {
          window.seen = [];
          const look = () => {
            const sentence = document.querySelector(".st-measured p")?.textContent;
            window.seen.push([sentence, !document.querySelector(".st-measured-old").hidden]);
          };
          const column = document.querySelector(".st-chapter-column");
          new MutationObserver(look).observe(column, {subtree: true, childList: true, attributes: true});
        }"""
    )
    opened.page.get_by_label("Loss", exact=True).select_option(label="mean absolute error")
    opened.until(f"document.querySelector('.st-measured p').textContent !== {before[0]!r}", within=LONG)
    seen = opened.page.evaluate("window.seen")
    assert [before[0], True] in seen
    first = next(place for place, each in enumerate(seen) if each == [before[0], True])
    assert [before[0], False] not in seen[first:]  # once another run was asked for, never unmarked
    expect(old).not_to_be_visible(timeout=LONG)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_ball_the_buttons_and_the_four_beats_are_on_the_screen_together(
    open_studio: OpenStudio, motion: str
) -> None:
    opened = open_studio("#/chapters/minus", reduced_motion=motion)
    choose(opened, "I don’t know")
    opened.drawn()
    opened.page.get_by_role("button", name="Take a step").click()
    beats = opened.page.locator(".fl-beats li")
    expect(beats).to_have_count(4, timeout=LONG)
    assert [each.partition(" ")[0].rstrip(":") for each in beats.all_inner_texts()] == [
        "Gradient", "Minus", "Times", "Move",
    ]  # fmt: skip
    inside = """(() => {
      const head = document.querySelector(".fl-top").getBoundingClientRect().bottom;
      const dock = document.querySelector(".fl-transport").getBoundingClientRect();
      const within = ["canvas.fl-canvas-contour", ".fl-beats"].every((name) => {
        const {top, bottom} = document.querySelector(name).getBoundingClientRect();
        return top >= head && bottom <= dock.top;
      });
      return within && dock.bottom <= innerHeight;
    })()"""
    assert opened.page.evaluate(inside)
