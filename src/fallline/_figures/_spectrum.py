"""Both ends of a Hessian's eigenvalues."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._explain import curvature_title, number, spectrum_sentences, with_error
from fallline._figures._plotly import check_spectrum, graph_objects
from fallline._figures._style import INK, MUTED
from fallline._records import Floats, Spectrum

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

UP, DOWN, NONE = "#00477d", "#b26a00", "#7a828e"
"""Curving upwards, downwards, and neither within the error."""
LABELLED = 12
"""With more eigenvalues than that at each end their numbers are in the hover text only."""


def spectrum(result: Spectrum) -> "Figure":
    """The largest eigenvalues falling, then the smallest, with their errors; those between were not measured.

    Upwards curving directions are blue dots, downwards curving ones amber diamonds, those that are 0 within their
    error open grey circles.

    Args:
        result: what ``fl.spectrum`` returns.

    Returns:
        A ``plotly.graph_objects.Figure``; nothing is shown until you do.

    Raises:
        OptionError: this is no spectrum.
        FalllineError: Plotly is not installed.

    >>> import fallline as fl
    >>> from fallline._formulas import formula
    >>> figure = fl.figures.spectrum(fl.spectrum(formula("saddle"), k=1, at=[0.0, 0.0]))
    >>> [trace.name for trace in figure.data if trace.showlegend is not False]
    ['curves upwards', 'curves downwards']
    """
    check_spectrum(result, "fl.figures.spectrum")
    go = graph_objects()
    count = len(result.largest)
    values = np.concatenate([result.largest, result.smallest[::-1]])
    errors = np.concatenate([result.errors_largest, result.errors_smallest[::-1]])
    places = np.concatenate([np.arange(count), np.arange(count) + count + 1]).astype(np.float64)
    names = [f"λ{_low(k + 1)}" for k in range(count)] + [f"λ₋{_low(k + 1)}" for k in reversed(range(count))]
    figure = go.Figure([_stems(go, places, values), *_points(go, places, values, errors, names)])
    figure.add_vline(x=count, line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.add_annotation(
        x=count, y=1, yref="paper", yanchor="bottom", text="those between were not measured", showarrow=False,
        font={"size": 11, "color": MUTED},
    )  # fmt: skip
    figure.update_layout(
        template="plotly_white",
        title={"text": curvature_title(result), "subtitle": {"text": "<br>".join(spectrum_sentences(result)[1:])}},
        xaxis={
            "tickvals": places if count <= LABELLED else [0, count - 1, count + 1, 2 * count],
            "ticktext": names if count <= LABELLED else [names[k] for k in (0, count - 1, count, 2 * count - 1)],
            "title": "eigenvalue: from the largest | up to the smallest",
            "showgrid": False,
            "range": [-0.6, 2 * count + 0.6],
            "zeroline": False,
        },
        yaxis={"title": "curvature", "exponentformat": "power", "zeroline": False},
        legend={"orientation": "h", "yanchor": "top", "y": -0.18, "x": 0},
        margin={"t": 120},
        font={"color": INK},
    )
    return figure


def _low(rank: int) -> str:
    return str(rank).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _stems(go: ModuleType, places: Floats, values: Floats) -> Any:
    ends = np.full((len(values), 3), np.nan)
    ends[:, 0], ends[:, 1] = 0.0, values
    return go.Scatter(
        x=np.repeat(places, 3),
        y=ends.ravel(),
        mode="lines",
        line={"color": MUTED, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )


def _points(go: ModuleType, places: Floats, values: Floats, errors: Floats, names: list[str]) -> list[Any]:
    kinds = (
        ("curves upwards", values > errors, UP, "circle"),
        ("curves downwards", values < -errors, DOWN, "diamond"),
        ("0 within its error", np.abs(values) <= errors, NONE, "circle-open"),
    )
    labelled = len(values) <= 2 * LABELLED
    return [
        go.Scatter(
            x=places[where],
            y=values[where],
            error_y={"type": "data", "array": errors[where], "color": INK, "thickness": 1.5, "width": 5},
            mode="markers+text" if labelled else "markers",
            marker={"color": color, "symbol": symbol, "size": 11, "line": {"color": color, "width": 2}},
            text=[number(float(value), 3) for value in values[where]] if labelled else None,
            textposition=["top center" if value >= 0 else "bottom center" for value in values[where]],
            name=name,
            customdata=[
                f"{names[k]} = {with_error(float(values[k]), float(errors[k]))}" for k in np.flatnonzero(where)
            ],
            hovertemplate="%{customdata}<extra></extra>",
            cliponaxis=False,
        )
        for name, where, color, symbol in kinds
        if where.any()
    ]
