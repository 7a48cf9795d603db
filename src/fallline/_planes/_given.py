"""Points of parameter space as somebody has them: arrays, state dicts, modules, snapshots of a recording."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._points import Part, one_point, point_numbers
from fallline._records import Floats, Run
from fallline._store import read_snapshot, stored_snapshots


def standing(objective: LossFunction, at: object = None) -> Floats:
    """[P] where a plane lies: ``at``, else the parameters as the model has them now, else the known optimum.

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
        return np.stack([one_point(objective, read_snapshot(given, step)) for step in kept])
    if steps is not None:
        raise OptionError("steps chooses snapshots of a recording: give the recording's file as path.")
    if isinstance(given, Run):
        return np.vstack([point_numbers(given.header.start)[None], given.columns.parameters])
    shape = getattr(given, "shape", None)
    if shape is not None and len(shape) == 2:
        points = point_numbers(given)
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


def entry_name(part: Part, index: int) -> str:
    """``0.weight[3, 5]``: one number of a tensor; a tensor of one number is called by its name alone."""
    if math.prod(part.shape) == 1:
        return part.name
    place = ", ".join(str(int(k)) for k in np.unravel_index(index, part.shape))
    return f"{part.name}[{place}]"
