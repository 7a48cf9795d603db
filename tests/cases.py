"""The one catalogue of problems: small, with known answers, float64 unless a test asks otherwise."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Case:
    """Rows, and the loss a neuron is fitted with."""

    name: str
    features: Floats
    """[N, D]"""
    target: Floats
    """[N]"""
    loss: str = "mse"

    def __str__(self) -> str:
        return self.name

    @property
    def data(self) -> tuple[Floats, Floats]:
        """What ``fl.fit`` takes."""
        return self.features, self.target

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
        """(features [N, D], target [N, 1])."""
        return torch.tensor(self.features, dtype=dtype), torch.tensor(self.target, dtype=dtype).unsqueeze(1)


def bowl(name: str, spectrum: tuple[float, ...], *, center: float = 0.0, rows: int = 24, seed: int = 0) -> Case:
    """A table whose Hessian has the eigenvalues ``spectrum`` and 2 (the bias), if its columns are centred."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(rows, len(spectrum)))
    orthonormal, _ = np.linalg.qr(columns - columns.mean(axis=0))
    features = orthonormal * np.sqrt(rows * np.array(spectrum) / 2) + center
    target = features @ np.arange(1.0, len(spectrum) + 1) - 1 + 0.3 * rng.normal(size=rows)
    return Case(name, features, target)


ROUND = bowl("round", (2.0,))
RAVINE = bowl("ravine", (200.0,))
TILTED = bowl("tilted", (8.0,), center=3.0)
SEVERAL = bowl("several features", (50.0, 2.5, 0.4), center=0.5)
BOWLS = (ROUND, RAVINE, TILTED, SEVERAL)


def logistic(*, gap: float, rows: int = 40, seed: int = 0) -> Case:
    """Two classes along one feature; separable with a positive gap."""
    rng = np.random.default_rng(seed)
    low, high = rng.normal(size=(2, rows // 2))
    features = np.concatenate((low - low.max() - gap / 2, high - high.min() + gap / 2))[:, None]
    return Case(f"logistic, gap {gap:g}", features, np.repeat([0.0, 1.0], rows // 2), "bce")


OVERLAPPING = logistic(gap=-2.0)
SEPARABLE = logistic(gap=0.5)
HUBER = Case("huber", TILTED.features, TILTED.target, "huber")
ABSOLUTE = Case("absolute", TILTED.features, TILTED.target, "mae")
CURVED = (TILTED, SEVERAL, HUBER, OVERLAPPING)
EVERY_LOSS = (TILTED, HUBER, ABSOLUTE, OVERLAPPING)


def collinear(rows: int = 40) -> Case:
    """The first column twice."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 2))[:, [0, 1, 0]]
    return Case("collinear", features, features @ [1.0, 2.0, 3.0] + 0.5 + 0.1 * rng.normal(size=rows))


COLLINEAR = collinear()
COLLINEAR_HUBER = Case("collinear huber", COLLINEAR.features, COLLINEAR.target, "huber")


def far_from_zero(rows: int = 200) -> Case:
    """A column of mean 10⁶ and spread 1."""
    rng = np.random.default_rng(4)
    x = 1e6 + rng.normal(size=rows)
    return Case("far from zero", x[:, None], 3 * (x - 1e6) + 1 + 0.1 * rng.normal(size=rows))


FAR = far_from_zero()

WITH_NAN = Case("NaN in the data", np.array([[0.0], [np.nan], [2.0]]), np.array([1.0, 2.0, 3.0]))
"""No table admits it; the loop and the record must."""


@dataclass(frozen=True, eq=False)
class Setting:
    """Arguments of ``fl.fit`` and the outcome that they lead to."""

    name: str
    outcome: str
    case: Case | None
    options: dict[str, object]

    def __str__(self) -> str:
        return self.name

    def fit(self, **more: object) -> object:
        """The run, a new one."""
        import fallline as fl

        options = {**self.options, **more}
        if self.case is None:
            return fl.fit(**options)
        return fl.fit(self.case.data, loss=self.case.loss, **options)

    @cached_property
    def run(self) -> object:
        """The run, the same for everyone who only looks at it."""
        return self.fit()


ENDINGS = (
    Setting("textbook", "descending", None, {}),
    Setting("half the limit", "converged", ROUND, {}),
    Setting("momentum", "converged", SEVERAL, {"optimizer": "momentum", "learning_rate": 0.1, "epochs": 600}),
    Setting("LBFGS", "converged", SEVERAL, {"optimizer": "LBFGS", "learning_rate": 1.0, "epochs": 5}),
    Setting("collinear", "converged", COLLINEAR, {}),
    Setting("raw collinear", "converged", COLLINEAR, {"standardise": False}),
    Setting("huber", "converged", HUBER, {}),
    Setting("collinear huber", "converged", COLLINEAR_HUBER, {"epochs": 600}),
    Setting("overlapping classes", "converged", OVERLAPPING, {"epochs": 600}),
    Setting("separable classes", "descending", SEPARABLE, {"epochs": 50}),
    Setting("one epoch", "descending", SEVERAL, {"epochs": 1, "learning_rate": 0.01}),
    Setting("creeping", "descending", None, {"learning_rate": 1e-7}),
    Setting("schedule", "descending", None, {"schedule": "cosine"}),
    Setting("Adam on its way", "descending", TILTED, {"optimizer": "Adam", "learning_rate": 1e-3, "epochs": 30}),
    Setting(
        "momentum in mid-swing", "descending", None, {"optimizer": "momentum", "learning_rate": 0.01, "epochs": 30}
    ),
    Setting("weight decay", "stalled", TILTED, {"optimizer_options": {"weight_decay": 0.1}, "learning_rate": 0.1}),
    Setting("rate spent", "stalled", None, {"schedule": "polynomial:total_iters=50"}),
    Setting("mini-batches", "stalled", SEVERAL, {"batch_size": 4, "learning_rate": 0.1, "epochs": 100}),
    Setting("mae bouncing", "stalled", ABSOLUTE, {"learning_rate": 0.5, "epochs": 400}),
    Setting("RMSprop in a cycle", "stalled", TILTED, {"optimizer": "RMSprop", "learning_rate": 1.0, "epochs": 400}),
    Setting("below rounding", "stalled", None, {"learning_rate": 1e-12}),
    Setting("past the limit", "diverged", None, {"learning_rate": 0.0295, "epochs": 100}),
    Setting("overflow", "diverged", None, {"learning_rate": 1.0}),
    Setting("overflow in float64", "diverged", None, {"learning_rate": 10.0, "dtype": "float64"}),
    Setting("huge logistic", "diverged", OVERLAPPING, {"learning_rate": 1e4, "epochs": 7}),
    Setting("climbing", "diverged", TILTED, {"optimizer_options": {"maximize": True}, "learning_rate": 0.01}),
)
"""Every way to end, with several ways into each."""
