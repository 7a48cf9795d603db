"""docs/semantics.md#units-and-standardising."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import fallline as fl
from cases import SEVERAL, TILTED, Case


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("case", [TILTED, SEVERAL], ids=str)
@pytest.mark.slow
def test_learned_is_exact_is_scikit_learns(case: Case, standardise: bool) -> None:
    data = (case.features * 7.0 + 30.0 if standardise else case.features, case.target)
    run = fl.fit(data, standardise=standardise, dtype="float64", epochs=400 if standardise else 4000)
    solver = LinearRegression().fit(*data)
    expected = [*solver.coef_, solver.intercept_]
    assert list(run.summary.exact.values()) == pytest.approx(expected, rel=1e-8)
    assert list(run.summary.learned.values()) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.slow
def test_loss_is_in_squared_target_units_whatever_the_scale() -> None:
    scaled = fl.fit(TILTED.data, epochs=300, dtype="float64").summary
    raw = fl.fit(TILTED.data, epochs=3000, dtype="float64", standardise=False).summary
    assert scaled.last_loss == pytest.approx(raw.last_loss, rel=1e-4)


def test_start_is_in_the_training_scale() -> None:
    run = fl.fit(TILTED.data, start={"w": 1.5, "b": -2.0}, epochs=1, learning_rate=1e-300, dtype="float64")
    assert run.header.start == (1.5, -2.0)
    (shift,), (scale,) = run.header.scaling.shift, run.header.scaling.scale
    assert run.summary.learned == pytest.approx({"w": 1.5 / scale, "b": -2.0 - 1.5 * shift / scale})


def test_a_start_for_some_parameters_leaves_the_others_at_their_random_start() -> None:
    whole = fl.fit(SEVERAL.data, epochs=1).header.start
    some = fl.fit(SEVERAL.data, epochs=1, start={"w_x2": 9.0}).header.start
    assert some == (whole[0], 9.0, *whole[2:])


def test_standardised_columns_have_mean_zero_and_spread_one() -> None:
    run = fl.fit((SEVERAL.features * 100 + 7, SEVERAL.target), epochs=1, dtype="float64")
    assert run.sample.features.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert run.sample.features.std(axis=0) == pytest.approx(np.ones(3), rel=1e-12)
    assert run.sample.target.tolist() == SEVERAL.target.tolist()
