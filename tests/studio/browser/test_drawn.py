"""What canvases and narrow screens show: names beside curves, numbers on axes, one legend, no page wider than it."""

from typing import Any

import pytest

from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser

STAGE = """
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const theme = new Proxy({ fontSize: 13, font: "sans-serif" }, { get: (held, name) => held[name] ?? "#888888" });
  const [texts, lines, boxes] = [[], [], []];
  let line = [];
  context.fillText = (text, x, y) => texts.push([text, x, y]);
  context.fillRect = (...box) => boxes.push(box);
  context.beginPath = () => { if (line.length > 20) lines.push(line); line = []; };
  context.lineTo = context.moveTo = (x, y) => line.push([x, y]);
"""
ZONES = """async () => {
  const { drawZoneLosses } = await import("/_view/static/chart_rates.js");
  STAGE
  const step = Array.from({ length: 200 }, (_, i) => i);
  const curve = (zone, stop, loss) => ({ zone, stop, step, loss_low: step.map(loss), loss_high: step.map(loss) });
  const examples = [
    curve("diverging", 3, (t) => 160 * 1.3 ** t),
    curve("bouncing", 2, (t) => 160 * 0.55 ** t + 0.09 * 0.98 ** t),
    curve("just right", 1, (t) => 160 * 0.2 ** t + 0.1 * 0.99 ** t),
    curve("too small", 0, (t) => 160 * 0.9 ** t + 0.08),
  ];
  const value = [0.00135, 0.0129, 0.0231, 0.038];
  const rates = { examples, floor: { kind: "optimum", loss: 0 }, start_loss: 160, value, stops: null };
  drawZoneLosses(context, { width: 420, height: 300 }, { rates, total_steps: 200 }, {}, theme);
  context.beginPath();
  const names = texts.filter(([text]) => text.includes(": "));
  const near = (one, other) => Math.abs(one - other) < 0.1;
  const tags = names.map(([, x, y]) =>
    boxes.find(([left, top, , high]) => near(left + 4, x) && near(top + high / 2 + 0.5, y)));
  const curves = lines.slice(1).map((each) => each.filter(([, y]) => Number.isFinite(y)));
  const inside = ([left, top, wide, high], x, y) => x >= left && x <= left + wide && y >= top && y <= top + high;
  const between = (one, other, t) => one + t * (other - one);
  const on = (tag, each) => each.slice(1).some(([x, y], i) =>
    [0, 0.25, 0.5, 0.75, 1].some((t) => inside(tag, between(each[i][0], x, t), between(each[i][1], y, t))));
  return { names: names.length, curves: curves.length, on: tags.filter((tag) => curves.some((each) => on(tag, each))) };
}""".replace("STAGE", STAGE)
SLICES = """async () => {
  const { drawSlice } = await import("/_view/static/slice.js");
  STAGE
  const slice_t = [0, 0.5, 1, 1.5];
  const isTick = ([text, x]) => x < 70 && /^[+−]?[0-9][0-9,.×⁰-⁹]*$/.test(text); // left of the plot
  const numbers = ([height, start, slope, bend]) => {
    texts.length = 0;
    const slice = [slice_t.map((t) => start + slope * t + bend * t * t)];
    const told = { slice_promised: [slope], slice_came: [slope + bend], slice_reach: [2.1], reach_note: [""] };
    const frames = { step: [0], slice, ...told, parts_uv: null };
    const scene = { frames, slice_t, rate: {}, batch: { size: 1, rows: 1 } };
    drawSlice(context, { width: 245, height }, scene, { frame: 0, progress: 1 }, theme);
    return texts.filter(isTick).length;
  };
  const narrow = [[150, 74, -200, 230], [170, 74, -500, 530]]; // where two round numbers are easily missed
  return [...narrow, [150, 74, -1266, 1340], [240, 0.99, -31, 33], [150, 1e6, -9e6, 9.5e6]].map(numbers);
}""".replace("STAGE", STAGE)


def test_names_of_zones_stand_on_no_curve(open_studio: OpenStudio) -> None:
    found: dict[str, Any] = open_studio("#/nope").page.evaluate(ZONES)
    assert found["curves"] == found["names"] == 4
    assert found["on"] == []


def test_an_axis_of_losses_has_two_numbers_at_least(open_studio: OpenStudio) -> None:
    opened = open_studio("#/nope")
    assert min(opened.page.evaluate(SLICES)) >= 2


def test_a_narrow_screen_has_one_legend_and_no_page_is_wider(open_studio: OpenStudio) -> None:
    opened = open_studio("#/neuron", viewport={"width": 390, "height": 844})
    opened.drawn()
    opened.until("document.querySelector('.fl-rates-legend')?.textContent.includes('predicted limit')")
    assert opened.page.locator(".fl-rates-legend").count() == 1
    assert opened.page.locator(".fl-top .fl-rates-key").count() == opened.page.locator(".fl-rates-key").count()
    opened.page.set_viewport_size({"width": 320, "height": 700})
    opened.page.goto(f"{opened.address}/#/backprop")
    opened.page.locator(".st-leaf").first.wait_for()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("#/%%%", "“%%%” in the address is no page"),
        ("#/run?name=", "The address names no run"),
        ("#/neuron?learning_rate=1e999", "learning_rate = Infinity"),
    ],
)
def test_an_address_that_names_nothing_is_told(open_studio: OpenStudio, at: str, told: str) -> None:
    opened = open_studio(at)
    opened.until("document.querySelector('.st-notice').textContent !== ''")
    assert told in opened.page.locator(".st-notice").inner_text()
