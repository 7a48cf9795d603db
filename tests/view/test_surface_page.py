"""The payload of a surface's page (docs/payload-comparison.md), its live picture, and the page itself."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._explain import honesty, move_sentences
from fallline._formulas import formula
from fallline._notebook import WITH_PAGES, page_html
from fallline._records import Floats, PathRate, Surface
from fallline._report import page_of
from fallline._view._cut import build_surface_payload
from view.surface_paths import high_dimensional


@cache
def seen() -> Surface:
    bowl = formula("a^2 + b^2")
    path = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    return fl.surface(bowl, fl.plane(bowl, "path", path=path), shape=(41, 31), extent=4.0)


def payload(surface: Surface) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page_of(surface).payload_json)
    return found


def live(surface: Surface) -> dict[str, Any]:
    found: dict[str, Any] = payload(surface)["live"]
    return found


def test_the_panel_is_the_record_s() -> None:
    told = payload(seen())
    assert told["schema"] == "fallline.surface-view/2"
    assert told["sentences"] == honesty(seen())
    assert told["title"] == told["live"]["title"] == "The loss in the path's own plane"


def test_losses_are_to_be_read_and_gaps_stay_gaps() -> None:
    loss, known = seen().loss.copy(), seen().known.copy()
    loss[0, 0], known[-1] = np.inf, False
    told = payload(replace(seen(), loss=loss, known=known, not_finite=1))
    assert (len(told["loss"]), len(told["loss"][0])) == (31, 41)
    assert told["loss"][0][0] == "Infinity"
    assert told["loss"][-1] == [None] * 41
    assert told["loss"][5][7] == pytest.approx(seen().loss[5, 7], rel=1e-3)
    assert (told["not_finite"], told["unseen"]) == (1, 41)
    gaps = {gap["kind"]: gap["fill"] for gap in told["live"]["windows"][0]["gaps"]}
    assert set(gaps) == {"not finite", "not evaluated"}
    (strip,) = gaps["not evaluated"]
    ys = strip[0][1::2]
    assert max(ys) == pytest.approx(seen().y[-1])
    assert min(ys) == pytest.approx(seen().y[-2], abs=0.02)  # up to the next cell that is known


def _at(uv: Floats) -> Floats:
    plane = seen().plane
    return np.asarray(plane.origin + uv @ plane.directions)


def test_rings_lie_at_their_level() -> None:
    levels = live(seen())["windows"][0]["levels"]
    assert len(levels) > 6
    for level in levels:
        for line in level["lines"]:
            at = _at(np.reshape(line, (-1, 2)))
            if level["loss"] > 0.5:  # below that a ring is as small as the cells
                assert (at**2).sum(axis=1) == pytest.approx(np.full(len(at), level["loss"]), rel=0.1)


def test_the_bowl_is_the_surface() -> None:
    (bowl,) = live(seen())["bowls"]
    uv = np.stack(np.meshgrid(bowl["x"], bowl["y"]), axis=-1).reshape(-1, 2)
    assert np.ravel(bowl["loss"]) == pytest.approx((_at(uv) ** 2).sum(axis=1), rel=0.02, abs=0.02)


def test_every_move_of_the_path_is_a_step_with_its_sentences() -> None:
    told = live(seen())
    frames = told["frames"]
    assert told["total_steps"] == 2
    assert frames["step"] == [0, 1]
    assert _at(np.array(frames["start_uv"])) == pytest.approx(np.array([[3.0, 0.0], [1.0, 1.0]]))
    assert frames["loss"] == pytest.approx([9.0, 2.0])
    assert frames["loss_after"] == pytest.approx([2.0, 0.0], abs=1e-12)
    assert frames["sentences"] == [move_sentences(seen(), 0), move_sentences(seen(), 1)]
    assert told["history"]["full_loss"] == pytest.approx([9.0, 2.0, 0.0], abs=1e-12)
    assert told["windows"][0]["gaps"] == []


def test_slopes_and_reach_are_asked_of_the_objective() -> None:
    frames = live(seen())["frames"]
    assert frames["gradient_norm"] == pytest.approx([6.0, np.sqrt(8.0)])
    assert frames["gradient_share"] == pytest.approx([1.0, 1.0])
    assert frames["first_order_change"] == pytest.approx([-12.0, -4.0])  # (6, 0)·(−2, 1) and (2, 2)·(−1, −1)
    assert frames["slice_came"] == pytest.approx([-7.0, -2.0])
    assert frames["reach"] == pytest.approx([2 * (1 - 7 / 12), 1.0])
    parts = np.array(live(seen())["slice_t"])
    along = np.array([[3.0, 0.0]]) + parts[:, None] * np.array([[-2.0, 1.0]])
    assert frames["slice"][0] == pytest.approx((along**2).sum(axis=1), rel=1e-5)


def test_what_was_not_asked_is_not_shown() -> None:
    frames = live(replace(seen(), moves=None))["frames"]
    for name in ("gradient", "gradient_uv", "gradient_norm", "first_order_change", "reach", "slice"):
        assert frames[name] == [None, None]
    assert frames["beats"] is None
    assert frames["ghost_uv"] is None
    assert live(seen())["rate"]["value"] is None
    assert not any("gradient" in text or "reach" in text for each in frames["sentences"] for text in each)


def test_only_part_of_an_arrow_may_lie_in_the_plane() -> None:
    surface, path, gradients = high_dimensional(5)
    frames = live(surface)["frames"]
    directions = surface.plane.directions
    moved = np.diff(path, axis=0)
    share = np.linalg.norm(moved @ directions.T, axis=1) / np.linalg.norm(moved, axis=1)
    assert frames["step_share"] == pytest.approx(share)
    inside = np.linalg.norm(gradients @ directions.T, axis=1) / np.linalg.norm(gradients, axis=1)
    assert frames["gradient_share"] == pytest.approx(inside)
    assert max(frames["gradient_share"]) < 0.9
    assert frames["distance"] == pytest.approx(surface.path_distance[1:])  # type: ignore[index]  # it has a path
    assert any("in this plane" in text for text in frames["sentences"][0])


@pytest.mark.slow
def test_the_page_of_a_large_model_holds_projections_only() -> None:
    small, large = (len(json.dumps(live(high_dimensional(count)[0]))) for count in (5, 20_000))
    assert large < 1.3 * small


@pytest.mark.slow
def test_a_long_path_is_thinned_and_keeps_its_ends() -> None:
    many = np.stack([np.linspace(3, 0, 5000), np.linspace(0, 1, 5000)], axis=1)
    flat, moved = np.arange(5000.0)[::-1], np.full(4999, 6e-4)
    long = replace(
        seen(), path=many, path_loss=flat, path_plane_loss=flat, path_distance=flat * 0, path_lengths=moved, moves=None
    )
    told = live(long)
    frames = told["frames"]
    assert len(frames["step"]) <= 600
    assert (frames["step"][0], frames["step"][-1], told["total_steps"]) == (0, 4998, 4999)
    assert told["trail"][0] == [3.0, 0.0]
    assert told["trail"][-1] == [0.0, 1.0]
    assert len(told["history"]["full_loss"]) <= 601
    assert told["history"]["full_loss"][-1] == 0.0


def test_a_path_that_breaks_off_says_where() -> None:
    path = np.array(seen().path)
    path[2] = np.nan
    losses = np.array([9.0, 2.0, np.nan])
    told = live(replace(seen(), path=path, path_loss=losses, path_plane_loss=losses, moves=None))
    assert told["first_not_finite"] == 1
    assert told["frames"]["reach_note"][1] == "a number of this step is not finite"


def test_without_a_path_there_is_one_place_and_nothing_to_play() -> None:
    bowl = formula("a^2 + b^2")
    told = live(fl.surface(bowl, fl.plane(bowl, "hessian", at=[1.0, 2.0]), shape=(41, 31)))
    assert told["total_steps"] == 0
    assert told["frames"]["start_uv"] == [[0.0, 0.0]]
    assert told["frames"]["loss"] == [None]
    assert told["bowls"]


def test_the_rate_of_the_path_s_run_is_there() -> None:
    rate = PathRate(np.full(3, 0.1), np.full(3, 0.25))
    told = live(replace(seen(), rate=rate))
    assert told["rate"] == {"value": 0.1, "limit": 0.25, "share": 0.4, "crossing": None, "kind": ""}
    assert told["frames"]["learning_rate"] == [0.1, 0.1]


def test_a_share_that_changes_is_each_step_s_own() -> None:
    rate = PathRate(np.array([0.1, 0.05, np.nan]), np.array([0.2, np.nan, 0.1]))
    told = live(replace(seen(), rate=rate))
    assert told["rate"]["value"] is told["rate"]["share"] is None
    assert told["frames"]["learning_rate"] == [0.1, 0.05]
    assert told["frames"]["limit_share"] == [0.5, None]


@pytest.mark.parametrize("value", [np.nan, 2.0])
def test_a_picture_without_differences_has_a_page(value: float) -> None:
    told = payload(replace(seen(), loss=np.full((31, 41), value), path=None, path_loss=None, path_plane_loss=None))
    assert told["live"] is None
    assert told["words"]


def test_the_page_is_written_and_a_notebook_shows_it(tmp_path: Path) -> None:
    fl.report(seen(), tmp_path / "surface.html")
    assert "fallline.surface-view/2" in (tmp_path / "surface.html").read_text(encoding="utf-8")
    assert ("fallline._records._surface", "Surface") in WITH_PAGES
    assert "iframe" in (page_html(seen()) or "")
    assert build_surface_payload(seen())["live"] is not None
