"""docs/semantics.md#auto-rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fallline as fl
from cases import EVERY_LOSS, SEVERAL, TILTED, Case

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


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(3, 30),
    features=st.integers(1, 4),
    spread=st.floats(1e-3, 1e4),
    center=st.floats(-100, 100),
    raw=st.booleans(),
    family=st.sampled_from(FAMILY),
    size=st.sampled_from([None, None, 2, 5]),
)
def test_never_more_than_half_the_limit(
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
def test_it_works_for_every_loss(case: Case, size: int | None) -> None:
    run = fl.fit(case.data, loss=case.loss, batch_size=size, epochs=60)
    assert run.summary.last_loss < run.summary.first_loss
    assert run.header.learning_rate_reason


def test_options_that_make_no_sense_are_refused_before_they_enter_a_formula() -> None:
    for options in ({"momentum": -1}, {"momentum": float("nan")}, {"weight_decay": float("inf")}):
        with pytest.raises(fl.OptionError):
            fl.fit(SEVERAL.data, optimizer_options=options)
