"""Optimizers on somebody's own network: the runs are PyTorch's own, nothing of the model changes, bad input is said."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._compare import _arena, _own_arena
from fallline._records import Comparison
from own_networks import network, own_objective

QUICK = {"optimizers": ("sgd", "momentum", "adam"), "epochs": 12, "trials": 4, "rate": 0.5}
CLASSES = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
}


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return fl.compare(own_objective(), **QUICK)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("setting", ["best", "common"])
def test_every_run_is_the_one_that_pytorch_makes(compared: Comparison, name: str, setting: str) -> None:
    run = getattr(next(one for one in compared.contenders if one.name == name), setting)
    model, (x, y) = network()
    cls, options = CLASSES[name]
    optimizer = cls(model.parameters(), lr=run.rate, **options)
    losses = []
    for step in range(QUICK["epochs"] + 1):
        at = torch.cat([each.detach().reshape(-1) for each in model.parameters()]).numpy()
        np.testing.assert_allclose(run.path[step], at, rtol=1e-7, atol=1e-9)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(run.first_losses, losses, rtol=1e-8)


def test_what_is_said_of_it(compared: Comparison) -> None:
    assert compared.about == "objective: 82 parameters, 24 rows, every step over all of them"
    assert compared.starts_drawn == "Every run starts at the parameters as they stand."
    assert (compared.deterministic, compared.on_own, compared.seeds, compared.rows) == (True, True, (0,), None)
    assert compared.trial_runs == compared.trials == 4
    np.testing.assert_array_equal(compared.starts[0], own_objective().parameters)
    assert compared.parameter_names[0] == "0.weight[0, 0]"


def test_the_range_of_plain_descent_is_laid_out_around_its_limit(compared: Comparison) -> None:
    objective = own_objective()
    sharpest = np.linalg.eigvalsh(objective.hessian(objective.parameters))[-1]
    assert compared.contenders[0].limit == pytest.approx(2 / sharpest, rel=1e-6)
    assert compared.contenders[2].limit is None


@pytest.mark.slow
def test_nothing_of_the_model_changes() -> None:
    objective = own_objective(4)
    before = [tensor.detach().clone() for tensor in objective.tensors]
    state = torch.get_rng_state()
    fl.compare(objective, **QUICK)
    assert all(torch.equal(one, two) for one, two in zip(before, objective.tensors, strict=True))
    assert all(tensor.grad is None for tensor in objective.tensors)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.slow
def test_without_memory_paths_are_kept_in_even_ratios_and_losses_at_every_step(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (_own_arena, _arena):
        monkeypatch.setattr(module, "MOST_KEPT", 6 * 82 * 4)  # six paths of four points
    found = fl.compare(own_objective(), **QUICK)
    assert found.path_at.tolist() == [0, 1, 3, 12]
    for one, whole in zip(found.contenders, compared.contenders, strict=True):
        np.testing.assert_array_equal(one.best.losses, whole.best.losses)
        np.testing.assert_array_equal(one.best.path, whole.best.path[found.path_at])
        assert one.best.parts is None


@pytest.mark.slow
def test_a_start_of_its_own() -> None:
    objective = own_objective(1)
    found = fl.compare(objective, start=np.ones(7), **QUICK)
    assert found.starts.tolist() == [[1.0] * 7]
    assert found.starts_drawn == "Every run starts at the point that was given."


@pytest.mark.slow
def test_an_optimizer_that_looks_around_gets_slopes_of_where_it_looks() -> None:
    found = fl.compare(
        own_objective(), optimizers=("sgd", "lbfgs"), options={"lbfgs": {"max_iter": 3}}, epochs=4, trials=3, rate=0.5
    )
    model, (x, y) = network()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = nn.functional.cross_entropy(model(x), y)
        value.backward()
        return value

    for told in found.contenders[1].common.first_losses:
        assert told == pytest.approx(float(nn.functional.cross_entropy(model(x), y).detach()), rel=1e-7)
        optimizer.step(loss)


class Valley:
    """A loss function without a model, and without a loss_and_gradient of its own."""

    parameter_count, optimum, floor = 2, np.zeros(2), 0.0
    default_start = np.array([3.0, 1.0])

    def loss(self, stack: np.ndarray) -> np.ndarray:
        return (np.asarray(stack) ** 2 @ np.array([4.0, 1.0])) / 2

    def gradient(self, stack: np.ndarray) -> np.ndarray:
        return np.asarray(stack) * np.array([4.0, 1.0])

    def hessian(self, _: np.ndarray) -> np.ndarray:
        return np.diag([4.0, 1.0])

    def change(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return self.loss(after) - self.loss(before)


def test_any_loss_function_will_do() -> None:
    found = fl.compare(Valley(), optimizers=("sgd", "adam"), epochs=30, trials=8)
    assert found.leader.best.median_steps is not None
    assert found.contenders[0].limit == 0.5
    np.testing.assert_array_equal(found.starts, [[3.0, 1.0]])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_size": 5}, "leave out batch_size"),
        ({"target": "y"}, "leave out target"),
        ({"formula": "ravine"}, "leave out formula"),
        ({"loss": "mae"}, "leave out loss"),
        ({"start": [1.0]}, r"7 finite numbers, one for each parameter, not \[1.0\]"),
        ({"optimizers": ("sgd", "adan")}, "adan"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(fl.OptionError, match=said):
        fl.compare(own_objective(1), **{**QUICK, **given})


def test_parameters_that_are_no_numbers() -> None:
    model, rows = network(1)
    broken = copy.deepcopy(model)
    with torch.no_grad():
        next(broken.parameters())[0, 0] = float("nan")
    with pytest.raises(fl.OptionError, match="not a finite number"):
        fl.compare(fl.Objective(broken, nn.CrossEntropyLoss(), rows), **QUICK)
