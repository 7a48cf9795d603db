"""The loss on a plane, seen from above."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._explain import surface_title
from fallline._figures._colour import SCALE, LossScale, caption, loss_scale, stretched
from fallline._figures._panel import add_panel
from fallline._figures._path import path_traces
from fallline._figures._plotly import check_surface, graph_objects
from fallline._figures._style import INK, MUTED
from fallline._records import Mask, Surface
from fallline._wording import count, written

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

UPRIGHT, NARROWEST, WIDEST, BESIDE, LEAST = 440, 380, 800, 210, 720
"""CSS pixels: the picture's height, its width, and what the axis and the scale take beside it; the whole at least."""
LOST, UNSEEN = "#c4392f", "#dfe3e8"


def contour(surface: Surface) -> "Figure":
    """The loss on a plane from above, with rings at ``lowest + Δ/4ᵏ`` and the path's shadow on it.

    Colour is the logarithm of the loss above the lowest loss seen; its scale names losses. Δ is how far above it the
    path starts, without a path the highest cell. Units are equal along both axes; where that would squeeze the
    picture they are not, and it says so. Cells that are not finite are red crosses, cells that an interruption left
    out are grey. A path point's dot is hollow in proportion to its distance from the plane.

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
    >>> figure = fl.figures.contour(fl.surface(ravine, fl.plane(ravine, "parameters", at=[1.0, 10.0])))
    >>> figure.data[0].type, figure.layout.xaxis.title.text
    ('contour', 'w')
    """
    check_surface(surface, "fl.figures.contour")
    go = graph_objects()
    scale = loss_scale(surface)
    figure = go.Figure()
    if scale is not None:
        figure.add_trace(_rings(go, surface, scale))
    else:
        _say_why_flat(figure, surface)
    figure.add_traces([*_gaps(go, surface), *path_traces(go, surface)])
    figure.update_layout(
        template="plotly_white",
        title={"text": surface_title(surface), "subtitle": {"text": caption(surface, scale)}},
        xaxis={"title": surface.plane.axes[0], **_axis(surface.x)},
        yaxis={"title": surface.plane.axes[1], **_axis(surface.y)},
        font={"color": INK},
    )
    ratio = stretched(surface)
    if ratio is None:
        figure.update_yaxes(scaleanchor="x", scaleratio=1)
    else:
        _badge(figure, ratio)
    across, up = _size(surface)
    add_panel(figure, surface, width=max(across + BESIDE, LEAST), height=up, below=58)
    return figure


def _size(surface: Surface) -> tuple[int, int]:
    """CSS pixels of the picture itself: its own shape, within a page."""
    if stretched(surface) is not None:
        return WIDEST, UPRIGHT
    shape = float(np.ptp(surface.x) / np.ptp(surface.y))
    across = min(max(shape * UPRIGHT, NARROWEST), WIDEST)
    return round(across), round(min(UPRIGHT, across / shape))


def _axis(side: np.ndarray) -> dict[str, object]:
    return {
        "range": [float(side[0]), float(side[-1])],
        "constrain": "domain",
        "showgrid": False,
        "zeroline": False,
        "exponentformat": "power",
        "ticks": "outside",
    }


def _rings(go: ModuleType, surface: Surface, scale: LossScale) -> Any:
    losses = np.where(surface.known, surface.loss, np.nan)
    places, losses_there = scale.ticks()
    return go.Contour(
        x=surface.x,
        y=surface.y,
        z=scale.positions(losses),
        customdata=losses,
        zmin=scale.first,
        zmax=scale.last,
        colorscale=SCALE,
        contours={"start": scale.first, "end": scale.last, "size": 1, "coloring": "heatmap"},
        line={"color": "rgba(255,255,255,0.65)", "width": 1},
        connectgaps=False,
        colorbar={"title": "loss", "tickvals": places, "ticktext": losses_there, "outlinewidth": 0},
        hovertemplate="%{x:.4g}, %{y:.4g}: loss %{customdata:.4g}<extra></extra>",
        showlegend=False,
        name="loss",
    )


def _gaps(go: ModuleType, surface: Surface) -> list[Any]:
    """Cells without a number: what was measured and is none, what was not measured."""
    lost = surface.known & ~np.isfinite(surface.loss)
    kinds = (("not finite", lost, LOST, "x-thin-open"), ("not evaluated", ~surface.known, UNSEEN, "square"))
    return [trace for name, where, color, symbol in kinds for trace in _cells(go, surface, name, where, color, symbol)]


def _cells(go: ModuleType, surface: Surface, name: str, where: Mask, color: str, symbol: str) -> list[Any]:
    row, column = np.nonzero(where)
    if not row.size:
        return []
    return [
        go.Scatter(
            x=surface.x[column],
            y=surface.y[row],
            mode="markers",
            marker={"symbol": symbol, "size": 6, "color": color, "line": {"color": color, "width": 1}},
            name=f"{name}: {count(row.size, 'cell')}",
            text=[str(float(surface.loss[r, c])) for r, c in zip(row, column, strict=True)],
            hovertemplate="%{x:.4g}, %{y:.4g}: %{text}<extra></extra>" if symbol != "square" else None,
            hoverinfo=None if symbol != "square" else "skip",
        )
    ]


def _badge(figure: "Figure", ratio: float) -> None:
    figure.add_annotation(
        x=0.99,
        y=0.02,
        xref="paper",
        yref="paper",
        xanchor="right",
        yanchor="bottom",
        bgcolor="rgba(255,255,255,0.85)",
        text=f"axes differ {written(ratio, 2)} : 1; right angles look bent",
        font={"size": 11, "color": MUTED},
        showarrow=False,
    )


def _say_why_flat(figure: "Figure", surface: Surface) -> None:
    """Words instead of rings."""
    flat = bool(np.any(surface.known & np.isfinite(surface.loss)))
    text = "the loss is the same in every cell" if flat else "no cell of this picture is finite"
    figure.add_annotation(x=0.5, y=0.5, xref="paper", yref="paper", text=text, showarrow=False)
