"""Random planes: filter normalisation as Li et al. (2018) define it, written out filter by filter."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._formulas import formula
from fallline._planes import plane
from fallline._planes._filters import orthonormal, random_directions


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Conv2d(3, 4, 2, groups=1, bias=False),
        nn.Flatten(),
        nn.LayerNorm(4),
        nn.Linear(4, 2),
    )


def objective_of(model: nn.Module, *shape: int) -> fl.Objective:
    inputs, target = torch.randn(6, *shape), torch.randint(0, 2, (6,))
    return fl.Objective(model, nn.CrossEntropyLoss(), (inputs, target))


def in_tensors(model: nn.Module, direction: np.ndarray) -> Iterator[tuple[nn.Module, str, np.ndarray, np.ndarray]]:
    """(owner, name, the parameter, the direction's part of it), module by module: nothing of fallline's layout."""
    begin = 0
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            values = parameter.detach().double().numpy()
            yield module, name, values, direction[begin : begin + values.size].reshape(values.shape)
            begin += values.size
    assert begin == len(direction)


def test_every_filter_of_a_random_direction_is_as_long_as_the_parameters_own() -> None:
    torch.manual_seed(0)
    model = convolutional()
    for parameter in model.parameters():  # fresh normalisation layers hold ones and zeros
        nn.init.normal_(parameter)
    found = plane(objective_of(model, 1, 4, 4), "random", seed=3)
    assert found.reach is not None
    for axis in range(2):
        filters = 0
        for owner, name, parameter, part in in_tensors(model, found.directions[axis] * found.reach[axis]):
            if isinstance(owner, nn.Conv2d | nn.Linear) and name == "weight":
                for own, drawn in zip(parameter, part, strict=True):  # d ← d / ‖d‖ · ‖θ‖ for each filter
                    assert np.linalg.norm(drawn) == pytest.approx(np.linalg.norm(own), rel=1e-9)
                    filters += 1
            else:  # biases and normalisation layers
                assert not part.any()
        assert filters == 3 + 4 + 2


class PreNorm(nn.Module):
    """The wrapper of nearly every hand-written transformer: its name ends in Norm, its weights are another module's."""

    def __init__(self, width: int, inside: nn.Module) -> None:
        super().__init__()
        self.norm, self.fn = nn.LayerNorm(width), inside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.fn(self.norm(x)))


class ChannelNorm(nn.Module):
    """A normalisation layer of one's own, with a scale [C, 1] and a matrix that is no scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.mixed = nn.Parameter(torch.ones(channels, 1)), nn.Parameter(torch.eye(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = self.weight[:, 0] * (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-3)
        return torch.as_tensor(scaled @ self.mixed)


class TwoAxes(nn.Linear):
    """A bias with two axes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)
        self.bias_of_rows = nn.Parameter(torch.ones(2, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + self.bias_of_rows.mean(0)


def test_what_moves_is_decided_by_the_parameter_and_not_by_a_name() -> None:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Linear(20, 8), nn.GELU(), TwoAxes(8, 6))
    image = nn.Sequential(nn.Unflatten(1, (4, 5)), nn.LayerNorm((4, 5)), nn.Flatten())
    objective = objective_of(nn.Sequential(image, PreNorm(20, block), ChannelNorm(6), nn.Linear(6, 2)), 20)
    found = plane(objective, "random")
    moved = {part.name for part in objective.layout if found.directions[:, part.begin : part.end].any()}
    assert moved == {"1.fn.0.weight", "1.fn.2.weight", "2.mixed", "3.weight"}
    assert f"{20 * 8 + 8 * 6 + 6 * 6 + 6 * 2} parameters move" in found.note
    assert {part.name for part in objective.layout if part.role == "norm"} == {
        "0.1.weight", "0.1.bias", "1.norm.weight", "1.norm.bias", "2.weight"
    }  # fmt: skip


def test_a_filter_points_anywhere() -> None:
    torch.manual_seed(0)
    objective = objective_of(nn.Linear(3, 2), 3)
    drawn = np.stack([random_directions(objective, objective.parameters, seed)[:, :3] for seed in range(400)])
    unit = drawn / np.linalg.norm(drawn, axis=2, keepdims=True)
    assert np.abs(unit.mean(axis=0)).max() < 0.12  # 3.5 standard errors of 1/√(3·400)
    assert np.abs((unit**2).mean(axis=0) - 1 / 3).max() < 0.06
    assert np.abs((unit[:, 0] * unit[:, 1]).sum(axis=1)).max() < 1e-12


def test_the_axes_of_a_random_plane_are_orthonormal_and_repeat_with_their_seed() -> None:
    torch.manual_seed(0)
    objective = objective_of(convolutional(), 1, 4, 4)
    first, again, other = (plane(objective, "random", seed=seed) for seed in (1, 1, 2))
    assert np.allclose(first.directions @ first.directions.T, np.eye(2), atol=1e-12)
    assert np.array_equal(first.directions, again.directions)
    assert not np.allclose(first.directions, other.directions)
    assert "Li et al. 2018" in first.note


def test_filters_of_a_single_entry_still_give_a_plane() -> None:
    torch.manual_seed(0)
    objective = objective_of(nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 2)), 1)
    found = plane(objective, "random")
    assert np.allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-12)


def test_an_exact_objective_is_one_filter() -> None:
    ravine = formula("ravine")
    found = plane(ravine, "random", at=[3.0, 4.0])
    assert found.reach == pytest.approx((5.0, 5.0))
    assert np.allclose(found.directions @ found.directions.T, np.eye(2))


def test_parameters_without_a_filter_have_no_random_plane() -> None:
    model = nn.Linear(3, 2)
    nn.init.zeros_(model.weight)
    with pytest.raises(fl.OptionError, match="no filter that is not zero"):
        plane(objective_of(model, 3), "random")


@pytest.mark.parametrize("second", [[2.0, 0.0], [-1.0, 1e-12]], ids=["parallel", "almost opposite"])
def test_parallel_directions_are_refused(second: list[float]) -> None:
    with pytest.raises(fl.OptionError, match="parallel"):
        list(orthonormal(np.array([1.0, 0.0]), np.array(second)))


@pytest.mark.parametrize(("second", "words"), [([0.0, 0.0], "zero"), ([np.nan, 1.0], "not finite")])
def test_directions_that_are_none_are_refused(second: list[float], words: str) -> None:
    with pytest.raises(fl.OptionError, match=words):
        list(orthonormal(np.array([1.0, 0.0]), np.array(second)))
