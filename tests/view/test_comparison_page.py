"""The payload of a comparison's page (docs/payload-comparison.md), and the page itself."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fallline._compare import objective_of
from fallline._errors import RunFileError
from fallline._report import comparison_report, report
from fallline._view._comparison import build_comparison_payload, runs_of
from fallline._view._module import module_source, stylesheet
from fallline._view._payload import to_json
from view.comparisons import comparison, payload

_ALL = ["ravine", "himmelblau", "parabola", "batches", "diverged", "long", "wells", "three"]


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.slow
def test_every_column_has_one_entry_for_each_moment(name: str) -> None:
    found, whole = comparison(name), payload(name)
    taken = whole["taken"]
    assert taken[0] == 0
    assert taken[-1] == whole["total_steps"] == found.steps
    assert taken == sorted(set(taken))
    for setting in whole["settings"]:
        assert len(setting["runs"]) == len(whole["contenders"]) == len(found.contenders)
        for run in setting["runs"]:
            assert len(run["loss"]) == len(run["parameters"]) == len(taken)
            assert run["uv"] is None or len(run["uv"]) == len(taken)
            for part in run["parts_uv"] or []:
                assert len(part["uv"]) == len(taken) - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize("which", ["common", "best"])
def test_losses_and_places_are_the_record_s(name: str, which: str) -> None:
    found, whole = comparison(name), payload(name)
    setting = next(each for each in whole["settings"] if each["id"] == which)
    measured = found.measured_at.tolist()
    for run, told in zip(runs_of(found, which), setting["runs"], strict=True):
        assert told["rate"] == run.rate
        for moment, step in enumerate(whole["taken"]):
            row = found.path_at.tolist().index(step)
            np.testing.assert_allclose(told["parameters"][moment], run.path[row], rtol=1e-8)
            if step in measured:
                np.testing.assert_equal(told["loss"][moment], float(run.first_losses[measured.index(step)]))
            else:
                assert told["loss"][moment] is None


@pytest.mark.slow
def test_inside_an_epoch_no_loss_was_measured() -> None:
    losses = payload("batches")["settings"][0]["runs"][0]["loss"]
    assert losses[0] is not None
    assert losses[1] is None
    assert sum(loss is not None for loss in losses) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ravine", "parabola", "three", "batches"])
def test_the_parts_lead_head_to_tail_from_one_moment_to_the_next(name: str) -> None:
    whole = payload(name)
    checked = 0
    for setting in whole["settings"]:
        for run in setting["runs"]:
            if run["parts_uv"] is None:
                continue
            uv = np.array(run["uv"] if run["uv"] is not None else run["parameters"])
            parts = np.array([part["uv"] for part in run["parts_uv"]]).sum(axis=0)
            moved = np.diff(uv, axis=0)
            if setting["plane"]["kind"] == "curve":  # along the axis only: the loss changes by itself
                moved[:, 1] = 0.0
            np.testing.assert_allclose(parts, moved, atol=1e-6 * np.abs(uv).max())
            checked += 1
    assert checked >= 2


@pytest.mark.slow
def test_a_long_run_is_thinned_and_has_no_parts_between_moments_far_apart() -> None:
    whole = payload("long")
    taken = np.array(whole["taken"])
    assert len(taken) < 400
    gaps = np.diff(taken) > 1
    assert gaps.any()
    parts = next(run["parts_uv"] for run in whole["settings"][0]["runs"] if run["parts_uv"] is not None)
    for part in parts:
        assert [uv is None for uv in part["uv"]] == gaps.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ravine", "himmelblau", "three"])
def test_the_contours_are_levels_of_the_loss(name: str) -> None:
    found, whole = comparison(name), payload(name)
    objective = objective_of(found)
    for setting in whole["settings"]:
        main = setting["windows"][0]
        assert main["id"] == "main"
        excesses = [level["excess"] for level in main["levels"]]
        assert excesses == sorted(excesses, reverse=True)
        assert len(excesses) >= 4
        if setting["plane"]["kind"] == "path":
            continue
        for level in main["levels"]:
            if not level["lines"]:  # the highest of all touches the window's highest point only
                continue
            points = np.concatenate([np.array(line).reshape(-1, 2) for line in level["lines"]])
            losses = objective.loss(points)
            assert np.median(np.abs(losses - level["loss"])) < 0.03 * level["excess"]


@pytest.mark.parametrize("name", ["ravine", "himmelblau", "batches", "three"])
def test_the_start_and_the_minimum_are_in_the_main_window(name: str) -> None:
    for setting in payload(name)["settings"]:
        main = setting["windows"][0]
        run = setting["runs"][0]
        start = run["uv"][0] if run["uv"] is not None else run["parameters"][0]
        for u, v in [start, setting["plane"]["minima_uv"][0]]:
            assert main["x"][0] < u < main["x"][1]
            assert main["y"][0] < v < main["y"][1]


def test_one_parameter_is_shown_on_its_curve() -> None:
    for setting in payload("parabola")["settings"]:
        assert setting["plane"]["kind"] == "curve"
        curve = setting["windows"][0]["curve"]
        np.testing.assert_allclose(curve["loss"], (np.array(curve["x"]) - 3) ** 2, atol=1e-3)
        for run in setting["runs"]:
            uv = np.array(run["uv"])
            np.testing.assert_allclose(uv[:, 1], (uv[:, 0] - 3) ** 2, atol=1e-7)


def test_more_parameters_are_shown_on_the_plane_of_the_paths() -> None:
    whole = payload("three")
    assert {setting["plane"]["kind"] for setting in whole["settings"]} == {"path"}
    assert "3 dimensions" in whole["settings"][0]["plane"]["note"]


@pytest.mark.slow
def test_a_contender_that_swings_far_does_not_make_the_others_small() -> None:
    whole = payload("diverged")
    common = whole["settings"][0]
    assert common["runs"][0]["diverged"]
    main = common["windows"][0]
    assert main["x"][1] - main["x"][0] < 60
    ids = [window["id"] for window in common["windows"]]
    assert "wide" in ids
    text = to_json(whole)
    assert '"Infinity"' in text or '"NaN"' in text
    assert "NaN" not in re.sub(r'"-?(?:NaN|Infinity)"', "", text)


def test_basins_are_masked_where_nothing_settled_and_shares_are_the_record_s() -> None:
    found, whole = comparison("himmelblau"), payload("himmelblau")
    basins = whole["basins"]
    assert found.basins is not None
    assert len(basins["minima"]) == len(found.basins.minima) >= 4
    for told, kept in zip(basins["maps"], found.basins.maps, strict=True):
        assert kept.ends_in is not None
        assert kept.settled is not None
        ends = [value for row in told["ends_in"] for value in row]
        assert [value is None for value in ends] == (~kept.settled).ravel().tolist()
        for index, share in enumerate(told["shares"]):
            assert ends.count(index) / len(ends) == pytest.approx(share)
        assert told["unsettled"] == pytest.approx(ends.count(None) / len(ends))
    assert payload("ravine")["basins"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", _ALL)
def test_tables_name_every_contender_once_and_have_a_cell_for_each_column(name: str) -> None:
    whole = payload(name)
    labels = sorted(each["label"] for each in whole["contenders"])
    for setting in whole["settings"]:
        table = setting["table"]
        assert sorted(row[0] for row in table["cells"]) == labels
        assert {len(row) for row in table["cells"]} == {len(table["columns"])} == {len(table["numeric"])}
        assert setting["verdict"]
        assert setting["reason"]


def test_the_band_of_the_seeds_holds_the_first_of_them() -> None:
    for run in payload("ravine")["settings"][1]["runs"]:
        curve = run["curve"]
        assert (np.array(curve["low"]) <= np.array(curve["loss"]) * (1 + 1e-5)).all()
        assert (np.array(curve["high"]) >= np.array(curve["loss"]) * (1 - 1e-5)).all()
    assert payload("parabola")["settings"][1]["runs"][0]["curve"]["low"] is None


def test_the_joined_module_carries_only_what_the_page_needs() -> None:
    source = module_source("compare.js")
    assert re.findall(r"^(?:import|export)\b.*", source, re.MULTILINE) == ["export { render };"]
    for word in ("createBowlPainter", "drawSlice", "fetch(", "XMLHttpRequest", "eval(", "innerHTML", "import("):
        assert word not in source, word
    assert set(re.findall(r"https?://[^\"']+", source)) == {"http://www.w3.org/2000/svg"}
    assert len(source) < 125_000


def test_every_rule_of_the_charts_stylesheet_is_about_the_picture() -> None:
    text = re.sub(r"/\*.*?\*/", "", stylesheet("compare.js"), flags=re.DOTALL)
    assert "url(" not in text
    for selectors in re.findall(r"(?:^|[{}])\s*([^{}@;]+)\{", text):
        for selector in re.split(r",(?![^(]*\))", selectors):
            assert re.match(r"\s*(?::where\(\.fl|\.fl|canvas\.fl|\d+%)", selector), selector


@pytest.mark.slow
def test_the_report_is_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "ravine.html"
    comparison_report(comparison("ravine"), target)
    page = target.read_text(encoding="utf-8")
    assert "<title>ravine, optimizers compared · fallline</title>" in page
    inside = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)
    assert inside is not None
    told: dict[str, Any] = json.loads(inside[1])
    assert told["schema"] == "fallline.compare-view/1"
    report(comparison("ravine"), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    assert len(page) < 400_000
    with pytest.raises(RunFileError, match="cannot be written"):
        comparison_report(comparison("ravine"), tmp_path / "gone" / "ravine.html")


def test_a_wide_swing_that_comes_back_is_left_to_the_wider_windows() -> None:
    found = comparison("ravine")
    middle = found.contenders[1]
    swing = middle.best.path.copy()
    swing[5] += 1000.0
    wild = replace(middle, best=replace(middle.best, path=swing))
    told = build_comparison_payload(
        replace(found, contenders=(found.contenders[0], wild, found.contenders[2])), objective_of(found)
    )
    before, after = (each["settings"][1]["windows"] for each in (payload("ravine"), told))
    assert np.ptp(after[0]["y"]) < 3 * np.ptp(before[0]["y"])
    assert "wide" in [window["id"] for window in after]
    assert np.ptp(told["settings"][1]["reach"], axis=1).max() < 100


def test_a_loss_whose_floor_is_not_known_is_coloured_by_what_the_picture_shows() -> None:
    for setting in payload("wells")["settings"]:
        assert setting["floor"]["kind"] == "lowest seen"
        places = np.array([at for run in setting["runs"] for at in run["parameters"]])
        losses = places[:, 0] ** 2 - places[:, 1] ** 2 + places[:, 1] ** 4
        assert setting["floor"]["loss"] >= losses[np.isfinite(losses)].min() - 1e-9
        assert len(setting["windows"][0]["levels"]) >= 5
