"""The losses of a stack are those of its rows one by one, whatever a model does on its way."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fallline as fl
from fallline._objective import _evaluation
from fallline._records import Floats

ROWS = 40


class Clamped(nn.Linear):
    """Writes its own weights, as constraints do."""

    def forward(self, data: Tensor) -> Tensor:
        with torch.no_grad():
            self.weight.data.clamp_(min=0)
        return super().forward(data)


class Bounded(nn.Linear):
    """The length of every row of its weights has a bound: written where vmap sees it."""

    def forward(self, data: Tensor) -> Tensor:
        with torch.no_grad():
            self.weight.div_((self.weight.norm(dim=1, keepdim=True) / 0.4).clamp(min=1))
        return super().forward(data)


class Renormalised(nn.Linear):
    """As ``Bounded``, with an operation of which vmap warns."""

    def forward(self, data: Tensor) -> Tensor:
        with torch.no_grad():
            self.weight.copy_(torch.renorm(self.weight, 2, 0, 0.4))
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


class RowByRow(nn.Module):
    """Vectorises itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, data: Tensor) -> Tensor:
        return torch.as_tensor(torch.vmap(lambda row: self.last(torch.tanh(self.first(row))))(data))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Linear(6, 60), nn.ReLU(inplace=True), nn.Linear(60, 3)),
    "weights clamped": lambda: nn.Sequential(Clamped(6, 60), nn.Linear(60, 3)),
    "weights bounded": lambda: nn.Sequential(Bounded(6, 8), nn.Tanh(), nn.Linear(8, 3)),
    "weights renormalised": lambda: nn.Sequential(Renormalised(6, 8), nn.Tanh(), nn.Linear(8, 3)),
    "weights replaced": lambda: nn.Sequential(Replaced(6, 60), nn.Linear(60, 3)),
    "data written": Writing,
    "derivative": Differentiating,
    "row by row": RowByRow,
}


@pytest.mark.parametrize("stacked", [True, False], ids=["together", "one after the other"])
@pytest.mark.parametrize("name", MODELS)
def test_a_stack_has_the_losses_of_its_rows(name: str, stacked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_evaluation, "WORTH_IT", 1 if stacked else 1 << 60)
    objective, vectors = _objective(MODELS[name])
    before = vectors.copy()
    expected = [_bare(MODELS[name], each) for each in vectors]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(objective.loss(vectors), expected, rtol=1e-12)
    np.testing.assert_array_equal(vectors, before)


@pytest.mark.parametrize("name", MODELS)
def test_a_surface_with_every_cell_has_the_losses_of_its_cells(name: str) -> None:
    objective, _ = _objective(MODELS[name])
    surface = fl.surface(objective, fl.plane(objective, "random", seed=1), (3, 3), exact=True)
    origin, (first, second) = surface.plane.origin, surface.plane.directions
    expected = [[_bare(MODELS[name], origin + u * first + v * second) for u in surface.x] for v in surface.y]
    np.testing.assert_allclose(surface.loss, expected, rtol=1e-12)


def _data() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(ROWS, 6, generator=draw, dtype=torch.float64), torch.randint(0, 3, (ROWS,), generator=draw)


def _made(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return make().double()


def _objective(make: Callable[[], nn.Module]) -> tuple[fl.Objective, Floats]:
    objective = fl.Objective(_made(make), nn.CrossEntropyLoss(), _data())
    steps = np.random.default_rng(3).normal(size=(5, objective.parameter_count))
    return objective, objective.parameters + 0.3 * steps


def _bare(make: Callable[[], nn.Module], vector: Floats) -> float:
    """The model itself, asked once."""
    model, (inputs, target) = _made(make), _data()
    nn.utils.vector_to_parameters(torch.tensor(vector), model.parameters())
    return nn.functional.cross_entropy(model(inputs), target).item()
