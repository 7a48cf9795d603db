"""The page of a watched loop in a real Chromium."""

from typing import Any

import numpy as np
import pytest

import recordings
from view.browser.conftest import Open, shown, wait_until
from view.test_recording_payload import million

pytestmark = pytest.mark.browser

_PAINTED = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"

_HIGHEST = """(canvas) => {
  const { width, height } = canvas;
  const [left, right] = [64, width - 12];
  const top = Math.round(height * 0.12);
  const inked = [];
  const { data } = canvas.getContext("2d").getImageData(0, top, width, Math.round(height * 0.08));
  for (let x = left + 2; x < right - 4; x += 1) {
    let ink = 0;
    for (let y = 0; y < data.length / 4 / width; y += 1) {
      const [red, , blue, alpha] = data.slice(4 * (y * width + x), 4 * (y * width + x) + 4);
      if (alpha > 60 && blue > red + 40) ink += 1;
    }
    if (ink > 4) inked.push(x);
  }
  const middle = inked.reduce((a, b) => a + b, 0) / inked.length;
  return Math.round(((middle + 0.5 - left) / (right - left)) * 1000000);
}"""
"""At which step the line reaches the upper part of the chart: it is blue, grid, marks and reading line are not."""


def _spoken(value: float) -> str:
    return shown(value if np.isfinite(value) else {True: "NaN"}.get(bool(np.isnan(value)), "Infinity"))


def test_what_happened_is_the_first_thing_said(open_recording: Open) -> None:
    report = open_recording()
    page = report.page
    assert page.locator("h1").inner_text() == "resnet"
    assert page.locator(".fl-outcome-diverged").inner_text() == "diverged"
    summary = recordings.diverging().summary
    assert summary is not None
    assert page.locator(".fl-rec-lead").inner_text() == summary.line.replace("`", "")
    assert page.locator(".fl-rec-lead code").count() == summary.line.count("`") // 2


def test_the_alarm_s_story_names_the_layer_and_each_cause(open_recording: Open) -> None:
    report = open_recording()
    page, told = report.page, report.payload["alarms"][0]
    assert page.locator(".fl-rec-story-title").inner_text() == told["title"]
    assert page.locator(".fl-rec-story-words > p").all_inner_texts() == [*told["sentences"], *told["remedies"]]
    assert page.locator(".fl-rec-badge").all_inner_texts() == ["found", "found", "not measured", "not found"]
    reading = page.locator(".fl-rec-flight .fl-rec-heat-reading").nth(1)
    assert reading.inner_text() == "layer4.conv1 (Conv2d) · step 4,311 · gradient norm ∞"
    scroll = page.locator(".fl-rec-flight .fl-rec-heat-scroll")
    scroll.focus()
    page.keyboard.press("ArrowLeft")
    report.settle()
    flight = recordings.diverging().alarms[0].flight
    value = float(flight.gradient_norm[-3, 4])
    ratio = value / float(np.median(flight.gradient_norm[: len(flight.step) // 2, 4]))
    assert reading.inner_text().startswith(
        f"layer4.conv1 (Conv2d) · step 4,310 · gradient norm {shown(value)}, {shown(ratio)} ×"
    )
    page.keyboard.press("ArrowUp")
    report.settle()
    assert reading.inner_text().startswith("layer3.conv1 ")


@pytest.mark.parametrize("name", ["well_behaved", "diverging", "gan"])
def test_the_number_on_screen_is_the_number_recorded(open_recording: Open, name: str) -> None:
    report = open_recording(name)
    steps = recordings.CATALOGUE[name]().steps
    for back in range(4):
        row = len(steps) - 1 - back
        if back:
            report.page.keyboard.press("Shift+ArrowLeft")
            report.settle()
        assert report.number("step") == f"{int(steps.step[row]):,}"
        assert report.number("loss") == _spoken(float(steps.loss[row]))
        if steps.measured[row, 0]:
            assert report.number("gradient") == _spoken(float(steps.gradient_norm[row, 0]))
            assert report.number("ratio") == _spoken(float(steps.update_ratio[row, 0]))
            assert report.number("cosine") == _spoken(float(steps.downhill_cosine[row, 0]))
        assert report.number("rate") == _spoken(float(steps.learning_rate[row, 0]))


def test_a_number_from_an_earlier_step_says_which(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    batches = recordings.well_behaved().batches
    last = int(np.flatnonzero(batches.reach_measured)[-1])
    assert report.number("reach") == shown(float(batches.reach[last]))
    parts = report.page.locator(".fl-rec-chart-parts")
    assert parts.locator('[data-number="part-momentum"]').inner_text() == "62 %"
    assert parts.locator(".fl-rec-where").inner_text() == "step 1,980"
    canvas = report.page.locator(".fl-rec-chart-logged-0 canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    report.page.mouse.move(box["x"] + 66, box["y"] + 60)  # before the first accuracy was logged
    report.settle()
    assert report.number("logged-0") == "–"


def test_hovering_one_chart_reads_all_of_them(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    canvas = report.page.locator(".fl-rec-chart-loss canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    report.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    report.settle()
    step = int(report.number("step").replace(",", ""))
    assert 900 < step < 1100
    steps = recordings.well_behaved().steps
    assert report.number("loss") == shown(float(steps.loss[step]))
    assert report.number("gradient") == shown(float(steps.gradient_norm[step, 0]))


def test_drag_zooms_keys_zoom_pan_and_reset(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    page = report.page
    assert report.number("sight") == "steps 0 to 1,999"
    canvas = page.locator(".fl-rec-chart-loss canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    whole = report.picture("x, .fl-rec-chart-loss canvas")
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    page.mouse.up()
    report.settle()
    first, last = (int(word) for word in report.number("sight").replace(",", "").split()[1::2])
    assert 650 < first < 850
    assert 1100 < last < 1300
    assert report.picture("x, .fl-rec-chart-loss canvas") != whole
    for key, span in (("+", 0.5), ("-", 1.0)):
        page.keyboard.press(key)
        report.settle()
        now = [int(word) for word in report.number("sight").replace(",", "").split()[1::2]]
        assert abs((now[1] - now[0]) - span * (last - first)) <= 3
    before = report.number("sight")
    page.keyboard.press("ArrowRight")
    report.settle()
    assert report.number("sight") != before
    page.keyboard.press("0")
    report.settle()
    assert report.number("sight") == "steps 0 to 1,999"
    page.keyboard.press("+")
    canvas.dblclick()
    report.settle()
    assert report.number("sight") == "steps 0 to 1,999"


def test_the_plain_wheel_scrolls_and_ctrl_with_it_zooms(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    page = report.page
    canvas = page.locator(".fl-rec-chart-loss canvas")
    canvas.scroll_into_view_if_needed()
    canvas.hover()
    top = page.evaluate("window.scrollY")
    page.mouse.wheel(0, 200)
    wait_until(report, lambda: page.evaluate("window.scrollY") > top)
    assert report.number("sight") == "steps 0 to 1,999"
    canvas.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    wait_until(report, lambda: report.number("sight") != "steps 0 to 1,999")


def test_the_way_to_the_alarm_and_what_stands_in_a_gap(open_recording: Open) -> None:
    report = open_recording()
    report.page.get_by_role("button", name="The steps around the first alarm").click()
    report.settle()
    assert report.number("sight") == "steps 4,233 to 4,312"
    assert report.page.locator(".fl-rec-happened").inner_text().strip() == "! Alarm: the loss is not finite."
    gap = open_recording("gap")
    gap.page.locator(".fl-rec-event").click()
    gap.settle()
    assert gap.number("step") == "500"
    assert "500 to 899" in gap.page.locator(".fl-rec-happened").inner_text()


def test_log_or_linear(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    switch = report.page.get_by_role("switch", name="Loss: logarithmic")
    assert switch.get_attribute("aria-checked") == "true"
    before = report.picture("x, .fl-rec-chart-loss canvas")
    switch.click()
    assert switch.get_attribute("aria-checked") == "false"
    assert report.picture("x, .fl-rec-chart-loss canvas") != before


@pytest.mark.parametrize("name", ["well_behaved", "nan_data", "accumulating"])
def test_every_canvas_is_painted_and_has_words(open_recording: Open, name: str) -> None:
    report = open_recording(name)
    canvases = report.page.locator("canvas")
    assert canvases.count() >= len(report.payload["charts"])
    for canvas in canvases.all():
        assert canvas.get_attribute("role") == "img"
        assert len(canvas.get_attribute("aria-label") or "") > 20
        canvas.scroll_into_view_if_needed()
        report.settle()
        assert canvas.evaluate(_PAINTED) > 5


def test_the_numbers_are_there_as_a_table(open_recording: Open) -> None:
    report = open_recording()
    steps = recordings.diverging().steps
    report.open_table(".fl-rec-table summary")
    rows = report.page.locator(".fl-rec-table tbody tr")
    assert rows.count() == 40
    last = rows.nth(39).locator("th, td").all_inner_texts()
    assert last[0].endswith("–4,312")
    assert all("NaN" in last[k] for k in (1, 3))
    assert last[2] == "0.5"
    many = report.page.locator(".fl-rec-table tbody th").all_inner_texts()
    assert sum(int(word.replace(",", "").split("–")[-1]) for word in many[-1:]) == 4_312
    low, high = rows.nth(0).locator("td").nth(0).inner_text().split(" … ")
    end = int(many[0].replace(",", "").split("–")[-1])
    inside = steps.loss[: end + 1]
    assert (low, high) == (shown(float(inside.min())), shown(float(inside.max())))


def test_the_heat_map_reads_every_layer_and_is_a_table_too(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    page, layers = report.page, recordings.well_behaved().layers
    panel = page.locator(".fl-rec-layers")
    value = panel.locator('[data-number="heat"]')
    assert panel.locator(".fl-rec-heat-reading").inner_text().startswith("Point at a layer")
    panel.get_by_role("button", name="update norm").click()
    panel.locator(".fl-rec-heat-scroll").focus()
    for row in (0, 1):
        page.keyboard.press("ArrowDown")
        report.settle()
        assert value.inner_text() == shown(float(layers.update_norm[-1, row]))
    panel.locator("summary").click()
    second = panel.locator("tbody tr").nth(1)
    second.wait_for()
    assert second.locator("td").last.inner_text() == shown(float(layers.update_norm[-1, 1]))


def test_a_million_steps_open_and_a_single_spike_is_read(open_recording: Open) -> None:
    report = open_recording(million())
    page = report.page
    assert report.number("sight") == "steps 0 to 999,999"
    report.open_table(".fl-rec-table summary")
    page.locator(".fl-rec-table summary").click()
    canvas = page.locator(".fl-rec-chart-loss canvas")
    canvas.scroll_into_view_if_needed()
    report.settle()
    # Of a million steps one is a spike: alone it reaches the upper fifth of the chart.
    assert abs(int(canvas.evaluate(_HIGHEST)) - 612_345) < 3_000
    for _ in range(12):
        box = canvas.bounding_box()
        assert box is not None
        first, last = (int(word) for word in report.number("sight").replace(",", "").split()[1::2])
        inside = box["width"] - 12 - 64
        page.mouse.move(box["x"] + 64 + inside * (612_345 - first) / (last - first), box["y"] + 60)
        report.settle()
        page.keyboard.press("+")
        report.settle()
    assert "10⁶" in report.number("loss")
    assert "steps 612," in page.locator(".fl-rec-chart-loss .fl-rec-where").inner_text()


@pytest.mark.parametrize("name", ["empty", "killed"])
def test_a_record_without_an_end_is_a_page_too(open_recording: Open, name: str) -> None:
    report = open_recording(name)
    assert report.page.locator(".fl-rec-lead").inner_text() == report.payload["sentence"]
    assert (report.page.locator("canvas").count() == 0) == (name == "empty")


@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_in_either_theme(open_recording: Open, width: int, scheme: Any) -> None:
    report = open_recording(viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert report.page.locator(".fl").get_attribute("data-mode") == scheme
    assert report.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_projector_is_large_type(open_recording: Open) -> None:
    report = open_recording()
    size = "getComputedStyle(document.querySelector('.fl-rec-lead')).fontSize"
    report.page.keyboard.press("p")
    report.settle()
    assert report.page.evaluate(size) == "33px"
    report.page.keyboard.press("Escape")
    assert report.page.evaluate(size) == "22px"


def test_every_control_is_reached_by_tab(open_recording: Open) -> None:
    report = open_recording()
    reached = set()
    for _ in range(45):
        report.page.keyboard.press("Tab")
        reached.add(
            report.page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()")
        )
    wanted = {"Projector", "Theme: auto", "gradient norm", "Zoom in (key +)", "Loss: logarithmic"}
    wanted |= {"The numbers in sight as a table", "The map as a table", "The steps around the first alarm"}
    assert wanted <= reached


def test_paper_is_light_and_has_no_controls(open_recording: Open) -> None:
    report = open_recording(color_scheme="dark")
    report.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert report.page.locator(".fl").get_attribute("data-mode") == "light"
    report.page.emulate_media(media="print")
    assert report.page.locator("button:not(.fl-rec-event):visible, summary:visible").count() == 0
