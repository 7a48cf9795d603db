"""docs/semantics.md#outcome, every word of it."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import fallline as fl
from cases import ABSOLUTE, COLLINEAR, ENDINGS, FAR, HUBER, OVERLAPPING, ROUND, SEPARABLE, SEVERAL, TILTED, Setting


@pytest.mark.parametrize("setting", ENDINGS, ids=str)
def test_outcomes(setting: Setting) -> None:
    run = setting.fit()
    assert run.summary.outcome.value == setting.outcome
    assert run.summary.last_loss == pytest.approx(run.columns.full_loss[-1], nan_ok=True)
    assert run.summary.first_loss == run.header.start_loss


def test_converged_means_a_millionth_of_the_excess() -> None:
    options = {"dtype": "float64", "standardise": False}
    run = fl.fit(SEVERAL.data, epochs=4000, **options)
    best = run.moments.optimum_loss
    excess = (run.columns.full_loss - best) / (run.header.start_loss - best)
    first = int(np.argmax(excess <= 1e-6)) + 1
    assert run.summary.outcome is fl.Outcome.CONVERGED
    for epochs, outcome in ((first, fl.Outcome.CONVERGED), (first - 1, fl.Outcome.DESCENDING)):
        assert fl.fit(SEVERAL.data, epochs=epochs, **options).summary.outcome is outcome


def test_a_run_that_starts_at_its_optimum_has_converged() -> None:
    best = fl.fit(ROUND.data, dtype="float64").moments.optimum
    run = fl.fit(ROUND.data, dtype="float64", start={"w": best[0], "b": best[1]}, epochs=3)
    assert run.summary.outcome is fl.Outcome.CONVERGED


def test_diverged_but_finite_ends_above_its_start() -> None:
    run = fl.fit(learning_rate=0.0295, epochs=100)
    assert np.isfinite(run.columns.loss).all()
    assert run.summary.last_loss > run.summary.first_loss
    assert run.summary.outcome is fl.Outcome.DIVERGED


def test_a_rate_past_the_limit_that_is_not_above_its_start_yet_is_not_called_diverged() -> None:
    """The word is about what happened, not about what would."""
    run = fl.fit(TILTED.data, standardise=False, dtype="float64", epochs=3, learning_rate=0.0999)
    limit = run.summary.stability_limit
    run = fl.fit(TILTED.data, standardise=False, dtype="float64", epochs=3, learning_rate=1.001 * limit)
    assert run.summary.share_of_limit > 1
    assert run.summary.last_loss < run.summary.first_loss
    assert run.summary.outcome is not fl.Outcome.DIVERGED


def test_an_overlapping_logistic_neuron_against_scikit_learn() -> None:
    run = fl.fit(OVERLAPPING.data, loss="bce", epochs=3000, dtype="float64")
    solver = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(OVERLAPPING.features, OVERLAPPING.target)
    assert run.summary.outcome is fl.Outcome.CONVERGED
    assert not run.summary.separable
    assert run.summary.limit_kind == "largest curvature anywhere"
    assert run.summary.learned["w"] == pytest.approx(solver.coef_[0, 0], rel=2e-2)
    assert run.summary.learned["b"] == pytest.approx(solver.intercept_[0], rel=2e-2, abs=2e-2)


@pytest.mark.parametrize("epochs", [1, 50, 3000])
def test_separable_classes_never_converge(epochs: int) -> None:
    run = fl.fit(SEPARABLE.data, loss="bce", epochs=epochs)
    assert run.summary.separable
    assert run.summary.outcome is fl.Outcome.DESCENDING
    assert run.summary.exact is None


def test_huber_and_mae_do_not_follow_an_outlier() -> None:
    target = HUBER.target.copy()
    target[0] += 1000
    slopes = {
        loss: fl.fit((HUBER.features, target), loss=loss, epochs=2000, learning_rate=rate).summary.learned["w"]
        for loss, rate in (("mse", 0.3), ("huber", 0.5), ("mae", 0.02))
    }
    truth = fl.fit(HUBER.data).summary.exact["w"]
    assert abs(slopes["huber"] - truth) < 0.2
    assert abs(slopes["mae"] - truth) < 0.2
    assert abs(slopes["mse"] - truth) > 1


def test_mae_has_no_limit_and_no_exact_solution() -> None:
    summary = fl.fit(ABSOLUTE.data, loss="mae", epochs=20).summary
    assert (summary.stability_limit, summary.share_of_limit, summary.sharpness) == (None, None, None)
    assert (summary.limit_kind, summary.exact, summary.condition_number) == (None, None, None)


@pytest.mark.parametrize("standardise", [True, False])
def test_collinear_columns_reach_the_lowest_loss(standardise: bool) -> None:
    run = fl.fit(COLLINEAR.data, standardise=standardise, dtype="float64", epochs=1000)
    solver = LinearRegression().fit(COLLINEAR.features, COLLINEAR.target)
    best = np.mean((solver.predict(COLLINEAR.features) - COLLINEAR.target) ** 2)
    assert run.summary.outcome is fl.Outcome.CONVERGED
    assert run.summary.last_loss == pytest.approx(best, rel=1e-4)
    assert run.summary.condition_number < 100
    assert run.summary.flattest > 0.1


def test_several_features_have_names() -> None:
    run = fl.fit(SEVERAL.data, epochs=2)
    assert list(run.summary.learned) == list(run.summary.exact) == ["w_x1", "w_x2", "w_x3", "b"]
    assert run.columns.parameters.shape == (2, 4)


def test_the_raw_bowl_of_a_column_far_from_zero_is_not_called_round() -> None:
    """Condition number (2·mean²)² / (4·variance), about 10²⁴."""
    summary = fl.fit(FAR.data).summary
    x = FAR.features[:, 0]
    assert summary.raw_condition_number == pytest.approx(np.mean(x**2) ** 2 / np.var(x), rel=1e-2)
    assert summary.condition_number == pytest.approx(1.0, rel=1e-3)
    raw = fl.fit(FAR.data, standardise=False, dtype="float64", epochs=5).summary
    assert raw.condition_number == pytest.approx(summary.raw_condition_number, rel=1e-2)


def test_raw_numbers_are_those_of_the_run_that_was_not_standardised() -> None:
    """What "raw millimetres would have meant" is checked by doing it."""
    case = shifted_line()
    summary = fl.fit(case, dtype="float64", start={"w": 0.0, "b": 0.0}).summary
    raw = fl.fit(case, standardise=False, dtype="float64", start={"w": 0.0, "b": 0.0}, epochs=1).summary
    assert summary.raw_condition_number == pytest.approx(raw.condition_number, rel=1e-6)
    assert summary.raw_stability_limit == pytest.approx(raw.stability_limit, rel=1e-9)
    again = {"standardise": False, "dtype": "float64", "start": {"w": 0.0, "b": 0.0}}
    needed = int(summary.raw_steps)
    half = raw.stability_limit / 2
    assert fl.fit(case, learning_rate=half, epochs=needed, **again).summary.outcome is fl.Outcome.CONVERGED
    assert fl.fit(case, learning_rate=half, epochs=needed - 2, **again).summary.outcome is not fl.Outcome.CONVERGED


def shifted_line() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(11).normal(size=40) + 5.0
    return x[:, None], 2 * x - 3 + 0.1 * np.random.default_rng(12).normal(size=40)
