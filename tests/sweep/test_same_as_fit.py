"""A sweep's runs are the runs that ``fl.fit`` makes at these rates."""

import numpy as np
import pytest

import fallline as fl
from cases import HUBER, OVERLAPPING, SEVERAL, TILTED, Case
from fallline._descent import optimizer_options
from fallline._problem import given_problem
from fallline._sweep import steps_per_epoch, sweep_problem

EPOCHS = 12


def swept(
    case: Case, optimizer: str, rates: list[float], *, batch_size: int | None = None, seed: int = 3
) -> np.ndarray:
    problem = given_problem(case.data, loss=case.loss, dtype="float64", seed=seed)
    result = sweep_problem(
        problem,
        problem.starting_point(None, seed=seed),
        optimizer=optimizer,
        options=optimizer_options(optimizer, {}),
        steps=EPOCHS * steps_per_epoch(problem.rows, batch_size),
        rates=np.array(rates),
        batch_size=batch_size,
        seeds=(seed,),
        refine=False,
    )
    return result.trajectories


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("case", [TILTED, SEVERAL, HUBER, OVERLAPPING], ids=str)
@pytest.mark.parametrize("optimizer", ["SGD", "nesterov", "Adam"])
@pytest.mark.slow
def test_runs_are_those_of_fit(case: Case, optimizer: str, batch_size: int | None) -> None:
    rates = [0.01, 0.05]
    paths = swept(case, optimizer, rates, batch_size=batch_size)
    for place, rate in enumerate(rates):
        run = fl.fit(
            case.data,
            loss=case.loss,
            optimizer=optimizer,
            learning_rate=rate,
            epochs=EPOCHS,
            batch_size=batch_size,
            seed=3,
            dtype="float64",
        )
        assert paths[0, place] == pytest.approx(np.array(run.header.start), rel=1e-15)
        assert paths[1:, place] == pytest.approx(run.columns.parameters, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("optimizer", ["LBFGS", "Adafactor", "Rprop", "ASGD"])
@pytest.mark.slow
def test_runs_one_after_the_other_are_those_of_fit(optimizer: str) -> None:
    """Adafactor treats the weights, a matrix, differently from the bias: it has to see the neuron's own shapes."""
    rates = [0.01, 0.3]
    paths = swept(SEVERAL, optimizer, rates)
    for place, rate in enumerate(rates):
        run = fl.fit(SEVERAL.data, optimizer=optimizer, learning_rate=rate, epochs=EPOCHS, seed=3, dtype="float64")
        assert paths[1:, place] == pytest.approx(run.columns.parameters, rel=1e-8, abs=1e-8)


def test_lbfgs_is_not_swept_over_batches() -> None:
    with pytest.raises(fl.OptionError, match="LBFGS uses all rows"):
        swept(TILTED, "LBFGS", [1.0], batch_size=5)


def test_a_batch_of_all_rows_is_full_batch() -> None:
    assert np.array_equal(swept(TILTED, "SGD", [0.01], batch_size=24), swept(TILTED, "SGD", [0.01]))
