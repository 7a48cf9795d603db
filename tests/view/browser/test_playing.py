"""Taking a step, playing, stepping and scrubbing: what is shown is what was recorded."""

import math
from typing import Any

import pytest

from view.browser.conftest import Open, Opened, shown

pytestmark = pytest.mark.browser


def _shows_step(report: Opened, frame: int) -> None:
    """The numbers and sentences on the page are those of the frame, after its step."""
    frames = report.payload["frames"]
    assert report.page.locator(".fl-step-title").inner_text() == f"After step {frames['step'][frame]}"
    assert report.number("loss") == shown(frames["loss_after"][frame])
    for index, name in enumerate(report.payload["parameters"]):
        assert report.number(name) == shown(frames["end"][frame][index])
    assert report.number("promised") == shown(frames["first_order_change"][frame])
    assert report.number("came") == shown(frames["real_change"][frame])
    assert report.number("reach") == shown(frames["reach"][frame])
    assert report.page.locator(".fl-words p").all_inner_texts() == frames["sentences"][frame]


def _taken(report: Opened, count: int) -> None:
    report.page.wait_for_function(
        "(text) => document.querySelector('.fl-counter').textContent === text",
        arg=f"{count} of {report.payload['total_steps']} steps taken",
    )
    report.settle()


def test_it_starts_paused_on_the_start_with_one_pulsing_button(open_report: Open) -> None:
    report = open_report()
    assert report.page.locator(".fl-step-title").inner_text() == "The start"
    assert report.page.locator(".fl-pulse").all_inner_texts() == ["Take a step"]
    assert report.number("loss") == shown(report.payload["frames"]["loss"][0])
    assert report.number("w") == shown(report.payload["frames"]["start"][0][0])
    assert report.number("came") == "…"
    before = report.picture("contour")
    report.page.wait_for_timeout(200)
    assert report.picture("contour") == before


def test_taking_a_step_goes_through_four_beats(open_report: Open) -> None:
    report = open_report()
    report.hold_clock()
    report.page.get_by_role("button", name="Take a step").click()
    seen = []
    for _ in range(4):
        report.page.clock.run_for(450)
        seen.append(report.page.locator(".fl-beat-now").inner_text())
        report.page.clock.run_for(150)
    assert seen == report.payload["frames"]["beats"][0]
    report.page.clock.run_for(200)
    _shows_step(report, 0)
    assert report.page.locator(".fl-pulse").count() == 0
    report.page.get_by_role("button", name="Take a step").click()
    report.page.clock.run_for(2700)
    _shows_step(report, 1)


def test_space_plays_after_a_click_and_presses_the_button_that_the_keyboard_chose(open_report: Open) -> None:
    report = open_report()
    report.hold_clock()
    play = report.page.locator(".fl-button-play")
    report.page.get_by_role("button", name="Take a step").click()
    report.page.clock.run_for(2700)
    report.page.keyboard.press("Space")
    report.page.clock.run_for(100)
    assert play.inner_text().strip() == "Pause"
    report.page.keyboard.press("Home")
    report.page.get_by_role("button", name="Take a step").focus()
    report.page.keyboard.press("Space")
    report.page.clock.run_for(2700)
    assert play.inner_text().strip() == "Play"
    _shows_step(report, 0)


def test_playing_ends_at_the_end_within_eight_seconds(open_report: Open) -> None:
    report = open_report()
    report.hold_clock()
    report.page.keyboard.press("Space")
    report.page.clock.run_for(1000)
    assert report.page.locator(".fl-button-play").inner_text().strip() == "Pause"
    assert report.page.locator(".fl-words").get_attribute("aria-live") == "off"
    report.page.clock.run_for(7300)
    _shows_step(report, 29)
    assert report.page.locator(".fl-counter").inner_text() == "30 of 30 steps taken"
    assert report.page.locator(".fl-words").get_attribute("aria-live") == "polite"


def test_the_first_steps_get_three_animation_frames_each_and_the_ball_lingers_on_them(open_report: Open) -> None:
    report = open_report()
    report.hold_clock()
    report.page.keyboard.press("Space")
    counts = []
    for _ in range(520):
        report.page.clock.run_for(16)
        counts.append(report.page.locator(".fl-counter").inner_text())
        if counts[-1].startswith("30 of"):
            break
    for step in range(1, 11):
        assert counts.count(f"{step} of 30 steps taken") >= 3, step
    # The first step is over half of the path: constant travel spends most of the time on it.
    assert counts.count("1 of 30 steps taken") > len(counts) / 4


def test_pausing_stops_on_a_whole_step(open_report: Open) -> None:
    report = open_report()
    report.hold_clock()
    report.page.keyboard.press("Space")
    report.page.clock.run_for(500)
    report.page.keyboard.press("Space")
    report.page.clock.run_for(100)
    _shows_step(report, 0)
    before = report.page.locator(".fl-counter").inner_text()
    report.page.clock.run_for(2000)
    assert report.page.locator(".fl-counter").inner_text() == before


def test_the_keys_walk_through_the_run(open_report: Open) -> None:
    report = open_report()
    for key, count in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 30), ("ArrowRight", 30)]:
        report.page.keyboard.press(key)
        _taken(report, count)
        _shows_step(report, count - 1)
    report.page.keyboard.press("Home")
    _taken(report, 0)
    assert report.page.locator(".fl-step-title").inner_text() == "The start"


def test_the_scrubber_is_logarithmic_in_the_step(open_report: Open) -> None:
    report = open_report()
    box = report.page.locator(".fl-scrub").bounding_box()
    assert box is not None
    report.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    report.settle()
    middle = round(math.expm1(0.5 * math.log1p(30)))
    _taken(report, middle)
    _shows_step(report, middle - 1)
    for key, count in [("ArrowRight", middle + 1), ("PageUp", middle + 11), ("ArrowLeft", middle + 10)]:
        report.page.locator(".fl-scrub").press(key)
        _taken(report, count)
    assert report.page.locator(".fl-scrub").get_attribute("aria-valuetext") == f"{middle + 10} of 30 steps taken"


def test_at_the_end_the_button_leads_back(open_report: Open) -> None:
    report = open_report()
    report.page.keyboard.press("End")
    report.page.get_by_role("button", name="Back to the start").click()
    _taken(report, 0)


def test_numbers_that_are_not_finite_are_shown_as_such(open_report: Open) -> None:
    report = open_report("diverged")
    frames = report.payload["frames"]
    seen = []
    for frame in range(len(frames["step"])):
        report.page.keyboard.press("ArrowRight")
        report.settle()
        seen.append(report.number("loss"))
        assert seen[-1] == shown(frames["loss_after"][frame])
    assert "∞" in seen
    assert seen[-1] == "NaN"
    assert report.number("reach") == "–"


def test_with_reduced_motion_there_are_only_jump_cuts(open_report: Open) -> None:
    report = open_report(reduced_motion="reduce")
    report.hold_clock()
    report.page.get_by_role("button", name="Take a step").click()
    report.page.clock.run_for(50)
    _shows_step(report, 0)
    assert report.page.locator(".fl-words").inner_text() != ""
    pictures = set()
    report.page.get_by_role("button", name="Play").click()
    for _ in range(60):
        report.page.clock.run_for(16)
        pictures.add(report.page.evaluate("document.querySelector('.fl-canvas-contour').toDataURL()"))
    assert 1 < len(pictures) <= 6
    report.page.clock.run_for(9000)
    assert report.page.locator(".fl-counter").inner_text() == "30 of 30 steps taken"


def test_one_step_and_no_step_are_runs_too(open_report: Open) -> None:
    report = open_report(change=lambda payload: _keep(payload, 1))
    report.page.keyboard.press("End")
    report.settle()
    assert report.page.locator(".fl-counter").inner_text() == "1 of 1 step taken"
    _shows_step(report, 0)
    report = open_report(change=lambda payload: _keep(payload, 0))
    report.page.keyboard.press("Space")
    report.page.keyboard.press("End")
    report.page.keyboard.press("0")
    assert report.page.locator(".fl-step").inner_text() == "No step was taken"
    assert report.page.locator("canvas:visible").count() == 1


def _keep(payload: dict[str, Any], count: int) -> None:
    for name, column in payload["frames"].items():
        payload["frames"][name] = None if column is None else column[:count]
    history = payload["history"]
    for name in ("step", "loss_low", "loss_high"):
        history[name] = history[name][:count]
    for name in ("full_step", "full_loss"):
        history[name] = history[name][: count + 1]
    for name in ("parameters_low", "parameters_high"):
        history[name] = [row[:count] for row in history[name]]
    payload["total_steps"] = count
    payload["trail"] = payload["trail"][: count + 1]
