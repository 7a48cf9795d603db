"""Sweeps of somebody's own network: a limit at any size, losses at every step, of paths what memory allows."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._problem import _limit, limit_at
from fallline._records import SweepResult
from fallline._sweep import _runs, given_objective
from own_networks import network, own_objective

RATES = [0.1, 1.0, 3.0, 30.0]


def swept() -> SweepResult:
    return fl.sweep(own_objective(), learning_rates=RATES, epochs=40, goal=0.5)


@pytest.mark.parametrize("door", [fl.sweep, fl.compare])
def test_a_model_alone_is_no_objective(door: Callable[..., object]) -> None:
    with pytest.raises(
        fl.OptionError, match=r"A model alone \(Sequential\) has no loss.*fl\.Objective\(model, loss_fn"
    ):
        door(network()[0])


@pytest.mark.parametrize("door", [fl.sweep, fl.compare])
def test_nothing_starts_from_parameters_that_are_not_finite(door: Callable[..., object]) -> None:
    model, data = network()
    with torch.no_grad():
        next(iter(model.parameters())).view(-1)[0] = float("nan")
    with pytest.raises(fl.OptionError, match="at the start is not a finite number: start elsewhere"):
        door(fl.Objective(model, nn.functional.cross_entropy, data))


@pytest.mark.slow
def test_without_memory_only_paths_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = swept()
    monkeypatch.setattr(_runs, "MOST_KEPT", 82 * 30)  # two points of a path, ten of a trial's, three rates in a block
    few = swept()
    assert whole.path_steps is None
    assert few.path_steps.tolist() == [0, 40]
    assert few.trajectories.shape[:2] == (2, len(few.rates))
    np.testing.assert_allclose(few.losses, whole.losses, rtol=1e-9)
    assert few.zones == whole.zones
    assert few.steps_to_goal == whole.steps_to_goal
    assert few.notes == whole.notes
    assert len(few.trials) == 3
    for one, other in zip(few.trials, whole.trials, strict=True):
        assert len(one.parameters_at) <= 10
        assert set(few.path_steps.tolist()) <= set(one.parameters_at.tolist())
        np.testing.assert_allclose(one.parameters, other.parameters[one.parameters_at], rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_its_losses_are_pytorch_s() -> None:
    result = fl.sweep(own_objective(), learning_rates=[0.7], epochs=5, optimizer="Adam")
    model, (x, y) = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.7)
    for step in range(6):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        assert result.losses[step, 0] == pytest.approx(float(loss.detach()), rel=1e-8)
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_limit_of_a_large_model_is_that_of_its_whole_hessian(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = given_objective(own_objective(), None)
    diagonal = None if optimizer == "SGD" else np.linspace(0.5, 2.0, 82)
    at = problem.starting_point(None, seed=0)
    whole = limit_at(problem, optimizer, {}, at=at, preconditioner=diagonal)
    monkeypatch.setattr(_limit, "MOST_WHOLE", 20)
    large = limit_at(problem, optimizer, {}, at=at, preconditioner=diagonal)
    assert large.kind is whole.kind
    assert large.value == pytest.approx(whole.value, rel=1e-3)
    assert limit_at(problem, optimizer, {}, at=at * np.nan, preconditioner=diagonal) is None
