"""docs/semantics.md#outcome, every word of it."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, LogisticRegression

import fallline as fl
from cases import (
    ABSOLUTE,
    COLLINEAR,
    ENDINGS,
    FAR,
    HUBER,
    OVERLAPPING,
    ROUND,
    SEPARABLE,
    SEVERAL,
    TILTED,
    Case,
    Setting,
)
from fallline._objective import loss_kind
from fallline._problem import NeuronProblem
from fallline._problem._outcome import rounding_excess
from fallline._problem._stalling import FEWEST_EPOCHS
from fallline._quadratic import Quadratic
from fallline._records import Scaling

ORIGIN = {"w": 0.0, "b": 0.0}


@pytest.mark.parametrize("setting", ENDINGS, ids=str)
def test_outcomes(setting: Setting) -> None:
    run = setting.run
    assert run.summary.outcome.value == setting.outcome
    assert run.summary.last_loss == pytest.approx(run.columns.full_loss[-1], nan_ok=True)
    assert run.summary.first_loss == run.header.start_loss


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "Adam", "epochs": 10},
        {"optimizer": "Adam", "epochs": 500},
        {"optimizer": "NAdam", "epochs": 50},
        {"optimizer": "RMSprop", "epochs": 500},
        {"batch_size": 4, "epochs": 1},
        {"batch_size": 4, "epochs": 50},
        {"batch_size": 8, "epochs": 50},
    ],
    ids=str,
)
def test_a_run_that_starts_at_its_optimum_and_leaves_it_a_little_has_not_diverged(options: dict[str, object]) -> None:
    best = fl.fit(ROUND.data, dtype="float64").moments.optimum
    run = fl.fit(ROUND.data, learning_rate=0.1, start={"w": best[0], "b": best[1]}, **options)
    assert run.summary.last_loss > run.summary.first_loss
    assert run.summary.outcome is not fl.Outcome.DIVERGED


@pytest.mark.parametrize(("factor", "outcome"), [(1.099, "descending"), (1.101, "diverged")])
def test_diverged_means_a_tenth_above_the_start(factor: float, outcome: str) -> None:
    """One step whose length is chosen so that the loss ends there; nothing but the end counts."""
    problem = fl.fit(TILTED.data, standardise=False, dtype="float64", epochs=1, learning_rate=0.01, start=ORIGIN)
    quadratic = Quadratic(problem.moments)
    slope = problem.columns.gradient[0]
    square = float(quadratic.curvature_along(slope)[0]) / 2
    length = float(slope @ slope)
    rate = (length + np.sqrt(length**2 + 4 * square * (factor - 1) * problem.header.start_loss)) / (2 * square)
    run = fl.fit(TILTED.data, standardise=False, dtype="float64", epochs=1, learning_rate=rate, start=ORIGIN)
    assert run.summary.last_loss == pytest.approx(factor * run.summary.first_loss, rel=1e-9)
    assert run.summary.outcome.value == outcome


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.slow
def test_a_heavy_ball_that_swings_has_not_stalled(standardise: bool) -> None:
    """Its loss rises and falls on the way; given time, the same run converges."""
    options = {"optimizer": "momentum", "learning_rate": 0.1 if standardise else 0.01, "standardise": standardise}
    for epochs in (*range(6, 48, 6), 60, 80):
        assert fl.fit(epochs=epochs, **options).summary.outcome is fl.Outcome.DESCENDING, epochs
    for epochs in (100, 130):
        assert fl.fit(epochs=epochs, **options).summary.outcome is not fl.Outcome.STALLED, epochs
    assert fl.fit(epochs=600, **options).summary.outcome is fl.Outcome.CONVERGED


@pytest.mark.parametrize("size", [pytest.param(2, marks=pytest.mark.slow), 4, 8])
@pytest.mark.parametrize(("seed", "epochs"), [(0, 60), (1, 60), (2, 100)])
def test_mini_batches_that_hover_have_stalled(size: int, seed: int, epochs: int) -> None:
    run = fl.fit(SEVERAL.data, batch_size=size, learning_rate=0.1, epochs=epochs, seed=seed)
    assert run.summary.outcome is fl.Outcome.STALLED


@pytest.mark.slow
def test_a_short_run_has_stalled_only_where_its_loss_stands() -> None:
    noisy = {"batch_size": 4, "learning_rate": 0.1}
    for epochs in range(2, FEWEST_EPOCHS):
        assert fl.fit(SEVERAL.data, epochs=epochs, **noisy).summary.outcome is fl.Outcome.DESCENDING
    assert fl.fit(learning_rate=1e-12, epochs=4).summary.outcome is fl.Outcome.STALLED


@pytest.mark.parametrize("rate", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("epochs", [2, 30, 200])
def test_a_run_that_creeps_is_descending(rate: float, epochs: int) -> None:
    run = fl.fit(learning_rate=rate, epochs=epochs, dtype="float64")
    assert run.summary.outcome is fl.Outcome.DESCENDING


@pytest.mark.slow
def test_a_loss_that_stands_in_its_last_quarter_has_stalled() -> None:
    """However far it fell before: here into the rest of weight decay, to the last bit."""
    run = fl.fit(
        TILTED.data,
        standardise=False,
        dtype="float64",
        learning_rate=0.05,
        epochs=1600,
        optimizer_options={"weight_decay": 0.1},
    )
    assert np.ptp(run.columns.full_loss[-400:]) <= 1e-15
    assert run.columns.full_loss[400] > run.columns.full_loss[-1] + 1e-9
    assert run.summary.outcome is fl.Outcome.STALLED


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [ROUND, TILTED, HUBER, OVERLAPPING], ids=str)
@pytest.mark.parametrize("epochs", [40, 150])
@pytest.mark.slow
def test_a_mirrored_column_ends_the_same(case: Case, dtype: str, epochs: int) -> None:
    """x and −x are the same problem: the same start, mirrored, goes the same way in another sign."""
    ends = []
    for sign in (1.0, -1.0):
        start = {"w": sign * 0.3, "b": -0.1}
        settings = {"loss": case.loss, "dtype": dtype, "start": start, "epochs": epochs, "standardise": False}
        run = fl.fit((sign * case.features, case.target), **settings)
        problem = make_problem(sign * case.features, case, dtype)
        at = np.array([sign * 0.3, -0.1])
        ends.append((run.summary.outcome, rounding_excess(problem, run.summary.last_loss, at)))
    assert ends[0][0] is ends[1][0]
    assert ends[0][1] == pytest.approx(ends[1][1], rel=1e-6)
    assert ends[0][1] > 0


def make_problem(features: np.ndarray, case: Case, dtype: str) -> NeuronProblem:
    """The problem as the fit sets it up for raw columns."""
    kind = torch.float32 if dtype == "float32" else torch.float64
    return NeuronProblem(
        name=case.name,
        kind=loss_kind(case.loss),
        scaling=Scaling((0.0,), (1.0,)),
        parameter_names=("w", "b"),
        features=torch.tensor(features, dtype=kind),
        target=torch.tensor(case.target, dtype=kind).unsqueeze(1),
    )


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("loss", ["huber", "bce"])
@pytest.mark.slow
def test_collinear_columns_converge_under_other_losses_too(loss: str, standardise: bool) -> None:
    target = COLLINEAR.target.copy()
    if loss == "bce":
        target = (target > 0.5).astype(float)
        target[::5] = 1 - target[::5]  # no line parts the classes
    run = fl.fit((COLLINEAR.features, target), loss=loss, epochs=1500, standardise=standardise, dtype="float64")
    assert run.summary.outcome is fl.Outcome.CONVERGED
    assert np.abs(run.columns.gradient[-1]).max() < 1e-3
    assert fl.fit((COLLINEAR.features, target), loss=loss, epochs=2).summary.outcome is fl.Outcome.DESCENDING


@pytest.mark.slow
def test_no_single_line_is_called_exact_where_columns_repeat_one_another() -> None:
    assert fl.fit(COLLINEAR.data).summary.exact is None
    assert fl.fit(SEVERAL.data).summary.exact is not None


def test_diverged_but_finite_ends_above_its_start() -> None:
    run = fl.fit(learning_rate=0.0295, epochs=100)
    assert np.isfinite(run.columns.loss).all()
    assert run.summary.last_loss > 1.1 * run.summary.first_loss
    assert run.summary.outcome is fl.Outcome.DIVERGED


def test_a_rate_past_the_limit_that_is_not_above_its_start_yet_is_not_called_diverged() -> None:
    """The word is about what happened, not about what would."""
    run = fl.fit(TILTED.data, standardise=False, dtype="float64", epochs=3, learning_rate=0.0999)
    limit = run.summary.stability_limit
    run = fl.fit(TILTED.data, standardise=False, dtype="float64", epochs=3, learning_rate=1.001 * limit)
    assert run.summary.share_of_limit > 1
    assert run.summary.last_loss < run.summary.first_loss
    assert run.summary.outcome is not fl.Outcome.DIVERGED


@pytest.mark.slow
def test_an_overlapping_logistic_neuron_against_scikit_learn() -> None:
    run = fl.fit(OVERLAPPING.data, loss="bce", epochs=3000, dtype="float64")
    solver = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(OVERLAPPING.features, OVERLAPPING.target)
    assert run.summary.outcome is fl.Outcome.CONVERGED
    assert not run.summary.separable
    assert run.summary.limit_kind == "largest curvature anywhere"
    assert run.summary.learned["w"] == pytest.approx(solver.coef_[0, 0], rel=2e-2)
    assert run.summary.learned["b"] == pytest.approx(solver.intercept_[0], rel=2e-2, abs=2e-2)


@pytest.mark.parametrize("epochs", [1, 50, 1000])
@pytest.mark.slow
def test_separable_classes_never_converge(epochs: int) -> None:
    run = fl.fit(SEPARABLE.data, loss="bce", epochs=epochs)
    assert run.summary.separable
    assert run.summary.outcome is fl.Outcome.DESCENDING
    assert run.summary.exact is None


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_raw_bowl_of_a_column_far_from_zero_is_not_called_round() -> None:
    """Condition number (2·mean²)² / (4·variance), about 10²⁴."""
    summary = fl.fit(FAR.data).summary
    x = FAR.features[:, 0]
    assert summary.raw_condition_number == pytest.approx(np.mean(x**2) ** 2 / np.var(x), rel=1e-2)
    assert summary.condition_number == pytest.approx(1.0, rel=1e-3)
    raw = fl.fit(FAR.data, standardise=False, dtype="float64", epochs=5).summary
    assert raw.condition_number == pytest.approx(summary.raw_condition_number, rel=1e-2)


@pytest.mark.slow
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
