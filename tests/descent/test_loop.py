"""The loop against a plain PyTorch loop written out: equal to the last bit."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from cases import SEVERAL, TILTED, WITH_NAN, Case
from fallline._descent import Batches, descend, make_optimizer, make_schedule
from fallline._descent._schedules import SHORT_NAMES
from fallline._errors import OptionError
from fallline._records import Step

OPTIMIZERS = (
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"momentum": 0.9, "weight_decay": 0.01}),
    ("Adam", {}),
    ("AdamW", {"betas": (0.8, 0.99)}),
    ("RMSprop", {"momentum": 0.5}),
    ("Adagrad", {}),
    ("LBFGS", {"max_iter": 4}),
)


def plain_loop(
    case: Case,
    optimizer_name: str,
    options: Mapping[str, object],
    *,
    dtype: torch.dtype,
    size: int | None = None,
    schedule: str = "",
    epochs: int = 12,
) -> list[tuple[float, list[float], list[float]]]:
    """(loss, gradient, parameters) of every step, as anybody would write it."""
    features, target = case.tensors(dtype)
    model = started(features.shape[1], dtype)
    optimizer = getattr(torch.optim, optimizer_name)(model.parameters(), lr=0.02, **options)
    scheduler = make_schedule(schedule, optimizer, epochs)
    batches = Batches(features, target, size=size, seed=3)
    steps = []
    for epoch in range(epochs):
        for rows in batches.indices(epoch):
            seen = []

            def closure(rows: torch.Tensor = rows, seen: list = seen) -> torch.Tensor:
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(model(features[rows]), target[rows])
                loss.backward()
                slopes = [slope for p in model.parameters() for slope in p.grad.flatten().tolist()]
                seen.append((loss.item(), slopes))
                return loss

            optimizer.step(closure)
            steps.append((*seen[0], [value for p in model.parameters() for value in p.flatten().tolist()]))
        if scheduler is not None:
            scheduler.step()
    return steps


def started(features: int, dtype: torch.dtype) -> torch.nn.Linear:
    model = torch.nn.Linear(features, 1, dtype=dtype)
    with torch.no_grad():
        model.weight.fill_(0.25)
        model.bias.fill_(-0.5)
    return model


def our_loop(
    case: Case,
    optimizer_name: str,
    options: Mapping[str, object],
    *,
    dtype: torch.dtype,
    size: int | None = None,
    schedule: str = "",
    epochs: int = 12,
) -> list[Step]:
    features, target = case.tensors(dtype)
    model = started(features.shape[1], dtype)
    optimizer = make_optimizer(optimizer_name, list(model.parameters()), 0.02, options)
    scheduler = make_schedule(schedule, optimizer, epochs)
    batches = Batches(features, target, size=size, seed=3)
    return list(descend(model, torch.nn.MSELoss(), batches, optimizer, epochs=epochs, scheduler=scheduler))


def assert_bit_equal(steps: list[Step], plain: list[tuple[float, list[float], list[float]]]) -> None:
    assert [step.index for step in steps] == list(range(len(plain)))
    assert [step.loss for step in steps] == [loss for loss, _, _ in plain]
    assert [list(step.gradient) for step in steps] == [slopes for _, slopes, _ in plain]
    assert [list(step.parameters) for step in steps] == [parameters for _, _, parameters in plain]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=str)
def test_every_step_is_the_plain_loops(name: str, options: Mapping[str, object], dtype: torch.dtype) -> None:
    assert_bit_equal(our_loop(SEVERAL, name, options, dtype=dtype), plain_loop(SEVERAL, name, options, dtype=dtype))


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=str)
def test_mini_batches_are_the_plain_loops(name: str, options: Mapping[str, object]) -> None:
    ours = our_loop(SEVERAL, name, options, dtype=torch.float64, size=7, epochs=5)
    assert_bit_equal(ours, plain_loop(SEVERAL, name, options, dtype=torch.float64, size=7, epochs=5))
    assert len(ours) == 5 * 4
    assert [step.epoch for step in ours[:5]] == [0, 0, 0, 0, 1]


CLASSES: Mapping[str, object] = {
    "constant": None,
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=12),
    "exponential": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.99),
    "step": lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=4),
    "linear": lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.01, total_iters=12),
    "polynomial": lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=12),
    "onecycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.02, total_steps=13, cycle_momentum=False),
    "multistep": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[6, 9]),
    "warmrestarts": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=3),
}


def test_every_short_name_is_tested() -> None:
    assert set(CLASSES) == set(SHORT_NAMES)


@pytest.mark.parametrize("schedule", list(CLASSES))
def test_schedules_are_pytorchs_own(schedule: str) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.02, momentum=0.9)
    scheduler = CLASSES[schedule] and CLASSES[schedule](optimizer)
    rates = []
    for _ in range(12):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler:
            scheduler.step()
    steps = our_loop(TILTED, "SGD", {"momentum": 0.9}, dtype=torch.float64, schedule=schedule)
    assert [step.learning_rate for step in steps] == rates
    ours = our_loop(TILTED, "SGD", {"momentum": 0.9}, dtype=torch.float64, schedule=schedule)
    assert_bit_equal(ours, plain_loop(TILTED, "SGD", {"momentum": 0.9}, dtype=torch.float64, schedule=schedule))


def test_a_schedule_leaves_the_momentum_that_was_asked_for() -> None:
    for schedule in ("onecycle", "CyclicLR:base_lr=0.001,max_lr=0.02"):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
        make_schedule(schedule, optimizer, 10)
        assert optimizer.param_groups[0]["momentum"] == 0


def test_nan_is_data() -> None:
    steps = our_loop(WITH_NAN, "SGD", {}, dtype=torch.float64, epochs=3)
    assert len(steps) == 3
    assert np.isnan([step.loss for step in steps]).all()
    assert np.isnan([step.parameters for step in steps]).all()


def test_a_step_is_taken_only_when_it_is_asked_for() -> None:
    """A generator: whoever stops consuming it stops the training."""
    features, target = TILTED.tensors()
    model = started(1, torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    steps = descend(model, torch.nn.MSELoss(), Batches(features, target), optimizer, epochs=100)
    first = next(steps)
    assert (model.weight.item(), model.bias.item()) == first.parameters
    next(steps)
    steps.close()
    assert (model.weight.item(), model.bias.item()) != first.parameters


@pytest.mark.parametrize("options", [{"nesterov": True}, {"weight_decay": 0.1}, {"maximize": True}], ids=str)
def test_the_gradient_is_the_losss_own_whatever_the_optimizer_does_to_its_memory(options: dict[str, object]) -> None:
    plain = our_loop(SEVERAL, "SGD", {"momentum": 0.9, **options}, dtype=torch.float64)
    together = our_loop(SEVERAL, "SGD", {"momentum": 0.9, "foreach": True, **options}, dtype=torch.float64)
    assert [step.gradient for step in together] == [step.gradient for step in plain]
    assert [step.parameters for step in together] == [step.parameters for step in plain]


def test_a_schedule_that_would_cycle_the_momentum_is_refused() -> None:
    for schedule in ("onecycle:cycle_momentum=true", "CyclicLR:base_lr=0.001,max_lr=0.02,cycle_momentum=True"):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02, momentum=0.9)
        with pytest.raises(OptionError, match="changes the learning rate alone"):
            make_schedule(schedule, optimizer, 10)
