"""``engine="moments"``: the steps of the loop without its rows."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import fallline as fl
from cases import BOWLS, COLLINEAR, FAR, SEVERAL, TILTED, Case
from fallline import OptionError
from fallline._descent import Batches, descend
from fallline._fit._moments_engine import descend_moments
from fallline._quadratic import Quadratic
from fallline._records import Outcome, Step

OPTIMIZERS = {
    "SGD": {"lr": 0.02},
    "momentum": {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "Adam": {"lr": 0.05},
    "AdamW": {"lr": 0.05, "amsgrad": True},
    "RMSprop": {"lr": 0.01, "momentum": 0.5},
    "Adagrad": {"lr": 0.1},
    "Rprop": {"lr": 0.01},
    "ASGD": {"lr": 0.01},
    "LBFGS": {"lr": 0.5, "max_iter": 3},
}


def optimizer(name: str, model: torch.nn.Module) -> torch.optim.Optimizer:
    kind = getattr(torch.optim, "SGD" if name == "momentum" else name)
    made: torch.optim.Optimizer = kind(model.parameters(), **OPTIMIZERS[name])
    return made


def neuron(case: Case, dtype: torch.dtype = torch.float64) -> torch.nn.Linear:
    model = torch.nn.Linear(case.features.shape[1], 1, dtype=dtype)
    with torch.no_grad():
        model.weight.fill_(0.3)
        model.bias.fill_(-0.7)
    return model


def by_moments(case: Case, name: str, epochs: int, dtype: torch.dtype = torch.float64) -> list[Step]:
    model = neuron(case, dtype)
    return list(descend_moments(model, Quadratic.from_chunks([case.data]), optimizer(name, model), epochs=epochs))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_loop(name: str) -> None:
    model = neuron(SEVERAL)
    loop = list(descend(model, torch.nn.MSELoss(), Batches(*SEVERAL.tensors()), optimizer(name, model), epochs=40))
    steps = by_moments(SEVERAL, name, 40)
    for one, other in zip(steps, loop, strict=True):
        assert (one.index, one.epoch, one.learning_rate) == (other.index, other.epoch, other.learning_rate)
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-9)
        np.testing.assert_allclose(one.gradient, other.gradient, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-8, atol=1e-10)


def test_numbers_are_those_of_the_dtype() -> None:
    for step in by_moments(TILTED, "SGD", 5, torch.float32):
        for number in (step.loss, *step.gradient, *step.parameters):
            assert float(np.float32(number)) == number


def test_a_diverging_run_ends_in_infinity_and_nan_without_a_word() -> None:
    model = neuron(SEVERAL)
    steps = list(
        descend_moments(
            model,
            Quadratic.from_chunks([SEVERAL.data]),
            torch.optim.SGD(model.parameters(), lr=1e8),
            epochs=60,
        )
    )
    assert not np.isfinite(steps[-1].loss)
    assert not np.isfinite(steps[-1].parameters).any()


def test_a_schedule_is_followed() -> None:
    model = neuron(TILTED)
    made = optimizer("SGD", model)
    halved = torch.optim.lr_scheduler.StepLR(made, step_size=2, gamma=0.5)
    steps = descend_moments(model, Quadratic.from_chunks([TILTED.data]), made, epochs=5, scheduler=halved)
    assert [step.learning_rate for step in steps] == [0.02, 0.02, 0.01, 0.01, 0.005]


@pytest.mark.parametrize("case", [*BOWLS, COLLINEAR, FAR], ids=str)
def test_fit_learns_what_the_loop_learns(case: Case) -> None:
    loop = fl.fit(case.data, dtype="float64", epochs=50, seed=1)
    moments = fl.fit(
        case.data, dtype="float64", epochs=50, seed=1, engine="moments", learning_rate=loop.header.learning_rate
    )
    assert moments.header.start == pytest.approx(loop.header.start, rel=1e-12)
    np.testing.assert_allclose(moments.columns.loss, loop.columns.loss, rtol=1e-6)
    np.testing.assert_allclose(moments.columns.parameters, loop.columns.parameters, rtol=1e-6, atol=1e-6)
    far = 8  # steps on which the loss still falls by more than its rounding
    np.testing.assert_allclose(moments.columns.reach[:far], loop.columns.reach[:far], rtol=1e-3, atol=1e-6)
    assert moments.summary.outcome == loop.summary.outcome
    assert moments.summary.learned == pytest.approx(loop.summary.learned, rel=1e-5, abs=1e-5)
    assert moments.summary.stability_limit == pytest.approx(loop.summary.stability_limit, rel=1e-6)
    assert moments.header.rows == moments.header.batch_size == len(case.target)
    assert moments.header.full_batch
    assert moments.sample.complete
    np.testing.assert_allclose(moments.sample.features, loop.sample.features, rtol=1e-6, atol=1e-9)


def test_auto_is_that_of_the_loop() -> None:
    run = fl.fit(SEVERAL.data, engine="moments", dtype="float64")
    assert run.header.learning_rate == pytest.approx(fl.fit(SEVERAL.data, dtype="float64").header.learning_rate)
    assert run.summary.share_of_limit <= 0.5 * (1 + 1e-5)
    assert run.summary.outcome is Outcome.CONVERGED


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_file_is_streamed_to_the_same_run(suffix: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, size=(60_000, 3))
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x @ [1.0, 2.0, 3.0] + rng.normal(size=60_000)})
    path = tmp_path / f"t.{suffix}"
    frame.write_parquet(path, row_group_size=7_000) if suffix == "parquet" else frame.write_csv(path)
    from_file = fl.fit(path, engine="moments", epochs=20, run=tmp_path / "run.db")
    in_memory = fl.fit((x, frame["y"].to_numpy()), engine="moments", epochs=20)
    np.testing.assert_array_equal(from_file.columns.parameters, in_memory.columns.parameters)
    assert from_file.header.source_hash == in_memory.header.source_hash
    assert from_file.header.rows == 60_000
    assert not from_file.sample.complete
    reopened = fl.load(tmp_path / "run.db")
    np.testing.assert_array_equal(reopened.columns.parameters, from_file.columns.parameters)
    assert reopened.header.rows == 60_000
    assert reopened.summary.exact == pytest.approx(from_file.summary.exact)


def test_what_the_moments_cannot_answer_is_refused() -> None:
    with pytest.raises(OptionError, match="The engine moments needs the loss mse"):
        fl.fit(SEVERAL.data, engine="moments", loss="huber")
    with pytest.raises(OptionError, match="knows the 24 rows only together, not in batches of 4"):
        fl.fit(SEVERAL.data, engine="moments", batch_size=4)
    with pytest.raises(OptionError, match='There is no engine "moment"'):
        fl.fit(SEVERAL.data, engine="moment")
    assert fl.fit(SEVERAL.data, engine="moments", batch_size=24, epochs=2).header.full_batch


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    x = np.random.default_rng(0).normal(size=1000)
    pl.DataFrame({"x": x, "y": 2 * x + 1 + 0.1 * x**2}).write_parquet(path)
    command = [sys.executable, "-m", "fallline", "fit", str(path), "--target", "y", "--engine", "moments", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert '"outcome": "converged"' in done.stdout
