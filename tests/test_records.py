"""Records are plain frozen data; the package's own names resolve."""

import dataclasses

import numpy as np
import pytest

import fallline as fl
from cases import SEVERAL, TILTED
from fallline._records import Scaling


@pytest.mark.parametrize("name", fl.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(fl, name) is not None
    assert name in dir(fl)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'fallline' has no attribute 'sweeep'"):
        fl.sweeep  # noqa: B018  (asking for it is what raises)


def test_absent_is_null_and_nan_is_a_number() -> None:
    """docs/semantics.md#absent-and-not-finite."""
    run = fl.fit(SEVERAL.data, batch_size=5, epochs=2, learning_rate=0.1)
    frame, measured = run.steps, run.columns.full_loss_measured
    assert frame["full_loss"].is_null().to_list() == (~measured).tolist()
    assert frame["reach"].is_null().to_list() == (~run.columns.reach_measured).tolist()
    diverged = fl.fit(learning_rate=1.0).steps
    assert diverged["loss"].is_nan().any()
    assert diverged["loss"].null_count() == 0
    assert diverged["reach"].null_count() > 0


def test_a_run_says_what_it_is() -> None:
    run = fl.fit(TILTED.data, epochs=3, learning_rate=0.5)
    assert repr(run) == "<Run table: SGD, 3 steps, converged>"
    assert repr(dataclasses.replace(run, summary=None)) == "<Run table: SGD, 3 steps, unfinished>"
    assert len(run) == len(run.columns) == 3


def test_records_are_frozen() -> None:
    run = fl.fit(TILTED.data, epochs=1)
    for record in (run, run.header, run.columns, run.summary, run.sample, run.moments):
        field = dataclasses.fields(record)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field, None)


def test_moments_are_the_quadratic() -> None:
    run = fl.fit(TILTED.data, epochs=1, dtype="float64")
    X = np.column_stack((run.sample.features, np.ones(run.header.rows)))
    assert run.moments.hessian == pytest.approx(2 / len(X) * X.T @ X, abs=1e-12)
    assert run.sample.complete


def test_identity_scaling() -> None:
    assert Scaling((0.0,), (1.0,)).is_identity
    assert not Scaling((0.0,), (2.0,)).is_identity
    assert not Scaling((1e-300,), (1.0,)).is_identity


def test_a_sweep_is_frozen_its_numbers_too() -> None:
    swept = fl.sweep(epochs=5, learning_rates=[0.001, 0.01])
    for array in (swept.rates, swept.final_losses, swept.trajectories, swept.losses):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 3.0
    with pytest.raises(AttributeError):
        swept.goal = 0.5
