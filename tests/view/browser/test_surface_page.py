"""The page of a loss surface in a real Chromium: the live picture of a path, what stands beside it, one place alone."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._explain import move_sentences, opening
from fallline._formulas import formula
from fallline._records import PathRate, Surface
from fallline._report import page_of
from view.browser.conftest import Open, Opened
from view.surface_paths import high_dimensional

pytestmark = pytest.mark.browser
PAINTED = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"


def _bowl() -> Surface:
    bowl = formula("a^2 + b^2")
    path = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    return fl.surface(bowl, fl.plane(bowl, "path", path=path), shape=(41, 31), extent=4.0)


@pytest.fixture
def open_surface(open_page: Open, tmp_path: Path) -> Open:
    """Write the page of a surface and open it, without motion unless told."""

    def start(seen: Surface | None = None, **context: Any) -> Opened:
        surface = _bowl() if seen is None else seen
        target = tmp_path / "surface.html"
        fl.report(surface, target)
        told = {"reduced_motion": "reduce", **context}
        return open_page(target, json.loads(page_of(surface).payload_json), waits_for=".fl-cut-honesty", **told)

    return start


def _words(report: Opened) -> list[str]:
    return [text.replace("\u00a0", " ") for text in report.page.locator(".fl-words p").all_inner_texts()]


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_picture_stands_beside_its_honesty(open_surface: Open, width: int) -> None:
    report = open_surface(viewport={"width": width, "height": 900})
    page, told = report.page, report.payload
    assert page.locator("h1").inner_text() == told["title"]
    assert page.locator(".fl-cut-honesty li").all_inner_texts() == told["sentences"]
    canvas = page.locator(".fl-canvas-contour")
    report.settle()
    assert canvas.evaluate(PAINTED) > 100
    assert page.locator(".fl-canvas-bowl").evaluate(PAINTED) > 100
    assert (canvas.get_attribute("aria-label") or "").startswith("The loss seen from above")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    beside, picture = (page.locator(name).bounding_box() for name in (".fl-cut-honesty", ".fl-canvas-contour"))
    assert beside is not None
    assert picture is not None
    assert (beside["x"] > picture["x"] + picture["width"] - 1) == (width > 390)
    assert beside["height"] > 100
    cut_off = page.locator(".fl-cut-honesty").evaluate("(panel) => panel.scrollHeight - panel.clientHeight")
    assert cut_off <= 1, "all that is said of the picture is seen"


def test_the_path_is_walked_with_its_sentences(open_surface: Open) -> None:
    report = open_surface()
    counter = report.page.locator(".fl-counter")
    assert _words(report) == [opening(_bowl())]
    report.page.get_by_role("button", name="Take a step").click()
    report.settle()
    assert counter.inner_text() == "1 of 2 steps taken"
    assert _words(report) == move_sentences(_bowl(), 0)
    assert report.number("promised") == "−12"
    assert report.number("came") == "−7"
    before = report.picture("contour")
    report.page.keyboard.press("ArrowRight")
    report.settle()
    assert counter.inner_text() == "2 of 2 steps taken"
    assert _words(report) == move_sentences(_bowl(), 1)
    assert report.number("reach") == "1"
    assert report.picture("contour") != before
    report.page.keyboard.press("Home")
    report.settle()
    assert counter.inner_text() == "0 of 2 steps taken"
    report.page.locator(".fl-scrub").fill("1000")
    report.settle()
    assert counter.inner_text() == "2 of 2 steps taken"


def test_taking_a_step_moves_the_ball_and_claims_no_rule(open_surface: Open) -> None:
    report = open_surface(reduced_motion="no-preference")
    report.hold_clock()
    report.page.get_by_role("button", name="Take a step").click()
    report.page.clock.run_for(300)
    assert report.page.locator(".fl-beat").count() == 0
    assert report.page.locator(".fl-skip").inner_text() == ""
    report.page.clock.run_for(2_000)
    assert report.page.locator(".fl-counter").inner_text() == "1 of 2 steps taken"
    assert report.page.get_by_role("switch", name="+ gradient").count() == 0


def test_the_loss_under_the_pointer(open_surface: Open) -> None:
    report = open_surface(viewport={"width": 1280, "height": 900})
    page = report.page
    report.settle()
    readout = page.locator(".fl-cut-readout")
    assert readout.inner_text() == "Point at the picture to read its loss."
    box = page.locator(".fl-canvas-contour").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    told = readout.inner_text()
    u, v = (float(part.replace("−", "-")) for part in told[1 : told.index(")")].split(", "))
    at = _bowl().plane.origin + np.array([u, v]) @ _bowl().plane.directions
    loss = float(told.partition("loss ")[2].rstrip("."))
    assert loss == pytest.approx(float((at**2).sum()), rel=0.2, abs=0.1)
    page.mouse.move(2, 2)
    assert readout.inner_text() == "Point at the picture to read its loss."


def test_the_path_in_numbers(open_surface: Open) -> None:
    report = open_surface(high_dimensional(5)[0])
    report.open_table()
    page = report.page
    assert page.locator("tbody tr").count() == 5
    heads = page.locator("thead th").all_inner_texts()
    assert "distance from the plane" in heads
    assert "plane's loss under it" in heads
    assert "epoch" not in heads
    assert "rate" not in heads


def test_only_the_run_s_own_rate_is_shown(open_surface: Open) -> None:
    assert open_surface().page.locator(".fl-rate").count() == 0
    report = open_surface(replace(_bowl(), rate=PathRate(np.full(3, 0.1), np.full(3, 0.25))))
    assert report.number("rate") == "0.1"
    assert "40 % of the limit" in report.page.locator(".fl-rate-line").inner_text()
    assert report.number("share") == "40"
    report = open_surface(replace(_bowl(), rate=PathRate(np.full(3, 0.1), np.array([0.2, 0.25, np.nan]))))
    assert report.page.locator(".fl-zone").inner_text() == "its limit changes along the path"
    report.page.keyboard.press("End")
    report.settle()
    assert report.number("share") == "40"


def test_what_was_not_asked_is_not_drawn(open_surface: Open) -> None:
    report = open_surface(replace(_bowl(), moves=None))
    assert report.page.locator(".fl-canvas-slice").count() == 0
    assert report.page.locator('[data-number="reach"], [data-number="promised"]').count() == 0
    report.page.keyboard.press("End")
    report.settle()
    assert report.page.locator(".fl-counter").inner_text() == "2 of 2 steps taken"


@pytest.mark.parametrize("width", [390, 1280])
def test_one_place_alone_has_nothing_to_play(open_surface: Open, width: int) -> None:
    bowl = formula("a^2 + b^2")
    seen = fl.surface(bowl, fl.plane(bowl, "hessian", at=[1.0, 2.0]), shape=(41, 31))
    report = open_surface(seen, viewport={"width": width, "height": 900})
    report.settle()
    for name in ("contour", "bowl"):
        assert report.page.locator(f".fl-canvas-{name}").evaluate(PAINTED) > 100
    assert report.page.locator(".fl-transport").is_hidden()
    report.page.keyboard.press(" ")
    report.settle()
    assert report.page.locator(".fl-cut-honesty").is_visible()


def test_a_surface_without_differences_has_its_words(open_surface: Open) -> None:
    flat = replace(_bowl(), loss=np.full((31, 41), 2.0), path=None, path_loss=None, path_plane_loss=None)
    report = open_surface(flat)
    assert report.payload["words"] in report.page.locator(".fl-cut-words").inner_text()
    assert report.page.locator("canvas").count() == 0
