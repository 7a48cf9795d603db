"""docs/semantics.md#auto-rate."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fallline as fl
from cases import EVERY_LOSS, OVERLAPPING, SEPARABLE, SEVERAL, TILTED, Case
from fallline._fit._record_problem import problem_of
from fallline._sweep import sweep_problem

FAMILY = (
    ("SGD", {}),
    ("SGD", {"weight_decay": 0.5}),
    ("momentum", {}),
    ("nesterov", {}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5}),
)

EVERY_OPTIMIZER = (
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "NAdam", "RAdam", "RMSprop",
    "Rprop", "SGD", "momentum", "nesterov",
)  # fmt: skip


ANY_PROBLEM = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**31),
        "rows": st.integers(3, 30),
        "features": st.integers(1, 4),
        "spread": st.floats(1e-3, 1e4),
        "center": st.floats(-100, 100),
        "raw": st.booleans(),
        "family": st.sampled_from(FAMILY),
        "size": st.sampled_from([None, None, 2, 5]),
    }
)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(ANY_PROBLEM)
def test_never_more_than_half_the_limit(problem: dict[str, Any]) -> None:
    never_more_than_half_the_limit(**problem)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(ANY_PROBLEM)
def test_of_very_many_never_more_than_half_the_limit(problem: dict[str, Any]) -> None:
    never_more_than_half_the_limit(**problem)


def never_more_than_half_the_limit(
    seed: int,
    rows: int,
    features: int,
    spread: float,
    center: float,
    raw: bool,
    family: tuple[str, dict[str, object]],
    size: int | None,
) -> None:
    rng = np.random.default_rng(seed)
    X = spread * rng.normal(size=(rows, features)) + center
    y = rng.normal(size=rows)
    name, options = family
    run = fl.fit(
        (X, y), optimizer=name, optimizer_options=options, standardise=not raw, batch_size=size, epochs=2, seed=seed
    )
    assert run.summary.limit_kind == "provable"
    assert run.summary.share_of_limit <= 0.5 * (1 + 1e-6)
    assert run.header.learning_rate > 0
    assert run.header.learning_rate_reason.endswith(".")


@pytest.mark.parametrize("name", EVERY_OPTIMIZER)
@pytest.mark.slow
def test_it_works_for_every_optimizer_that_can_train_a_neuron(name: str) -> None:
    run = fl.fit(TILTED.data, optimizer=name, epochs=10 if name == "LBFGS" else 60)
    assert run.summary.last_loss < run.summary.first_loss
    assert run.summary.outcome is not fl.Outcome.DIVERGED
    assert f"{run.header.learning_rate:g}" in run.header.learning_rate_reason


def test_every_optimizer_of_torch_is_covered() -> None:
    """A new one in torch must be looked at."""
    import torch

    names = {name for name, value in vars(torch.optim).items() if isinstance(value, type)}
    assert names - set(EVERY_OPTIMIZER) == {"Optimizer", "Muon", "SparseAdam"}


@pytest.mark.parametrize("size", [None, 5])
@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
@pytest.mark.slow
def test_it_works_for_every_loss(case: Case, size: int | None) -> None:
    run = fl.fit(case.data, loss=case.loss, batch_size=size, epochs=60)
    assert run.summary.last_loss < run.summary.first_loss
    assert run.header.learning_rate_reason


def test_options_that_make_no_sense_are_refused_before_they_enter_a_formula() -> None:
    for options in ({"momentum": -1}, {"momentum": float("nan")}, {"weight_decay": float("inf")}):
        with pytest.raises(fl.OptionError):
            fl.fit(SEVERAL.data, optimizer_options=options)


@pytest.mark.parametrize("name", ["rprop", "Rprop"])
def test_the_reason_of_a_trial_names_the_class_and_claims_no_more_than_it_knows(name: str) -> None:
    reason = fl.fit(TILTED.data, optimizer=name, epochs=20).header.learning_rate_reason
    assert ": Rprop with the loss mse has no limit that is known beforehand." in reason
    assert "No sweep was run: " in reason


@pytest.mark.parametrize(
    "settings",
    [
        {"data": SEVERAL.data},
        {"data": SEVERAL.data, "optimizer": "Adam"},
        {"data": SEVERAL.data, "batch_size": 6},
        {"data": OVERLAPPING.data, "loss": "bce"},
        {"formula": "(w - 3)^2"},
        {"formula": "himmelblau"},
    ],
    ids=str,
)
@pytest.mark.slow
def test_it_is_what_a_sweep_recommends(settings: dict[str, object]) -> None:
    run = fl.fit(**settings)
    problem = problem_of(run)
    result = sweep_problem(
        problem,
        np.array(run.header.start),
        optimizer=run.header.optimizer,
        options=run.header.optimizer_options,
        steps=min(len(run), 1000),
        batch_size=None if run.header.full_batch else run.header.batch_size,
        refine=False,
    )
    assert result.recommended is not None
    assert run.header.learning_rate == pytest.approx(result.recommended.value, rel=1e-3)
    assert run.header.learning_rate <= result.recommended.value * (1 + 1e-6)
    assert result.recommended.reason in run.header.learning_rate_reason


@pytest.mark.slow
def test_never_more_than_half_of_a_limit_that_holds_everywhere() -> None:
    """Separable classes get better the larger the rate, without end."""
    run = fl.fit(SEPARABLE.data, loss="bce")
    assert run.summary.share_of_limit == pytest.approx(0.5, rel=1e-3)
    assert "is half the stability limit 8" in run.header.learning_rate_reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"schedule": "cosine"}, "it would try constant rates, and this one follows a schedule"),
        ({"optimizer": "Rprop"}, "Rprop does not run in one batch with others"),
        ({"data": (np.arange(9000.0).reshape(-1, 1) % 7, np.arange(9000.0) % 3), "loss": "huber"}, "over 9,000 rows"),
        (
            {"data": (np.arange(3000.0).reshape(-1, 1) % 7, np.arange(3000.0) % 3), "batch_size": 2, "epochs": 1},
            "one epoch has",
        ),
        ({"formula": "saddle"}, "A sweep was run first. No safe answer"),
    ],
    ids=str,
)
def test_where_no_sweep_helps_it_says_so(settings: dict[str, object], said: str) -> None:
    options = {"epochs": 60, "learning_rate": "auto"} | settings
    run = fl.fit(**options)
    assert said in run.header.learning_rate_reason
    assert run.header.learning_rate_reason.endswith(".")
    assert run.summary.last_loss < run.summary.first_loss


@pytest.mark.slow
def test_a_long_run_is_judged_by_its_beginning() -> None:
    reason = fl.fit(SEVERAL.data, epochs=3000).header.learning_rate_reason
    assert "judged by the first 1,000 of 3,000 steps" in reason


@pytest.mark.slow
def test_trials_run_the_schedule() -> None:
    """A rate that shrinks a thousandfold within the run asks for a larger one at its start."""
    plain = fl.fit(TILTED.data, optimizer="Adam", epochs=40, schedule="step:step_size=1000")
    shrinking = fl.fit(TILTED.data, optimizer="Adam", epochs=40, schedule="exponential:gamma=0.8")
    assert shrinking.header.learning_rate > plain.header.learning_rate


def test_a_momentum_of_one_or_more_has_no_limit() -> None:
    for momentum in (1.0, 1.2):
        run = fl.fit(TILTED.data, optimizer_options={"momentum": momentum}, learning_rate=1e-3, epochs=200)
        assert run.summary.stability_limit is None
        assert run.summary.share_of_limit is None


@pytest.mark.parametrize("rate", ["auto", 0.01])
def test_the_header_keeps_the_rate_as_it_was_given_or_chosen(rate: float | str) -> None:
    run = fl.fit(TILTED.data, schedule="onecycle", learning_rate=rate)
    again = fl.fit(TILTED.data, schedule="onecycle", learning_rate=run.header.learning_rate)
    assert run.header.learning_rate == pytest.approx(run.columns.learning_rate.max(), rel=1e-3)
    assert run.columns.learning_rate[0] < 0.05 * run.header.learning_rate
    assert again.columns.parameters.tobytes() == run.columns.parameters.tobytes()
    if rate == "auto":
        assert run.header.learning_rate_reason.startswith(f"{run.header.learning_rate:g} is half")


@pytest.mark.parametrize(("formula", "start", "loss"), [("sqrt(w)", -1.0, "not a number"), ("1/w", 0.0, "infinite")])
def test_a_start_without_a_finite_loss_is_refused(formula: str, start: float, loss: str) -> None:
    with pytest.raises(fl.OptionError, match=f"The loss at the start .* is {loss}.*Start elsewhere"):
        fl.fit(formula=formula, start={"w": start})
    assert len(fl.fit(formula=formula, start={"w": start}, learning_rate=0.1, epochs=3)) == 3
