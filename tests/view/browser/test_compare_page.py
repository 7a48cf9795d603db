"""The page of a comparison in a real Chromium: playing together, the legend, the settings, sizes, themes, words."""

from pathlib import Path
from typing import Any

import pytest

from fallline._report import comparison_report
from view.browser.conftest import Open, Opened, shown
from view.comparisons import comparison, payload

pytestmark = pytest.mark.browser


@pytest.fixture
def open_comparison(open_page: Open, tmp_path: Path) -> Open:
    """Write a comparison's page and open it."""

    def start(name: str = "ravine", **context: Any) -> Opened:
        target = tmp_path / f"{name}.html"
        comparison_report(comparison(name), target)
        return open_page(target, payload(name), waits_for=".fl-button-step", **context)

    return start


def _counter(report: Opened) -> str:
    report.settle()
    return report.page.locator(".fl-counter").inner_text()


def _shows(report: Opened, setting: int, moment: int) -> None:
    """Every number of the legend is the payload's at a moment."""
    report.settle()
    for index, run in enumerate(report.payload["settings"][setting]["runs"]):
        assert report.number(f"rate-{index}") == shown(run["rate"])
        measured = [loss for loss in run["loss"][: moment + 1] if loss is not None]
        assert report.number(f"loss-{index}") == shown(measured[-1])


def test_it_opens_at_the_start_with_every_optimizer_at_its_own_best_rate(open_comparison: Open) -> None:
    report = open_comparison()
    assert _counter(report) == "0 of 20 steps taken"
    assert report.page.locator('.fl-setting[aria-pressed="true"]').inner_text() == "each at its own best rate"
    _shows(report, 1, 0)


@pytest.mark.parametrize("name", ["ravine", "parabola", "batches", "wells", "three"])
def test_the_keys_walk_all_of_them_step_by_step(open_comparison: Open, name: str) -> None:
    report = open_comparison(name)
    total = report.payload["total_steps"]
    for key, moment in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", total), ("Home", 0)]:
        report.page.keyboard.press(key)
        assert _counter(report) == f"{moment} of {total} steps taken"
        _shows(report, 1, moment)


def test_take_a_step_shows_the_parts_one_by_one_and_then_moves(open_comparison: Open) -> None:
    report = open_comparison()
    report.page.get_by_role("button", name="Adam").click()
    report.hold_clock()
    report.page.get_by_role("button", name="Take a step").click()
    seen, pictures = [], set()
    for _ in range(30):
        report.page.clock.run_for(100)
        words = report.page.locator(".fl-skip").inner_text()
        pictures.add(report.page.evaluate("document.querySelector('.fl-canvas-contour').toDataURL()"))
        if words and words not in seen:
            seen.append(words)
    assert seen == ["Adam: gradient, turned round", "+ momentum", "+ preconditioning", "all move together"]
    assert len(pictures) > 4
    assert report.page.locator(".fl-counter").inner_text() == "1 of 20 steps taken"


def test_playing_reaches_the_end_and_pausing_stops_on_a_whole_step(open_comparison: Open) -> None:
    report = open_comparison()
    report.hold_clock()
    report.page.keyboard.press("Space")
    report.page.clock.run_for(600)
    report.page.keyboard.press("Space")
    report.page.clock.run_for(100)
    first = report.page.locator(".fl-counter").inner_text()
    report.page.clock.run_for(2000)
    assert report.page.locator(".fl-counter").inner_text() == first
    taken = int(first.split()[0])
    assert 1 <= taken < 20
    for index, run in enumerate(report.payload["settings"][1]["runs"]):
        assert report.number(f"loss-{index}") == shown(run["loss"][taken])
    report.page.keyboard.press("Space")
    report.page.clock.run_for(10_000)
    assert report.page.locator(".fl-counter").inner_text() == "20 of 20 steps taken"


def test_the_scrubber_moves_everybody(open_comparison: Open) -> None:
    report = open_comparison()
    report.page.locator(".fl-scrub").press("PageUp")
    assert _counter(report) == "10 of 20 steps taken"
    _shows(report, 1, 10)


def test_the_legend_hides_and_shows_by_keyboard(open_comparison: Open) -> None:
    report = open_comparison()
    report.page.keyboard.press("ArrowRight")
    before = {name: report.picture(name) for name in ("contour", "losses", "parameters")}
    switch = report.page.get_by_role("switch", name="Show momentum")
    switch.focus()
    report.page.keyboard.press("Space")
    report.settle()
    assert switch.get_attribute("aria-checked") == "false"
    for name, picture in before.items():
        assert report.picture(name) != picture, name
    label = report.page.locator(".fl-canvas-contour").get_attribute("aria-label") or ""
    assert "momentum" not in label
    assert _counter(report) == "1 of 20 steps taken"
    report.page.keyboard.press("Space")
    assert {name: report.picture(name) for name in before} == before


def test_a_name_picks_whose_parts_are_drawn(open_comparison: Open) -> None:
    report = open_comparison()
    for _ in range(3):
        report.page.keyboard.press("ArrowRight")
    keys, pictures = [], set()
    for pick in report.page.locator(".fl-pick").all():
        pick.press("Enter")
        report.settle()
        assert pick.get_attribute("aria-pressed") == "true"
        keys.append(report.page.locator(".fl-legend-key").inner_text().replace("→ ", ""))
        pictures.add(report.picture("contour"))
    assert report.page.locator('.fl-pick[aria-pressed="true"]').count() == 1
    assert keys[1] == "step = gradient + momentum"
    assert keys[2] == "step = gradient + momentum + preconditioning"
    assert len(pictures) == 3


def test_the_settings_switch_rates_paths_verdict_and_table(open_comparison: Open) -> None:
    report = open_comparison()
    for _ in range(4):
        report.page.keyboard.press("ArrowRight")
    best = report.picture("contour")
    report.page.get_by_role("button", name="at one common rate").click()
    assert _counter(report) == "4 of 20 steps taken"
    _shows(report, 0, 4)
    assert report.picture("contour") != best
    settings = report.payload["settings"]
    verdict = report.page.locator(".fl-compare-verdict .fl-verdict").all_inner_texts()
    assert verdict == settings[0]["verdict"]
    cells = report.page.locator(".fl-compare-results td").all_inner_texts()
    assert cells == [cell for row in settings[0]["table"]["cells"] for cell in row[1:]]
    report.page.get_by_role("button", name="each at its own best rate").click()
    assert report.picture("contour") == best


def test_who_leaves_the_picture_is_said_and_can_be_followed(open_comparison: Open) -> None:
    report = open_comparison("diverged")
    report.page.get_by_role("button", name="at one common rate").click()
    report.page.keyboard.press("End")
    report.settle()
    zoom = report.page.locator(".fl-zoom")
    assert zoom.inner_text() == "zoom out × 10"
    before = report.picture("contour")
    zoom.click()
    assert report.picture("contour") != before
    run = report.payload["settings"][0]["runs"][0]
    assert report.number("loss-0") == shown(
        run["loss"][-1] if isinstance(run["loss"][-1], str) else _word(run["loss"][-1])
    )


def _word(value: float) -> float | str:
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), value)


def test_the_basins_are_maps_with_their_shares_in_words(open_comparison: Open) -> None:
    report = open_comparison("himmelblau")
    basins = report.payload["basins"]
    assert report.page.locator(".fl-canvas-basin").count() == len(basins["maps"]) == 2
    captions = report.page.locator(".fl-basin figcaption").all_inner_texts()
    for caption, row in zip(captions, basins["table"]["cells"], strict=True):
        for cell in row[1:]:
            assert cell in caption
    assert open_comparison("ravine").page.locator(".fl-basins").count() == 0


def test_every_picture_says_its_numbers(open_comparison: Open) -> None:
    report = open_comparison()
    report.page.keyboard.press("ArrowRight")
    report.settle()
    runs = report.payload["settings"][1]["runs"]
    for canvas in report.page.locator(".fl-compare canvas:visible").all():
        label = canvas.get_attribute("aria-label") or ""
        assert canvas.get_attribute("role") == "img"
        assert "After 1 step" in label
        for run in runs:
            assert f"loss {shown(run['loss'][1])}" in label
    report.open_table()
    rows = report.page.locator(".fl-table-scroll tbody tr")
    assert rows.count() == 21
    cells = rows.nth(1).locator("td").all_inner_texts()
    assert cells[0] == shown(runs[0]["loss"][1])
    assert cells[1:3] == [shown(value) for value in runs[0]["parameters"][1]]


@pytest.mark.parametrize("name", ["ravine", "himmelblau", "three"])
@pytest.mark.parametrize("width", [320, 390, 800, 1280, 1920])
def test_nothing_sticks_out_sideways(open_comparison: Open, name: str, width: int) -> None:
    report = open_comparison(name, viewport={"width": width, "height": 844})
    report.page.keyboard.press("End")
    report.settle()
    assert report.page.evaluate("document.documentElement.scrollWidth") <= width
    outside = report.page.evaluate(
        "(width) => [...document.querySelectorAll('.fl *')].filter((each) =>"
        " !each.closest('.fl-table-scroll, .fl-facts') && each.getBoundingClientRect().right > width + 0.5)"
        ".map((each) => each.className)",
        width,
    )
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_hold_and_each_series_stands_out(open_comparison: Open, scheme: Any) -> None:
    report = open_comparison(color_scheme=scheme)
    assert report.page.locator(".fl").get_attribute("data-mode") == scheme
    read = (
        "() => { const style = getComputedStyle(document.querySelector('.fl'));"
        " return ['--fl-surface', ...Array.from({length: 8}, (_, i) => `--fl-c${i}`)]"
        ".map((name) => style.getPropertyValue(name).trim()); }"
    )
    ground, *series = [_luminance(colour) for colour in report.page.evaluate(read)]
    for light in series:
        assert (max(light, ground) + 0.05) / (min(light, ground) + 0.05) >= 4.5
    assert len(set(series)) == 8


def _luminance(colour: str) -> float:
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_projector_shows_two_pictures_and_no_controls(open_comparison: Open) -> None:
    report = open_comparison()
    report.page.keyboard.press("p")
    report.settle()
    assert report.page.locator("canvas:visible").count() == 2
    assert report.page.evaluate("getComputedStyle(document.querySelector('.fl')).fontSize") == "24px"
    setting = report.payload["settings"][-1]  # each at its own best rate is shown first
    assert report.page.locator(".fl-compare-verdict :visible").all_inner_texts() == setting["verdict"][:1]
    rates = report.page.locator('[data-number^="rate-"]:visible').all_inner_texts()
    assert rates == [shown(run["rate"]) for run in setting["runs"]]
    report.page.keyboard.press("Escape")
    report.settle()
    assert report.page.locator("canvas:visible").count() >= 3


def test_on_a_phone_everything_to_press_is_large(open_comparison: Open) -> None:
    report = open_comparison(viewport={"width": 390, "height": 844})
    for control in report.page.locator(".fl-transport button, .fl-setting, .fl-pick, .fl-legend .fl-switch").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_one_parameter_needs_no_second_picture(open_comparison: Open) -> None:
    report = open_comparison("parabola")
    report.page.keyboard.press("End")
    report.settle()
    assert report.page.locator(".fl-panel-contour h2").inner_text() == "The loss, and where each one stands"
    assert report.page.locator(".fl-canvas-inset:visible").count() == 0


def test_of_many_parameters_one_is_chosen(open_comparison: Open) -> None:
    report = open_comparison("three")
    before = report.picture("parameters")
    report.page.locator(".fl-menu").select_option("q")
    assert report.picture("parameters") != before
