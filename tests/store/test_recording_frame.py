"""A recording as a table, and in the list of runs."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest

import recordings
from fallline._records import UserSeries
from fallline._store import RunWriter, export_run, last_run, list_runs, next_run_path, read_recording
from fallline._store._recording_frame import recording_frame
from store import recording_samples as samples
from store import samples as neuron

NORMS = ("gradient_norm", "update_norm", "parameter_norm", "first_order_change")


def test_several_optimizers_and_groups_are_numbered(tmp_path: Path) -> None:
    recording = read_recording(samples.make(tmp_path / "a.db"))
    frame = recording_frame(recording)
    several = [f"{name}_{k}" for name in NORMS for k in range(2)]
    derived = [f"{name}_{k}" for name in ("update_ratio", "downhill_cosine") for k in range(2)]
    batch = [
        f"batch_{name}"
        for name in (
            "loss_before", "loss_after", "first_order_change", "curvature", "gradient_cosine", "reach", "as_given",
            "real_change",
        )
    ]  # fmt: skip
    sharp = ["sharpness"] + [
        f"sharpness_{name}"
        for name in ("error", "products", "preconditioned", "converged", "learning_rate", "limit", "provable", "share")
    ]
    rates = ["learning_rate_0", "learning_rate_1", "learning_rate_2"]
    assert frame.columns == [
        "step", "seconds", "loss", *rates, "updates_0", "updates_1", *several, *derived, *batch, *sharp,
        "accuracy",
    ]  # fmt: skip
    limits = frame["sharpness_limit"]
    assert limits.is_null().to_list() == (~recording.sharpness.limit_measured).tolist()
    assert frame["sharpness"].to_numpy().tobytes() == recording.sharpness.sharpness.tobytes()
    steps = recording.steps
    assert frame["loss"].is_null().to_list() == (~steps.loss_measured).tolist()
    seen = frame["loss"].drop_nulls().to_numpy()
    assert seen.tobytes() == steps.loss[steps.loss_measured].tobytes()
    assert np.isnan(seen).any(), "the sample should hold a measured NaN"
    for name in (*NORMS, "update_ratio", "downhill_cosine"):
        for k in range(2):
            column = frame[f"{name}_{k}"]
            assert column.is_null().to_list() == (~steps.measured[:, k]).tolist()
            assert column.drop_nulls().to_numpy().tobytes() == getattr(steps, name)[steps.measured[:, k], k].tobytes()
    assert frame["updates_1"].dtype == polars.Int64
    assert frame["batch_as_given"].dtype == polars.Boolean


def test_one_optimizer_has_plain_names_and_the_rest_stands_where_it_was_measured() -> None:
    recording = recordings.well_behaved()
    frame = recording_frame(recording)
    assert {"gradient_norm", "updates", "learning_rate_0", "learning_rate_1"} <= set(frame.columns)
    rows = frame.filter(polars.col("batch_reach").is_not_null())
    batches = recording.batches
    assert rows["step"].to_list() == batches.step[batches.reach_measured].tolist()
    assert rows["batch_reach"].to_numpy().tobytes() == batches.reach[batches.reach_measured].tobytes()
    assert rows["batch_real_change"].to_list() == batches.real_change[batches.reach_measured].tolist()
    user = frame.filter(polars.col("accuracy").is_not_null())
    assert user["step"].to_list() == recording.logged["accuracy"].step.tolist()


def test_the_user_s_own_names() -> None:
    plain = recordings.plain_descent()
    twice = UserSeries(np.array([-1, 3, 3, 10**6]), np.array([9.0, 1.0, 2.0, 9.0]))
    frame = recording_frame(replace(plain, logged={"loss": twice, "lr": twice}))
    for name in ("logged_loss", "lr"):
        assert [(step, value) for step, value in frame.select("step", name).rows() if value is not None] == [(3, 2.0)]
    assert frame["loss"].to_list() == plain.steps.loss.tolist()


@pytest.mark.parametrize("name", recordings.CATALOGUE)
def test_every_recording_has_one_row_a_step(name: str) -> None:
    recording = recordings.CATALOGUE[name]()
    frame = recording_frame(recording)
    assert frame["step"].to_list() == recording.steps.step.tolist()


def test_a_recording_is_exported(tmp_path: Path) -> None:
    recording = read_recording(samples.make(tmp_path / "a.db"))
    expected = recording_frame(recording)
    export_run(recording, tmp_path / "a.parquet", "parquet")
    assert polars.read_parquet(tmp_path / "a.parquet").equals(expected)
    export_run(recording, tmp_path / "a.csv", "csv")
    back = polars.read_csv(tmp_path / "a.csv", schema=expected.schema)
    for was, now in zip(expected["loss"], back["loss"], strict=True):
        assert was == now or (was is not None and math.isnan(was) and math.isnan(now))


def test_the_list_has_both_kinds(tmp_path: Path) -> None:
    first = next_run_path(tmp_path, "line")
    RunWriter.create(first, neuron.header(), neuron.sample(), None).close()
    done = samples.make(next_run_path(tmp_path, "net"))
    cut = samples.make(next_run_path(tmp_path, "net"), 8, finish=False)
    rows = {row.path: row for row in list_runs(tmp_path)}
    assert list(rows) == [first, done, cut]
    assert rows[first].optimizer == "Adam"
    row = rows[done]
    assert (row.name, row.steps, row.outcome, row.loss, row.learning_rate, row.optimizer, row.problem) == (
        "net", 30, "diverged", math.inf, 0.1, "SGD + Adam", "",
    )  # fmt: skip
    assert (row.started or "").startswith("2026")
    assert (rows[cut].steps, rows[cut].outcome) == (8, "unfinished")
    steps = samples.steps(0, 8)
    assert rows[cut].loss == steps.loss[steps.loss_measured][-1]
    assert last_run(tmp_path) == cut
