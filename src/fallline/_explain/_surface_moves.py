"""One move of a path over a picture of the loss: what the loss did, what the slope promised, what the plane shows."""

import numpy as np

from fallline._explain._step import in_words
from fallline._records import Surface
from fallline._wording import number, percent

INSIDE = 0.9995
"""A part of a length that reads as all of it."""


def opening(surface: Surface) -> str:
    """What is seen before the first move."""
    lies = "" if _flat(surface) else " What lies beside the plane is drawn as its shadow in it."
    return (
        f"The ball is at the first point of the path: height and colour are the loss in the plane, dark is low.{lies} "
        "Press “Take a step” to go to the next point."
    )


def move_sentences(surface: Surface, point: int) -> list[str]:
    """The move from ``point`` to the next one in plain sentences; what was not asked of the loss is not told.

    >>> import fallline as fl
    >>> from fallline._formulas import formula
    >>> bowl = formula("a^2 + 4*b^2")
    >>> plane = fl.plane(bowl, "path", path=[[3.0, 1.0], [1.0, 0.5], [0.0, 0.1]])
    >>> told = move_sentences(fl.surface(bowl, plane, shape=(21, 21)), 0)
    >>> told[0]
    'From point 0 to point 1 the loss falls from 13.00 to 2.000.'
    >>> told[1]
    'The gradient at point 0 is 10.00 long and lies in this plane; the move is 2.062 long.'
    >>> told[2].partition(": ")[0]
    'Its slope promised −16.00, and −11.00 came'
    """
    said = [_loss(surface, point), *_lengths(surface, point), *_promise(surface, point), *_shadow(surface, point + 1)]
    return [sentence for sentence in said if sentence]


def move_beside(surface: Surface, point: int) -> float | None:
    """The part of the move's length that its shadow in the plane has; None where nothing moved or is not finite."""
    if surface.path is None or surface.path_lengths is None:
        return None
    with np.errstate(all="ignore"):
        shadow = float(np.linalg.norm(surface.path[point + 1] - surface.path[point]))
    whole = float(surface.path_lengths[point])
    return shadow / whole if np.isfinite(shadow) and np.isfinite(whole) and whole > 0 else None


def _loss(surface: Surface, point: int) -> str:
    if surface.path_loss is None:
        return ""
    before, after = float(surface.path_loss[point]), float(surface.path_loss[point + 1])
    verb = "falls" if after < before else "rises" if after > before else "stays"
    if not np.isfinite([before, after]).all():
        verb = "goes"
    ends = f"at {number(before)}" if before == after else f"from {number(before)} to {number(after)}"
    return f"From point {point} to point {point + 1} the loss {verb} {ends}."


def _row(surface: Surface, point: int) -> int | None:
    if surface.moves is None:
        return None
    found = np.flatnonzero(surface.moves.at == point)
    return int(found[0]) if len(found) else None


def _lengths(surface: Surface, point: int) -> list[str]:
    """How long the gradient and the move are, and what of them the arrows show."""
    row, told = _row(surface, point), []
    if row is not None and surface.moves is not None:
        whole = float(surface.moves.gradient_norm[row])
        part = float(np.linalg.norm(surface.moves.gradient[row]))
        told.append(f"The gradient at point {point} is {number(whole)} long{_part(part, whole)}")
    share, lengths = move_beside(surface, point), surface.path_lengths
    if share is not None and lengths is not None:
        shown = "" if share >= INSIDE else f", its shadow in the plane {percent(share)} of that"
        told.append(f"{'the' if told else 'The'} move is {number(float(lengths[point]))} long{shown}")
    return [f"{'; '.join(told)}."] if told else []


def _part(part: float, whole: float) -> str:
    if not (np.isfinite([part, whole]).all() and whole > 0):
        return ""
    share = part / whole
    return (
        " and lies in this plane"
        if share >= INSIDE
        else f", and the arrow shows the {percent(share)} of it in this plane"
    )


def _promise(surface: Surface, point: int) -> list[str]:
    row, moves = _row(surface, point), surface.moves
    if row is None or moves is None:
        return []
    promised, came = float(moves.promised[row]), float(moves.came[row])
    told = f"Its slope promised {number(promised)}, and {number(came)} came"
    if not moves.reach_measured[row]:
        return [f"{told}; reach is not defined: {moves.no_reach[row]}."]
    reach = float(moves.reach[row])
    return [f"{told}: reach {number(reach, 2)}, {in_words(reach, exact=False)}."]


def _shadow(surface: Surface, point: int) -> list[str]:
    """Where a point lies beside the plane: the loss below its shadow is another one."""
    if _flat(surface) or surface.path_distance is None or surface.path_plane_loss is None or surface.path_loss is None:
        return []
    if not surface.path_distance[point] > _rounding(surface):
        return []
    away, here = float(surface.path_distance[point]), float(surface.path_plane_loss[point])
    return [
        f"Point {point} lies {number(away, 3)} from the plane: the loss under its shadow is {number(here)}, "
        f"its own {number(float(surface.path_loss[point]))}."
    ]


def _flat(surface: Surface) -> bool:
    """Whether all of the path lies in the plane."""
    return surface.path_distance is None or not bool((surface.path_distance > _rounding(surface)).any())


def _rounding(surface: Surface) -> float:
    """A distance below it is none: a millionth of the path's width."""
    if surface.path is None:
        return 0.0
    finite = surface.path[np.isfinite(surface.path).all(axis=1)]
    return 1e-6 * float(np.linalg.norm(np.ptp(finite, axis=0))) if len(finite) else 0.0
