"""The page of a watched loop in a real Chromium: its words, its tables, single measurements, keys, fingers, paper."""

from dataclasses import replace

import numpy as np
import pytest

import recordings
from view.browser.conftest import Open, shown, wait_until
from view.test_recording_payload import million

pytestmark = pytest.mark.browser

_PAINTED = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"


def test_the_run_is_told_in_words_under_the_headline(open_recording: Open) -> None:
    report = open_recording("well_behaved", viewport={"width": 390, "height": 844})
    told = report.page.locator(".fl-rec-told p").all_inner_texts()
    assert told == [" ".join(each).replace("`", "") for each in report.payload["paragraphs"]]
    assert report.page.locator(".fl-rec-told").bounding_box()["y"] < 844


def test_a_rare_extreme_is_in_the_table_of_the_whole_run(open_recording: Open) -> None:
    recording = recordings.well_behaved()
    loss, reach = recording.steps.loss.copy(), recording.batches.reach.copy()
    loss[1_234], reach[33] = 77.5, 55.5
    changed = replace(
        recording,
        steps=replace(recording.steps, loss=loss),
        batches=replace(recording.batches, reach=reach, reach_measured=np.ones(len(reach), bool)),
    )
    report = open_recording(changed)
    report.open_table(".fl-rec-table summary")
    words = report.page.locator(".fl-rec-table tbody").inner_text()
    assert "77.5" in words
    assert "55.5" in words
    heads = report.page.locator(".fl-rec-table thead th").all_inner_texts()
    assert "Part of the step, momentum" in heads


def test_the_mean_of_a_bin_weighs_its_finite_rows(open_recording: Open) -> None:
    """Of ten bins one is whole and nine hold a single finite value each: the line runs near the whole one's."""
    base = million()
    loss = np.where(np.arange(1_000_000) % 1_000 < 100, 1.0, np.nan)
    loss[150::100] = 3.0
    report = open_recording(replace(base, steps=replace(base.steps, loss=loss), logged={}))
    report.page.locator(".fl-rec-chart-loss canvas").scroll_into_view_if_needed()
    report.settle()
    where = report.page.locator(".fl-rec-chart-loss canvas").evaluate(_STROKE_HEIGHT)
    assert where > 0.75  # the mean is 1.2, of 1 … 3; with one weight for every bin it would be above 2


_STROKE_HEIGHT = """(canvas) => {
  const { width, height } = canvas;
  const x = Math.round(width * 0.45);
  const { data } = canvas.getContext("2d").getImageData(x, 0, 1, height);
  let [best, at] = [0, 0];
  for (let y = Math.round(height * 0.1); y < height * 0.88; y += 1) {
    const ink = data[4 * y + 2] - data[4 * y];
    if (data[4 * y + 3] > 60 && ink > best) [best, at] = [ink, y];
  }
  const scale = height / canvas.clientHeight;
  return (at / scale - 16) / (canvas.clientHeight - 16 - 24);
}"""
"""How far down a chart its line (its strongest blue) runs, as a share of the height."""


def test_single_measurements_are_dots(open_recording: Open) -> None:
    """Between two measurements far apart nothing is drawn."""
    report = open_recording("well_behaved")
    steps = recordings.well_behaved().batches.step
    gap = int(np.argmax(np.diff(steps)))
    share = float(steps[gap] + steps[gap + 1]) / 2 / 1_999
    canvas = report.page.locator(".fl-rec-chart-reach canvas")
    canvas.scroll_into_view_if_needed()
    report.settle()
    assert canvas.evaluate(_BLUE, share) == 0
    assert report.page.locator(".fl-rec-chart-loss canvas").evaluate(_BLUE, share) > 0


_BLUE = """(canvas, share) => {
  const scale = canvas.width / canvas.clientWidth;
  const left = 64;
  const x = Math.round((left + share * (canvas.clientWidth - left - 12)) * scale);
  const { data } = canvas.getContext("2d").getImageData(x - 2, 0, 5, canvas.height);
  let blue = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 60 && data[i + 2] > data[i] + 60) blue += 1;
  return blue;
}"""


def test_a_step_that_is_read_by_key_is_said(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    said = report.page.get_by_role("status").filter(has=report.page.locator(".fl-rec-step"))
    report.page.keyboard.press("Shift+ArrowLeft")
    report.settle()
    steps = recordings.well_behaved().steps
    assert f"step 1,998, Loss {shown(float(steps.loss[1998]))}." in " ".join(said.text_content().split())


def test_home_and_end_belong_to_the_page_outside_the_charts(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    page = report.page
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.evaluate(
        "() => { window.scrolls = 0; document.addEventListener('scrollend', () => { window.scrolls += 1; }); }"
    )
    page.keyboard.press("End")
    wait_until(
        report, lambda: page.evaluate("window.scrolls") == 1
    )  # Chromium drops a Home that meets a running scroll
    assert page.evaluate("window.scrollY") > 100
    before = report.number("sight")
    page.keyboard.press("Home")
    wait_until(report, lambda: page.evaluate("window.scrolls") == 2)
    assert page.evaluate("window.scrollY") == 0
    assert report.number("sight") == before
    page.locator(".fl-rec-chart-loss canvas").click()
    page.keyboard.press("Home")
    report.settle()
    assert report.number("sight").startswith("steps 0 to ")


def test_fingers_have_room(open_recording: Open) -> None:
    report = open_recording(viewport={"width": 390, "height": 844})
    for button in report.page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44, button.inner_text()
        assert box["width"] >= 44, button.inner_text()


def test_every_chart_is_drawn_before_anybody_scrolls(open_recording: Open) -> None:
    report = open_recording("well_behaved")
    report.settle()
    blank = [canvas for canvas in report.page.locator("canvas").all() if canvas.evaluate(_PAINTED) < 5]
    assert blank == []


def test_paper_gets_every_chart_drawn_anew(open_recording: Open) -> None:
    page = open_recording("well_behaved", color_scheme="dark").page
    picture = "(canvas) => canvas.toDataURL()"
    last = page.locator(".fl-rec-chart-logged-0 canvas")  # far out of sight
    dark = last.evaluate(picture)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert last.evaluate(picture) != dark


def test_parts_that_nearly_cancel_do_not_blow_up_their_chart(open_recording: Open) -> None:
    recording = recordings.well_behaved()
    share = recording.parts.share.copy()
    share[5, 0, :2] = (400.0, -399.0)
    report = open_recording(replace(recording, parts=replace(recording.parts, share=share)))
    panel = report.page.locator(".fl-rec-chart-parts")
    assert "cut off at −300 % and 400 %" in panel.locator(".fl-rec-note").inner_text()
    whole = open_recording("well_behaved").page.locator(".fl-rec-chart-parts .fl-rec-note").inner_text()
    assert "cut off" not in whole


def test_the_flight_s_table_has_the_loss_too(open_recording: Open) -> None:
    report = open_recording()
    panel = report.page.locator(".fl-rec-flight")
    panel.locator("summary").click()
    row = panel.locator("tbody tr").first
    row.wait_for()
    assert row.locator("th").inner_text() == "loss"
    assert row.locator("td").last.inner_text() == "NaN"
