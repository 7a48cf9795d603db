"""A surface in a few lines: where it was taken, what was found on it."""

import numpy as np

from fallline._explain._numbers import number
from fallline._records import Floats, PathMoves, Surface

KINDS = {
    "parameters": "along two parameters",
    "path": "in the path's own plane",
    "hessian": "along its two sharpest directions",
    "random": "along two random directions",
    "checkpoints": "in a plane through checkpoints",
    "directions": "along two given directions",
}
"""What each kind of plane is called in a title."""


def surface_title(surface: Surface) -> str:
    """``The loss along its two sharpest directions``."""
    return f"The loss {KINDS.get(surface.plane.kind, f'in a {surface.plane.kind} plane')}"


def shown_losses(surface: Surface) -> Floats:
    """[n] the known finite losses of the picture."""
    found: Floats = surface.loss[surface.known & np.isfinite(surface.loss)]
    return found


def lowest_cell(surface: Surface) -> tuple[float, float, float] | None:
    """``(x, y, loss)`` of the lowest known cell; None where none is finite."""
    if not shown_losses(surface).size:
        return None
    seen = np.where(surface.known & np.isfinite(surface.loss), surface.loss, np.inf)
    row, column = np.unravel_index(int(np.argmin(seen)), seen.shape)
    return float(surface.x[column]), float(surface.y[row]), float(seen[row, column])


def surface_lines(surface: Surface) -> list[str]:
    """Lines to be set as they are: the axes, the losses from the lowest to the highest."""
    lines = [
        f"across  {surface.plane.axes[0]}: {number(float(surface.x[0]), 3)} to {number(float(surface.x[-1]), 3)}",
        f"up      {surface.plane.axes[1]}: {number(float(surface.y[0]), 3)} to {number(float(surface.y[-1]), 3)}",
    ]
    low = lowest_cell(surface)
    if low is None:
        return [*lines, "loss    finite nowhere"]
    highest = float(shown_losses(surface).max())
    place = f"({number(low[0], 3)}, {number(low[1], 3)})"
    return [*lines, f"loss    lowest {number(low[2])} at {place}, highest {number(highest)}"]


def surface_numbers(surface: Surface) -> dict[str, object]:
    """The same for programs: docs/json.md."""
    plane = surface.plane
    path = None
    if surface.path is not None:
        path = {
            "points": surface.path,
            "loss": surface.path_loss,
            "plane_loss": surface.path_plane_loss,
            "distance": surface.path_distance,
            "explained_variance": surface.explained_variance,
            "moves": None if surface.moves is None else moves_numbers(surface.moves),
        }
    return {
        "plane": {"kind": plane.kind, "axes": list(plane.axes), "note": plane.note, "parameters": plane.origin.size},
        "x": surface.x,
        "y": surface.y,
        "loss": [
            [float(value) if known else None for value, known in zip(*row, strict=True)]
            for row in zip(surface.loss, surface.known, strict=True)
        ],
        "method": surface.method,
        "evaluations": surface.evaluations,
        "fresh_error": surface.fresh_error,
        "between_nodes": surface.between_nodes,
        "local_error": surface.local_error,
        "not_finite": surface.not_finite,
        "complete": surface.complete,
        "path": path,
        "notes": list(surface.notes),
    }


def moves_numbers(moves: PathMoves) -> dict[str, object]:
    """What the loss does along a path's moves, for programs."""
    reach = zip(moves.reach.tolist(), moves.reach_measured.tolist(), strict=True)
    return {
        "at": moves.at,
        "gradient": moves.gradient,
        "gradient_norm": moves.gradient_norm,
        "promised": moves.promised,
        "came": moves.came,
        "reach": [value if known else None for value, known in reach],
        "no_reach": list(moves.no_reach),
    }
