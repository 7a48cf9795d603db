"""Somebody's own loss function as something to sweep."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray

from fallline._errors import OptionError
from fallline._formulas import formula
from fallline._loss_function import LossFunction
from fallline._objective import loss_kind
from fallline._planes._given import entry_name
from fallline._points import by_name, layout_of, one_point, point_numbers
from fallline._problem import Origin, SweptProblem, neuron_objective
from fallline._problem._start import given_start
from fallline._quadratic import Quadratic
from fallline._records import Floats, SweepResult

VALUES = ("parameter_count", "optimum", "floor")
MOST_SHOWN = 8
"""Numbers of a refused start."""
FUNCTIONS = ("loss", "gradient", "hessian", "change")


def refuse_model(data: object, door: str) -> None:
    """A model alone, where an objective or a table is expected.

    Raises:
        OptionError: it is one; how an objective is made of it.
    """
    if isinstance(data, torch.nn.Module):
        ramp = f', or fl.{door}(model, loss_fn, loader, method="ramp", optimizer=optimizer)' if door == "sweep" else ""
        raise OptionError(
            f"A model alone ({type(data).__name__}) has no loss: an objective is needed, with the data and the loss, "
            f"as in fl.{door}(fl.Objective(model, loss_fn, data)){ramp}."
        )


def is_loss_function(data: object) -> TypeGuard[LossFunction]:
    """Whether this is a loss function rather than rows.

    Raises:
        OptionError: it is meant as one (it has ``loss`` and ``gradient`` to call), and something is missing.
    """
    if not all(_is_callable(data, name) for name in ("loss", "gradient")):
        return False  # a table with columns of these names has nothing to call there
    missing = [f"{name}()" for name in FUNCTIONS if not _is_callable(data, name)]
    missing += [name for name in VALUES if not hasattr(data, name)]
    if missing:
        raise OptionError(
            f"A loss function offers {', '.join(VALUES)}, {', '.join(f'{name}()' for name in FUNCTIONS)}; "
            f"{type(data).__name__} lacks {', '.join(missing)}."
        )
    return True


def _is_callable(data: object, name: str) -> bool:
    return callable(getattr(data, name, None))


def given_objective(objective: LossFunction, batch_size: int | None) -> SweptProblem:
    """The loss function as a problem: no rows, no scale, nothing for the record but its values."""
    if batch_size is not None:
        raise OptionError("A loss function has no rows here: leave out the batch size.")
    return _GivenObjective(objective)


def starting_vector(problem: SweptProblem, start: Any) -> Floats:
    """[P] where a loss function of somebody's own is started: values by name, [P] numbers, a state dict or a module.

    Raises:
        OptionError: the numbers do not fit.
    """
    tensors = by_name(start)
    if tensors is not None and any(getattr(one, "ndim", 0) > 0 for one in tensors.values()):
        vector = one_point(problem.objective, tensors)
    elif start is None or isinstance(start, Mapping):
        point = problem.starting_point(start, seed=0)
        if not np.isfinite(point).all():
            raise OptionError("The loss or its slope at the start is not a finite number: start elsewhere.")
        return point
    else:
        vector = point_numbers(start)
    count = problem.objective.parameter_count
    if vector.shape != (count,) or not np.isfinite(vector).all():
        shown = repr(start) if vector.size <= MOST_SHOWN else f"numbers of the shape {vector.shape}"
        raise OptionError(f"The start must be {count:,} finite numbers, one for each parameter, not {shown}.")
    return vector


@dataclass(frozen=True, eq=False)
class _GivenObjective:
    objective: LossFunction
    name: str = "objective"
    loss_name: None = None
    formula: None = None
    rows: None = None
    dtype: None = None
    scaling: None = None

    @property
    def origin(self) -> Origin:
        """Somebody's program."""
        return Origin("", "", None, (), ())

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Its own where it has some; of a model's tensors one for each number, ``0.weight[1, 3]``."""
        layout = layout_of(self.objective)
        if layout is not None:
            return tuple(entry_name(part, index) for part in layout for index in range(part.end - part.begin))
        own = getattr(self.objective, "parameter_names", None)
        if own is not None:
            return tuple(own)
        count = self.objective.parameter_count
        return ("w",) if count == 1 else tuple(f"w_{place}" for place in range(count))

    @property
    def quadratic(self) -> Quadratic | None:
        """Itself where it is one, or knows itself to be one."""
        if isinstance(self.objective, Quadratic):
            return self.objective
        known = getattr(self.objective, "quadratic", None)
        return known if isinstance(known, Quadratic) else None

    @property
    def curvature_bound(self) -> float | None:
        """Known for a quadratic alone."""
        return None if self.quadratic is None else float(self.quadratic.eigenvalues[0])

    @property
    def curves(self) -> bool:
        """Its Hessian can be asked for."""
        return True

    def starting_point(self, start: Mapping[str, float] | None, *, seed: int) -> Floats:
        """[P] its own start, the parameters that its model has, or zeros."""
        del seed
        own = getattr(self.objective, "default_start", getattr(self.objective, "parameters", None))
        point = np.zeros(self.objective.parameter_count) if own is None else np.array(own, dtype=np.float64)
        for name, value in given_start(start, self.parameter_names, "float64", what="loss function").items():
            point[self.parameter_names.index(name)] = value
        return point

    def usual_place(self) -> Floats:
        """[P] its optimum where it is known, else its start."""
        optimum = self.objective.optimum
        return self.starting_point(None, seed=0) if optimum is None else optimum

    def batch_rows(self, size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """There are none."""
        del size, seed, epoch
        raise OptionError("A loss function has no rows here: leave out the batch size.")

    def batch_gradient(self, parameters: Floats, rows: NDArray[np.int64]) -> Floats:
        """There are no rows to take it over."""
        del parameters, rows
        raise OptionError("A loss function has no rows here: leave out the batch size.")

    def sample(self) -> None:
        """There are no rows to keep."""


def objective_of(result: SweepResult) -> LossFunction | None:
    """The loss that was swept, from the record alone; None where that does not hold it."""
    if result.formula is not None:
        return formula(result.formula)
    if result.moments is not None:
        return Quadratic(result.moments)
    if result.sample is None or result.loss_name is None:
        return None
    return neuron_objective(loss_kind(result.loss_name), result.sample.features, result.sample.target)
