"""Final loss against learning rate, with the zones behind it."""

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fallline._explain import MISSES, number, rate, rate_sentence, recommendation_line, sweep_title
from fallline._figures._ends import axis_range, loss_ends
from fallline._figures._plotly import check_sweep, graph_objects
from fallline._figures._style import INK, MUTED, STYLES, pale
from fallline._records import Landmark, LimitKind, SweepResult, Zone, ZoneSpan
from fallline._wording import count

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

NAMED_FROM = 0.09
"""A zone that takes less of the width has its name in the legend only."""
BAND, FADED = 16, 0.25
"""CSS pixels and opacity of a limit that is no bound of these runs."""


def zones(result: SweepResult) -> "Figure":
    """The loss at the end of every run against its learning rate, both logarithmic, over the measured zones.

    Losses that are not finite are marked ✕ at the top edge, those above the picture with a triangle. With several
    seeds a band reaches from the lowest to the highest; the curve is the middle one, of two middle ones the higher.

    Args:
        result: what ``fl.sweep`` returns.

    Returns:
        A ``plotly.graph_objects.Figure``; nothing is shown until you do.

    Raises:
        OptionError: this is no sweep.
        FalllineError: Plotly is not installed.

    >>> import fallline as fl
    >>> figure = fl.figures.zones(fl.sweep(learning_rates="0.001:0.05:9", epochs=20))
    >>> figure.layout.xaxis.type, figure.layout.yaxis.type
    ('log', 'log')
    """
    check_sweep(result, "fl.figures.zones")
    go = graph_objects()
    calm = np.array([zone is not Zone.DIVERGING for zone in result.zone_of_each])
    low, high, log = loss_ends(result.final_losses, result.start_loss, result.final_losses[calm])
    figure = go.Figure()
    named: set[str] = set()
    for span in result.zones:
        figure.add_trace(_band(go, span, low, high, legend=span.name.value not in named))
        named.add(span.name.value)
    figure.add_traces(
        [
            *_seeds(go, result),
            _curve(go, result),
            *_edge(go, result, low, high),
            *_bracket(go, result, low, high, log=log),
        ]
    )
    _name_zones(figure, result)
    _limits(figure, result)
    if not np.isfinite(result.final_losses).any():
        _say_nothing_is_finite(figure)
    figure.update_layout(
        template="plotly_white",
        title={"text": sweep_title(result), "subtitle": {"text": recommendation_line(result)}},
        xaxis={"type": "log", "title": "learning rate", "range": _rate_range(result), "exponentformat": "power"},
        yaxis={
            "type": "log" if log else "linear",
            "title": f"loss after {count(result.steps, 'step')}",
            "range": axis_range(low, high, log=log),
            "exponentformat": "power",
        },
        legend={"orientation": "h", "yanchor": "top", "y": -0.18, "x": 0},
        margin={"t": 110},
        font={"color": INK},
    )
    return figure


def _say_nothing_is_finite(figure: "Figure") -> None:
    """Words instead of an axis that no loss was measured on."""
    figure.update_yaxes(showticklabels=False)
    figure.add_annotation(x=0.5, y=0.5, xref="paper", yref="paper", text="no run has a finite loss", showarrow=False)


def _band(go: ModuleType, span: ZoneSpan, low: float, high: float, *, legend: bool) -> Any:
    style = STYLES[span.name]
    return go.Scatter(
        x=[span.low, span.high, span.high, span.low, span.low],
        y=[low, low, high, high, low],
        mode="lines",
        line={"width": 1, "color": pale(style.color, 0.5)},
        fill="toself",
        fillcolor=pale(style.color, 0.16),
        fillpattern={
            "shape": style.hatching,
            "fgcolor": pale(style.color, 0.45),
            "bgcolor": pale(style.color, 0.12),
            "size": 9,
        },
        name=span.name.value,
        legendgroup=span.name.value,
        showlegend=legend,
        hoverinfo="skip",
    )


def _curve(go: ModuleType, result: SweepResult) -> Any:
    styles = [STYLES[zone] for zone in result.zone_of_each]
    return go.Scatter(
        x=result.rates,
        y=np.where(np.isfinite(result.final_losses), result.final_losses, np.nan),
        mode="lines+markers",
        line={"color": MUTED, "width": 1.5},
        marker={"color": [style.color for style in styles], "symbol": [style.symbol for style in styles], "size": 8},
        name="loss at the end" if len(result.seeds) == 1 else f"middle of {count(len(result.seeds), 'seed')}",
        text=[rate_sentence(result, k) for k in range(len(result.rates))],
        hovertemplate="%{text}<extra></extra>",
    )


def _seeds(go: ModuleType, result: SweepResult) -> list[Any]:
    """The band from the lowest to the highest over the seeds, broken where one of them is not finite."""
    if len(result.seeds) == 1:
        return []
    both = np.isfinite(result.final_low) & np.isfinite(result.final_high)
    quiet = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "connectgaps": False}
    lowest, highest = (np.where(both, side, np.nan) for side in (result.final_low, result.final_high))
    return [
        go.Scatter(x=result.rates, y=lowest, name="lowest", showlegend=False, **quiet),
        go.Scatter(
            x=result.rates, y=highest, name="lowest to highest", fill="tonexty", fillcolor=pale(INK, 0.18), **quiet
        ),
    ]


def _edge(go: ModuleType, result: SweepResult, low: float, high: float) -> list[Any]:
    """Losses that have no place inside, set at the edge they lie beyond."""
    final = result.final_losses
    groups = (
        ("not finite", "x", high, ~np.isfinite(final)),
        ("above the picture", "triangle-up", high, np.isfinite(final) & (final > high)),
        ("below the picture", "triangle-down", low, np.isfinite(final) & (final < low)),
    )
    return [
        go.Scatter(
            x=result.rates[where],
            y=np.full(int(where.sum()), edge),
            mode="markers",
            marker={"symbol": symbol, "size": 10, "color": INK},
            cliponaxis=False,
            name=name,
            text=[f"{rate(float(result.rates[k]))}: {number(float(final[k]))}" for k in np.flatnonzero(where)],
            hovertemplate="%{text}<extra></extra>",
        )
        for name, symbol, edge, where in groups
        if where.any() and high > low
    ]


def _bracket(go: ModuleType, result: SweepResult, low: float, high: float, *, log: bool) -> list[Any]:
    """The recommended interval with its value, near the bottom edge."""
    found = result.recommended
    if found is None:
        return []
    height = low * (high / low) ** 0.04 if log else low + 0.04 * (high - low)
    return [
        go.Scatter(
            x=[found.low, found.value, found.high],
            y=[height] * 3,
            mode="lines+markers",
            line={"color": INK, "width": 3},
            marker={"symbol": ["line-ns-open", "triangle-up", "line-ns-open"], "size": [14, 14, 14], "color": INK},
            name=f"recommended: {rate(found.value)}",
            text=[f"from {rate(found.low)}", f"recommended: {rate(found.value)}", f"to {rate(found.high)}"],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _name_zones(figure: "Figure", result: SweepResult) -> None:
    """The zone's name in its band, where the band is wide enough for it."""
    first, last = _rate_range(result)
    for span in result.zones:
        left, right = math.log10(span.low), math.log10(span.high)
        if right - left >= NAMED_FROM * (last - first):
            figure.add_annotation(
                x=(left + right) / 2,
                y=1.0,
                yref="paper",
                yanchor="bottom",
                text=f"<b>{span.name.value}</b>",
                font={"color": STYLES[span.name].color},
                showarrow=False,
            )


def _limits(figure: "Figure", result: SweepResult) -> None:
    """What theory names, dashed (a faded band where it is no bound); where the runs put it, solid."""
    first, last = _rate_range(result)
    lines = [line for line in _lines(result) if first <= math.log10(line.value) <= last]
    for row, line in enumerate(lines):
        figure.add_shape(
            type="line", x0=line.value, x1=line.value, y0=0, y1=1, yref="paper", line=line.look, opacity=line.opacity
        )
        figure.add_annotation(
            x=math.log10(line.value),
            y=0.96 - 0.08 * row,
            yref="paper",
            text=line.text,
            xanchor="right",
            showarrow=False,
            xshift=-4,
            bgcolor="rgba(255,255,255,0.85)",
            font={"size": 11},
        )


class _Line(NamedTuple):
    """An upright line with its words."""

    value: float
    text: str
    look: dict[str, object]
    opacity: float = 1.0


def _lines(result: SweepResult) -> list[_Line]:
    """One for each rate that theory names, one for each that was measured, from the same landmark."""
    lines = []
    for mark in result.landmarks:
        if mark.name != MISSES:
            lines.append(_predicted(mark))
        if mark.measured is not None and mark.name == "stability limit":
            lines.append(_measured(mark.measured, "diverges"))
        elif mark.measured is not None and mark.name == MISSES:
            lines.append(_measured(mark.measured, mark.name))
    shown = {line.value for line in lines}
    if result.measured_limit is not None and result.measured_limit not in shown:
        lines.append(_measured(result.measured_limit, "diverges"))
    return lines


def _predicted(mark: Landmark) -> _Line:
    text = f"{mark.name}, predicted {rate(mark.predicted)}"
    if mark.kind is LimitKind.FULL_BATCH:
        return _Line(mark.predicted, f"{text} for full batch", {"color": MUTED, "width": BAND, "dash": "solid"}, FADED)
    return _Line(mark.predicted, text, {"color": INK, "width": 1.5, "dash": "dash"})


def _measured(value: float, what: str) -> _Line:
    return _Line(value, f"{what} from {rate(value)}, measured", {"color": INK, "width": 1.5, "dash": "solid"})


def _rate_range(result: SweepResult) -> list[float]:
    first, last = math.log10(result.rates[0]), math.log10(result.rates[-1])
    margin = 0.02 * (last - first) or 0.5
    return [first - margin, last + margin]
