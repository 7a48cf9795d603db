"""The loss on a plane as a landscape."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._explain import number, shown_losses, surface_title
from fallline._figures._colour import SCALE, LossScale, caption, loss_scale, walks
from fallline._figures._panel import add_panel
from fallline._figures._path import CORE, HALO, drawable, words
from fallline._figures._plotly import check_surface, graph_objects
from fallline._figures._style import INK
from fallline._records import Floats, Surface

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ABOVE_START = 1.15
"""The landscape is cut this many times above the path's start, measured from the lowest loss."""
STEEP, CUT_AT = 4.0, 0.9
"""Without a path it is cut where nine tenths of the cells lie below, if the highest is this many times higher."""
WIDE, HIGH = 860, 500
"""CSS pixels of the landscape."""
LIFT = 0.015
"""Of the height: what lies on the ground would be half buried in it."""
AZIMUTH, ELEVATION, FAR = np.radians(35.0), np.radians(38.0), 1.9


def surface(surface: Surface) -> "Figure":
    """The loss on a plane as a landscape; its height is the loss itself, its colour the logarithm, as in ``contour``.

    It is cut a little above the path's start, the rim is open. The path runs at the losses of its own points; pins
    lead from there down, or up, to the plane.

    Args:
        surface: what ``fl.surface`` returns.

    Returns:
        A ``plotly.graph_objects.Figure``; nothing is shown until you do.

    Raises:
        OptionError: this is no surface.
        FalllineError: Plotly is not installed.

    >>> import fallline as fl
    >>> from fallline._formulas import formula
    >>> ravine = formula("ravine")
    >>> figure = fl.figures.surface(fl.surface(ravine, fl.plane(ravine, "parameters", at=[1.0, 10.0])))
    >>> figure.data[0].type, figure.layout.scene.camera.projection.type
    ('surface', 'orthographic')
    """
    check_surface(surface, "fl.figures.surface")
    go = graph_objects()
    scale = loss_scale(surface)
    figure = go.Figure()
    said = caption(surface, scale)
    if scale is None:
        figure.add_annotation(
            x=0.5, y=0.5, xref="paper", yref="paper", text="no two cells differ: no landscape", showarrow=False
        )
    else:
        top = rim(surface, scale)
        figure.add_trace(_ground(go, surface, scale, top))
        figure.add_traces(_path(go, surface, top))
        if np.any(shown_losses(surface) > top):
            said += f"; cut at {number(top)}"
    figure.update_layout(
        template="plotly_white",
        title={"text": surface_title(surface), "subtitle": {"text": said}},
        scene=_scene(surface),
        margin={"l": 30, "r": 0},
        font={"color": INK},
    )
    add_panel(figure, surface, width=WIDE, height=HIGH, below=8)
    return figure


def rim(surface: Surface, scale: LossScale) -> float:
    """The loss at which the landscape is cut."""
    cells = shown_losses(surface)
    highest = float(cells.max())
    if walks(surface) and surface.path_loss is not None and surface.path_plane_loss is not None:
        both = np.concatenate([surface.path_loss[:1], surface.path_plane_loss[:1]])
        if np.isfinite(both).all() and both.max() > scale.lowest:
            start = float(both.max()) - scale.lowest
            return min(highest, scale.lowest + ABOVE_START * start)
    usual = float(np.quantile(cells, CUT_AT))
    return usual if highest - scale.lowest > STEEP * (usual - scale.lowest) > 0 else highest


def _ground(go: ModuleType, surface: Surface, scale: LossScale, top: float) -> Any:
    losses = np.where(surface.known & np.isfinite(surface.loss), surface.loss, np.nan)
    with np.errstate(invalid="ignore"):
        shown = np.where(losses <= top, losses, np.nan)
    places, losses_there = scale.ticks()
    return go.Surface(
        x=surface.x,
        y=surface.y,
        z=shown,
        surfacecolor=scale.positions(losses),
        cmin=scale.first,
        cmax=scale.last,
        colorscale=SCALE,
        colorbar={"title": "loss", "tickvals": places, "ticktext": losses_there, "outlinewidth": 0, "len": 0.7},
        lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05, "roughness": 0.9},
        hovertemplate="%{x:.4g}, %{y:.4g}: loss %{z:.4g}<extra></extra>",
        showlegend=False,
        name="loss",
    )


def _path(go: ModuleType, surface: Surface, top: float) -> list[Any]:
    """The path at its true losses, and a pin to the plane where the two differ; a point above the rim is left out."""
    shown = drawable(surface)
    if surface.path is None or surface.path_loss is None or surface.path_plane_loss is None or not shown.size:
        return []
    true, plane = surface.path_loss, surface.path_plane_loss
    with np.errstate(invalid="ignore"):
        shown = shown[(true[shown] <= top) & np.isfinite(plane[shown])]
    if not shown.size:
        return []
    up = LIFT * (top - float(shown_losses(surface).min()))
    pins = np.full((3 * len(shown), 3), np.nan)
    pins[0::3, :2] = pins[1::3, :2] = surface.path[shown]
    pins[0::3, 2], pins[1::3, 2] = true[shown], plane[shown]
    same = bool(np.allclose(true[shown], plane[shown], rtol=1e-3, atol=0))
    text = [words(surface, int(k)) for k in shown]
    told = {"text": text, "hovertemplate": "%{text}<extra></extra>"}
    place = {"x": surface.path[shown, 0], "y": surface.path[shown, 1], "z": true[shown] + up}
    line = go.Scatter3d(
        **place,
        **told,
        mode="lines+markers",
        line={"color": CORE, "width": 4},
        marker={"size": 2.5, "color": CORE},
        name="path" if same else "path, at its own losses",
    )
    lines = [go.Scatter3d(**place, mode="lines", line={"color": HALO, "width": 9}, hoverinfo="skip", showlegend=False)]
    if not same:
        lines.append(
            go.Scatter3d(
                x=pins[:, 0],
                y=pins[:, 1],
                z=pins[:, 2],
                mode="lines",
                line={"color": "#b0306a", "width": 3},
                hoverinfo="skip",
                name="to the plane under it",
            )
        )
    return [*lines, line, _ball(go, place, up)] if walks(surface) else [_ball(go, place, up)]


def _ball(go: ModuleType, place: dict[str, Floats], up: float) -> Any:
    """Where the path ends: white with a black ring, set on the ground."""
    return go.Scatter3d(
        x=place["x"][-1:],
        y=place["y"][-1:],
        z=place["z"][-1:] + up,
        mode="markers",
        marker={"size": 6, "color": HALO, "line": {"color": CORE, "width": 3}},
        name="end" if len(place["x"]) > 1 else "the parameters as they stand",
        hoverinfo="skip",
    )


def _scene(surface: Surface) -> dict[str, object]:
    """Seen from the side of the first axis, a little from above, without perspective."""
    eye = (
        FAR * np.cos(ELEVATION) * np.sin(AZIMUTH),
        -FAR * np.cos(ELEVATION) * np.cos(AZIMUTH),
        FAR * np.sin(ELEVATION),
    )
    return {
        "xaxis": {"title": surface.plane.axes[0], "exponentformat": "power"},
        "yaxis": {"title": surface.plane.axes[1], "exponentformat": "power"},
        "zaxis": {"title": "loss", "exponentformat": "power"},
        "camera": {
            "projection": {"type": "orthographic"},
            "eye": dict(zip("xyz", map(float, eye), strict=True)),
        },
        "aspectmode": "manual",
        "aspectratio": {"x": 1.45, "y": 1.3, "z": 0.85},
    }
