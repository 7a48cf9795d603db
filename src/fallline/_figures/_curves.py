"""Loss and first parameter over the steps, for one rate of each zone: the textbook drawing, measured."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fallline._explain import rate_words, sweep_line, sweep_title
from fallline._figures._ends import axis_range, loss_ends
from fallline._figures._plotly import check_sweep, graph_objects
from fallline._figures._style import INK, STYLES
from fallline._records import Floats, SweepResult, Zone

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FEWEST_SHOWN = 20
"""Steps on the x axis at least."""


def loss_curves(result: SweepResult) -> "Figure":
    """Two pictures side by side: the loss and the first parameter over the steps, for one rate of each zone.

    The picture shows the steps in which the runs come down; zoom out for the rest. A diverging run is drawn until it
    has left the picture; the step at which it is no longer a number is marked ✕.

    Args:
        result: what ``fl.sweep`` returns.

    Returns:
        A ``plotly.graph_objects.Figure``; nothing is shown until you do.

    Raises:
        OptionError: this is no sweep.
        FalllineError: Plotly is not installed.

    >>> import fallline as fl
    >>> figure = fl.figures.loss_curves(fl.sweep(learning_rates="0.001:0.05:9", epochs=20))
    >>> figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text
    ('loss', 'w')
    """
    check_sweep(result, "fl.figures.loss_curves")
    go = graph_objects()
    examples = dict(sorted(result.example_of_zone.items(), key=lambda pair: pair[1]))
    tame = [k for zone, k in examples.items() if zone is not Zone.DIVERGING] or list(examples.values())
    low, high, log = loss_ends(result.losses[:, list(examples.values())], result.start_loss, result.losses[:, tame])
    parameter = result.trajectories[:, :, 0]
    bottom, top = _parameter_ends(parameter[:, tame])
    shown = _steps_shown(result)
    steps = np.arange(result.steps + 1) if result.kept_steps is None else result.kept_steps
    places = steps if result.path_steps is None else result.path_steps
    figure = go.Figure()
    for zone, k in examples.items():
        name = rate_words(result, k)
        figure.add_trace(_line(go, steps, until_gone(result.losses[:, k], low, high), zone, name, panel=1))
        figure.add_trace(_line(go, places, until_gone(parameter[:, k], bottom, top), zone, name, panel=2))
        figure.add_traces(_lost(go, steps, result.losses[:, k], zone, high, panel=1))
        figure.add_traces(_lost(go, places, parameter[:, k], zone, top, panel=2))
    figure.update_layout(
        template="plotly_white",
        title={"text": f"{sweep_title(result)}, one of each zone", "subtitle": {"text": sweep_line(result)}},
        xaxis={"title": "step", "domain": [0, 0.45], "range": [0, shown]},
        xaxis2={"title": "step", "domain": [0.55, 1], "anchor": "y2", "range": [0, shown]},
        yaxis={
            "title": "loss",
            "exponentformat": "power",
            "type": "log" if log else "linear",
            "range": axis_range(low, high, log=log),
        },
        yaxis2={"title": result.parameter_names[0], "range": [bottom, top], "anchor": "x2"},
        legend={"orientation": "h", "yanchor": "top", "y": -0.18, "x": 0},
        margin={"t": 110},
        font={"color": INK},
    )
    return figure


def _steps_shown(result: SweepResult) -> int:
    """Twice the steps that the slowest of the shown rates takes to the goal, all where none gets there."""
    needed = [steps for k in result.example_of_zone.values() if (steps := result.steps_to_goal[k]) is not None]
    return min(result.steps, max(FEWEST_SHOWN, 2 * max(needed))) if needed else result.steps


def until_gone(values: Floats, low: float, high: float) -> Floats:
    """The values up to the second one outside: further swings of a diverging run would cover the picture.

    >>> until_gone(np.array([1.0, 0.5, 9.0, -80.0, 700.0]), 0.0, 2.0).tolist()
    [1.0, 0.5, 9.0, -80.0]
    """
    outside = np.flatnonzero(~((values >= low) & (values <= high)))
    inside = np.flatnonzero((values >= low) & (values <= high))
    gone = outside[outside > inside[-1]] if inside.size else outside
    return values[: int(gone[1]) + 1] if gone.size > 1 else values


def _line(go: ModuleType, steps: NDArray[np.int64], values: Floats, zone: Zone, name: str, *, panel: int) -> Any:
    style = STYLES[zone]
    return go.Scatter(
        x=steps[: len(values)],
        y=np.where(np.isfinite(values), values, np.nan),
        mode="lines+markers" if zone is Zone.BOUNCING else "lines",  # dashes would hide the swings
        line={"color": style.color, "dash": style.dash, "width": 1.5 if zone is Zone.BOUNCING else 2.5},
        marker={"symbol": style.symbol, "size": 5},
        name=name,
        legendgroup=zone.value,
        showlegend=panel == 1,
        xaxis=f"x{panel}",
        yaxis=f"y{panel}",
    )


def _lost(go: ModuleType, steps: NDArray[np.int64], values: Floats, zone: Zone, top: float, *, panel: int) -> list[Any]:
    """The first step at which a run is no longer a number, at the top edge."""
    lost = np.flatnonzero(~np.isfinite(values))
    if not lost.size:
        return []
    return [
        go.Scatter(
            x=[int(steps[lost[0]])],
            y=[top],
            mode="markers",
            marker={"symbol": "x", "size": 10, "color": STYLES[zone].color},
            cliponaxis=False,
            name="not finite",
            legendgroup=zone.value,
            showlegend=False,
            hovertemplate=f"not finite from step {int(steps[lost[0]])}<extra></extra>",
            xaxis=f"x{panel}",
            yaxis=f"y{panel}",
        )
    ]


def _parameter_ends(values: Floats) -> tuple[float, float]:
    """The range of the runs that stay, with a margin."""
    finite = values[np.isfinite(values)]
    low, high = float(np.min(finite, initial=np.inf)), float(np.max(finite, initial=-np.inf))
    if not low <= high:
        return -1.0, 1.0
    margin = 0.15 * (high - low) or 1.0
    return low - margin, high + margin
