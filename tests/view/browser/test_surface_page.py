"""The page of a loss surface in a real Chromium."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._formulas import formula
from fallline._report import page_of
from view.browser.conftest import Open, Opened

pytestmark = pytest.mark.browser
PAINTED = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"


@pytest.fixture
def open_surface(open_page: Open, tmp_path: Path) -> Open:
    """Write the page of a surface and open it."""
    import json

    bowl = formula("a^2 + b^2")
    path = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    seen = fl.surface(bowl, fl.plane(bowl, "path", path=path), shape=(41, 31), extent=4.0)

    def start(**context: Any) -> Opened:
        target = tmp_path / "surface.html"
        fl.report(seen, target)
        return open_page(target, json.loads(page_of(seen).payload_json), waits_for=".fl-cut-page", **context)

    return start


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_picture_stands_beside_its_honesty(open_surface: Open, width: int) -> None:
    report = open_surface(viewport={"width": width, "height": 900})
    page, told = report.page, report.payload
    assert page.locator("h1").inner_text() == told["title"]
    assert page.locator(".fl-cut-honesty li").all_inner_texts() == told["sentences"]
    canvas = page.locator("canvas")
    report.settle()
    assert canvas.evaluate(PAINTED) > 100
    assert (canvas.get_attribute("aria-label") or "").startswith(told["title"])
    assert page.evaluate("document.documentElement.scrollWidth") == width
    beside = page.locator(".fl-cut-honesty").bounding_box()
    picture = canvas.bounding_box()
    assert beside is not None
    assert picture is not None
    assert (beside["x"] > picture["x"] + picture["width"] - 1) == (width > 390)


def test_the_loss_under_the_pointer(open_surface: Open) -> None:
    report = open_surface(viewport={"width": 1280, "height": 900})
    page = report.page
    report.settle()
    readout = page.locator(".fl-cut-readout")
    assert readout.inner_text().startswith("square: the path's start")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    assert ": loss " in readout.inner_text()
    page.mouse.move(2, 2)
    assert readout.inner_text().startswith("square: the path's start")


def test_the_path_in_numbers(open_surface: Open) -> None:
    page = open_surface().page
    page.locator("summary").click()
    assert page.locator("tbody tr").count() == 3
