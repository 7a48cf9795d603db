"""What the page of a loss surface is given: its colours, its rings, the path's shadow, the honesty panel."""

from typing import Any

import numpy as np

from fallline._explain import honesty, number, surface_lines, surface_title
from fallline._records import Floats, Surface

SCHEMA = "fallline.surface-view/1"
MOST_POINTS = 400
"""Of a path: its line needs no more, and a table of more is read by nobody."""
MOST_ROWS = 24


def build_surface_payload(surface: Surface, scale: Any, note: str, full: Floats) -> dict[str, Any]:
    """The payload; NaN and ±inf are floats here, ``to_json`` writes them as strings.

    ``scale`` is that of the figures (positions of losses, ticks), ``note`` says what the colours mean, ``full`` [T] is
    how full a path's point is drawn.
    """
    facts = surface_lines(surface)
    return {
        "schema": SCHEMA,
        "title": surface_title(surface),
        "note": note,
        "axes": list(surface.plane.axes),
        "x": [float(surface.x[0]), float(surface.x[-1])],
        "y": [float(surface.y[0]), float(surface.y[-1])],
        "scale": None if scale is None else _scale(scale),
        "places": [] if scale is None else _places(surface, scale),
        "rings": [] if scale is None else _rings(surface, scale),
        "path": _path(surface, full),
        "sentences": honesty(surface),
        "words": facts[-1].removeprefix("loss").strip(),
        "table": _table(surface),
        "not_finite": surface.not_finite,
        "unseen": int((~surface.known).sum()),
    }


def _scale(scale: Any) -> dict[str, Any]:
    places, labels = scale.ticks()
    return {
        "first": scale.first,
        "last": scale.last,
        "lowest": scale.lowest,
        "span": scale.span,
        "ticks": [float(place) for place in places],
        "labels": labels,
    }


def _places(surface: Surface, scale: Any) -> list[list[float | None]]:
    """[ny][nx] positions on the scale; None where nothing was evaluated, NaN where that was not finite."""
    found = np.round(scale.positions(surface.loss), 3)
    return [
        [float(place) if known else None for place, known in zip(*row, strict=True)]
        for row in zip(found, surface.known, strict=True)
    ]


def _rings(surface: Surface, scale: Any) -> list[list[list[float]]]:
    """Lines of all levels; each a list of points, x and y in turn, as shares of the picture's width and height."""
    import contourpy  # noqa: PLC0415  (only a picture needs it)

    places = np.where(surface.known, scale.positions(surface.loss), np.nan)
    masked: Any = np.ma.masked_invalid(places)
    across, up = np.linspace(0, 1, len(surface.x)), np.linspace(0, 1, len(surface.y))
    maker: Any = contourpy.contour_generator(across, up, masked, name="serial", line_type=contourpy.LineType.Separate)
    levels = range(scale.first, scale.last + 1)
    return [[np.round(line.ravel(), 4).tolist() for line in maker.lines(float(level))] for level in levels]


def _path(surface: Surface, full: Floats) -> dict[str, Any] | None:
    if surface.path is None:
        return None
    shown = np.flatnonzero(np.isfinite(surface.path).all(axis=1))
    if not shown.size:
        return None
    shown = _thinned(shown)
    return {
        "x": surface.path[shown, 0].tolist(),
        "y": surface.path[shown, 1].tolist(),
        "full": [round(float(share), 3) for share in full[shown]] if full.size else [1.0] * len(shown),
    }


def _thinned(shown: Any, most: int = MOST_POINTS) -> Any:
    return shown if len(shown) <= most else shown[np.unique(np.linspace(0, len(shown) - 1, most).round().astype(int))]


def _table(surface: Surface) -> dict[str, Any] | None:
    """The path in numbers: what lies under each point, and how far it is from the plane."""
    if surface.path is None or surface.path_loss is None or surface.path_plane_loss is None or len(surface.path) < 2:
        return None
    rows = _thinned(np.arange(len(surface.path)), MOST_ROWS)
    away = surface.path_distance
    return {
        "columns": ["point", "its loss", "the plane's under it", "distance from the plane"],
        "cells": [
            [
                f"{k}",
                number(float(surface.path_loss[k])),
                number(float(surface.path_plane_loss[k])),
                "" if away is None else number(float(away[k]), 3),
            ]
            for k in map(int, rows)
        ],
        "captions": "" if len(rows) == len(surface.path) else f"{len(rows)} of {len(surface.path):,} points.",
    }
