"""The studio's picture in headless Chromium at 1280 × 800: frames a second in play, milliseconds to draw a part.

The picture is the textbook neuron's, its parts are the drafts that the studio sends while the rate is dragged. A part
is timed from its arrival as an object to the last call of the drawing.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmarks._harness import Bar, main
from playwright.sync_api import Page, sync_playwright

from fallline._desk._client import Client
from fallline._desk._neuron import neuron
from fallline._view import to_json
from fallline._view._module import module_source, stylesheet

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
RATES = np.geomspace(0.006, 0.028, 40).tolist()
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>picture</title><body style="margin:0"></body></html>'
)
OPEN = """async ([source, style, payload]) => {
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  const { render } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const held = { payload: JSON.parse(payload) };
  const heard = {};
  const on = (name, listener) => { heard[name] = listener; };
  window.tell = (name, value) => { held[name] = value; heard[`change:${name}`](); };
  const model = { get: (name) => held[name], set: () => {}, save_changes: () => {}, on, off: () => {} };
  render({ model, el: document.body });
}"""
PLAY = """async () => {
  const times = [];
  document.querySelector(".fl-button-play").click();
  const words = () => document.querySelector(".fl-button-play").textContent;
  await new Promise((done) => {
    const tick = (now) => {
      times.push(now);
      if (times.length > 10 && words() !== "Pause") done();
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  return times;
}"""
REDRAW = """async (parts) => {
  const ask = window.requestAnimationFrame;
  const taken = [];
  for (const text of parts) {
    await new Promise((done) => setTimeout(done, 30));
    const part = JSON.parse(text);
    const frames = [];
    window.requestAnimationFrame = (frame) => frames.push(frame);
    const begun = performance.now();
    window.tell("part", part);
    frames.forEach((frame) => frame(performance.now()));
    taken.push(performance.now() - begun);
    window.requestAnimationFrame = ask;
  }
  return taken;
}"""


def replies() -> tuple[str, list[str]]:
    """The payload of the textbook neuron, and a draft for each of the rates, as JSON."""
    client = Client()
    whole: dict[str, Any] = dict(neuron({"settings": {}, "detail": "full", "frame": None}, client))
    asked = [{"settings": {"learning_rate": rate}, "detail": "draft", "frame": whole["frame"]} for rate in RATES]
    drafts: list[dict[str, Any]] = [dict(neuron(request, client)) for request in asked]
    return to_json(whole["payload"]), [to_json(draft["part"]) for draft in drafts]


def measure() -> list[Bar]:
    """Frames a second of one run played to its end, and milliseconds from a part to its picture."""
    payload, parts = replies()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_content(PAGE)
        page.evaluate(OPEN, [module_source("interactive.js"), stylesheet("interactive.js"), payload])
        page.wait_for_timeout(500)
        bars = [playing(page), redrawing(page, parts)]
        browser.close()
    return bars


def playing(page: Page) -> Bar:
    """The run from its start to its end; the spread is that of its seconds."""
    times = np.array(page.evaluate(PLAY))
    seconds = np.diff(times[::60]) / 1000
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1000
    return Bar("playing, frames a second", rate, 55, "fps", "higher", low=60 / seconds.max(), high=60 / seconds.min())


def redrawing(page: Page, parts: list[str]) -> Bar:
    """Drafts of 40 rates, one after the other."""
    page.evaluate(REDRAW, parts[:8])
    taken = page.evaluate(REDRAW, parts)
    return Bar("a part, decoded and drawn", median(taken), 15, "ms", low=min(taken), high=max(taken))


def chromium() -> str:
    """The browser that the tests use."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "chromium.py")], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main(measure)
