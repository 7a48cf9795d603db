"""The path on a picture of the loss: where its points fall, what they hide."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._explain import number
from fallline._figures._colour import walks
from fallline._records import Floats, Surface

CORE, HALO = "#111418", "#ffffff"
CENTRED = ("hessian", "random", "directions")
"""Planes whose origin is where the parameters stand."""
DOTS = 120
"""A path of more points shows its line, and dots at so many of them."""


def drawable(surface: Surface) -> NDArray[np.int64]:
    """[n] the points of the path that have a place in the picture."""
    if surface.path is None:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.isfinite(surface.path).all(axis=1)).astype(np.int64)


def words(surface: Surface, point: int) -> str:
    """What a pointer over a point is told."""
    if surface.path is None:
        return ""
    told = [f"point {point}"]
    if surface.path_loss is not None and surface.path_plane_loss is not None:
        told.append(f"its loss {number(float(surface.path_loss[point]))}")
        told.append(f"the plane's under it {number(float(surface.path_plane_loss[point]))}")
    if surface.path_distance is not None:
        told.append(f"{number(float(surface.path_distance[point]), 3)} from the plane")
    return "<br>".join(told)


def fullness(surface: Surface) -> Floats:
    """[T] 1 for a point in the plane, down to 0 for one as far from it as the path is wide: those are drawn hollow."""
    if surface.path is None or surface.path_distance is None:
        return np.zeros(0)
    finite = surface.path[drawable(surface)]
    width = float(np.linalg.norm(np.ptp(finite, axis=0))) if len(finite) else 0.0
    with np.errstate(all="ignore"):
        share = surface.path_distance / width if width > 0 else np.zeros(len(surface.path_distance))
    return np.asarray(1.0 - np.clip(np.nan_to_num(share, nan=1.0), 0.0, 1.0))


def path_traces(go: ModuleType, surface: Surface) -> list[Any]:
    """Halo, core, dots, start and end, on the plane."""
    shown = drawable(surface)
    if surface.path is None or not shown.size:
        return [_here(go, surface, np.zeros(2))] if surface.plane.kind in CENTRED else []
    if not walks(surface):
        return [_here(go, surface, surface.path[0])]
    across, up = surface.path[shown, 0], surface.path[shown, 1]
    line = {"mode": "lines", "x": across, "y": up, "hoverinfo": "skip", "legendgroup": "path"}
    some = shown[:: max(1, len(shown) // DOTS)]
    full = fullness(surface)
    off = " (its shadow: hollow where it is far from the plane)" if full.size and full.min() < 0.999 else ""
    return [
        go.Scatter(**line, line={"color": HALO, "width": 5}, showlegend=False),
        go.Scatter(**line, line={"color": CORE, "width": 2}, name=f"path{off}"),
        go.Scatter(
            x=surface.path[some, 0],
            y=surface.path[some, 1],
            mode="markers",
            marker={
                "size": 6,
                "color": [f"rgba(17,20,24,{share:.2f})" for share in full[some]] if full.size else CORE,
                "line": {"color": HALO, "width": 1},
            },
            legendgroup="path",
            showlegend=False,
            text=[words(surface, int(k)) for k in some],
            hovertemplate="%{text}<extra></extra>",
        ),
        _end(go, surface, int(shown[0]), "start", "square"),
        _end(go, surface, int(shown[-1]), "end", "circle"),
    ]


def _here(go: ModuleType, surface: Surface, place: Floats) -> Any:
    """The point that the plane was laid through."""
    told = words(surface, 0) if surface.path is not None else "the plane's origin"
    return go.Scatter(
        x=place[:1],
        y=place[1:],
        mode="markers",
        marker={"symbol": "circle", "size": 12, "color": HALO, "line": {"color": CORE, "width": 2.5}},
        name="the parameters as they stand",
        hovertemplate=f"{told}<extra></extra>",
    )


def _end(go: ModuleType, surface: Surface, point: int, name: str, symbol: str) -> Any:
    """Its first or last point: white with a black ring."""
    if surface.path is None:
        raise ValueError("an end belongs to a path")
    return go.Scatter(
        x=[surface.path[point, 0]],
        y=[surface.path[point, 1]],
        mode="markers",
        marker={"symbol": symbol, "size": 12, "color": HALO, "line": {"color": CORE, "width": 2.5}},
        name=name,
        text=[words(surface, point)],
        hovertemplate=f"{name}: %{{text}}<extra></extra>",
    )
