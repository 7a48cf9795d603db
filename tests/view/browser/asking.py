"""A host that answers the picture's wishes with real runs, and the picture over it in a browser."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Locator, Page

import fallline as fl
from fallline._fit import objective_of
from fallline._view import _module, build_payload, to_json
from fallline._view._module import join_modules, module_source, stylesheet

STATIC = Path(_module.__file__).parent / "static"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"

_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>host</title></head>'
    '<body style="margin:0"><div id="picture" data-keys="page"></div></body></html>'
)
_HOST = """async ([source, style, payload, answers]) => {
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  const { render } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const held = { payload: JSON.parse(payload), step: null };
  const heard = {};
  window.tell = (name, value) => { held[name] = value; (heard[name] ?? (() => {}))(); };
  window.wishes = [];
  window.steps = [];
  let [busy, next] = [false, null];
  window.idle = () => !busy && next === null;
  const ask = async () => {
    if (busy || next === null) return;
    busy = true;
    const wish = JSON.stringify(next);
    next = null;
    window.tell(...JSON.parse(await window.answer(wish)));
    busy = false;
    ask();
  };
  const model = {
    get: (name) => held[name],
    set: (name, value) => {
      held[name] = value;
      if (name === "step") window.steps.push(value);
      if (name !== "wish") return;
      window.wishes.push(value);
      next = answers ? value : null;
    },
    save_changes: ask,
    on: (event, listener) => { heard[event.replace("change:", "")] = listener; },
    off: (event) => { delete heard[event.replace("change:", "")]; },
  };
  const stop = render({ model, el: document.getElementById("picture") });
  window.stop = () => { stop(); return Object.keys(heard); };
}"""


def joined_with(*lines: str) -> str:
    """The picture's modules behind a ``render`` of a test's own, given line by line."""
    own = {"probe.js": "\n".join(lines) + "\n"}
    return join_modules({each.name: each.read_text(encoding="utf-8") for each in STATIC.glob("*.js")} | own, "probe.js")


_PROBE = joined_with(
    'import { plotLayout } from "./plot.js";',
    'import { dataFrame } from "./chart_data.js";',
    'import { readTheme } from "./theme.js";',
    'import { decodePayload } from "./decode.js";',
    "export function render(name, context, size, payload, root) {",
    "const scene = decodePayload(payload);",
    'if (name === "data") return dataFrame(context, size, scene, readTheme(root));',
    'return plotLayout(context, scene.windows.find((view) => view.id === "main"), size, readTheme(root), true);',
    "}",
)
"""The frames of the pictures, asked as the pictures ask them."""
_PLACE = """async ([source, name, payload, [across, up]]) => {
  const { render } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const canvas = document.querySelector(`.fl-canvas-${name}`);
  const size = { width: canvas.clientWidth, height: canvas.clientHeight };
  const { x, y } = render(name, canvas.getContext("2d"), size, JSON.parse(payload), document.querySelector(".fl"));
  const box = canvas.getBoundingClientRect();
  return [box.left + x(across), box.top + y(up)];
}"""
_ACCEPTS = ["learning_rate", "start", "points", "bend"]


def _continuous(low: float, high: float) -> dict[str, Any]:
    """The measured rates of a fixture as a host that runs every rate gives them."""
    rates = json.loads((FIXTURES / "rates.json").read_text(encoding="utf-8"))["rates"]
    return {**rates, "continuous": True, "low": low, "high": high, "own": None, "stops": None, "snaps": "21 rates"}


@dataclass
class Host:
    """Runs what is asked for, each wish for real."""

    settings: dict[str, Any] = field(default_factory=lambda: {"learning_rate": 0.01, "epochs": 40})
    points: list[list[float]] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        table: dict[str, Any] = (
            {} if not self.points else {"data": (np.array(self.points[0])[:, None], np.array(self.points[1]))}
        )
        run = fl.fit(**self.settings, **table)
        self.payload = build_payload(run, objective_of(run))
        rate = self.payload["rate"]
        rate.update(zone="just right", words=f"{rate['value']:.3g}, just right, so it says")
        self.payload.update(accepts=_ACCEPTS, rates=_continuous(1e-5, 0.1))
        return self.payload

    def answer(self, text: str) -> str:
        wish = json.loads(text)
        settled = wish.pop("settled")
        ((name, value),) = wish.items()
        names, data = self.payload["parameters"], self.payload["data"]
        if name == "learning_rate":
            self.settings["learning_rate"] = value
        elif name == "start":
            self.settings["start"] = dict(zip(names, value, strict=True))
        elif name != "bend":
            self.points = self.points or [list(data["x"]), list(data["y"])]
            _edit(self.points, name, value)
        payload = self.run()
        if name == "learning_rate" or not settled:
            kept = {key: each for key, each in payload.items() if key not in ("windows", "bowls", "color", "rates")}
            return f'["part",{to_json(kept)}]'
        return f'["payload",{to_json(payload)}]'


def _edit(points: list[list[float]], name: str, value: Any) -> None:
    if name == "remove_point":
        for column in points:
            del column[value]
    elif name == "add_point":
        for column, each in zip(points, value, strict=True):
            column.append(each)
    else:
        points[0][value[0]], points[1][value[0]] = value[1:]


@dataclass
class Asked:
    """The picture in a browser, with its host."""

    page: Page
    host: Host
    complaints: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Until what was asked for has been answered and drawn."""
        drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.page.evaluate(drawn)
        self.page.wait_for_function("window.idle()")
        self.page.evaluate(drawn)

    def wishes(self) -> list[dict[str, Any]]:
        """What was asked for since the last time."""
        return list(self.page.evaluate("window.wishes.splice(0)"))

    def number(self, name: str) -> str:
        return self.page.locator(f'.fl-readout [data-number="{name}"]').inner_text()

    def picture(self, name: str) -> str:
        return str(self.page.evaluate(f"document.querySelector('.fl-canvas-{name}').toDataURL()"))

    def slider(self) -> Locator:
        return self.page.get_by_role("slider", name="Learning rate")

    def place(self, picture: str, at: list[float]) -> tuple[float, float]:
        """Where a place of the contour or of the data's chart stands on the page."""
        self.page.locator(f".fl-canvas-{picture}").scroll_into_view_if_needed()
        x, y = self.page.evaluate(_PLACE, [_PROBE, picture, to_json(self.host.payload), at])
        return x, y

    def ball(self) -> tuple[float, float]:
        """Where the start stands on the page."""
        return self.place("contour", self.host.payload["frames"]["start_uv"][0])

    def drag(self, start: tuple[float, float], by: tuple[float, float], *, moves: int = 4) -> None:
        """By mouse, from a place, in some moves; the button is still down."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for move in range(1, moves + 1):
            self.page.mouse.move(start[0] + by[0] * move / moves, start[1] + by[1] * move / moves)
            self.settle()


OpenAsking = Callable[..., Asked]


def asking_pages(browser: Browser) -> Iterator[OpenAsking]:
    """Open the picture over a host; at the end nothing may have been complained of, and it goes without a trace."""
    opened: list[Asked] = []

    def start(*, answers: bool = True, **context: Any) -> Asked:
        host = Host()
        host.run()
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}).new_page()
        asked = Asked(page, host)
        opened.append(asked)
        page.on("console", lambda message: asked.complaints.append(message.text))
        page.on("pageerror", lambda error: asked.complaints.append(str(error)))
        page.expose_function("answer", host.answer)
        page.set_content(_PAGE)
        source, style = module_source("interactive.js"), stylesheet("interactive.js")
        page.evaluate(_HOST, [source, style, to_json(host.payload), answers])
        page.wait_for_selector(".fl-button-step")
        asked.settle()
        return asked

    yield start
    for each in opened:
        assert each.complaints == []
        assert each.page.evaluate("window.stop()") == []
        assert each.page.locator("#picture *").count() == 0
        each.page.context.close()
