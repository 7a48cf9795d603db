"""The payload of a surface's page (docs/payload-comparison.md), and the page itself."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import fallline as fl
from fallline._explain import honesty
from fallline._formulas import formula
from fallline._notebook import WITH_PAGES, page_html
from fallline._records import Surface
from fallline._report import page_of


@cache
def seen() -> Surface:
    bowl = formula("a^2 + b^2")
    path = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    return fl.surface(bowl, fl.plane(bowl, "path", path=path), shape=(41, 31), extent=4.0)


def payload(surface: Surface) -> dict[str, object]:
    found: dict[str, object] = json.loads(page_of(surface).payload_json)
    return found


def test_the_panel_is_the_record_s() -> None:
    told = payload(seen())
    assert told["schema"] == "fallline.surface-view/1"
    assert told["sentences"] == honesty(seen())
    assert told["title"] == "The loss in the path's own plane"


def test_places_are_the_losses_and_gaps_stay_gaps() -> None:
    loss, known = seen().loss.copy(), seen().known.copy()
    loss[0, 0], known[-1] = np.inf, False
    told = payload(replace(seen(), loss=loss, known=known, not_finite=1))
    places, scale = told["places"], told["scale"]
    assert (len(places), len(places[0])) == (31, 41)
    assert places[0][0] == "NaN"
    assert places[-1] == [None] * 41
    back = scale["lowest"] + scale["span"] * 4.0 ** places[5][7]
    assert back == pytest.approx(seen().loss[5, 7], rel=2e-3)
    assert (told["not_finite"], told["unseen"]) == (1, 41)


def test_rings_lie_at_their_level() -> None:
    told = payload(seen())
    scale = told["scale"]
    for k, lines in enumerate(told["rings"]):
        level = scale["lowest"] + scale["span"] * 4.0 ** (scale["first"] + k)
        for line in lines:
            across = np.array(line[::2]) * np.ptp(seen().x) + seen().x[0]
            up = np.array(line[1::2]) * np.ptp(seen().y) + seen().y[0]
            at = seen().plane.origin + np.stack([across, up], axis=1) @ seen().plane.directions
            if level > 0.5:  # below that a ring is as small as the cells
                assert (at**2).sum(axis=1) == pytest.approx(np.full(len(at), level), rel=0.1)


def test_a_long_path_is_thinned_and_keeps_its_ends() -> None:
    many = np.stack([np.linspace(3, 0, 5000), np.linspace(0, 1, 5000)], axis=1)
    flat = np.zeros(5000)
    told = payload(replace(seen(), path=many, path_loss=flat, path_plane_loss=flat, path_distance=flat))
    assert len(told["path"]["x"]) == 400
    assert (told["path"]["x"][0], told["path"]["x"][-1]) == (3.0, 0.0)
    assert told["table"]["captions"] == "24 of 5,000 points."
    assert [row[0] for row in told["table"]["cells"]][-1] == "4999"


@pytest.mark.parametrize("value", [np.nan, 2.0])
def test_a_picture_without_differences_has_a_page(value: float) -> None:
    told = payload(replace(seen(), loss=np.full((31, 41), value), path=None, path_loss=None, path_plane_loss=None))
    assert (told["scale"], told["places"], told["rings"], told["path"]) == (None, [], [], None)


def test_the_page_is_written_and_a_notebook_shows_it(tmp_path: Path) -> None:
    fl.report(seen(), tmp_path / "surface.html")
    assert "fallline.surface-view/1" in (tmp_path / "surface.html").read_text(encoding="utf-8")
    assert ("fallline._records._surface", "Surface") in WITH_PAGES
    assert "iframe" in (page_html(seen()) or "")
