"""A path over a surface as the live picture's payload (docs/payload.md): projections only, however many parameters.

The neuron's picture draws it; there a parameter is what here is a coordinate of the plane.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._explain import move_beside, move_sentences, opening, surface_title
from fallline._records import Floats, PathMoves, Surface
from fallline._view._chosen import chosen_steps
from fallline._view._cut_window import CutColours, colours_of, cut_bowl, cut_window
from fallline._view._frames import directions
from fallline._view._rounding import significant
from fallline._view._trail import trail
from fallline._wording import count

_MOST_FRAMES = 600
_MOST_HISTORY = 600
_SHORT = 12  # letters of an axis' name
_CENTRED = ("hessian", "random", "directions")


def live_payload(surface: Surface) -> dict[str, Any] | None:
    """The live picture: of a path, else of the one place that the plane was laid through; None without a picture.

    There is none where no cell is finite, or all are equal.
    """
    colours = colours_of(surface)
    if colours is None:
        return None
    played = _played(surface)
    path, losses = (_place(surface), np.array([np.nan])) if played is None else played
    window = cut_window(surface, colours)
    low, high = np.array([surface.x[0], surface.y[0]]), np.array([surface.x[-1], surface.y[-1]])
    bad = np.flatnonzero(~(np.isfinite(path).all(axis=1) & np.isfinite(losses)))
    steps = chosen_steps(len(path) - 1, _MOST_FRAMES)
    return {
        "schema": "fallline.view/1",
        "title": surface_title(surface),
        "subtitle": _subtitle(surface, len(path) - 1),
        "data_line": "",
        "conversion": "",
        "outcome": "",
        "run_title": "",
        "verdict": [],
        "opening": opening(surface),
        "rate": _rate(surface),
        "parameters": _names(surface),
        "parameters_title": "Place in the plane over steps",
        "optimum": None,
        "floor": {"loss": colours.floor, "kind": "lowest seen"},
        "total_steps": len(path) - 1,
        "batch": {"size": None, "rows": None},
        "first_not_finite": max(int(bad[0]) - 1, 0) if len(bad) and played is not None else None,
        "frames": _still(path) if played is None else _frames(surface, path, losses, steps, colours),
        "slice_t": [] if surface.moves is None else surface.moves.slice_t.tolist(),
        "plane": {
            "kind": "parameters" if _whole_space(surface) else "path",
            "axes": list(surface.plane.axes),
            "note": "",
            "explained_variance": surface.explained_variance,
            "minimum_uv": None,
            "minima_uv": [],
        },
        "trail": [
            None if point is None else significant(point, 9).tolist()
            for point in trail(path, (low + high) / 2, high - low)
        ],
        "windows": [window],
        "color": {"top": colours.top, "bottom": colours.bottom},
        "bowls": [cut_bowl(surface, colours)],
        "history": _history(path, losses),
        "data": None,
        "rates": None,
    }


def _played(surface: Surface) -> tuple[Floats, Floats] | None:
    """The path [T, 2] and its losses [T], where there is one to be walked."""
    path, losses = surface.path, surface.path_loss
    if path is None or losses is None or len(path) < 2:
        return None
    return (path, losses) if np.isfinite(path[0]).all() and np.isfinite(path).all(axis=1).sum() > 1 else None


def _place(surface: Surface) -> Floats:
    """[1, 2] where the parameters stand; NaN for a plane that was not laid through them."""
    if surface.path is not None and len(surface.path) == 1:
        return surface.path
    return np.zeros((1, 2)) if surface.plane.kind in _CENTRED else np.full((1, 2), np.nan)


def _names(surface: Surface) -> list[str]:
    """Of the two coordinates, short enough to stand beside a line."""
    axes = list(surface.plane.axes)
    return axes if max(len(name) for name in axes) <= _SHORT else ["across", "up"]


def _subtitle(surface: Surface, moves: int) -> str:
    parameters = count(surface.plane.origin.size, "parameter")
    return f"a path of {count(moves + 1, 'point')} · {parameters}" if moves else parameters


def _still(place: Floats) -> dict[str, Any]:
    """The frame of a picture that nothing moves in."""
    at = place.tolist()
    nothing = ("reach", "first_order_change", "real_change", "loss", "loss_after", "full_loss", "slice")
    unknown = ("gradient", "gradient_uv", "off_plane", "plane_loss", "distance", *nothing)
    known = {"step": [0], "start": at, "end": at, "start_uv": at, "end_uv": at, "sentences": [[]], "reach_note": [""]}
    return {
        **{name: [None] for name in unknown},
        **known,
        **dict.fromkeys(("epoch", "learning_rate", "ghost_uv", "parts_uv", "beats")),
    }


def _whole_space(surface: Surface) -> bool:
    return surface.plane.origin.size == 2


def _rate(surface: Surface) -> dict[str, Any]:
    """The rate of the run whose path it is and its limit, where each is known and the same all along."""
    rate = surface.rate
    known: dict[str, float | None] = {"value": None, "limit": None, "share": None}
    if rate is not None:
        known = {"value": _same(rate.value[:-1]), "limit": _same(rate.limit[:-1]), "share": _same(rate.share[:-1])}
    return {**known, "crossing": None, "kind": ""}


def _same(values: Floats) -> float | None:
    return float(values[0]) if len(values) and np.isfinite(values[0]) and (values == values[0]).all() else None


def _known(values: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


def _frames(
    surface: Surface, path: Floats, losses: Floats, steps: NDArray[np.int64], colours: CutColours
) -> dict[str, Any]:
    start, end = path[steps], path[steps + 1]
    with np.errstate(invalid="ignore", over="ignore"):
        change = losses[steps + 1] - losses[steps]
    return {
        "step": steps.tolist(),
        "epoch": None,
        "learning_rate": None if surface.rate is None else _known(surface.rate.value[steps]),
        "limit_share": None if surface.rate is None else _known(surface.rate.share[steps]),
        "loss": losses[steps].tolist(),
        "loss_after": losses[steps + 1].tolist(),
        "full_loss": losses[steps + 1].tolist(),
        "start": start.tolist(),
        "end": end.tolist(),
        "start_uv": start.tolist(),
        "end_uv": end.tolist(),
        "step_share": [move_beside(surface, step) for step in steps.tolist()],
        "ghost_uv": None,
        "ghost_loss": None,
        "parts_uv": None,
        "real_change": change.tolist(),
        **_beside(surface, losses, steps, colours),
        **_asked(surface, steps),
        "sentences": [move_sentences(surface, step) for step in steps.tolist()],
        "beats": None,
        "curve_start": None,
        "curve_end": None,
    }


def _beside(surface: Surface, losses: Floats, steps: NDArray[np.int64], colours: CutColours) -> dict[str, Any]:
    """How far the points lie from the plane, and its loss under them."""
    away, under = surface.path_distance, surface.path_plane_loss
    plane_loss = losses if under is None else under
    with np.errstate(all="ignore"):
        off = np.abs(losses - plane_loss)[steps + 1] / colours.start_excess
    nowhere = [0.0] * len(steps)
    beside = None if _whole_space(surface) else away
    return {
        "distance": nowhere if beside is None else beside[steps + 1].tolist(),
        "plane_loss": plane_loss[steps + 1].tolist(),
        "off_plane": nowhere if beside is None else off.tolist(),
    }


_UNASKED = ("gradient", "gradient_norm", "gradient_share", "gradient_uv", "first_order_change", "reach")


def _asked(surface: Surface, steps: NDArray[np.int64]) -> dict[str, Any]:
    """Slopes and losses along the moves that were looked at; None at the others."""
    moves = surface.moves
    rows: dict[int, int] = {} if moves is None else {int(point): k for k, point in enumerate(moves.at)}
    found = [rows.get(step) for step in steps.tolist()]
    columns: dict[str, list[Any]] = {name: [None] * len(found) for name in _UNASKED}
    columns |= {"reach_note": [_unasked(surface, step) for step in steps.tolist()], "slice": [None] * len(found)}
    if moves is not None:
        facts = _facts(surface, moves)
        for frame, row in enumerate(found):
            if row is not None:
                for name, values in facts.items():
                    columns[name][frame] = values[row]
    promised, reach = columns["first_order_change"], columns["reach"]
    came = [None if row is None or moves is None else float(moves.came[row]) for row in found]
    return {**columns, "slice_promised": promised, "slice_came": came, "slice_reach": reach}


def _unasked(surface: Surface, step: int) -> str:
    """Why a move was not looked at."""
    if surface.path is None or surface.path_loss is None:
        return ""
    ends = slice(step, step + 2)
    if not (np.isfinite(surface.path[ends]).all() and np.isfinite(surface.path_loss[ends]).all()):
        return "a number of this step is not finite"
    return "this step was not looked at: of a long path only some are"


def _facts(surface: Surface, moves: PathMoves) -> dict[str, list[Any]]:
    """Of each move that was looked at."""
    with np.errstate(all="ignore"):
        part = np.linalg.norm(moves.gradient, axis=1) / moves.gradient_norm
    share = [float(each) if np.isfinite(each) else None for each in part]
    reach = [
        value if known else None
        for value, known in zip(moves.reach.tolist(), moves.reach_measured.tolist(), strict=True)
    ]
    return {
        "gradient": moves.gradient.tolist(),
        "gradient_norm": moves.gradient_norm.tolist(),
        "gradient_share": share,
        "gradient_uv": directions(surface.plane, moves.gradient @ surface.plane.directions).tolist(),
        "first_order_change": moves.promised.tolist(),
        "reach": reach,
        "reach_note": list(moves.no_reach),
        "slice": significant(moves.slice_loss).tolist(),
    }


_COURSES = ("step", "loss_low", "loss_high", "full_step", "full_loss", "parameters_low", "parameters_high")


def _history(path: Floats, losses: Floats) -> dict[str, Any]:
    """The loss and the place in the plane over the points: all of them, or evenly chosen ones, the ends among them."""
    moves = len(path) - 1
    if not moves:
        return {name: [] for name in _COURSES}
    shown = np.unique(np.linspace(0, moves - 1, min(moves, _MOST_HISTORY)).round().astype(np.int64))
    points = np.append(shown, moves)
    after = significant(path[shown + 1]).T.tolist()
    return {
        "step": shown.tolist(),
        "loss_low": significant(losses[shown]).tolist(),
        "loss_high": significant(losses[shown]).tolist(),
        "full_step": (points - 1).tolist(),
        "full_loss": significant(losses[points]).tolist(),
        "parameters_low": after,
        "parameters_high": after,
    }
