"""A formula as something to descend on: no rows, no scale, one step an epoch."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from fallline._descent import Batches, descend_on
from fallline._formulas import Formula, FormulaModel
from fallline._problem._protocol import Origin
from fallline._problem._start import DTYPES, given_start
from fallline._quadratic import Quadratic
from fallline._records import Floats, Scaling, Step


@dataclass(frozen=True)
class FormulaProblem:
    """A textbook surface, descended on by the same loop as a neuron."""

    objective: Formula
    dtype: str = "float32"

    @property
    def name(self) -> str:
        """Of the surface, or ``formula``."""
        return self.objective.name

    @property
    def formula(self) -> str:
        """Its arithmetic."""
        return self.objective.text

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """[P]"""
        return self.objective.parameter_names

    @property
    def loss_name(self) -> str:
        """``formula``."""
        return "formula"

    @property
    def rows(self) -> None:
        """There are none."""

    @property
    def scaling(self) -> Scaling:
        """There is nothing to scale."""
        return Scaling((), ())

    @property
    def quadratic(self) -> Quadratic | None:
        """The formula as an exact parabola with a bottom, None where it is none."""
        return self.objective.quadratic

    @property
    def curvature_bound(self) -> float | None:
        """That of the parabola; other formulas have one place steeper than the last."""
        return None if self.quadratic is None else float(self.quadratic.eigenvalues[0])

    @property
    def curves(self) -> bool:
        """Its Hessian can be asked for anywhere."""
        return True

    @cached_property
    def origin(self) -> Origin:
        """The text itself."""
        digest = hashlib.sha256(self.formula.encode()).hexdigest()
        return Origin(self.formula, f"sha256:{digest}", None, (), ())

    def starting_point(self, start: Mapping[str, float] | None, *, seed: int) -> Floats:
        """[P] the formula's own start with ``start`` in it, rounded to the training dtype."""
        del seed  # a formula starts where it is told
        given = given_start(start, self.parameter_names, self.dtype, what="formula")
        point = [
            given.get(name, at) for name, at in zip(self.parameter_names, self.objective.default_start, strict=True)
        ]
        return np.array(point, dtype=self.dtype).astype(np.float64)

    def starting_model(self, start: Mapping[str, float] | None, *, seed: int) -> FormulaModel:
        """Its parameters as one vector."""
        return FormulaModel(self.objective, self.starting_point(start, seed=seed), dtype=DTYPES[self.dtype])

    def usual_place(self) -> Floats:
        """[P] the lowest minimum that is known, else the formula's own start."""
        return self.objective.minima[0] if self.objective.minima else self.objective.default_start

    def batches(self, size: int | None, seed: int) -> None:
        """A formula has no rows to be cut."""
        del size, seed

    def batch_rows(self, size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """A formula has no rows."""
        del size, seed, epoch
        raise ValueError("a formula has no batches")

    def batch_gradient(self, parameters: Floats, rows: NDArray[np.int64]) -> Floats:
        """A formula has no rows."""
        del parameters, rows
        raise ValueError("a formula has no batches")

    def batch_change(self, rows: NDArray[np.int64], before: Floats, after: Floats) -> tuple[float, float | None]:
        """A formula has no rows."""
        del rows, before, after
        raise ValueError("a formula has no batches")

    def descend(
        self,
        model: torch.nn.Module,
        batches: Batches | None,
        optimizer: torch.optim.Optimizer,
        *,
        epochs: int,
        scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    ) -> Iterator[Step]:
        """Forward (the formula's value), backward, step."""
        del batches
        return descend_on(model, list(model.parameters()), optimizer, epochs=epochs, scheduler=scheduler)

    def change_rounding(self, before: Floats, update: Floats, loss: Floats) -> Floats:
        """[T] four units of rounding of the terms that each slope adds up from."""
        del loss
        return self.objective.change_rounding(before, update, eps=float(np.finfo(self.dtype).eps))

    def sample(self) -> None:
        """There are no rows to keep."""

    def separates(self, parameters: Floats) -> bool:
        """There are no classes."""
        del parameters
        return False
