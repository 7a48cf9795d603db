"""The picture where a host answers wishes: points, bends, and what stays while another run takes its place."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser

from fallline._view import to_json
from view.browser.asking import Asked, OpenAsking, joined_with
from view.browser.conftest import FIXTURES

pytestmark = pytest.mark.browser


def _tell(asked: Asked, name: str, text: str) -> None:
    asked.page.evaluate("([name, text]) => window.tell(name, JSON.parse(text))", [name, text])
    asked.settle()


def _rows(asked: Asked) -> int:
    return int((asked.page.locator(".fl-canvas-data").get_attribute("aria-label") or "").split(", ")[1].split(" ")[0])


def test_points_are_added_moved_and_taken_away_by_mouse(open_asking: OpenAsking) -> None:
    asked = open_asking()
    asked.page.mouse.click(*asked.place("data", [2.0, 15.0]))
    asked.settle()
    (added,) = asked.wishes()
    assert added["add_point"] == pytest.approx([2, 15], abs=0.1)
    assert (added["settled"], _rows(asked)) == (True, 101)
    asked.drag(asked.place("data", added["add_point"]), (40, 10))
    asked.page.mouse.up()
    asked.settle()
    moves = asked.wishes()
    assert {wish["move_point"][0] for wish in moves} == {100}
    assert [wish["settled"] for wish in moves] == [False] * (len(moves) - 1) + [True]
    x, y = moves[-1]["move_point"][1:]
    assert (x > 2.5, y < 15) == (True, True)
    assert asked.host.payload["data"]["x"][100] == pytest.approx(x)
    asked.page.mouse.dblclick(*asked.place("data", [x, y]))
    asked.settle()
    assert asked.wishes() == [{"remove_point": 100, "settled": True}]
    asked.page.mouse.click(*asked.place("data", [asked.host.payload["data"][each][0] for each in "xy"]), button="right")
    asked.settle()
    assert asked.wishes() == [{"remove_point": 0, "settled": True}]
    assert _rows(asked) == 99


def test_points_are_chosen_moved_and_taken_away_by_keys(open_asking: OpenAsking) -> None:
    asked = open_asking()
    chart = asked.page.get_by_role("application", name="against")
    said = asked.page.locator(".fl-said")
    data = asked.host.payload["data"]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Enter", "ArrowUp"):
        chart.press(key)
    asked.settle()
    (moved,) = asked.wishes()
    assert moved["move_point"][:2] == [0, pytest.approx(data["x"][0], abs=0.02)]
    assert moved["move_point"][2] > data["y"][0]
    assert "picked up" in said.inner_text()
    chart.press("Enter")
    chart.press("Delete")
    asked.settle()
    assert asked.wishes() == [{"remove_point": 0, "settled": True}]
    chart.press("Insert")
    asked.settle()
    assert asked.wishes()[0].keys() == {"add_point", "settled"}
    assert "point 100 of 100" in said.inner_text()


def test_a_rate_from_here_on_bends_the_run_where_the_ball_is(open_asking: OpenAsking) -> None:
    asked = open_asking(answers=False)
    switch = asked.page.get_by_role("switch", name="from here on")
    switch.click()
    asked.slider().press("ArrowRight")
    assert asked.wishes() == [{"learning_rate": 0.0102, "settled": True}]  # no step was taken: all of the run
    asked.page.locator(".fl").press("ArrowRight")
    asked.page.locator(".fl").press("ArrowRight")
    asked.settle()
    asked.slider().press("PageUp")
    (wish,) = asked.wishes()
    assert wish == {"bend": [2, pytest.approx(0.0153)], "settled": True}
    frames = asked.host.payload["frames"]
    rates = [0.01, 0.01] + [0.0153] * (len(frames["step"]) - 2)
    _tell(asked, "part", to_json({"frames": {**frames, "learning_rate": rates}}))
    assert asked.slider().get_attribute("aria-valuetext") == "0.0153 at this step"
    asked.page.locator(".fl").press("Home")
    asked.settle()
    assert asked.slider().get_attribute("aria-valuetext") == "0.01 at this step"


def test_another_problem_takes_the_page_in_place_and_the_first_comes_back(open_asking: OpenAsking) -> None:
    asked = open_asking(viewport={"width": 390, "height": 844})
    first, page = to_json(asked.host.payload), asked.page
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("tab", name="Data").click()
    page.get_by_role("button", name="One step on").press("Enter")
    page.evaluate("window.scrollTo(0, 300); window.kept = [...document.querySelectorAll('canvas, input, button')]")
    other = {**_fixture("parabola"), "accepts": ["learning_rate", "start"], "rates": {"reason": "Not measured yet."}}
    _tell(asked, "payload", to_json(other))
    assert page.get_by_role("tab", name="Bowl").count() == 0
    assert page.get_by_role("tab", name="Step").get_attribute("aria-selected") == "true"
    assert page.locator(".fl-readout dt").all_inner_texts()[:2] == ["loss", "w"]
    assert page.locator(".fl-canvas-data").is_hidden()
    assert page.locator(".fl-rates-note").text_content() == "Not measured yet."
    assert page.locator(".fl-panel-contour h2").text_content() == "The loss over w"
    _tell(asked, "payload", first)
    asked.settle()
    assert page.get_by_role("tab", name="Data").is_visible()
    assert page.locator(".fl").get_attribute("data-mode") == "light"
    assert page.locator(".fl-counter").inner_text().startswith("1 of")
    assert page.evaluate("window.scrollY") == 300
    assert page.evaluate("document.activeElement.ariaLabel") == "One step on"
    assert page.evaluate("window.kept.every((each) => each.isConnected)")
    assert page.locator("canvas").count() == 10


def test_without_anything_to_accept_it_is_the_offline_page(open_asking: OpenAsking) -> None:
    asked = open_asking()
    offline, rates = _fixture("rates"), _fixture("rates")["rates"]
    _tell(asked, "payload", to_json(offline))
    assert asked.slider().get_attribute("aria-valuetext") == rates["words"][rates["own"]]
    asked.slider().press("ArrowRight")
    asked.settle()
    assert asked.slider().get_attribute("aria-valuetext") == rates["words"][rates["own"] + 1]
    asked.page.mouse.click(*asked.place("contour", [0.5, -0.5]))
    asked.page.mouse.click(*asked.place("data", [2.0, 15.0]))
    asked.settle()
    assert asked.wishes() == []
    assert asked.page.get_by_role("textbox").count() == 0
    _tell(asked, "payload", to_json(asked.host.payload))
    assert asked.page.get_by_role("textbox").count() == 1


def test_a_start_within_the_picture_keeps_it_and_other_data_do_not(open_asking: OpenAsking) -> None:
    asked = open_asking()

    def cursor(at: tuple[float, float]) -> str:
        asked.page.mouse.move(*at)
        return str(asked.page.locator(".fl-canvas-contour").evaluate("(canvas) => canvas.style.cursor"))

    first = asked.host.payload
    asked.page.mouse.click(*asked.place("contour", [0.5, -0.5]))
    asked.settle()
    start, own = asked.host.payload["frames"]["start"][0], asked.ball()
    answered, asked.host.payload = asked.host.payload, first
    kept = asked.place("contour", start)
    assert abs(own[0] - kept[0]) > 30  # the host has another window for it
    assert [cursor(kept), cursor(own)] == ["grab", "crosshair"]
    asked.host.payload = answered
    asked.page.mouse.click(*asked.place("data", [2.0, 15.0]))
    asked.settle()
    assert cursor(asked.ball()) == "grab"


def test_axes_only_grow_while_something_is_dragged(browser: Browser) -> None:
    source = joined_with(
        'import { createStandingScene } from "./interactive_scene.js";',
        "export function render(payload) {\nreturn createStandingScene({ ...payload, accepts: [] }).held;\n}",
    )
    page = browser.new_page()
    asked: list[tuple[str, str, list[float]]] = [
        ("free", "loss", [1, 100]),
        ("grow", "loss", [5, 50]),
        ("grow", "loss", [0.1, 60]),
        ("grow", "data y", [-1, 4]),
        ("points", "data y", [-9, 9]),
        ("points", "loss", [20, 30]),
        ("free", "loss", [5, 50]),
    ]
    found = page.evaluate(
        """async ([source, payload, asked]) => {
          const { render } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
          const held = render(JSON.parse(payload));
          return asked.map(([how, name, range]) => {
            held.hold(how);
            return held.range(name, ...range, name === "loss");
          });
        }""",
        [source, to_json(_fixture("textbook")), asked],
    )
    page.close()
    assert found == [[1, 100], [1, 100], [0.1, 100], [-1, 4], [-1, 4], [20, 30], [5, 50]]


def test_what_is_playing_plays_on_and_the_host_hears_where_it_rests(open_asking: OpenAsking) -> None:
    asked = open_asking(answers=False)
    _tell(asked, "step", "7")
    assert asked.page.locator(".fl-counter").inner_text() == "7 of 40 steps taken"
    part = {key: asked.host.payload[key] for key in ("frames", "trail", "history")}
    asked.page.keyboard.press("Space")
    asked.page.wait_for_timeout(200)
    _tell(asked, "part", to_json(part))
    assert asked.page.locator(".fl-button-play").inner_text() == "Pause"
    asked.page.keyboard.press("Space")
    asked.page.keyboard.press("End")
    asked.settle()
    assert asked.page.evaluate("window.steps.at(-1)") == 40
    few = {key: _thinned(part["frames"], [0, 1, 2, 20, 39])[key] for key in part["frames"]}
    asked.page.keyboard.press("Home")
    for _ in range(9):
        asked.page.keyboard.press("ArrowRight")
    _tell(asked, "part", to_json({**part, "frames": few}))
    _tell(asked, "part", to_json(part))  # a draft in between left the ninth step out
    assert asked.page.locator(".fl-counter").inner_text() == "9 of 40 steps taken"


def _thinned(frames: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    return {name: None if column is None else [column[at] for at in kept] for name, column in frames.items()}


def _fixture(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return payload
