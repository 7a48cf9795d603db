"""The one door to every plane."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from fallline._arguments import checked_seed
from fallline._errors import OptionError, near
from fallline._loss_function import LossFunction
from fallline._planes._cuts import path_plane
from fallline._planes._filters import filters_of, orthonormal, random_directions
from fallline._planes._given import several_points, standing
from fallline._planes._parameters import named_plane
from fallline._planes._sharpest import sharpest_plane
from fallline._points import layout_of, one_point, refuse_other
from fallline._records import Floats, Plane
from fallline._wording import count, number

FIXED: Final = "biases, normalisation layers and other tensors of one axis stay as they are."
KINDS: Final = ("parameters", "path", "hessian", "random", "checkpoints", "directions")
_NEEDS: Final = {
    "names": "parameters",
    "path": "path",
    "steps": "path",
    "checkpoints": "checkpoints",
    "directions": "directions",
}
"""Which kind an option belongs to."""


def plane(
    objective: LossFunction,
    kind: str,
    *,
    at: object = None,
    names: Sequence[str | int] | None = None,
    path: object = None,
    steps: Sequence[int] | None = None,
    checkpoints: Sequence[object] | None = None,
    directions: Sequence[object] | None = None,
    seed: int = 0,
) -> Plane:
    """A plane through the parameters of a model, to look at its loss on.

    Args:
        objective: :class:`Objective`, or an exact one.
        kind: ``parameters``: along two of them, by ``names`` (``"0.weight[3, 5]"``, or an index).
            ``path``: the two principal directions of ``path``.
            ``hessian``: the two sharpest directions, where the curvature is largest.
            ``random``: two random directions, normalised filter by filter (Li et al. 2018).
            ``checkpoints``: through two (the line, and a random perpendicular) or three points.
            ``directions``: along two given ones, the second turned to be at right angles.
        at: [P] the point that the plane lies in; unless told the model's own parameters as they stand now. The plane
            stays there when the model is trained on. A state dict and a module do as well, wherever a point is
            asked for.
        path: [T, P], a list of points, a run, or the file of a recording, whose snapshots are the path.
        steps: which of the recording's snapshots; all of them unless told.
        checkpoints: two or three points.
        seed: of the random directions.

    Returns:
        A plane with orthonormal directions, its origin at ``at`` (``path``: at the last point; ``checkpoints``: at the
        first; ``parameters``: where both are zero).

    Raises:
        OptionError: something is missing for this kind, does not fit the objective, or spans no plane.
        RunFileError: the file of a recording cannot be read.

    >>> from fallline._formulas import formula
    >>> across = plane(formula("ravine"), "hessian")
    >>> across.axes
    ('sharpest: curves 100', 'second: curves 1')
    >>> across.directions
    array([[1., 0.],
           [0., 1.]])
    """
    refuse_other(objective)
    seed = checked_seed(seed)
    given = {"names": names, "path": path, "steps": steps, "checkpoints": checkpoints, "directions": directions}
    _check(objective, kind, given)
    if kind == "path":
        return _path(objective, path, steps, at)
    if kind == "checkpoints":
        return _through(objective, () if checkpoints is None else checkpoints, seed)
    here = standing(objective, at)
    if kind == "parameters":
        return named_plane(objective, here, names)
    if kind == "hessian":
        return sharpest_plane(objective, here, seed)
    if kind == "directions":
        return _along(objective, here, directions)
    return _random(objective, here, seed)


def _check(objective: LossFunction, kind: str, given: dict[str, object]) -> None:
    if kind not in KINDS:
        known = near(str(kind), list(KINDS)) or f" It is one of {', '.join(KINDS)}."
        raise OptionError(f'There is no plane "{kind}".{known}')
    if objective.parameter_count < 2:
        raise OptionError("A plane needs two parameters, and this objective has one.")
    for option, value in given.items():
        if value is not None and _NEEDS[option] != kind:
            raise OptionError(f'{option} belongs to a plane of kind "{_NEEDS[option]}", and "{kind}" was asked for.')


def _path(objective: LossFunction, given: object, steps: Sequence[int] | None, at: object) -> Plane:
    if given is None:
        raise OptionError("A plane of a path needs path=: points, a run, or the file of a recording.")
    path = several_points(objective, given, steps)
    finite = path[np.isfinite(path).all(axis=1)]
    if not len(finite):
        raise OptionError("No point of the path is finite.")
    if not (finite != finite[0]).any():
        raise OptionError("The path does not move, so it has no directions: choose another plane.")
    origin = None if at is None else standing(objective, at)
    return replace(path_plane(path, origin), path=path)


def _random(objective: LossFunction, at: Floats, seed: int) -> Plane:
    drawn = random_directions(objective, at, seed)
    reach = float(np.linalg.norm(drawn[0]))
    directions = np.stack(list(orthonormal(drawn[0], drawn[1])))
    parts, moved = layout_of(objective), sum(filters * entries for _, filters, entries in filters_of(objective))
    fixed = "" if parts is None else f" {count(moved, 'parameter')} {'moves' if moved == 1 else 'move'}: {FIXED}"
    note = (
        f"Two random directions out of {count(objective.parameter_count, 'dimension')}, each filter as long as that of "
        f"the parameters (Li et al. 2018; seed {seed}).{fixed}"
    )
    axes = ("random direction 1", "random direction 2")
    return Plane("random", at, directions, axes, note, float("nan"), reach=(reach, reach))


def _along(objective: LossFunction, at: Floats, given: object) -> Plane:
    if given is None or isinstance(given, str) or not isinstance(given, Collection) or len(given) != 2:
        raise OptionError("A plane along given directions needs two of them: directions=[…, …].")
    first, second = (one_point(objective, each) for each in given)
    directions = np.stack(list(orthonormal(first, second)))
    reach = tuple(float(np.linalg.norm(each)) for each in (first, second))
    return Plane(
        "directions",
        at,
        directions,
        ("given direction 1", "given direction 2"),
        "A cut along two given directions, the second turned to be at right angles to the first.",
        float("nan"),
        reach=(reach[0], reach[1]),
    )


def _through(objective: LossFunction, given: object, seed: int) -> Plane:
    """Through the first, along the line to the second; the third, or chance, says where the plane turns."""
    many = isinstance(given, Collection) and not isinstance(given, str | Mapping)
    given = given if isinstance(given, Collection) and many else [given]
    if len(given) not in (2, 3):
        arrived = "1 was" if len(given) == 1 else f"{len(given)} were"
        raise OptionError(f"A plane goes through two or three checkpoints, and {arrived} given.")
    path = np.stack([standing(objective, each) for each in given])
    offsets = path[1:] - path[0]
    lengths = np.linalg.norm(offsets, axis=1)
    rounding = 8 * np.finfo(np.float64).eps * float(np.abs(path).max(initial=0.0))
    if not (lengths > rounding).all() or (len(path) == 3 and np.array_equal(path[1], path[2])):
        raise OptionError("Two of the checkpoints are the same point: there is no line through them.")
    if len(path) == 3:
        try:
            directions = np.stack(list(orthonormal(offsets[0], offsets[1])))
        except OptionError:
            raise OptionError(
                "The three checkpoints lie on a line: the directions between them are parallel. Give two of them."
            ) from None
        axes = ("checkpoint 1 to 2", "towards checkpoint 3")
        note = "The plane through three checkpoints."
    else:
        middle = path.mean(axis=0)
        second = random_directions(objective, middle, seed, beside=offsets[0])[1]
        directions = np.stack(list(orthonormal(offsets[0], second)))
        axes = ("checkpoint 1 to 2", "random perpendicular")
        note = (
            f"The line through two checkpoints, {number(float(lengths[0]))} apart, and a random direction across it "
            f"(filter by filter; seed {seed})."
        )
    return Plane("checkpoints", path[0], directions, axes, note, _held(path, directions), path=path)


def _held(path: Floats, directions: Floats) -> float:
    """Share of the checkpoints' variance in the plane: 1 to rounding, for they lie in it."""
    centred = path - path.mean(axis=0)
    return float(min(1.0, ((centred @ directions.T) ** 2).sum() / (centred**2).sum()))
