"""The picture where a host answers wishes: the rate and the start, by hand and by keys."""

import pytest

from view.browser.asking import OpenAsking
from view.browser.conftest import shown

pytestmark = pytest.mark.browser


def test_a_dragged_rate_is_run_at_once_and_settles_when_it_is_let_go(open_asking: OpenAsking) -> None:
    asked = open_asking()
    asked.page.evaluate("window.kept = [...document.querySelectorAll('canvas, input, button')]")
    before = asked.picture("contour")
    box = asked.page.locator(".fl-rates-bar").bounding_box()
    assert box is not None
    start = (box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
    asked.drag(start, (0.05 * box["width"], 0))
    wishes = asked.wishes()
    assert [wish["settled"] for wish in wishes] == [False] * len(wishes)
    rate = wishes[-1]["learning_rate"]
    assert rate == pytest.approx(1e-5 * 1e4**0.8, rel=0.02)
    assert asked.number("promised") == shown(asked.host.payload["frames"]["first_order_change"][0])
    assert asked.picture("contour") != before
    asked.page.mouse.up()
    asked.settle()
    assert asked.wishes() == [{"learning_rate": rate, "settled": True}]
    assert float(asked.page.get_by_role("textbox", name="Learning rate").input_value()) == rate
    assert asked.slider().get_attribute("aria-valuetext") == asked.host.payload["rate"]["words"]
    assert asked.page.locator(".fl-zone").inner_text() == "just right, so it says"
    assert asked.page.evaluate("window.kept.every((each) => each.isConnected)")


def test_the_keys_of_the_slider_and_a_typed_rate(open_asking: OpenAsking) -> None:
    asked = open_asking()
    for key, rate in [("ArrowRight", 0.0102), ("ArrowDown", 0.01), ("PageUp", 0.015), ("Home", 1e-5), ("End", 0.1)]:
        asked.slider().press(key)
        asked.settle()
        assert asked.wishes() == [{"learning_rate": rate, "settled": True}], key
        assert asked.page.locator(".fl-counter").inner_text().startswith("0 of")  # the run did not move
    field = asked.page.get_by_role("textbox", name="Learning rate")
    field.fill("0,02")
    field.press("Enter")
    asked.settle()
    assert asked.wishes() == [{"learning_rate": 0.02, "settled": True}]
    assert asked.slider().get_attribute("aria-valuetext") == "0.02, just right, so it says"
    field.fill("−3 p")
    field.press("Enter")
    assert field.get_attribute("aria-invalid") == "true"
    field.press("Escape")
    assert (field.input_value(), asked.wishes()) == ("0.02", [])
    assert not asked.page.locator(".fl-projector").count()


def test_the_ball_is_dragged_and_a_ring_goes_ahead_of_the_numbers(open_asking: OpenAsking) -> None:
    asked = open_asking(answers=False)
    before = asked.picture("contour")
    asked.drag(asked.ball(), (60, -40))
    assert asked.picture("contour") != before  # nobody has answered
    moved = asked.wishes()[-1]
    asked.page.mouse.up()
    assert [wish["settled"] for wish in [moved, *asked.wishes()]] == [False, True]
    asked = open_asking()
    asked.drag(asked.ball(), (60, -40))
    assert asked.wishes()[-1] == moved
    asked.page.mouse.up()
    asked.settle()
    assert asked.wishes() == [{**moved, "settled": True}]
    assert [asked.number("w"), asked.number("b")] == [shown(value) for value in moved["start"]]
    assert asked.ball() == pytest.approx(asked.place("contour", moved["start"]), abs=1)


def test_a_click_drops_the_ball_and_a_drag_beside_it_does_not(open_asking: OpenAsking) -> None:
    asked = open_asking()
    asked.page.keyboard.press("End")
    x, y = asked.place("contour", [0.5, -0.5])
    asked.drag((x, y), (30, 0))
    asked.page.mouse.up()
    assert asked.wishes() == []
    asked.page.mouse.click(x, y)
    asked.settle()
    (wish,) = asked.wishes()
    assert wish["start"] == pytest.approx([0.5, -0.5], abs=0.02)
    assert wish["settled"]
    assert asked.page.locator(".fl-counter").inner_text().startswith("0 of")
    assert asked.number("w") == shown(wish["start"][0])


def test_keys_move_the_start_where_that_is_switched_on(open_asking: OpenAsking) -> None:
    asked = open_asking()
    start = asked.host.payload["frames"]["start"][0]
    switch = asked.page.get_by_role("switch", name="move start")
    switch.press("Enter")
    assert asked.page.evaluate("document.activeElement.className").find("fl-canvas-contour") > 0
    asked.page.keyboard.press("Shift+ArrowRight")
    asked.settle()
    asked.page.keyboard.press("ArrowUp")
    asked.settle()
    across, up = (wish["start"] for wish in asked.wishes())
    assert (across[0] > start[0], across[1]) == (True, pytest.approx(start[1], abs=0.01))
    assert (up[0], up[1] > across[1]) == (pytest.approx(across[0], abs=0.01), True)
    asked.page.keyboard.press("Escape")
    assert switch.get_attribute("aria-checked") == "false"
    asked.page.keyboard.press("ArrowRight")  # a step again
    asked.settle()
    assert asked.wishes() == []
    assert asked.page.locator(".fl-counter").inner_text().startswith("1 of")


def test_a_finger_on_the_ball_moves_it_and_beside_it_scrolls(open_asking: OpenAsking) -> None:
    asked = open_asking(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    session = asked.page.context.new_cdp_session(asked.page)

    def swipe(x: float, y: float) -> None:
        for name, at in [("touchStart", 0), *[("touchMove", by) for by in (15, 40, 70, 100)], ("touchEnd", None)]:
            points = [] if at is None else [{"x": x, "y": y - at}]
            session.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": points})
            asked.settle()

    x, y = asked.ball()
    before = asked.page.evaluate("window.scrollY")
    swipe(x + 14, y + 14)  # within reach of the ball, which is 12 px wide
    moves = asked.wishes()
    assert [wish["settled"] for wish in moves] == [False] * (len(moves) - 1) + [True]
    assert moves[-1]["start"][1] > asked.host.settings["start"]["b"] - 1e-9
    assert asked.page.evaluate("window.scrollY") == before
    swipe(*asked.place("contour", [1.0, -1.0]))
    assert asked.wishes() == []
    assert asked.page.evaluate("window.scrollY") > before
    assert not asked.page.get_by_role("switch", name="move start").is_visible()
    asked.page.get_by_role("tab", name="Data").tap()
    for wishes in ([], ["add_point"]):
        asked.page.touchscreen.tap(*asked.place("data", [2.0, 15.0]))
        asked.settle()
        assert [next(iter(wish)) for wish in asked.wishes()] == wishes
        asked.page.get_by_role("switch", name="edit by touch").tap()
