"""The widget's own script in a browser, with a model of the test's own."""

from typing import Any

import pytest
from playwright.sync_api import Browser

import fallline as fl
from fallline._view import to_json

pytest.importorskip("anywidget")
pytestmark = pytest.mark.browser

_RENDER = """async ([source, payload]) => {
  const held = { payload: JSON.parse(payload), part: null, wish: null, step: null, fault: "" };
  window.wishes = [];
  const model = {
    get: (name) => held[name],
    set: (name, value) => { held[name] = value; if (name === "wish") window.wishes.push(value); },
    save_changes: () => {}, on: () => {}, off: () => {},
  };
  const { default: widget } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const el = document.body.appendChild(document.createElement("div"));
  widget.render({ model, el });
}"""


def test_every_wish_has_its_number(browser: Browser) -> None:
    picture = fl.live(epochs=20)
    page = browser.new_page()
    page.set_default_timeout(10_000)
    page.evaluate(_RENDER, [picture._esm, to_json(picture.payload)])
    handle = page.get_by_role("slider", name="Learning rate").first
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight"):
        handle.press(key)
    page.wait_for_function("window.wishes.filter((wish) => wish.settled).length >= 3")
    wishes: list[dict[str, Any]] = page.evaluate("window.wishes")
    page.close()
    numbers = [wish["number"] for wish in wishes]
    assert len(set(numbers)) == len(numbers)
    assert {key for wish in wishes for key in wish} >= {"settled", "learning_rate"}
