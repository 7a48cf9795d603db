"""The state in the address: what was opened is what is copied, back and forward, and what cannot be read is told."""

from typing import Any

import pytest

from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser

STATES: list[dict[str, Any]] = [
    {},
    {"learning_rate": 0.02, "data": {"noise": 0.5, "kind": "line"}},
    {"formula": "(w - 3)^2 + 1e-3"},
    {"formula": "(1,2)", "title": "true", "text": "5", "quoted": '"a" & b=c?#%+', "empty": ""},
    {"start": [-1.5, 1e-7], "edits": [[3, 1.25, -4.5], [None, 1, 2], [0, None, None]], "on": False, "none": None},
    {"features": ["bill (mm)", "tail[1]", "ä,ö"], "contenders": [{"name": "Adam", "options": {"betas": [0.9, 0.99]}}]},
]


def test_an_address_is_read_as_it_was_written(open_studio: OpenStudio) -> None:
    opened = open_studio()
    script = """async (states) => {
      const { readAddress, writeAddress } = await import("/static/address.js");
      return states.map((state) => readAddress(writeAddress({ page: "neuron", state }), "home"));
    }"""
    for state, read in zip(STATES, opened.page.evaluate(script, STATES), strict=True):
        assert read == {"address": {"page": "neuron", "state": state}, "problems": []}


def test_the_same_address_shows_the_same_numbers(open_studio: OpenStudio) -> None:
    at = "#/neuron?data.noise=1.5&data.outliers=3&learning_rate=0.015&optimizer=momentum&seed=7&step=12"
    first = open_studio(at)
    first.drawn()
    first.until("document.querySelector('.fl-counter').textContent.startsWith('12 of')")
    numbers = ".fl-readout, .fl-subtitle, .fl-counter"
    shown = first.page.locator(numbers).all_inner_texts()
    assert set(first.hash().partition("?")[2].split("&")) == set(at.partition("?")[2].split("&"))
    second = open_studio(first.hash())
    second.drawn()
    second.until("document.querySelector('.fl-counter').textContent.startsWith('12 of')")
    assert second.page.locator(numbers).all_inner_texts() == shown


def test_what_is_broken_is_told_and_stands_at_its_default(open_studio: OpenStudio) -> None:
    inherited = "toString=1&data.valueOf=3&constructor=2&__proto__.polluted=1"  # names that every object has
    opened = open_studio(f"#/neuron?learning_rate=fast&data.noise=2&seed=%zz&colour=red&{inherited}")
    opened.drawn()
    told = opened.page.locator(".st-notice").inner_text()
    for words in ("seed=%zz", "learning_rate = “fast”", "a number above 0", "“colour”"):
        assert words in told
    for pair in inherited.split("&"):
        assert f"“{pair}” in the address could not be read" in told
    assert opened.page.evaluate("({}).polluted") is None
    opened.until("location.hash === '#/neuron?data.noise=2'")


def test_what_only_the_server_can_refuse_stands_at_the_defaults_too(open_studio: OpenStudio) -> None:
    opened = open_studio("#/neuron?optimizer=Adamm&epochs=50")
    opened.drawn()
    assert "Adamm" in opened.page.locator(".st-notice").inner_text()
    opened.until("location.hash === '#/neuron'")


def test_back_and_forward_go_through_what_was_opened(open_studio: OpenStudio) -> None:
    opened = open_studio("#/formulas?formula=himmelblau")
    opened.drawn()
    title = "document.querySelector('.fl-title')?.textContent"
    opened.until(f"{title} === 'himmelblau'")
    opened.page.get_by_role("link", name="Neuron").click()
    opened.until(f"{title} === 'line'")
    opened.page.go_back()
    opened.until(f"{title} === 'himmelblau'")
    opened.page.go_forward()
    opened.until(f"{title} === 'line'")


def test_the_link_is_of_the_picture_and_every_change_can_be_taken_back(open_studio: OpenStudio) -> None:
    opened = open_studio("#/neuron?epochs=30")
    opened.drawn()
    page = opened.page
    page.evaluate("""() => {
      window.pairs = new Set();
      const note = () => {
        const shown = document.querySelector(".fl-subtitle").textContent;
        window.pairs.add(`${shown.split(" · ")[1]} ${location.hash.includes("Adam") ? "Adam" : "SGD"}`);
        requestAnimationFrame(() => setTimeout(note)); // behind the frame in which the picture was drawn
      };
      note();
    }""")
    page.get_by_label("Optimizer", exact=True).first.select_option("Adam")
    assert "still of the settings before" in page.locator(".st-undo").inner_text()
    opened.until("location.hash.includes('optimizer=Adam')")
    opened.until("document.querySelector('.fl-subtitle').textContent.includes('Adam')")
    assert "The rate follows the recommendation" in page.locator(".st-undo").inner_text()
    page.wait_for_timeout(200)
    assert set(page.evaluate("[...window.pairs]")) <= {"SGD SGD", "Adam Adam", "SGD Adam"}  # the last for one frame
    assert page.evaluate("[...window.pairs].at(-1)") == "Adam Adam"
    page.locator("h1").first.click()
    page.keyboard.press("Control+z")
    opened.until("location.hash === '#/neuron?epochs=30'")
    page.go_back()
    opened.until("location.hash.includes('optimizer=Adam')")
