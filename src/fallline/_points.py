"""What is given as an objective, and as a point of its parameters: an array, a state dict or a module."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from fallline._errors import OptionError, near
from fallline._loss_function import LossFunction
from fallline._records import Floats

HOW: Final = "fl.Objective(model, loss_fn, data)"
OFFERED: Final = ("parameter_count", "loss")
"""What anything that is meant as an objective has."""


class Part(Protocol):
    """One tensor of an objective's parameters: what has to be known of it."""

    @property
    def name(self) -> str:
        """As the model calls it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""

    @property
    def begin(self) -> int:
        """Its first entry in the flat vector."""

    @property
    def end(self) -> int:
        """The one after its last."""

    @property
    def role(self) -> str:
        """``weight``, ``bias`` or ``norm``."""


def refuse_other(given: object) -> None:
    """Refuse what is no objective.

    Raises:
        OptionError: it is something else, such as a model.
    """
    if isinstance(given, type) or not all(hasattr(given, name) for name in OFFERED):
        kind = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        hint = " Wrap the model in one." if hasattr(given, "named_parameters") else ""
        raise OptionError(f"An objective is needed, as {HOW} makes one; here is {kind}.{hint}")


def layout_of(objective: LossFunction) -> Sequence[Part] | None:
    """The tensors of a model's parameters; None for an exact objective, whose parameters are plain numbers."""
    layout: Sequence[Part] | None = getattr(objective, "layout", None)
    return layout


def one_point(objective: LossFunction, given: object) -> Floats:
    """[P] of an array, a tensor, a module or a state dict.

    Raises:
        OptionError: the numbers do not fit the objective's parameters.
    """
    if isinstance(given, str | Path):
        raise OptionError(f"{given} is a file: load it first, torch.load(path, weights_only=True) of a state dict.")
    named = by_name(given)
    if named is not None:
        return _of_tensors(objective, named)
    point = point_numbers(given)
    if point.shape != (objective.parameter_count,):
        raise OptionError(
            f"A point of this objective has {objective.parameter_count:,} parameters, "
            f"and what was given has the shape {point.shape}."
        )
    return point


def by_name(given: object) -> Mapping[Any, Any] | None:
    """The tensors of a module or a state dict; None of anything else."""
    named_parameters = getattr(given, "named_parameters", None)
    if callable(named_parameters) and not isinstance(given, type):
        return dict(named_parameters(remove_duplicate=False))
    return given if isinstance(given, Mapping) else None


def _of_tensors(objective: LossFunction, given: Mapping[Any, Any]) -> Floats:
    parts = layout_of(objective)
    if parts is None:
        raise OptionError("This objective has no named tensors: give its points as arrays of numbers.")
    point = np.empty(objective.parameter_count)
    for part in parts:
        if part.name not in given:
            raise OptionError(
                f"The given parameters lack {part.name!r}.{near(part.name, [str(name) for name in given])}"
            )
        tensor = point_numbers(given[part.name])
        if tensor.shape != tuple(part.shape):
            raise OptionError(
                f"{part.name!r} has the shape {tuple(part.shape)}, and the given one the shape {tensor.shape}."
            )
        point[part.begin : part.end] = tensor.reshape(-1)
    return point


def point_numbers(given: object) -> Floats:
    """float64 NumPy of whatever holds numbers; a tensor may ask for gradients, live elsewhere, or be bfloat16.

    Raises:
        OptionError: it holds none.
    """
    if getattr(given, "is_meta", False):
        raise OptionError("A tensor on the meta device has no numbers.")
    detach = getattr(given, "detach", None)
    if callable(detach):
        given = detach().cpu().double().numpy()
    elif isinstance(given, list | tuple):  # of tensors that may ask for gradients
        given = [one.detach().cpu().double().numpy() if hasattr(one, "detach") else one for one in given]
    try:
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError(
            f"A point of parameter space is an array of numbers, a state dict or a module, not {type(given).__name__}."
        ) from None
