"""Nothing crashes or warns on the run that matters: not finite, no step, one step, constant, huge, very long."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._quadratic import Quadratic
from fallline._records import Columns, Run
from fallline._view._chosen import chosen_steps
from fallline._view._history import history
from fallline._view._payload import build_payload, to_json
from fallline._view._trail import trail
from view.payload_runs import TEXT, descend, run_of, textbook


def columns_of(parameters: np.ndarray, loss: np.ndarray, gradient: np.ndarray, full: np.ndarray) -> Columns:
    steps = len(loss)
    no = np.zeros(steps, dtype=np.bool_)
    zero = np.zeros(steps)
    return Columns(zero, zero + 0.1, loss, zero, zero, zero, no, full, ~no, gradient, parameters)


@pytest.mark.slow
def test_a_run_that_overflows_is_drawn_to_its_end() -> None:
    run, quadratic = textbook(rate=1.0, steps=300)
    assert not np.isfinite(run.columns.parameters[-1]).all()
    payload = build_payload(run, quadratic, TEXT)
    first = payload["first_not_finite"]
    sound = np.isfinite(run.columns.loss) & np.isfinite(run.columns.full_loss)
    sound &= np.isfinite(run.columns.parameters).all(axis=1)
    assert first == int(np.argmin(sound)) > 0
    assert payload["trail"][-1] is None
    assert payload["trail"].count(None) == 1
    assert "NaN" in json.dumps(json.loads(to_json(payload))["frames"]["end"][-1])


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_hardly_any_steps(steps: int) -> None:
    payload = build_payload(*textbook(steps=steps), TEXT)
    assert payload["total_steps"] == len(payload["frames"]["step"]) == steps
    assert len(payload["trail"]) == steps + 1
    assert payload["windows"][0]["levels"]
    json.loads(to_json(payload))


@pytest.mark.parametrize("at", ["minimum", "elsewhere"])
def test_a_constant_path(at: str) -> None:
    run, quadratic = textbook(steps=4)
    point = quadratic.optimum if at == "minimum" else np.array([5.0, 5.0])
    columns = replace(
        run.columns,
        parameters=np.tile(point, (4, 1)),
        gradient=np.zeros((4, 2)),
        full_loss=np.repeat(quadratic.loss(point), 4),
    )
    header = replace(run.header, start=tuple(point.tolist()), start_loss=float(quadratic.loss(point)[0]))
    payload = build_payload(replace(run, header=header, columns=columns), quadratic, TEXT)
    assert payload["frames"]["gradient_uv"] == [[0.0, 0.0]] * 4
    assert payload["windows"][0]["x"][0] < point[0] < payload["windows"][0]["x"][1]
    json.loads(to_json(payload))


@pytest.mark.parametrize("features", [1, 2, 5, 19])
@pytest.mark.parametrize("rate", [0.05, 5.0])
def test_any_number_of_parameters(features: int, rate: float) -> None:
    rng = np.random.default_rng(features)
    X = rng.normal(size=(60, features))
    start = tuple(rng.normal(size=features + 1).tolist())
    payload = build_payload(*descend(X, X.sum(axis=1), start=start, rate=rate, steps=30), TEXT)
    assert {len(row) for row in payload["frames"]["end"]} == {features + 1}
    json.loads(to_json(payload))


@pytest.mark.slow
def test_a_hundred_thousand_steps() -> None:
    run, quadratic = textbook(steps=2)
    count = 100_000
    rng = np.random.default_rng(0)
    path = quadratic.optimum + 0.01 * rng.normal(size=(count, 2))
    columns = columns_of(path, rng.random(count), rng.normal(size=(count, 2)), np.asarray(quadratic.loss(path)))
    payload = build_payload(replace(run, columns=columns), quadratic, TEXT)
    assert payload["total_steps"] == count
    assert len(payload["frames"]["step"]) <= 1500
    assert len(payload["trail"]) <= 4100
    assert len(payload["history"]["step"]) == 600
    assert len(payload["history"]["full_step"]) <= 602
    assert len(to_json(payload)) < 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize("value", [1e300, -1e300, 1.7e308, np.inf, np.nan])
def test_huge_and_not_finite_parameters(value: float) -> None:
    run, quadratic = textbook(steps=5)
    for where in (0, 2, slice(None)):
        parameters = run.columns.parameters.copy()
        parameters[where] = value
        full = np.asarray([quadratic.loss(row)[0] if abs(value) < 1e100 else np.inf for row in parameters])
        changed = replace(run, columns=replace(run.columns, parameters=parameters, full_loss=full))
        for without in (changed, replace(changed, summary=None)):
            json.loads(to_json(build_payload(without, quadratic, TEXT)))


def test_a_start_that_is_not_finite() -> None:
    run, quadratic = textbook(steps=3)
    header = replace(run.header, start=(float("nan"), 1e300), start_loss=float("nan"))
    json.loads(to_json(build_payload(replace(run, header=header), quadratic, TEXT)))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_path_at_all(data: st.DataObject) -> None:
    count, steps = data.draw(st.integers(2, 4)), data.draw(st.integers(0, 6))
    number = st.floats(allow_nan=True, allow_infinity=True)

    def draw(size: int) -> np.ndarray:
        return np.array(data.draw(st.lists(number, min_size=size, max_size=size)))

    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, count - 1))
    quadratic = Quadratic.from_data(X, rng.normal(size=10))
    columns = columns_of(
        draw(steps * count).reshape(steps, count),
        draw(steps),
        draw(steps * count).reshape(steps, count),
        draw(steps),
    )
    start = tuple(draw(count).tolist())
    moments = data.draw(st.sampled_from([quadratic.moments, None]))
    run: Run = run_of(columns, moments, X, X[:, 0], start=start, rate=0.1, batch=10)
    json.loads(to_json(build_payload(replace(run, summary=None), quadratic, TEXT)))


@settings(deadline=None)
@given(st.integers(0, 300_000), st.integers(20, 1500))
def test_chosen_steps_are_few_sorted_and_hold_both_ends(total: int, limit: int) -> None:
    steps = chosen_steps(total, limit)
    assert len(steps) == total if total <= limit else len(steps) <= limit
    assert (np.diff(steps) > 0).all()
    if total:
        assert (steps[0], steps[-1]) == (0, total - 1)
    if total > 1500 == limit:
        assert np.array_equal(steps[:500], np.arange(500))
        assert np.array_equal(steps[-100:], np.arange(total - 100, total))


def test_history_bands_hold_every_value() -> None:
    run, _ = textbook(steps=1789, rate=0.02)
    bands = history(run)
    starts = [*bands["step"], 1789]
    assert starts[0] == 0
    for bucket, (first, last) in enumerate(pairwise(starts)):
        for k in range(2):
            values = run.columns.parameters[first:last, k]
            assert bands["parameters_low"][k][bucket] == pytest.approx(values.min(), rel=1e-5)
            assert bands["parameters_high"][k][bucket] == pytest.approx(values.max(), rel=1e-5)


def test_history_of_all_rows_begins_at_the_start_and_keeps_extremes() -> None:
    run, _ = textbook(steps=3000)
    full = run.columns.full_loss.copy()
    full[1234] = 1e6
    full[2000:2040] = np.nan
    full[2100] = np.nan
    bands = history(replace(run, columns=replace(run.columns, full_loss=full)))
    assert bands["full_step"][0] == -1
    assert bands["full_loss"][0] == run.header.start_loss
    assert 1e6 in bands["full_loss"]
    assert bands["full_step"][-1] == 2999
    losses = np.array(bands["full_loss"])
    assert 0 < np.isnan(losses).sum() < 10  # buckets of nothing else: one point of each
    assert np.nanmin(losses) == np.nanmin(full)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 10))
def test_the_trail_is_true_to_half_a_pixel(count: int, seed: int) -> None:
    steps = np.random.default_rng(seed).normal(size=(count, 2)).cumsum(axis=0)
    points = np.array(trail(steps, np.zeros(2), np.array([60.0, 60.0])))
    assert np.array_equal(points[0], steps[0])
    assert np.array_equal(points[-1], steps[-1])
    pixel = 60.0 / 600
    for step in steps:
        assert from_line(step, points) <= pixel * (0.5 + 0.25 * np.sqrt(2) + 1e-9)  # half a pixel and a cell


def from_line(point: np.ndarray, line: np.ndarray) -> float:
    if len(line) == 1:
        return float(np.linalg.norm(point - line[0]))
    a, along = line[:-1], np.diff(line, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-300)
    share = np.clip(((point - a) * along).sum(axis=1) / length, 0, 1)
    return float(np.linalg.norm(a + share[:, None] * along - point, axis=1).min())


def test_the_trail_breaks_where_the_path_is_not_finite() -> None:
    path = np.array([[0.0, 0.0], [1.0, 5.0], [np.nan, 0.0], [np.inf, 0.0], [3.0, 1.0], [1e308, -1e308]])
    points = trail(path, np.zeros(2), np.ones(2))
    assert [None if point is None else point.tolist() for point in points] == [
        [0.0, 0.0],
        [1.0, 5.0],
        None,
        [3.0, 1.0],
        [1e308, -1e308],
    ]
