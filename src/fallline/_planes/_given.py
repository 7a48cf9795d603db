"""Points of parameter space as somebody has them: arrays, state dicts, modules, snapshots of a recording."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fallline._errors import OptionError, near
from fallline._loss_function import LossFunction
from fallline._records import Floats, Run
from fallline._store import read_snapshot, stored_snapshots


class Part(Protocol):
    """One tensor of an objective's parameters: what planes have to know of it."""

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


def layout_of(objective: LossFunction) -> Sequence[Part] | None:
    """The tensors of a model's parameters; None for an exact objective, whose parameters are plain numbers."""
    layout: Sequence[Part] | None = getattr(objective, "layout", None)
    return layout


def standing(objective: LossFunction, at: object = None) -> Floats:
    """[P] where a plane lies: ``at``, else the parameters as the model has them, else the known optimum.

    Raises:
        OptionError: there is no such point, or it is not finite.
    """
    if at is None:
        at = getattr(objective, "parameters", None)
    if at is None:
        at = objective.optimum
    if at is None:
        raise OptionError("This objective has no parameters of its own: say where the plane lies, at=[…].")
    point = one_point(objective, at)
    if not np.isfinite(point).all():
        bad = int(np.sum(~np.isfinite(point)))
        raise OptionError(
            f"{bad:,} of the {point.size:,} parameters {'is' if bad == 1 else 'are'} not finite: "
            "no plane goes through such a point."
        )
    return point


def one_point(objective: LossFunction, given: object) -> Floats:
    """[P] of an array, a module or a state dict.

    Raises:
        OptionError: the numbers do not fit the objective's parameters.
    """
    if isinstance(given, str | Path):
        raise OptionError(f"{given} is a file: load it first, torch.load(path, weights_only=True) of a state dict.")
    named_parameters = getattr(given, "named_parameters", None)
    if callable(named_parameters):
        given = dict(named_parameters())
    if isinstance(given, Mapping):
        return _by_name(objective, given)
    point = _numbers(given)
    if point.shape != (objective.parameter_count,):
        raise OptionError(
            f"A point of this objective has {objective.parameter_count:,} parameters, "
            f"and what was given has the shape {point.shape}."
        )
    return point


def several_points(objective: LossFunction, given: object, steps: Sequence[int] | None = None) -> Floats:
    """[T, P] of an array, a list of points, a run, or the file of a recording with its snapshots.

    Raises:
        OptionError: there are no points, or they do not fit the objective's parameters.
        RunFileError: the file is no recording, or keeps no such snapshots.
    """
    if isinstance(given, str | Path):
        kept = stored_snapshots(given) if steps is None else steps
        if not kept:
            raise OptionError(
                f"The recording {given} keeps no snapshots of the parameters, so its path is not known: "
                "give fl.watch room for them, snapshots=…."
            )
        return np.stack([_by_name(objective, read_snapshot(given, step)) for step in kept])
    if steps is not None:
        raise OptionError("steps chooses snapshots of a recording: give the recording's file as path.")
    if isinstance(given, Run):
        return np.vstack([_numbers(given.header.start)[None], given.columns.parameters])
    shape = getattr(given, "shape", None)
    if shape is not None and len(shape) == 2:
        points = _numbers(given)
        if points.shape[1] != objective.parameter_count or not len(points):
            raise OptionError(
                f"A path has the shape (points, {objective.parameter_count}), and what was given {points.shape}."
            )
        return points
    if not isinstance(given, Iterable) or isinstance(given, Mapping) or shape is not None:
        raise OptionError("A path is a list of points, an array (points, parameters), a run, or a recording's file.")
    points_given = [one_point(objective, each) for each in given]
    if not points_given:
        raise OptionError("A path needs points, and none were given.")
    return np.stack(points_given)


def _by_name(objective: LossFunction, given: Mapping[Any, Any]) -> Floats:
    parts = layout_of(objective)
    if parts is None:
        raise OptionError("This objective has no named tensors: give its points as arrays of numbers.")
    point = np.empty(objective.parameter_count)
    for part in parts:
        if part.name not in given:
            raise OptionError(
                f"The given parameters lack {part.name!r}.{near(part.name, [str(name) for name in given])}"
            )
        tensor = _numbers(given[part.name])
        if tensor.shape != tuple(part.shape):
            raise OptionError(
                f"{part.name!r} has the shape {tuple(part.shape)}, and the given one the shape {tensor.shape}."
            )
        point[part.begin : part.end] = tensor.reshape(-1)
    return point


def _numbers(given: object) -> Floats:
    """float64 NumPy of whatever holds numbers; a tensor may ask for gradients, live elsewhere, or be bfloat16."""
    detach = getattr(given, "detach", None)
    if callable(detach):
        given = detach().cpu().double().numpy()
    try:
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError(
            f"A point of parameter space is an array of numbers, a state dict or a module, not {type(given).__name__}."
        ) from None


def entry_name(part: Part, index: int) -> str:
    """``0.weight[3, 5]``: one number of a tensor; a tensor of one number is called by its name alone."""
    if math.prod(part.shape) == 1:
        return part.name
    place = ", ".join(str(int(k)) for k in np.unravel_index(index, part.shape))
    return f"{part.name}[{place}]"
