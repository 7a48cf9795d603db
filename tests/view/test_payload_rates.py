"""What the rate slider is given: the numbers of the sweep, few enough for a page, every absent thing named."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._fit import objective_of, rates_of
from fallline._records import LimitKind, Run, Zone
from fallline._view._payload import build_payload, to_json
from fallline._view._rates import own_stop
from fallline._view._stops import frame_steps
from view.payload_runs import TEXT, descend, parabola, textbook
from view.sweeps import made_sweep


@pytest.fixture(scope="module")
def swept() -> tuple[Run, Any, Any, dict[str, Any]]:
    run, quadratic = textbook()
    result = made_sweep(run, quadratic)
    return run, quadratic, result, build_payload(run, quadratic, TEXT, result)


def test_without_rates_nothing_is_said_and_a_reason_is_passed_on() -> None:
    run, quadratic = textbook(steps=3)
    assert build_payload(run, quadratic, TEXT)["rates"] is None
    assert build_payload(run, quadratic, TEXT, "Too long.")["rates"] == {"reason": "Too long."}


def test_the_rates_are_the_sweep_s(swept: Any) -> None:
    run, _, result, payload = swept
    rates = payload["rates"]
    assert rates["value"] == result.rates.tolist()
    assert rates["value"][rates["own"]] == run.header.learning_rate
    assert rates["final"] == result.final_losses.tolist()
    assert rates["zone"] == [zone.value for zone in result.zone_of_each]
    assert rates["steps_to_goal"] == list(result.steps_to_goal)
    assert rates["zones"][0] == {"name": "too small", "low": result.rates[0], "high": result.zones[0].high}
    assert [mark["name"] for mark in rates["marks"]] == ["2/λ predicted limit", "1/λ crosses the valley"]
    assert len(rates["words"]) == len(rates["sentence"]) == len(result.rates)
    assert rates["final_low"] is None
    assert json.loads(to_json(payload))["rates"]["final"] == rates["final"]


def test_the_frames_of_every_stop_are_its_own_steps(swept: Any) -> None:
    run, quadratic, result, payload = swept
    stops = payload["rates"]["stops"]
    steps = np.array(stops["step"])
    assert steps[0] == 0
    assert steps[-1] == 199
    assert len(steps) <= 56
    for stop in (0, payload["rates"]["own"], len(result.rates) - 12):
        path, losses = result.trajectories[:, stop], result.losses[:, stop]
        assert np.allclose(stops["start"][stop], path[steps], rtol=1e-5)
        assert np.allclose(stops["end"][stop], path[steps + 1], rtol=1e-5)
        assert stops["loss"][stop] == pytest.approx(losses[steps], rel=1e-5)
        assert stops["loss_after"][stop] == pytest.approx(losses[steps + 1], rel=1e-5)
        gradient = quadratic.gradient(path[steps])
        assert np.allclose(stops["gradient"][stop], gradient, rtol=1e-4)
        promised = (gradient * (path[steps + 1] - path[steps])).sum(axis=1)
        assert stops["first_order_change"][stop] == pytest.approx(promised, rel=1e-4)
        assert stops["real_change"][stop] == pytest.approx(quadratic.change(path[steps], path[steps + 1]), rel=1e-4)
        ghost = quadratic.loss(2 * path[steps] - path[steps + 1])
        assert stops["ghost_loss"][stop] == pytest.approx(ghost, rel=1e-3)
    own = payload["rates"]["own"]
    assert stops["reach"][own][:10] == pytest.approx(run.columns.reach[:10], rel=1e-4)
    t = np.array(stops["slice_t"])
    for frame, step in enumerate(steps[:20].tolist()):
        before, after = result.trajectories[[step, step + 1], own]
        along = quadratic.loss(before + t[:, None] * (after - before))
        assert stops["slice"][own][frame] == pytest.approx(along, abs=1e-3 * np.ptp(along))


@pytest.mark.slow
def test_a_loss_that_is_no_parabola_has_its_slices_evaluated() -> None:
    run = fl.fit(formula="himmelblau", learning_rate=0.01, epochs=12)
    objective = objective_of(run)
    payload = build_payload(run, objective, TEXT, rates_of(run))
    stops, own = payload["rates"]["stops"], payload["rates"]["own"]
    t = np.array(stops["slice_t"])
    assert {0.0, 1.0} < set(t.tolist())
    start, end = np.array(stops["start"][own]), np.array(stops["end"][own])
    for frame in range(len(start)):
        along = objective.loss(start[frame] + t[:, None] * (end[frame] - start[frame]))
        assert stops["slice"][own][frame] == pytest.approx(along, abs=1e-3 * np.ptp(along) + 1e-3)


def test_the_full_batch_s_limit_is_no_limit_of_mini_batches() -> None:
    run = fl.fit(batch_size=25, epochs=5)
    rates = build_payload(run, objective_of(run), TEXT, rates_of(run))["rates"]
    assert [(mark["kind"], mark["name"]) for mark in rates["marks"]] == [("full batch", "the full batch's limit")]


@pytest.mark.slow
def test_how_exactly_the_limit_was_measured_is_passed_on(swept: Any) -> None:
    run, quadratic, result, payload = swept
    assert payload["rates"]["resolution"] is None
    coarse = replace(result, landmarks=(replace(result.landmarks[0], resolution=0.18), *result.landmarks[1:]))
    assert build_payload(run, quadratic, TEXT, coarse)["rates"]["resolution"] == 0.18
    none = replace(coarse, measured_limit=None)
    assert build_payload(run, quadratic, TEXT, none)["rates"]["resolution"] is None


def test_without_a_bottom_there_is_no_goal(swept: Any) -> None:
    run, quadratic, result, _ = swept
    assert build_payload(run, quadratic, TEXT, replace(result, bottom_seen=False))["rates"]["goal_loss"] is None


def test_bands_hold_what_lies_between_the_frames(swept: Any) -> None:
    _, _, result, payload = swept
    bands = payload["rates"]["stops"]["bands"]
    stop = len(result.rates) - 8  # bouncing
    for place, (first, last) in enumerate(zip(bands["step"], [*bands["step"][1:], 200], strict=True)):
        between = result.trajectories[first + 1 : last + 1, stop]
        low = [bands["parameters_low"][stop][p][place] for p in (0, 1)]
        high = [bands["parameters_high"][stop][p][place] for p in (0, 1)]
        assert low == pytest.approx(between.min(axis=0), rel=1e-4)
        assert high == pytest.approx(between.max(axis=0), rel=1e-4)


def test_a_run_ends_where_a_number_is_no_longer_finite() -> None:
    run, quadratic = textbook(steps=200)
    limit = run.summary.stability_limit if run.summary else 1.0
    result = made_sweep(run, quadratic, np.array([limit / 10, run.header.learning_rate, 60 * limit]))
    payload = build_payload(run, quadratic, TEXT, result)
    stops = payload["rates"]["stops"]
    finite = np.isfinite(result.losses[:, 2]) & np.isfinite(result.trajectories[:, 2]).all(axis=1)
    broken = int(np.argmin(finite)) - 1
    assert stops["first_not_finite"] == [None, None, broken]
    assert len(stops["loss"][2]) < len(stops["loss"][0]) == len(stops["step"])
    assert stops["step"][len(stops["loss"][2]) - 1] <= broken
    text = json.loads(to_json(payload))
    assert text["rates"]["final"][2] in ("Infinity", "NaN")
    assert all(isinstance(value, float) for value in text["rates"]["stops"]["loss"][2])


def test_steps_that_were_not_kept_are_not_shown(swept: Any) -> None:
    run, quadratic, result, _ = swept
    kept = np.array([0, 1, 2, 3, 10, 11, 50, 51, 199, 200])
    part = replace(
        result, kept_steps=kept, losses=result.losses[kept], trajectories=result.trajectories[kept], crossed=None
    )
    rates = build_payload(run, quadratic, TEXT, part)["rates"]
    assert rates["stops"]["step"] == [0, 1, 2, 10, 50, 199]
    assert rates["stops"]["end"][3][3] == pytest.approx(result.trajectories[11, 3], rel=1e-5)
    assert rates["examples"][0]["step"] == kept.tolist()


def test_several_parameters_have_shadows_and_fewer_frames() -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(60, 7))
    run, quadratic = descend(features, features @ np.arange(1.0, 8.0) + 1, start=(0.0,) * 8, rate=0.05, steps=150)
    payload = build_payload(run, quadratic, TEXT, made_sweep(run, quadratic))
    stops = payload["rates"]["stops"]
    assert len(stops["step"]) < 40
    assert len(stops["start_uv"][0]) == len(stops["distance"][0]) == len(stops["step"])
    assert len(stops["inputs"]) == len(payload["data"]["x"])
    assert len(to_json(payload["rates"]).encode()) < 900_000


def test_the_textbook_rates_are_small(swept: Any) -> None:
    assert len(to_json(swept[3]["rates"]).encode()) < 500_000


def test_frame_steps_keep_both_ends() -> None:
    for total in (1, 5, 57, 1_000, 100_000):
        steps = frame_steps(total, 56)
        assert steps[0] == 0
        assert steps[-1] == total - 1
        assert len(steps) <= 56
        assert (np.diff(steps) > 0).all()
        assert (steps[:20] == np.arange(min(total, 20))).all()


def test_seeds_give_bands_and_no_own_rate_gives_none(swept: Any) -> None:
    run, quadratic, result, _ = swept
    spread = replace(result, seeds=(0, 1), final_low=result.final_losses / 2, final_high=result.final_losses * 2)
    rates = build_payload(run, quadratic, TEXT, spread)["rates"]
    assert rates["final_low"] == (result.final_losses / 2).tolist()
    elsewhere = replace(run, header=replace(run.header, learning_rate=0.0123))
    assert own_stop(elsewhere, result) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        (LimitKind.PROVABLE, {}, "2/λ predicted limit"),
        (LimitKind.PROVABLE, {"momentum": 0.9}, "predicted limit"),
        (LimitKind.FROZEN, {}, "predicted threshold"),
        (LimitKind.LOCAL, {}, "2/λ of the local curvature"),
    ],
)
def test_a_mark_says_what_kind_of_limit_it_is(swept: Any, kind: LimitKind, options: dict[str, Any], name: str) -> None:
    run, quadratic, result, _ = swept
    marks = tuple(replace(mark, kind=kind) if mark.name == "stability limit" else mark for mark in result.landmarks)
    other = replace(result, landmarks=marks, optimizer_options=options)
    assert build_payload(run, quadratic, TEXT, other)["rates"]["marks"][0]["name"] == name


def test_examples_show_one_rate_of_each_zone(swept: Any) -> None:
    _, _, result, payload = swept
    examples = payload["rates"]["examples"]
    assert [each["zone"] for each in examples] == ["diverging", "bouncing", "just right", "too small"]
    for each in examples:
        assert result.zone_of_each[each["stop"]] is Zone(each["zone"])
        low = np.array(each["loss_low"])
        assert low == pytest.approx(result.losses[each["step"], each["stop"]], rel=1e-4)


def test_one_parameter_lies_on_its_curve() -> None:
    run, quadratic = parabola()
    payload = build_payload(run, quadratic, TEXT, made_sweep(run, quadratic))
    assert payload["plane"]["kind"] == "curve"
    assert payload["plane"]["axes"] == ["w", "loss"]
    assert payload["plane"]["minimum_uv"] == [3.0, 0.0]
    assert (payload["data"], payload["bowls"]) == (None, [])
    frames = payload["frames"]
    assert frames["start_uv"][0] == [5.0, 4.0]
    assert frames["end_uv"][0] == pytest.approx([4.6, 2.56])
    assert frames["gradient_uv"][0] == pytest.approx(np.array([1.0, 4.0]) / np.sqrt(17))
    main = payload["windows"][0]
    assert main["x"][0] < 1.2  # both walls, up to the height of the start
    assert main["x"][1] > 5.0
    assert main["y"][0] < 0.0
    assert main["y"][1] > 4.0
    curve = main["curve"]
    assert np.allclose(curve["loss"], (np.array(curve["x"]) - 3) ** 2, atol=1e-4)
    stops = payload["rates"]["stops"]
    assert stops["start_uv"][0][0] == [5.0, 4.0]
    assert stops["inputs"] is None
    json.loads(to_json(payload))


def test_from_the_left_the_arrow_points_left() -> None:
    payload = build_payload(*parabola(start=1.0), TEXT)
    assert payload["frames"]["gradient_uv"][0] == pytest.approx(np.array([-1.0, 4.0]) / np.sqrt(17))
