"""Figures hold the numbers of the result, and nothing else."""

import builtins
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import plotly.io
import pytest

import fallline as fl
from explain.measured import hopeless_sweep, parabola_sweep, stalling_sweep
from fallline._explain import MISSES, rate_sentence
from fallline._figures._curves import until_gone
from fallline._records import Landmark, LimitKind, Zone

SWEEPS = {"parabola": parabola_sweep, "stalling": stalling_sweep, "hopeless": hopeless_sweep}


def trace(figure: object, name: str) -> object:
    """The one trace of this name."""
    (found,) = [one for one in figure.data if one.name == name]
    return found


def finite(values: Sequence[float]) -> np.ndarray:
    """What is not finite is left out of a curve, and marked at the edge instead."""
    return np.where(np.isfinite(values), values, np.nan)


def test_the_curve_is_the_result() -> None:
    sweep = parabola_sweep()
    figure = fl.figures.zones(sweep)
    curve = trace(figure, "loss at the end")
    assert np.array_equal(curve.x, sweep.rates)
    assert np.array_equal(curve.y, sweep.final_losses)
    assert list(curve.text) == [rate_sentence(sweep, k) for k in range(25)]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert figure.layout.yaxis.title.text == "loss after 40 steps"


def test_each_zone_is_a_band_with_its_own_look() -> None:
    sweep = parabola_sweep()
    figure = fl.figures.zones(sweep)
    for span in sweep.zones:
        band = trace(figure, span.name.value)
        assert (min(band.x), max(band.x)) == (span.low, span.high)
    looks = {
        (trace(figure, s.name.value).fillcolor, trace(figure, s.name.value).fillpattern.shape) for s in sweep.zones
    }
    assert len(looks) == len(sweep.zones)
    assert trace(figure, "diverging").fillpattern.shape == "x"


def test_limits_and_recommendation_are_marked() -> None:
    sweep = parabola_sweep()
    figure = fl.figures.zones(sweep)
    assert sweep.recommended is not None
    bracket = next(one for one in figure.data if one.name.startswith("recommended"))
    assert tuple(bracket.x) == (sweep.recommended.low, sweep.recommended.value, sweep.recommended.high)
    lines = {shape.x0: shape.line.dash for shape in figure.layout.shapes}
    assert lines == {1.0: "dash", 0.5: "dash", sweep.measured_limit: "solid"}


def test_a_limit_of_full_batch_is_a_faded_band() -> None:
    sweep = parabola_sweep()
    mark = Landmark("stability limit", 1.0, sweep.measured_limit, LimitKind.FULL_BATCH)
    figure = fl.figures.zones(replace(sweep, batch_size=4, landmarks=(mark,)))
    (band,) = [shape for shape in figure.layout.shapes if shape.x0 == 1.0]
    assert band.opacity < 0.5
    assert band.line.width > 10
    assert "predicted 1 for full batch" in {
        note.text.removeprefix("stability limit, ") for note in figure.layout.annotations
    }
    sure = fl.figures.zones(sweep)
    assert {(shape.opacity, shape.line.width) for shape in sure.layout.shapes} == {(1, 1.5)}


def test_predicted_and_measured_are_of_one_landmark() -> None:
    sweep = stalling_sweep()
    marks = (Landmark("stability limit", 0.5, None, LimitKind.FROZEN), Landmark(MISSES, 0.5, 0.3, LimitKind.FROZEN))
    figure = fl.figures.zones(replace(sweep, landmarks=marks))
    lines = sorted((shape.x0, shape.line.dash) for shape in figure.layout.shapes)
    assert lines == [(0.3, "solid"), (0.5, "dash")]
    told = {note.text for note in figure.layout.annotations}
    assert {"misses the goal from 0.3, measured", "stability limit, predicted 0.5"} <= told
    assert not any("diverges" in text for text in told)


def test_without_a_bottom_what_plunges_is_marked_below() -> None:
    sweep = parabola_sweep(np.array([0.001, 0.01, 2.0]))
    ends = np.array([0.5, -1.0, -1e307])
    zones = (Zone.TOO_SMALL, Zone.TOO_SMALL, Zone.DIVERGING)
    figure = fl.figures.zones(replace(sweep, final_losses=ends, zone_of_each=zones, recommended=None))
    low, high = figure.layout.yaxis.range
    assert -100 < low < high < 100
    assert list(trace(figure, "below the picture").x) == [2.0]


def test_what_is_not_finite_is_marked_at_the_top() -> None:
    sweep = hopeless_sweep()
    figure = fl.figures.zones(sweep)
    lost = trace(figure, "not finite")
    assert list(lost.x) == [2.0, 40.0]
    assert list(lost.text) == ["2: ∞", "40: NaN"]
    assert np.array_equal(trace(figure, "loss at the end").y, finite(sweep.final_losses), equal_nan=True)
    assert not any(one.name.startswith("recommended") for one in figure.data)


def test_far_diverged_losses_do_not_flatten_the_picture() -> None:
    sweep = parabola_sweep()
    figure = fl.figures.zones(sweep)
    top = 10 ** figure.layout.yaxis.range[1]
    assert top <= 10 * sweep.start_loss * 1.001
    little = replace(sweep, final_losses=np.where(sweep.final_losses > top, 1.2 * top, sweep.final_losses))
    for made in (sweep, little):
        above = trace(fl.figures.zones(made), "above the picture")
        assert list(above.x) == [rate for rate, loss in zip(made.rates, made.final_losses, strict=True) if loss > top]


def test_seeds_make_a_band() -> None:
    sweep = stalling_sweep()
    figure = fl.figures.zones(sweep)
    assert np.array_equal(trace(figure, "lowest").y, sweep.final_low)
    assert np.array_equal(trace(figure, "lowest to highest").y, sweep.final_high)
    assert trace(figure, "middle of 3 seeds") is not None


def test_one_curve_for_each_zone() -> None:
    sweep = parabola_sweep()
    figure = fl.figures.loss_curves(sweep)
    losses = [one for one in figure.data if one.yaxis in {"y1", "y"}]
    weights = [one for one in figure.data if one.yaxis == "y2"]
    assert len(losses) == len(weights) == len(sweep.example_of_zone)
    k = sweep.example_of_zone[Zone.JUST_RIGHT]
    (right,) = [one for one in losses if "just right" in one.name]
    assert np.array_equal(right.y, sweep.losses[:, k])
    (path,) = [one for one in weights if "just right" in one.name]
    assert np.array_equal(path.y, sweep.trajectories[:, k, 0])
    assert len({(one.line.dash, one.mode) for one in losses}) == len(losses), "zones can be told apart without colour"
    needed = max(sweep.steps_to_goal[k] or 0 for k in sweep.example_of_zone.values())
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range == (0, min(40, max(20, 2 * needed)))


def test_the_steps_shown_follow_the_slowest_that_gets_there() -> None:
    sweep = parabola_sweep(np.array([0.06, 0.4, 2.0]))
    assert sweep.steps_to_goal[0] == 19
    assert fl.figures.loss_curves(sweep).layout.xaxis.range == (0, 38)
    creeping = parabola_sweep(np.array([1e-6, 1e-5]))
    assert fl.figures.loss_curves(creeping).layout.xaxis.range == (0, 40)


def test_long_runs_keep_their_own_step_numbers() -> None:
    made = parabola_sweep()
    kept = np.array([0, 1, 2, 20, 40])
    sweep = replace(made, losses=made.losses[kept], trajectories=made.trajectories[kept], kept_steps=kept)
    figure = fl.figures.loss_curves(sweep)
    (right, _) = [one for one in figure.data if "just right" in one.name]
    assert list(right.x) == list(kept)
    assert np.array_equal(right.y, sweep.losses[:, sweep.example_of_zone[Zone.JUST_RIGHT]])


def test_a_diverging_run_leaves_and_is_marked_where_it_is_lost() -> None:
    sweep = hopeless_sweep()
    figure = fl.figures.loss_curves(sweep)
    k = sweep.example_of_zone[Zone.DIVERGING]
    lost = np.flatnonzero(~np.isfinite(sweep.losses[:, k]))
    marks = [one for one in figure.data if one.name == "not finite"]
    assert [list(one.x) for one in marks[:1]] == ([[int(lost[0])]] if lost.size else [])
    assert len(until_gone(np.array([0.0, 3.0, -9.0, 81.0]), -1.0, 1.0)) == 3
    assert len(until_gone(np.array([0.0, 3.0, 0.5, 0.2]), -1.0, 1.0)) == 4, "it came back"


@pytest.mark.parametrize("make", SWEEPS.values(), ids=SWEEPS)
@pytest.mark.parametrize("draw", ["zones", "loss_curves"])
def test_figures_survive_json(make, draw: str) -> None:
    figure = getattr(fl.figures, draw)(make())
    text = figure.to_json()
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    again = plotly.io.from_json(text)
    assert [one.name for one in again.data] == [one.name for one in figure.data]
    assert again.layout.title.text == figure.layout.title.text


@pytest.mark.parametrize("draw", ["zones", "loss_curves"])
def test_other_things_are_refused(draw: str) -> None:
    with pytest.raises(fl.OptionError, match=f"fl.figures.{draw} takes what fl.sweep returns, not int."):
        getattr(fl.figures, draw)(3)


def test_without_plotly_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.split(".", maxsplit=1)[0] == "plotly":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(fl.FalllineError, match="pip install plotly"):
        fl.figures.zones(parabola_sweep())


def test_the_sweep_is_not_changed() -> None:
    sweep = parabola_sweep()
    before = [values.copy() for values in (sweep.rates, sweep.final_losses, sweep.losses, sweep.trajectories)]
    fl.figures.zones(sweep)
    fl.figures.loss_curves(sweep)
    after = (sweep.rates, sweep.final_losses, sweep.losses, sweep.trajectories)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))


@pytest.mark.slow
def test_naming_the_namespace_loads_no_plotly() -> None:
    code = "import fallline as fl, sys; fl.figures.zones; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
