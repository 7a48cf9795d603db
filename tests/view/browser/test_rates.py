"""The rate slider: it stops at measured rates only, and everything on the page is that run's."""

import json
import math
from typing import Any

import pytest

from view.browser.conftest import Open, Opened, shown

pytestmark = pytest.mark.browser


def _chosen(report: Opened) -> int | None:
    """The stop whose rate the header shows, by its words on the slider."""
    words = report.page.locator(".fl-rates-input").get_attribute("aria-valuetext")
    return report.payload["rates"]["words"].index(words)


def _shows_stop(report: Opened, stop: int, frame: int) -> None:
    """The numbers on the page are those of one frame of a measured run, after its step."""
    rates = report.payload["rates"]
    stops = rates["stops"]
    assert _chosen(report) == stop
    assert report.number("rate") == shown(rates["value"][stop])
    assert report.page.locator(".fl-step-title").inner_text() == f"After step {stops['step'][frame]}"
    assert report.number("loss") == shown(stops["loss_after"][stop][frame])
    for index, name in enumerate(report.payload["parameters"]):
        assert report.number(name) == shown(stops["end"][stop][frame][index])
    assert report.number("promised") == shown(stops["first_order_change"][stop][frame])
    assert report.number("came") == shown(stops["real_change"][stop][frame])
    assert report.number("reach") == shown(stops["reach"][stop][frame])


def _press(report: Opened, key: str) -> None:
    report.page.locator(".fl-rates-input").press(key)
    report.settle()


def test_it_opens_on_the_recorded_run(open_report: Open) -> None:
    report = open_report("rates")
    rates = report.payload["rates"]
    assert _chosen(report) == rates["own"]
    assert report.number("rate") == "0.01"
    assert report.page.locator(".fl-zone").inner_text() == rates["words"][rates["own"]].split(", ", 1)[1]
    assert report.page.get_by_role("button", name="Back to the recorded run").count() == 0
    assert report.page.get_by_role("slider", name="Learning rate").count() == 1


def test_the_keys_go_from_one_measured_rate_to_the_next(open_report: Open) -> None:
    report = open_report("rates")
    own, last = report.payload["rates"]["own"], len(report.payload["rates"]["value"]) - 1
    for key, stop in [("ArrowRight", own + 1), ("ArrowUp", own + 2), ("ArrowLeft", own + 1), ("PageDown", own - 5)]:
        _press(report, key)
        assert _chosen(report) == stop, key
    for key, stop in [("Home", 0), ("ArrowLeft", 0), ("PageUp", 6), ("End", last), ("ArrowRight", last)]:
        _press(report, key)
        assert _chosen(report) == stop, key
    assert report.page.locator(".fl-counter").inner_text().startswith("0 of")  # the run did not move


def test_the_numbers_are_those_of_the_sweep(open_report: Open) -> None:
    report = open_report("rates")
    own = report.payload["rates"]["own"]
    report.page.locator(".fl").press("ArrowRight")
    for stop in (own + 1, own + 2, own + 3):
        _press(report, "ArrowRight")
        _shows_stop(report, stop, 0)
    assert report.page.locator(".fl-words p").all_inner_texts() == [
        report.payload["rates"]["sentence"][own + 3],
        report.payload["rates"]["note"],
    ]
    report.page.locator(".fl").press("End")
    report.settle()
    _shows_stop(report, own + 3, len(report.payload["rates"]["stops"]["loss"][own + 3]) - 1)
    _press(report, "ArrowLeft")  # another rate's run, as far along as this one: at its end
    _shows_stop(report, own + 2, len(report.payload["rates"]["stops"]["loss"][own + 2]) - 1)


def test_the_mouse_snaps_to_the_nearest_measured_rate(open_report: Open) -> None:
    report = open_report("rates")
    box = report.page.locator(".fl-rates-bar").bounding_box()
    assert box is not None
    values = report.payload["rates"]["value"]
    spread = values[-1] / values[0]
    for part in (0.1, 0.52, 0.9):
        report.page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        report.settle()
        wanted = values[0] * spread**part
        stop = _chosen(report)
        assert stop is not None
        assert abs(values[stop] / wanted - 1) <= min(abs(value / wanted - 1) for value in values) + 0.02
        thumb = report.page.locator(".fl-rates-input").evaluate("(input) => input.valueAsNumber / 1000")
        assert values[0] * spread**thumb == pytest.approx(values[stop], rel=1e-6)


def test_every_picture_changes_with_the_rate_and_comes_back(open_report: Open) -> None:
    report = open_report("rates")
    report.page.locator(".fl").press("End")
    names = ("contour", "bowl", "slice", "data", "loss", "parameters", "rates")
    before = {name: report.picture(name) for name in names}
    for _ in range(3):
        _press(report, "ArrowRight")
    assert not [name for name in names if report.picture(name) == before[name]]
    back = report.page.get_by_role("button", name="Back to the recorded run")
    back.click()
    report.settle()
    assert {name: report.picture(name) for name in names} == before
    assert _chosen(report) == report.payload["rates"]["own"]
    assert report.page.locator(".fl-words p").all_inner_texts() == report.payload["frames"]["sentences"][-1]


def test_the_header_speaks_of_the_rate_that_is_shown(open_report: Open) -> None:
    report = open_report("rates")
    rates, recorded = report.payload["rates"], report.payload["rate"]["value"]
    pill, subtitle = report.page.locator(".fl-outcome"), report.page.locator(".fl-subtitle")
    assert pill.inner_text() == report.payload["outcome"]
    assert subtitle.inner_text() == report.payload["subtitle"]
    report.page.locator(".fl-rates-input").press("End")
    report.settle()
    assert rates["zone"][-1] == "diverging"
    assert pill.inner_text().endswith("diverging")
    assert f"learning rate {shown(rates['value'][-1])} (recorded: {shown(recorded)})" in subtitle.inner_text()
    report.page.get_by_role("button", name="Back to the recorded run").click()
    report.settle()
    assert pill.inner_text() == report.payload["outcome"]
    assert subtitle.inner_text() == report.payload["subtitle"]


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_recommended_rate_has_its_own_mark_and_its_words_below_it(open_report: Open, width: int) -> None:
    report = open_report("rates", viewport={"width": width, "height": 900})
    report.settle()
    rates = report.payload["rates"]
    bar = report.page.locator(".fl-rates-bar").bounding_box()
    star = report.page.locator(".fl-rates-star").bounding_box()
    assert bar is not None
    assert star is not None
    part = math.log(rates["recommended"]["value"] / rates["value"][0]) / math.log(
        rates["value"][-1] / rates["value"][0]
    )
    at = star["x"] + star["width"] / 2
    assert at == pytest.approx(bar["x"] + part * bar["width"], abs=1)
    words = report.page.locator(".fl-rates-text:visible", has_text="recommended").bounding_box()
    assert words is not None
    assert words["x"] < at < words["x"] + words["width"]
    if width > 390:
        assert words["x"] + words["width"] / 2 == pytest.approx(at, abs=1.5)


def test_a_measured_run_is_stepped_played_and_tabled(open_report: Open) -> None:
    report = open_report("rates")
    report.hold_clock()
    stop = report.payload["rates"]["own"] + 2
    report.page.locator(".fl-rates-input").press("ArrowRight")
    report.page.locator(".fl-rates-input").press("ArrowRight")
    report.page.clock.run_for(100)
    report.page.get_by_role("button", name="Take a step").click()
    seen = []
    for _ in range(4):
        report.page.clock.run_for(450)
        seen.append(report.page.locator(".fl-beat-now").inner_text())
        report.page.clock.run_for(150)
    assert seen == report.payload["rates"]["captions"]
    report.page.clock.run_for(200)
    _shows_stop(report, stop, 0)
    report.page.locator(".fl-rates-input").press(" ")
    report.page.clock.run_for(9000)
    stops = report.payload["rates"]["stops"]
    _shows_stop(report, stop, len(stops["loss"][stop]) - 1)
    report.open_table(".fl-numbers summary")
    report.page.locator(".fl-numbers .fl-table").wait_for()  # it is built when it is first opened
    cells = report.page.locator(".fl-numbers .fl-table tr").nth(1).locator("td").all_inner_texts()
    assert cells[3] == shown(stops["loss_after"][stop][0])


def test_a_rate_that_diverges_ends_where_its_numbers_end(open_report: Open) -> None:
    def overflow(payload: dict[str, Any]) -> None:
        stops = payload["rates"]["stops"]
        for column in stops.values():
            if (
                isinstance(column, list)
                and len(column) == len(payload["rates"]["value"])
                and isinstance(column[-1], list)
            ):
                column[-1] = column[-1][:5]
        stops["first_not_finite"][-1] = 4
        stops["loss_after"][-1][-1] = "Infinity"

    report = open_report("rates", change=overflow)
    _press(report, "End")
    report.page.locator(".fl").press("End")
    report.settle()
    assert report.number("loss") == "∞"
    assert report.page.locator(".fl-counter").inner_text() == "5 of 5 steps taken"


def test_the_zones_are_named_and_drawn_where_they_were_measured(open_report: Open) -> None:
    report = open_report("rates", viewport={"width": 390, "height": 844})
    rates = report.payload["rates"]
    drawn = report.page.locator(".fl-rates-zone")
    assert drawn.count() == len(rates["zones"])
    said = report.page.locator(".fl-rates-track").inner_text() + report.page.locator(".fl-rates-keys").inner_text()
    for zone in rates["zones"]:
        assert zone["name"] in said
    patterns = {
        zone: report.page.locator(f".fl-zone-{zone}.fl-rates-zone").evaluate(
            "(each) => getComputedStyle(each).background"
        )
        for zone in ("too-small", "just-right", "bouncing", "diverging")
    }
    assert len(set(patterns.values())) == 4
    assert "gradient" in patterns["bouncing"]
    assert "gradient" in patterns["diverging"]
    box = report.page.locator(".fl-rates-input").bounding_box()
    assert box is not None
    assert box["height"] >= 44


def test_no_zone_s_name_is_covered(open_report: Open) -> None:
    report = open_report("rates")
    names = """[...document.querySelectorAll('.fl-rates-zone')].map((zone) => {
      const [name, around] = [zone.firstElementChild, zone.getBoundingClientRect()];
      const box = name.getBoundingClientRect();
      const seen = !name.hidden && getComputedStyle(name).visibility === 'visible';
      return [name.textContent, seen, box.left, box.right, around.left, around.right];
    })"""
    track = report.page.locator(".fl-rates-input").bounding_box()
    assert track is not None
    said = set()
    for _ in report.payload["rates"]["value"]:
        part = float(report.page.locator(".fl-rates-input").input_value()) / 1000
        thumb = track["x"] + 14 + part * (track["width"] - 28)
        for name, seen, left, right, low, high in report.page.evaluate(names):
            if seen:
                said.add(name)
                assert right <= thumb - 14 or left >= thumb + 14, name
                assert low - 1 <= left
                assert right <= high + 1
        _press(report, "ArrowRight" if part < 1 else "Home")
    assert {"too small", "diverging"} <= said


def test_the_full_batch_s_limit_is_a_faded_band(open_report: Open) -> None:
    def faded(payload: dict[str, Any]) -> None:
        mark = {"kind": "full batch", "name": "the full batch's limit", "short": "full batch", "rate": 0.0292}
        payload["rates"]["marks"] = [mark]
        payload["rates"]["resolution"] = 0.18
        payload["rate"]["kind"] = "full batch"

    report = open_report("rates", change=faded)
    band = report.page.locator(".fl-rates-faded").bounding_box()
    assert band is not None
    assert band["width"] >= 10
    assert report.page.locator(".fl-rates-predicted, .fl-rates-crossing").count() == 0
    assert "% of the full batch's limit" in report.page.locator(".fl-rate-line").inner_text()
    assert "the full batch's limit" in report.page.locator(".fl-rates").inner_text()


def test_paper_is_light(open_report: Open) -> None:
    report = open_report("rates", color_scheme="dark")
    dark = report.picture("rates")
    report.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert report.page.locator(".fl").get_attribute("data-mode") == "light"
    assert report.page.evaluate("document.querySelector('.fl-canvas-rates').toDataURL()") != dark
    report.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert report.page.locator(".fl").get_attribute("data-mode") == "dark"
    assert report.picture("rates") == dark


def test_the_header_stays_in_sight_with_the_slider(open_report: Open) -> None:
    report = open_report("rates", viewport={"width": 390, "height": 844})
    report.page.evaluate("scrollTo(0, 900)")
    report.settle()
    box = report.page.locator(".fl-rates-input").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 200


def test_the_rates_are_told_as_tables(open_report: Open) -> None:
    report = open_report("rates")
    rates = report.payload["rates"]
    report.open_table(".fl-sweep summary")
    tables = report.page.locator(".fl-sweep .fl-table")
    tables.first.wait_for()
    assert tables.count() == 1 + len(rates["examples"])
    rows = [row.locator("th, td").all_inner_texts() for row in tables.first.locator("tbody tr").all()]
    for index, row in enumerate(rows):
        assert row[:3] == [shown(rates["value"][index]), rates["zone"][index], shown(rates["final"][index])]
    for name in ("rates", "zoneloss", "zoneparameters"):
        assert "table" in (report.page.locator(f".fl-canvas-{name}").get_attribute("aria-label") or "")


def test_where_there_are_no_other_rates_one_line_says_why(open_report: Open) -> None:
    report = open_report(change=lambda payload: payload.update(rates={"reason": "Other rates were not run: too long."}))
    assert report.page.locator(".fl-rates").inner_text() == "Other rates were not run: too long."
    assert report.page.locator(".fl-rates-input, .fl-canvas-rates").count() == 0
    assert "34 % of the limit 0.0292" in report.page.locator(".fl-rate").inner_text()


@pytest.mark.parametrize("name", ["rates", "parabola"])
@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
def test_nothing_sticks_out_sideways(open_report: Open, name: str, width: int) -> None:
    report = open_report(name, viewport={"width": width, "height": 844})
    for _ in range(2):
        _press(report, "End")
        outside = report.page.evaluate(
            "(width) => [...document.querySelectorAll('.fl *')].filter((each) => !each.closest('.fl-table-scroll')"
            " && each.getBoundingClientRect().right > width + 0.5).map((each) => each.className)",
            width,
        )
        assert outside == []
        assert report.page.evaluate("document.documentElement.scrollWidth") <= width


def test_one_parameter_is_a_curve(open_report: Open) -> None:
    report = open_report("parabola")
    names = {canvas.get_attribute("class") for canvas in report.page.locator("canvas").all()}
    assert names == {
        f"fl-canvas fl-canvas-{name}"
        for name in ("contour", "slice", "loss", "parameters", "rates", "zoneloss", "zoneparameters")
    }
    assert report.page.locator(".fl-panel-contour h2").inner_text() == "The loss over w"
    assert "w 5, loss 4" in (report.page.locator(".fl-canvas-contour").get_attribute("aria-label") or "")
    before = report.picture("contour")
    report.page.locator(".fl").press("ArrowRight")
    report.settle()
    assert report.number("w") == "4.6"
    assert report.number("loss") == "2.56"
    assert report.picture("contour") != before
    _press(report, "ArrowRight")
    _shows_stop(report, report.payload["rates"]["own"] + 1, 0)


def test_the_projector_keeps_the_slider_and_a_way_out(open_report: Open) -> None:
    report = open_report("rates")
    report.page.locator(".fl").press("p")
    report.settle()
    assert report.page.locator("canvas:visible").count() == 2
    assert report.page.locator("button:visible, input:visible").count() == 2
    _press(report, "ArrowRight")
    assert _chosen(report) == report.payload["rates"]["own"] + 1


def test_the_payload_of_the_fixture_is_what_the_page_reads(open_report: Open) -> None:
    report = open_report("rates")
    held = report.page.evaluate("JSON.parse(document.getElementById('payload').textContent).rates.value")
    assert json.dumps(held) == json.dumps(report.payload["rates"]["value"])
