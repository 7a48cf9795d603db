"""A ramp drawn: the loss against the rate, with what the rules and the curvature say."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._errors import OptionError
from fallline._explain import ramp_answer_line, ramp_title, rate
from fallline._figures._ends import axis_range
from fallline._figures._plotly import graph_objects
from fallline._figures._style import INK, MUTED, STYLES, pale
from fallline._records import Ramp, RampPass, RateInterval, Zone

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
ABOVE_FIRST = 1.5
"""The picture is cut this many times above the first loss: the explosion would flatten everything else."""
SUBTITLE = 110
"""Letters of the subtitle's first line."""


def ramp(result: Ramp) -> "Figure":
    """The loss of a ramp against its learning rate, which is logarithmic: each batch as a dot, smoothed as a line.

    Below the curves stands what each rule says, and half the stability limit, from the lowest to the highest over the
    seeds. Losses that are not finite, and those above the picture, are marked at the top edge.

    Args:
        result: what ``fl.sweep(…, method="ramp")`` returns.

    Returns:
        A ``plotly.graph_objects.Figure``; nothing is shown until you do.

    Raises:
        OptionError: this is no ramp.
        FalllineError: Plotly is not installed.

    >>> import fallline as fl
    >>> figure = fl.figures.ramp(fl.sweep(method="ramp", seeds=1))
    >>> figure.layout.xaxis.type
    'log'
    """
    if not isinstance(result, Ramp):
        raise OptionError(
            f'fl.figures.ramp takes what fl.sweep(…, method="ramp") returns, not {type(result).__name__}.'
        )
    go = graph_objects()
    low, high = _ends(result)
    figure = go.Figure()
    for place, one in enumerate(result.passes):
        figure.add_traces(_curves(go, result, one, DASHES[place % len(DASHES)], low, high))
    said = _said(result)
    figure.add_traces([_interval(go, *each) for each in said])
    if result.answer is not None:
        figure.add_shape(
            type="line",
            x0=result.answer.value,
            x1=result.answer.value,
            y0=0,
            y1=1,
            yref="paper",
            line={"color": STYLES[Zone.JUST_RIGHT].color, "width": 2},
        )
        figure.add_annotation(
            x=float(np.log10(result.answer.value)), y=1.0, yref="paper", yanchor="bottom", showarrow=False,
            text=f"<b>answer {rate(result.answer.value)}</b>", font={"color": STYLES[Zone.JUST_RIGHT].color},
        )  # fmt: skip
    first, last = np.log10(result.rates[[0, -1]])
    words = ramp_answer_line(result)
    short = words if len(words) <= SUBTITLE else f"{words[:SUBTITLE].rpartition(' ')[0]} …"
    figure.update_layout(
        template="plotly_white",
        title={"text": ramp_title(result), "subtitle": {"text": short}},
        xaxis={
            "type": "log",
            "title": "learning rate",
            "range": [first, last],
            "exponentformat": "power",
            "anchor": "y2",
        },
        yaxis={"title": "loss of the batch", "range": axis_range(low, high, log=False), "domain": [0.3, 1.0]},
        yaxis2={"domain": [0.0, 0.25], "autorange": "reversed"},
        legend={"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0},
        margin={"t": 110, "l": 110},
        font={"color": INK},
    )
    return figure


def _ends(result: Ramp) -> tuple[float, float]:
    smooth = np.concatenate([one.smoothed[np.isfinite(one.smoothed)] for one in result.passes])
    batch = np.concatenate([one.losses[np.isfinite(one.losses)] for one in result.passes])
    if not len(batch):
        return 0.0, 1.0
    first = float(
        np.max([one.losses[np.isfinite(one.losses)][0] for one in result.passes if np.isfinite(one.losses).any()])
    )
    high = min(float(batch.max()), first + (ABOVE_FIRST - 1) * abs(first))
    low = float(min(np.min(batch[batch <= high], initial=first), smooth.min()))
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _curves(go: ModuleType, result: Ramp, one: RampPass, dash: str, low: float, high: float) -> list[Any]:
    first = one is result.passes[0]  # of dots and marks one entry of the legend is enough
    rates = result.rates[: len(one.losses)]
    inside = np.isfinite(one.losses) & (one.losses <= high)
    outside = ~np.isfinite(one.losses), np.isfinite(one.losses) & (one.losses > high)
    dots = go.Scatter(
        x=rates, y=np.where(inside, one.losses, np.nan), mode="markers",
        marker={"size": 4, "color": pale(MUTED, 0.6)}, name=f"batches, seed {one.seed}", showlegend=first,
    )  # fmt: skip
    line = go.Scatter(
        x=rates, y=one.smoothed, mode="lines", line={"color": INK, "width": 1.5, "dash": dash},
        name=f"smoothed, seed {one.seed}",
    )  # fmt: skip
    edge = [
        go.Scatter(
            x=rates[where], y=np.full(int(where.sum()), high), mode="markers", cliponaxis=False,
            marker={"symbol": symbol, "size": 9, "color": INK}, name=f"{name}, seed {one.seed}", showlegend=first,
        )
        for name, symbol, where in zip(("not finite", "above the picture"), ("x", "triangle-up"), outside, strict=True)
        if where.any() and high > low
    ]  # fmt: skip
    return [dots, line, *edge]


def _said(result: Ramp) -> list[tuple[str, RateInterval, str]]:
    told = [(each.rule.value, each.interval, MUTED) for each in result.rules]
    told.append(("half the limit", result.curvature.half, STYLES[Zone.DIVERGING].color))
    return [(name, interval, color) for name, interval, color in told if interval is not None]


def _interval(go: ModuleType, name: str, interval: RateInterval, color: str) -> Any:
    return go.Scatter(
        x=[interval.low, interval.middle, interval.high],
        y=[name] * 3,
        yaxis="y2",
        mode="lines+markers",
        line={"color": color, "width": 3},
        marker={"symbol": ["line-ns-open", "diamond", "line-ns-open"], "size": 11, "color": color},
        name=name,
        showlegend=False,
        hovertemplate=f"{name}: " + "%{x:.3g}<extra></extra>",
    )
