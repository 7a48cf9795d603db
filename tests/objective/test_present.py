"""What is asked without saying where is of the model as it stands now: parameters and buffers of one moment."""

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl

ROWS = torch.Generator().manual_seed(3)
X = torch.randn(30, 4, dtype=torch.float64, generator=ROWS)
Y = torch.randn(30, 1, dtype=torch.float64, generator=ROWS)


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 1)).double()


def objective_of(model: nn.Module) -> fl.Objective:
    return fl.Objective(model, nn.MSELoss(), (X, Y))


def trained(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    model.train()
    for _ in range(20):
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.mse_loss(model(X), Y))
        optimizer.step()


@pytest.mark.slow
def test_after_training_everything_is_of_the_model_as_it_stands() -> None:
    model = network()
    objective = objective_of(model)
    track, before = fl.track_sharpness(objective), objective.parameters
    trained(model)
    anew = objective_of(model)
    assert (objective.parameters == anew.parameters).all()
    assert not (objective.parameters == before).all()
    expected = fl.sharpness(anew)
    assert fl.sharpness(objective).value == expected.value
    assert fl.curvature(objective, k=1).sharpness.value == expected.value
    assert track().value == pytest.approx(expected.value, rel=1e-2)
    assert fl.trace(objective).value == fl.trace(anew).value
    assert (fl.spectrum(objective, 2).largest == fl.spectrum(anew, 2).largest).all()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    limit = fl.stability_limit(optimizer, objective)
    assert limit.value == pytest.approx(2 / expected.value)
    for kind in ("random", "hessian"):
        assert (fl.plane(objective, kind).origin == anew.parameters).all()
    middle = fl.surface(objective, fl.plane(objective, "random"), (3, 3)).loss[1, 1]
    assert middle == pytest.approx(anew.loss(anew.parameters)[0], rel=1e-14)  # a stack and one alone: to rounding


def test_a_surface_says_where_the_model_has_gone_on() -> None:
    model = network()
    objective = objective_of(model)
    plane = fl.plane(objective, "random")
    assert not any("away from this plane" in note for note in fl.surface(objective, plane, (3, 3)).notes)
    trained(model)
    found = next(note for note in fl.surface(objective, plane, (3, 3)).notes if "away from this plane" in note)
    assert "running statistics" in found
    anew = fl.surface(objective, fl.plane(objective, "random"), (3, 3))
    assert not any("away from this plane" in note for note in anew.notes)


def test_parameters_that_were_put_in_place_of_others_are_read() -> None:
    model = nn.Linear(4, 1).double()
    objective = objective_of(model)
    model.weight = nn.Parameter(torch.full((1, 4), 7.0, dtype=torch.float64))
    assert (objective.parameters[:4] == 7).all()
    assert any(one is model.weight for one in objective.tensors)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda model: model.float(), "weight is torch.float32 on cpu and not torch.float64"),
        (lambda model: setattr(model, "weight", nn.Parameter(torch.ones(2, 4).double())), r"has the shape \(2, 4\)"),
        (lambda model: delattr(model, "bias"), "no parameter bias"),
    ],
)
def test_a_model_of_another_kind_is_refused(change: object, words: str) -> None:
    model = nn.Linear(4, 1).double()
    objective = objective_of(model)
    assert callable(change)
    change(model)
    for ask in (fl.sharpness, lambda one: one.loss(np.zeros(5))):
        with pytest.raises(fl.OptionError, match=words):
            ask(objective)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ask, self.out = nn.Linear(4, 12), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.ask(x).chunk(3, -1)
        found = nn.functional.scaled_dot_product_attention(query, key, value)
        return torch.as_tensor(self.out(found.mean(1)))


def test_attention_has_curvature_and_its_kernels_are_as_before() -> None:
    torch.manual_seed(0)
    model = Attention().double()
    objective = fl.Objective(model, nn.MSELoss(), (torch.randn(5, 3, 4, dtype=torch.float64), Y[:5]))
    at, step = objective.parameters, 1e-5
    bends = [(objective.gradient(at + step * way) - objective.gradient(at - step * way))[0] / (2 * step)
             for way in np.eye(len(at))[:3]]  # fmt: skip
    assert objective.hessian(at)[:3] == pytest.approx(np.array(bends), abs=1e-7)
    assert torch.backends.cuda.flash_sdp_enabled()  # type: ignore[no-untyped-call]  # PyTorch has no types here


def test_an_operation_without_a_second_derivative_is_named() -> None:
    data = X, torch.arange(30) % 3
    objective = fl.Objective(nn.Linear(4, 3).double(), nn.MultiMarginLoss(), data)
    assert np.isfinite(objective.gradient(objective.parameters)).all()
    with pytest.raises(fl.OptionError, match="no second derivative of multi_margin_loss_backward"):
        fl.sharpness(objective)
