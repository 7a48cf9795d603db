"""Problems whose Hessian is known: diagonal ones of chosen spectrum, and small networks."""

import numpy as np
import torch
from numpy.typing import NDArray

import fallline as fl
from fallline._curvature._operator import Operator

Floats = NDArray[np.float64]


def bowl(spectrum: Floats, dtype: torch.dtype = torch.float64, turned: int | None = None) -> fl.Objective:
    """½ Σ λᵢθᵢ² as an objective of a model, at 0; its axes turned at random where a seed is given."""
    P = len(spectrum)
    values = torch.as_tensor(np.asarray(spectrum), dtype=dtype)
    axes = torch.eye(P, dtype=dtype)
    if turned is not None:
        generator = torch.Generator().manual_seed(turned)
        axes = torch.linalg.qr(torch.randn(P, P, generator=generator, dtype=torch.float64))[0].to(dtype)

    class Bowl(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.theta = torch.nn.Parameter(torch.zeros(P, dtype=dtype))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            along = axes @ self.theta
            return (0.5 * values * along * along).sum().expand(len(x), 1)

    x = torch.zeros(4, 1, dtype=dtype)
    return fl.Objective(Bowl(), lambda output, target: (output - target).mean(), (x, x))


def network(seed: int = 0, dtype: torch.dtype = torch.float64, hidden: int = 6) -> tuple[torch.nn.Module, fl.Objective]:
    """A small network on 60 rows of 3 classes, and its objective."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(60, 4, generator=generator, dtype=torch.float64).to(dtype)
    y = torch.randint(0, 3, (60,), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = torch.nn.Linear(4, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 3)
        model = torch.nn.Sequential(*layers).to(dtype)
    return model, fl.Objective(model, torch.nn.CrossEntropyLoss(), (x, y))


class Diagonal(Operator):
    """A diagonal matrix in place of a Hessian, for spectra by the hundred."""

    def __init__(self, spectrum: Floats, dtype: torch.dtype = torch.float64) -> None:
        self.values = torch.as_tensor(np.asarray(spectrum), dtype=dtype)
        self.size, self.dtype, self.asked = len(spectrum), dtype, 0

    @property
    def count(self) -> int:
        return self.asked

    @property
    def small(self) -> bool:
        return False

    @property
    def rows(self) -> int:
        return 0

    def times(self, vector: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return self.values * vector
