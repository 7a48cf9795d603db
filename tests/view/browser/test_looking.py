"""Switches, camera, projector, themes, sizes, and what those get who cannot see the pictures."""

import json
import re
from typing import Any

import pytest

from fallline._view._module import module_source
from view.browser.conftest import Open, Opened, shown

pytestmark = pytest.mark.browser


def test_the_ghost_switch_draws_where_uphill_would_have_gone(open_report: Open) -> None:
    report = open_report()
    report.page.keyboard.press("ArrowRight")
    before = report.picture("contour")
    switch = report.page.get_by_role("switch", name="+ gradient")
    switch.click()
    report.settle()
    assert switch.get_attribute("aria-checked") == "true"
    assert report.picture("contour") != before
    switch.click()
    assert report.picture("contour") == before


def test_valley_axes_and_back(open_report: Open) -> None:
    report = open_report()
    before = report.picture("contour")
    switch = report.page.get_by_role("switch", name="valley axes")
    switch.click()
    assert report.picture("contour") != before
    switch.click()
    assert report.picture("contour") == before


def test_zooming_out_where_the_path_leaves_the_frame(open_report: Open) -> None:
    assert open_report().page.locator(".fl-zoom").count() == 0
    report = open_report("diverged")
    windows = {window["id"] for window in report.payload["windows"]}
    assert {"wide", "wider"} <= windows
    before = report.picture("contour")
    words = []
    for _ in range(3):
        words.append(report.page.locator(".fl-zoom").inner_text())
        report.page.locator(".fl-zoom").click()
        report.settle()
    assert words == ["zoom out × 10", "zoom out × 10", "zoom back in"]
    assert report.picture("contour") == before


def test_the_bowl_turns_by_drag_and_by_keys_and_comes_back(open_report: Open) -> None:
    report = open_report()
    home = report.picture("bowl")
    box = report.page.locator(".fl-canvas-bowl").bounding_box()
    assert box is not None
    report.page.mouse.move(box["x"] + 100, box["y"] + 100)
    report.page.mouse.down()
    report.page.mouse.move(box["x"] + 180, box["y"] + 120, steps=4)
    report.page.mouse.up()
    assert report.picture("bowl") != home
    report.page.keyboard.press("0")
    assert report.picture("bowl") == home
    report.page.keyboard.press("t")
    assert report.picture("bowl") != home
    report.page.keyboard.press("0")
    report.page.locator(".fl-canvas-bowl").press("ArrowLeft")
    assert report.picture("bowl") != home
    assert report.page.locator(".fl-counter").inner_text().startswith("0 of")


def test_touch_scrolls_the_page_until_turning_is_switched_on(open_report: Open) -> None:
    report = open_report(viewport={"width": 390, "height": 844}, has_touch=True)
    canvas = report.page.locator(".fl-canvas-bowl")
    read = "(canvas) => getComputedStyle(canvas).touchAction"
    assert canvas.evaluate(read) == "pan-x pan-y"
    report.page.get_by_role("switch", name="turn by touch").click()
    assert canvas.evaluate(read) == "none"


def test_the_projector_shows_two_pictures_large_and_a_way_out(open_report: Open) -> None:
    report = open_report()
    size = "Number.parseFloat(getComputedStyle(document.querySelector('.fl')).fontSize)"
    assert report.page.evaluate(size) == 16
    report.page.keyboard.press("p")
    report.settle()
    assert report.page.evaluate(size) == 24
    assert report.page.locator("canvas:visible").count() == 2
    left = report.page.locator("button:visible, input:visible, summary:visible")
    assert left.evaluate_all("all => all.map((each) => each.title)") == ["Large type, two pictures (key P)"]
    report.page.keyboard.press("ArrowRight")
    report.settle()
    assert report.number("loss") == shown(report.payload["frames"]["loss_after"][0])
    words = report.page.locator(".fl-words p").first
    assert words.evaluate("(element) => getComputedStyle(element).fontSize") == "24px"
    report.page.keyboard.press("Escape")
    report.settle()
    assert report.page.locator("canvas:visible").count() == 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["textbook", "diverged"])
def test_text_has_contrast_in_both_themes(open_report: Open, scheme: Any, name: str) -> None:
    report = open_report(name, color_scheme=scheme)
    assert report.page.locator(".fl").get_attribute("data-mode") == scheme
    ground = _luminance(report, "html", "backgroundColor")
    assert (ground > 0.5) == (scheme == "light")
    for selector in [
        ".fl-title",
        ".fl-subtitle",
        ".fl-zone",
        ".fl-cell dt",
        ".fl-cell dd",
        ".fl-words p",
        ".fl-outcome",
    ]:
        text = _luminance(report, selector, "color")
        assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5, selector
    button = [_luminance(report, ".fl-button-step", key) for key in ("color", "backgroundColor")]
    assert (max(button) + 0.05) / (min(button) + 0.05) >= 4.5


def _luminance(report: Opened, selector: str, key: str) -> float:
    colour = report.page.locator(selector).first.evaluate(f"(element) => getComputedStyle(element).{key}")
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_theme_button_overrules_the_system(open_report: Open) -> None:
    report = open_report(color_scheme="dark")
    pictures = {report.picture("loss")}
    for words, mode in [("Theme: light", "light"), ("Theme: dark", "dark"), ("Theme: auto", "dark")]:
        report.page.get_by_role("button", name="Theme").click()
        assert report.page.get_by_role("button", name="Theme").inner_text() == words
        assert report.page.locator(".fl").get_attribute("data-mode") == mode
        pictures.add(report.picture("loss"))
    assert len(pictures) == 2
    report.page.emulate_media(color_scheme="light")
    report.page.wait_for_selector('.fl[data-mode="light"]')


@pytest.mark.parametrize("name", ["textbook", "diverged"])
@pytest.mark.parametrize("width", [320, 390, 800, 1280, 1920])
def test_nothing_sticks_out_sideways(open_report: Open, name: str, width: int) -> None:
    report = open_report(name, viewport={"width": width, "height": 844})
    report.page.keyboard.press("End")
    report.settle()
    assert report.page.evaluate("document.documentElement.scrollWidth") <= width
    outside = report.page.evaluate(
        "(width) => [...document.querySelectorAll('.fl *')].filter((each) => !each.closest('.fl-table-scroll')"
        " && each.getBoundingClientRect().right > width + 0.5).map((each) => each.className)",
        width,
    )
    assert outside == []


def test_a_phone_has_large_buttons_a_square_contour_and_tabs(open_report: Open) -> None:
    report = open_report(viewport={"width": 390, "height": 844})
    for button in report.page.locator(".fl-transport button, .fl-tab").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    box = report.page.locator(".fl-canvas-contour").bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=1)
    shown_panels = {}
    for name in ("Bowl", "Data", "Loss"):
        report.page.get_by_role("tab", name=name).click()
        report.settle()
        shown_panels[name] = report.page.locator("canvas:visible").count()
    assert shown_panels == {"Bowl": 4, "Data": 2, "Loss": 3}
    report.page.get_by_role("tab", name="Loss").press("ArrowRight")
    assert report.page.get_by_role("tab", name="Bowl").get_attribute("aria-selected") == "true"
    for name, count in {"Bowl": 3, "Data": 1, "Loss": 2}.items():
        named = (report.page.get_by_role("tab", name=name).get_attribute("aria-controls") or "").split()
        assert [report.page.locator(f"#{panel}").get_attribute("data-tab") for panel in named] == [name.lower()] * count


def test_the_bowl_has_room_on_a_laptop(open_report: Open) -> None:
    box = open_report().page.locator(".fl-canvas-bowl").bounding_box()
    assert box is not None
    assert box["height"] >= 0.75 * box["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tangent_is_not_taken_for_the_loss(open_report: Open, scheme: Any) -> None:
    report = open_report(color_scheme=scheme)
    tangent, text = (
        report.page.evaluate(f"getComputedStyle(document.querySelector('.fl')).getPropertyValue('--fl-{name}')")
        for name in ("tangent", "text")
    )
    channels = [[int(colour.strip()[k : k + 2], 16) for k in (1, 3, 5)] for colour in (tangent, text)]
    assert max(abs(a - b) for a, b in zip(*channels, strict=True)) > 100


def test_every_control_is_reached_by_tab_and_shows_it(open_report: Open) -> None:
    report = open_report()
    report.page.keyboard.press("ArrowRight")
    controls = report.page.locator("button:visible, input:visible, summary:visible, canvas[tabindex]:visible").count()
    reached = set()
    for _ in range(controls + 2):
        report.page.keyboard.press("Tab")
        reached.add(
            report.page.evaluate(
                "(() => { const at = document.activeElement; const style = getComputedStyle(at);"
                " if (!at.matches('.fl *')) return '';"
                " return `${at.className}|${at.textContent}|${at.ariaLabel}|${style.outlineStyle}`; })()"
            )
        )
    reached.discard("")
    assert len(reached) == controls
    assert all(each.endswith("|solid") for each in reached), reached


def test_every_picture_says_its_numbers(open_report: Open) -> None:
    report = open_report()
    report.page.keyboard.press("ArrowRight")
    report.settle()
    frames = report.payload["frames"]
    labels = {
        canvas.get_attribute("class"): canvas.get_attribute("aria-label") or ""
        for canvas in report.page.locator('canvas[role="img"]').all()
    }
    assert len(labels) == report.page.locator("canvas").count() == 7
    for name, label in labels.items():
        if "slice" in (name or ""):
            assert shown(frames["slice_promised"][0]) in label
            assert shown(frames["slice_came"][0]) in label
        else:
            assert f"loss {shown(frames['loss_after'][0])}" in label, name


def test_what_came_of_the_first_step_is_not_told_before_it_is_taken(open_report: Open) -> None:
    report = open_report()
    came = shown(report.payload["frames"]["slice_came"][0])
    picture = report.page.locator(".fl-canvas-slice")
    report.settle()
    assert report.number("came") == "…"
    before = picture.get_attribute("aria-label") or ""
    assert shown(report.payload["frames"]["slice_promised"][0]) in before
    assert came not in before
    assert "reach" not in before
    report.page.keyboard.press("ArrowRight")
    report.settle()
    assert report.number("came") == came
    assert came in (picture.get_attribute("aria-label") or "")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1600, 900)])
def test_the_projector_s_pictures_use_the_height_that_is_there(open_report: Open, width: int, height: int) -> None:
    report = open_report("rates", viewport={"width": width, "height": height})
    report.page.keyboard.press("p")
    report.settle()
    step = report.page.locator(".fl-step").bounding_box()
    contour = report.page.locator(".fl-panel-contour").bounding_box()
    canvas = report.page.locator(".fl-canvas-contour").bounding_box()
    assert step is not None
    assert contour is not None
    assert canvas is not None
    assert height - 20 <= step["y"] + step["height"] <= height
    assert step["y"] - (contour["y"] + contour["height"]) < 20
    assert 0.75 < canvas["width"] / canvas["height"] < 1.35  # a square picture fills its card


def test_the_table_holds_the_recorded_numbers(open_report: Open) -> None:
    report = open_report()
    report.open_table()
    report.page.locator(".fl-table").wait_for()  # it is built when it is first opened
    rows = [row.locator("th, td").all_inner_texts() for row in report.page.locator(".fl-table tr").all()]
    assert rows[0][:5] == ["step", "epoch", "rate", "loss before", "loss after"]
    frames = report.payload["frames"]
    assert [row[0] for row in rows[1:]] == [str(step) for step in frames["step"]]
    for index, row in enumerate(rows[1:]):
        assert row[4] == shown(frames["loss_after"][index])
        assert row[5:7] == [shown(value) for value in frames["end"][index]]
        assert row[-1] == shown(frames["reach"][index])


def test_the_run_is_told(open_report: Open) -> None:
    report = open_report()
    told = report.page.locator(".fl-run").inner_text()
    for sentence in [*report.payload["verdict"], report.payload["data_line"], report.payload["conversion"]]:
        assert sentence in told
    assert "34 % of the limit 0.0292" in report.page.locator(".fl-rate").inner_text()
    assert report.number("rate") == "0.01"


def test_without_scripts_one_sentence_says_why(open_report: Open) -> None:
    report = open_report(java_script_enabled=False)
    assert "needs JavaScript" in report.page.locator("body").inner_text()


def test_a_host_may_change_the_payload_and_take_the_picture_away(open_report: Open) -> None:
    report = open_report()
    page = report.page.context.browser.new_context(bypass_csp=True).new_page()
    first, second = json.dumps(report.payload), json.dumps({**report.payload, "title": "another"})
    exported = page.evaluate(
        """async ([source, first, second]) => {
          const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
          let payload = JSON.parse(first);
          let listener = null;
          const hear = (_, heard) => { listener = heard; };
          const model = { get: () => payload, on: hear, off: () => { listener = null; } };
          const stop = module.render({ model, el: document.body });
          const titles = [document.querySelector("h1").textContent];
          payload = JSON.parse(second);
          listener();
          titles.push(...[...document.querySelectorAll("h1")].map((title) => title.textContent));
          stop();
          return { names: Object.keys(module), titles, left: document.body.childElementCount, listener };
        }""",
        [module_source(), first, second],
    )
    page.context.close()
    assert exported == {"names": ["render"], "titles": ["line", "another"], "left": 0, "listener": None}
