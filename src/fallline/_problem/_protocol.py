"""What the jobs ask of a problem, whatever it is made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fallline._descent import Batches
from fallline._loss_function import LossFunction
from fallline._quadratic import Quadratic
from fallline._records import Floats, Sample, Scaling, Step


@dataclass(frozen=True)
class Origin:
    """Where a problem came from, as its record says it."""

    source: str
    """The rule, the path, or the formula."""
    source_hash: str
    target: str | None
    """None for a formula."""
    features: tuple[str, ...]
    notes: tuple[str, ...]


class SweptProblem(Protocol):
    """What a sweep asks of a problem; somebody's own loss function offers this much, and no loop."""

    @property
    def name(self) -> str:
        """Short and readable: ``line``, ``penguins``, ``rosenbrock``."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """[P]"""

    @property
    def loss_name(self) -> str | None:
        """``mse``, ``mae``, ``huber``, ``bce`` or ``formula``; None for somebody's own loss function."""

    @property
    def formula(self) -> str | None:
        """Its text, None where there are rows."""

    @property
    def rows(self) -> int | None:
        """N, None for a formula."""

    @property
    def dtype(self) -> str | None:
        """Of the loop: ``float32`` or ``float64``; None where there is no loop."""

    @property
    def scaling(self) -> Scaling | None:
        """Between the table's units and the training scale; the identity for a formula, None where nobody knows."""

    @property
    def objective(self) -> LossFunction:
        """The loss over all rows as a function of the parameters, in float64."""

    @property
    def quadratic(self) -> Quadratic | None:
        """The same as an exact parabola, None where it is none."""

    @property
    def curvature_bound(self) -> float | None:
        """No Hessian has a larger eigenvalue, at any parameters; None where no such bound is known."""

    @property
    def curves(self) -> bool:
        """False for a loss made of straight pieces."""

    @property
    def origin(self) -> Origin:
        """For the record."""

    def starting_point(self, start: Mapping[str, float] | None, *, seed: int) -> Floats:
        """[P] exactly the numbers that the loop starts from, in the training scale."""

    def usual_place(self) -> Floats:
        """[P] where curvature is asked for unless told: the lowest minimum that is known, else the usual start."""

    def batch_rows(self, size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of this epoch, as the loop takes them."""

    def batch_gradient(self, parameters: Floats, rows: NDArray[np.int64]) -> Floats:
        """[B, P] gradient of the mean loss over these rows at ``parameters`` [B, P], in float64."""

    def sample(self) -> Sample | None:
        """The rows that the record keeps; None for a formula."""


class Problem(SweptProblem, Protocol):
    """What is descended on. Two kinds: :class:`NeuronProblem` (rows and a loss), :class:`FormulaProblem`."""

    @property
    def loss_name(self) -> str:
        """``mse``, ``mae``, ``huber``, ``bce`` or ``formula``."""

    @property
    def dtype(self) -> str:
        """Of the loop: ``float32`` or ``float64``."""

    @property
    def scaling(self) -> Scaling:
        """Between the table's units and the training scale; the identity for a formula."""

    def starting_model(self, start: Mapping[str, float] | None, *, seed: int) -> torch.nn.Module:
        """The module with these parameters, ready to be trained."""

    def batches(self, size: int | None, seed: int) -> Batches | None:
        """What an epoch consists of; None for a formula, whose epoch is one step."""

    def batch_change(self, rows: NDArray[np.int64], before: Floats, after: Floats) -> tuple[float, float | None]:
        """Change of the mean loss over these rows from ``before`` to ``after`` [P], and ΔθᵀHΔθ where it is exact."""

    def descend(
        self,
        model: torch.nn.Module,
        batches: Batches | None,
        optimizer: torch.optim.Optimizer,
        *,
        epochs: int,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    ) -> Iterator[Step]:
        """The loop, on a module of :meth:`starting_model`."""

    def change_rounding(self, before: Floats, update: Floats, loss: Floats) -> Floats:
        """[T] how large a first-order change the rounding of the training dtype alone can explain.

        ``before`` and ``update`` are [T, P], ``loss`` [T]; docs/semantics.md#rounding.
        """

    def separates(self, parameters: Floats) -> bool:
        """True where a line is known to part the classes of a logistic neuron."""
