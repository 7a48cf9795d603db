"""Runs as TensorBoard's event files, read back with TensorBoard's own reader."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fallline as fl
from fallline._records import UserSeries
from recordings import CATALOGUE

pytest.importorskip("tensorboard")


def scalars(folder: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Every scalar in an event file: steps and values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    found = {}
    for tag in accumulator.Tags()["scalars"]:
        events = accumulator.Scalars(tag)
        found[tag] = ([event.step for event in events], [event.value for event in events])
    return found


@pytest.mark.slow
def test_every_step_of_a_recording(tmp_path: Path) -> None:
    run = CATALOGUE["diverging"]()
    fl.export_tensorboard(run, tmp_path)
    told = scalars(tmp_path)
    steps, losses = told["loss"]
    assert steps == run.steps.step[run.steps.loss_measured].tolist()
    np.testing.assert_array_equal(losses, run.steps.loss[run.steps.loss_measured].astype(np.float32))
    assert f"layers_gradient_norm/{run.header.layers[0].name}" in told


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    run = CATALOGUE["accumulating"]()
    fl.export_tensorboard(run, tmp_path)
    assert scalars(tmp_path)["update_norm"][0] == run.steps.step[run.steps.measured[:, 0]].tolist()
    assert not run.steps.measured.all()


@pytest.mark.slow
def test_several_optimizers_have_tags_of_their_own(tmp_path: Path) -> None:
    run = CATALOGUE["gan"]()
    twins = replace(run, header=replace(run.header, optimizers=("Adam", "Adam")))
    for given, names in ((run, run.header.optimizers), (twins, ("Adam_1", "Adam_2"))):
        folder = tmp_path / "-".join(names)
        fl.export_tensorboard(given, folder)
        told = {tag for tag in scalars(folder) if tag.startswith("gradient_norm")}
        assert told == {f"gradient_norm/{name}" for name in names}


@pytest.mark.slow
def test_what_is_not_finite_is_told_as_it_is(tmp_path: Path) -> None:
    run = CATALOGUE["plain_descent"]()
    told = [np.nan, np.inf, -np.inf, 1e300, -0.0, 1e-300]
    given = UserSeries(np.arange(6), np.array(told))
    fl.export_tensorboard(replace(run, logged={"odd": given}), tmp_path)
    with np.errstate(over="ignore"):
        single = np.array(told).astype(np.float32)
    np.testing.assert_array_equal(np.array(scalars(tmp_path)["logged/odd"][1], dtype=np.float32), single)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["empty", "nan_data", "killed", "without_closure"])
def test_records_with_little_in_them(tmp_path: Path, name: str) -> None:
    run = CATALOGUE[name]()
    fl.export_tensorboard(run, tmp_path)
    assert scalars(tmp_path).get("loss", ([], []))[0] == run.steps.step[run.steps.loss_measured].tolist()


def test_a_neurons_run(tmp_path: Path) -> None:
    run = fl.fit(epochs=4)
    fl.export_tensorboard(run, tmp_path)
    steps, losses = scalars(tmp_path)["loss"]
    assert steps == [0, 1, 2, 3]
    np.testing.assert_allclose(losses, run.columns.loss, rtol=1e-6)


def test_bad_use_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(fl.OptionError, match="takes a run, not str"):
        fl.export_tensorboard("runs/0001-line.db", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(fl.RunFileError, match="cannot be written"):
        fl.export_tensorboard(fl.fit(epochs=1), tmp_path / "file")
