"""The pages of somebody's own network: comparison, sweep and curvature."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._planes import Plane
from fallline._records import Comparison, SweepResult
from fallline._report._comparison import comparison_page
from fallline._report._sweep import verdict
from fallline._view._comparison import build_comparison_payload
from fallline._view._curvature import build_curvature_payload
from fallline._view._own_sweep import build_own_sweep_payload
from fallline._view._payload import to_json
from fallline._view._shadows import Shadowed, fullness, hidden
from own_networks import own_objective


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return fl.compare(own_objective(), optimizers=("sgd", "adam"), epochs=12, trials=4)


@pytest.fixture(scope="module")
def swept() -> SweepResult:
    return fl.sweep(own_objective(), learning_rates="0.1:30:9", epochs=40, goal=0.5)


@pytest.fixture(scope="module")
def told(compared: Comparison) -> dict[str, Any]:
    return build_comparison_payload(compared, own_objective())


@pytest.mark.slow
def test_many_parameters_are_not_charted_but_shadowed(compared: Comparison, told: dict[str, Any]) -> None:
    assert (told["dimensions"], told["parameter_names"], told["start"]["parameters"]) == (82, [], None)
    for setting in told["settings"]:
        assert setting["plane"]["kind"] == "path"
        assert setting["reach"] == []
        for run in setting["runs"]:
            assert run["parameters"] is None
            assert len(run["uv"]) == len(run["full"]) == len(run["loss"]) == len(told["taken"])
            assert all(0 <= share <= 1 for share in run["full"])
    best = told["settings"][1]
    assert [run["plain"] for run in best["runs"]] == [True, False]
    assert best["runs"][0]["loss"] == pytest.approx(compared.contenders[0].best.first_losses.tolist())
    assert best["hidden"][0].startswith("It is the cut through 82 dimensions that holds most of the paths drawn here")


def test_colours_are_measured_from_the_lowest_loss_of_the_runs_shown(
    compared: Comparison, told: dict[str, Any]
) -> None:
    for setting, which in zip(told["settings"], ("common", "best"), strict=True):
        runs = [getattr(one, which).first_losses for one in compared.contenders]
        assert setting["floor"]["loss"] == min(np.nanmin(np.where(np.isfinite(run), run, np.inf)) for run in runs)


def test_what_a_plane_hides_in_numbers() -> None:
    objective = own_objective(1)
    plane = Plane("path", np.zeros(7), np.eye(2, 7), ("a", "b"), "", 0.8125)
    path = np.zeros((3, 7))
    path[:, 0] = [0.0, 3.0, 6.0]
    path[1, 5] = 3.0
    assert fullness(plane, path) == [1.0, 0.5, 1.0]
    assert fullness(plane, path[:, :2]) is None
    path[2, 5] = 1.5
    under = float(objective.loss(path[2:] * np.eye(1, 7))[0])
    cut, far, colours = hidden(objective, plane, [Shadowed("this one", path, 9.0, diverged=False)])
    assert "81 % of their variance" in cut
    assert far.startswith("The path of this one leads farthest from it: 3.00, where its shadow is 6.00 wide.")
    assert f"this one ends at 9.000, and the plane shows {under:.4f} under it" in colours
    assert hidden(objective, plane, [Shadowed("flat", path * np.eye(1, 7), under, diverged=False)])[1:] == [
        "All paths lie in it.",
        "At the ends of all paths the loss is that of the plane.",
    ]


@pytest.mark.slow
def test_a_sweep_s_page_plays_its_trials_and_names_its_zones(swept: SweepResult) -> None:
    told = build_own_sweep_payload(swept, own_objective(), verdict(swept))
    assert [each["label"] for each in told["contenders"]] == ["a third of it", "the recommended rate", "three times it"]
    (setting,) = told["settings"]
    assert [run["rate"] for run in setting["runs"]] == [trial.learning_rate for trial in swept.trials]
    assert setting["runs"][1]["loss"] == pytest.approx(swept.trials[1].losses[told["taken"]].tolist())
    assert setting["runs"][1]["steps_to_goal"] == swept.trials[1].steps_to_goal
    assert setting["verdict"][0].startswith("Use the learning rate")
    assert [each["title"] for each in setting["more"]] == ["Predicted and measured", "Tried for real"]
    assert setting["more"][0]["cells"][0][0] == "stability limit (curvature at one place)"
    rates = told["rates"]
    assert rates["value"] == swept.rates.tolist()
    assert rates["own"] is None or rates["value"][rates["own"]] == swept.recommended.value
    assert rates["marks"][0]["rate"] == swept.predicted_limit
    to_json(told)


def test_where_nothing_is_recommended_a_run_of_each_zone_is_shown() -> None:
    result = fl.sweep(own_objective(1), learning_rates=[300.0, 3000.0], epochs=10)
    assert result.recommended is None
    told = build_own_sweep_payload(result, own_objective(1), verdict(result))
    assert [each["label"] for each in told["contenders"]] == [
        f"{result.rates[k]:,.0f}, {zone.value}"
        for zone, k in sorted(result.example_of_zone.items(), key=lambda p: p[1])
    ]
    assert told["rates"]["own"] is None
    assert len(told["parameter_names"]) == 7
    assert told["settings"][0]["runs"][0]["parameters"][0] == pytest.approx(result.start.tolist())


@pytest.mark.slow
def test_both_want_the_objective_and_nothing_else_takes_one(
    compared: Comparison, swept: SweepResult, tmp_path: Path
) -> None:
    for result in (compared, swept):
        with pytest.raises(fl.OptionError, match="objective=objective"):
            fl.report(result, tmp_path / "own.html")
    with pytest.raises(fl.OptionError, match="goes with the result of a sweep or a comparison"):
        fl.report(fl.curvature(own_objective(1)), tmp_path / "own.html", objective=own_objective(1))
    assert list(tmp_path.iterdir()) == []
    fl.report(compared, tmp_path / "compared.html", objective=own_objective())
    fl.report(swept, tmp_path / "swept.html", objective=own_objective())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compared.html", "swept.html"]
    assert "objective, optimizers compared" in comparison_page(compared, own_objective()).title


def test_the_page_of_a_curvature() -> None:
    objective = own_objective()
    found = fl.curvature(objective, k=3, optimizers=[torch.optim.SGD(objective.tensors, lr=0.1)], name="mine")
    told = build_curvature_payload(found)
    assert told["title"] == "How the loss of mine curves"
    exhibits = {each["title"]: each for section in told["sections"] for each in section["exhibits"]}
    bars = exhibits["The largest and the smallest of 82 eigenvalues"]["rows"]
    values = [row["value"] for row in bars if "value" in row]
    assert values == [*found.spectrum.largest, *found.spectrum.smallest[::-1]]
    assert bars[3] == {"gap": "76 eigenvalues in between: not measured"}
    (gauge,) = exhibits["Share of the limit"]["rows"]
    assert gauge["share"] == found.limits[0].share
    assert f"{100 * found.limits[0].share:.2g} % of the limit" in gauge["words"].replace("\xa0", " ")
    known = exhibits["Values, errors, products"]["cells"]
    assert [row[0] for row in known] == ["sharpness", "spectrum", "trace", "limit of SGD"]
    assert known[0][3] == str(found.sharpness.products)
    measured = exhibits["The loss along two eigenvectors"]["series"]
    assert [each["kind"] for each in measured] == ["main", "theory", "main", "theory"]
    to_json(told)


def test_a_curvature_of_one_parameter_has_one_bar(tmp_path: Path) -> None:
    found = fl.curvature(
        fl.Objective(torch.nn.Linear(1, 1, bias=False), torch.nn.MSELoss(), (torch.ones(3, 1), torch.ones(3, 1)))
    )
    rows = build_curvature_payload(found)["sections"][0]["exhibits"][0]["rows"]
    assert [(row["name"], row["value"]) for row in rows] == [("1st largest", 2.0)]
    fl.report(found, tmp_path / "one.html")
    assert (tmp_path / "one.html").stat().st_size > 50_000
