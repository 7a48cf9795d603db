"""Over a plane of parameters, layers that read the data are put together from kept products: the same losses."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fallline as fl
from fallline._objective import _evaluation, _first_layers
from fallline._objective._first_layers import FirstLayers
from fallline._records import Floats

ROWS = 40


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of every ``linear`` inside a plane: whether it was put together."""
    seen: list[bool] = []
    whole = FirstLayers._linear

    def counted(self: FirstLayers, *given: Tensor, **named: Tensor) -> Tensor | None:
        found = whole(self, *given, **named)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(FirstLayers, "_linear", counted)
    monkeypatch.setattr(_evaluation, "WORTH_IT", 1 << 60)  # or models as small as these are vectorised
    return seen


class TwoInputs(nn.Module):
    """Both are read by a layer of their own; the second by a layer without a bias, seen from the other side."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(6, 30), nn.Parameter(torch.randn(5, 30) / 3)
        self.last = nn.Linear(30, 3)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return torch.as_tensor(self.last(torch.tanh(self.left(left) + nn.functional.linear(right, self.right.T))))


class Tied(nn.Module):
    """One matrix reads the data, and what the data became."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.last = nn.Linear(30, 30), nn.Linear(30, 3)

    def forward(self, data: Tensor) -> Tensor:
        return torch.as_tensor(self.last(torch.relu_(self.shared(torch.relu_(self.shared(data))))))


def _data(width: int) -> Tensor:
    return torch.randn(ROWS, width, generator=torch.Generator().manual_seed(1))


MODELS: dict[str, tuple[Callable[[], nn.Module], object, int]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 60), nn.ReLU(inplace=True), nn.Linear(60, 3)), _data(6), 1),
    "no bias": (lambda: nn.Sequential(nn.Linear(6, 60, bias=False), nn.Tanh(), nn.Linear(60, 3)), _data(6), 1),
    "flattened": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 60), nn.ReLU(), nn.Linear(60, 3)),
        _data(16).reshape(ROWS, 1, 4, 4),
        1,
    ),
    "convolution": (
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3)),
        _data(16).reshape(ROWS, 1, 4, 4),
        0,
    ),
    "two inputs": (TwoInputs, (_data(6), _data(5)), 2),
    "tied": (Tied, _data(30), 1),
    "scaled data": (lambda: nn.Sequential(Scaled(), nn.Linear(6, 60), nn.ReLU(), nn.Linear(60, 3)), _data(6), 0),
}


class Scaled(nn.Module):
    """What its linear layer reads depends on a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, data: Tensor) -> Tensor:
        return data * self.scale


def _objective(name: str, dtype: torch.dtype = torch.float64) -> fl.Objective:
    make, data, _ = MODELS[name]
    torch.manual_seed(0)
    cast = tuple(one.to(dtype) for one in data) if isinstance(data, tuple) else torch.as_tensor(data).to(dtype)
    target = torch.randint(0, 3, (ROWS,), generator=torch.Generator().manual_seed(2))
    return fl.Objective(make().to(dtype), nn.CrossEntropyLoss(), [(cast, target)], memory=10_000_000)


def _plane(objective: fl.Objective, axes: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Vectors, and the origin, the directions and the coordinates that make them: a row after the other."""
    draw = np.random.default_rng(3)
    origin = objective.parameters
    directions = draw.normal(size=(axes, len(origin)))
    side = np.linspace(-0.5, 0.5, 5)
    coordinates = np.stack(np.meshgrid(*[side] * axes), axis=-1).reshape(-1, axes)
    return origin + coordinates @ directions, origin, directions, coordinates


class Clamped(nn.Linear):
    """Writes its own weights, as constraints do."""

    def forward(self, data: Tensor) -> Tensor:
        with torch.no_grad():
            self.weight.data.clamp_(min=0)
        return super().forward(data)


class Replaced(nn.Linear):
    """Puts another tensor behind its weight."""

    def forward(self, data: Tensor) -> Tensor:
        self.weight.data = self.weight.data / self.weight.data.norm(dim=1, keepdim=True)
        return super().forward(data)


class Differentiating(nn.Module):
    """Its output is a derivative by the data."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.Linear(6, 60), nn.Tanh(), nn.Linear(60, 3))

    def forward(self, data: Tensor) -> Tensor:
        with torch.enable_grad():
            at = data.detach().requires_grad_()
            out = self.inside(at)
            slope = torch.autograd.grad(out.sum(), at, create_graph=True)[0]
        return torch.as_tensor(out + slope[:, :3])


class Writing(nn.Module):
    """Scales the data in place by a parameter, past what counts the writes, and puts them back."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.inside = nn.Parameter(torch.ones(1)), nn.Linear(6, 3)

    def forward(self, data: Tensor) -> Tensor:
        kept = data.clone()
        data.data.mul_(self.scale.detach())
        out = self.inside(data)
        data.data.copy_(kept)
        return torch.as_tensor(out)


class Narrowed(nn.Linear):
    """Multiplies in bfloat16."""

    def forward(self, data: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(data).float()


class Negated(nn.Linear):
    """Its weight is a view that says minus."""

    def forward(self, data: Tensor) -> Tensor:
        return nn.functional.linear(data, torch._neg_view(self.weight), self.bias)


WRITING: dict[str, Callable[[], nn.Module]] = {
    "weights": lambda: nn.Sequential(Clamped(6, 60), nn.Linear(60, 3)),
    "weights replaced": lambda: nn.Sequential(Replaced(6, 60), nn.Linear(60, 3)),
    "data": Writing,
    "derivative": Differentiating,
    "autocast": lambda: nn.Sequential(Narrowed(6, 60), nn.Linear(60, 3)),
    "negative view": lambda: nn.Sequential(Negated(6, 60), nn.Linear(60, 3)),
}


@pytest.mark.parametrize("name", WRITING)
def test_where_it_would_not_be_the_same_a_layer_is_multiplied_anew(
    name: str, kept: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, name, (WRITING[name], _data(6), 0))
    objective = _objective(name, torch.float32)
    vectors, *plane = _plane(objective, 2)
    one_by_one = np.array([objective.loss(each[None])[0] for each in vectors])
    np.testing.assert_allclose(objective.loss(vectors), one_by_one, rtol=1e-5)
    np.testing.assert_allclose(objective.loss_in_plane(vectors, *plane), one_by_one, rtol=1e-5)


def test_an_origin_far_away_loses_no_digits(kept: list[bool]) -> None:
    objective = _objective("mlp", torch.float32)
    vectors, origin, directions, coordinates = _plane(objective, 2)
    away = 1e4
    far = origin - away * directions[0]
    found = objective.loss_in_plane(vectors, far, directions, coordinates + np.array([away, 0.0]))
    np.testing.assert_allclose(found, objective.loss(vectors), rtol=1e-5)
    assert not any(kept)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_losses_are_those_of_the_vectors_one_by_one(name: str, axes: int, kept: list[bool]) -> None:
    objective = _objective(name)
    vectors, origin, directions, coordinates = _plane(objective, axes)
    one_by_one = np.array([objective.loss(each[None])[0] for each in vectors])
    assert not kept
    np.testing.assert_allclose(
        objective.loss_in_plane(vectors, origin, directions, coordinates), one_by_one, rtol=1e-12
    )
    assert sum(kept) == MODELS[name][2] * len(vectors)


def test_in_single_precision_they_are_the_same_to_rounding(kept: list[bool]) -> None:
    objective = _objective("mlp", torch.float32)
    vectors, *plane = _plane(objective, 2)
    np.testing.assert_allclose(objective.loss_in_plane(vectors, *plane), objective.loss(vectors), rtol=2e-6)
    assert any(kept)


def test_narrower_kinds_are_multiplied_anew(kept: list[bool]) -> None:
    objective = _objective("mlp", torch.bfloat16)
    vectors, *plane = _plane(objective, 2)
    np.testing.assert_array_equal(objective.loss_in_plane(vectors, *plane), objective.loss(vectors))
    assert kept
    assert not any(kept)


def test_products_too_large_to_keep_are_made_anew(monkeypatch: pytest.MonkeyPatch, kept: list[bool]) -> None:
    monkeypatch.setattr(_first_layers, "MOST_BYTES", 3 * ROWS * 60 * 8)
    objective = _objective("mlp")
    vectors, *plane = _plane(objective, 2)
    np.testing.assert_array_equal(objective.loss_in_plane(vectors, *plane), objective.loss(vectors))
    assert kept
    assert not any(kept)


def test_a_product_that_is_not_finite_hides_nothing(kept: list[bool]) -> None:
    """∞ − ∞ of two products would be NaN where the weights themselves, and the loss, are finite."""
    objective = _objective("mlp", torch.float32)
    vectors, origin, directions, coordinates = _plane(objective, 2)
    huge, tiny = directions * 1e38, coordinates * 1e-38
    with np.errstate(over="ignore"):
        found = objective.loss_in_plane(vectors, origin, huge, tiny)
    assert np.isfinite(found).all()
    assert kept
    assert not any(kept)


def test_surfaces_of_networks_are_made_so(kept: list[bool]) -> None:
    objective = _objective("mlp")
    surface = fl.surface(objective, fl.plane(objective, "random"), (4, 3), exact=True)
    assert any(kept)
    row, column = 2, 1
    at = (
        surface.plane.origin
        + surface.x[column] * surface.plane.directions[0]
        + surface.y[row] * surface.plane.directions[1]
    )
    np.testing.assert_allclose(surface.loss[row, column], objective.loss(at[None])[0], rtol=1e-12)
