"""Where a learning rate stands beside its stability limit: now, or along a run (the edge of stability)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fallline._errors import OptionError
from fallline._explain import limit_sentences, number, part_of, percent
from fallline._figures._plotly import graph_objects
from fallline._figures._style import INK, STYLES, pale
from fallline._records import Floats, LimitKind, StabilityLimit, Zone
from fallline._wording import written

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLORS = ("#00477d", "#b0306a", "#2b7a37", "#b26a00", "#5b3fa0", "#14171f")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")
"""Each course has a colour and a marker; dashes are left to the limits."""
STEADY = 1e-3
"""The sharpness at which a rate is the limit is one line where it moves by less than this part."""
DIAL_END = 1.5
"""The dial reaches to this share of the limit, or a little beyond the rate."""


def stability(
    measured: StabilityLimit | Sequence[StabilityLimit] | Mapping[str, Sequence[StabilityLimit]],
    learning_rate: float | Sequence[float] | Mapping[str, float | Sequence[float]],
    *,
    steps: Sequence[int] | None = None,
) -> "Figure":
    """The share of the stability limit that a learning rate takes, as a dial or along a run.

    Args:
        measured: what ``fl.stability_limit`` returns: one for a dial; a list of them for a course over the steps; a
            list by name for several runs.
        learning_rate: in use: one number, or one for each limit; by the same names for several runs.
        steps: at which the limits were measured; 0, 1, 2 … unless told.

    Along a run the sharpness stands above, with the value at which the rate would be the limit, dashed (2/η for plain
    gradient descent), and the share of the limit below. Measurements without a limit are left out, and counted.

    Returns:
        A ``plotly.graph_objects.Figure``; nothing is shown until you do.

    Raises:
        OptionError: something else was given, or lists are not equally long.
        FalllineError: Plotly is not installed.

    >>> from fallline._records import LimitKind
    >>> limits = [StabilityLimit(value, LimitKind.PROVABLE, None, "") for value in (0.2, 0.1, 0.05)]
    >>> figure = stability(limits, 0.05, steps=[0, 10, 20])
    >>> [float(share) for share in figure.data[0].y]
    [0.25, 0.5, 1.0]
    """
    go = graph_objects()
    if isinstance(measured, StabilityLimit):
        if not isinstance(learning_rate, int | float) or not learning_rate > 0:
            raise OptionError(f"A dial shows one learning rate above 0, not {learning_rate!r}.")
        return _dial(go, measured, float(learning_rate))
    courses = _courses(measured, learning_rate, steps)
    return _along(go, courses)


@dataclass(frozen=True, eq=False)
class _Course:
    """One run: shapes [n] of the measurements that have a limit."""

    name: str
    steps: Floats
    share: Floats
    sharpness: Floats
    edge: Floats
    """The sharpness at which the rate would be the limit."""
    rates: Floats
    left_out: int
    frozen: bool
    preconditioned: bool


class _Look(NamedTuple):
    color: str
    symbol: str


def _courses(measured: object, rates: object, steps: Sequence[int] | None) -> list[_Course]:
    if not isinstance(measured, Mapping):
        return [_course("", measured, rates, steps)]
    if not measured:
        raise OptionError("There is no run to draw.")
    if isinstance(rates, Mapping) and set(rates) != set(measured):
        raise OptionError("Every run needs its learning rate, by the same names as the limits.")
    of_run = rates if isinstance(rates, Mapping) else dict.fromkeys(measured, rates)
    return [_course(str(name), limits, of_run[name], steps) for name, limits in measured.items()]


def _course(name: str, limits: object, rates: object, steps: Sequence[int] | None) -> _Course:
    if not isinstance(limits, Sequence) or not all(isinstance(one, StabilityLimit) for one in limits):
        raise OptionError(
            "fl.figures.stability takes what fl.stability_limit returns, one or a list of them, "
            f"not {type(limits).__name__}."
        )
    try:
        rate = np.broadcast_to(np.asarray(rates, dtype=np.float64), (len(limits),))
        place = np.arange(len(limits), dtype=np.float64) if steps is None else np.asarray(steps, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError("One learning rate is needed, or one for each limit.") from None
    if place.shape != (len(limits),):
        raise OptionError(f"There are {len(limits):,} limits and {place.size:,} steps: give one step for each limit.")
    has = np.array([one.value is not None for one in limits], dtype=np.bool_)
    value = np.array([np.nan if one.value is None else one.value for one in limits])
    sharp = np.array([np.nan if one.sharpness is None else one.sharpness.value for one in limits])
    share = rate / value
    return _Course(
        name=name,
        steps=place[has],
        share=share[has],
        sharpness=sharp[has],
        edge=(sharp / share)[has],
        rates=rate[has],
        left_out=int(np.sum(~has)),
        frozen=any(one.kind is LimitKind.FROZEN for one in limits),
        preconditioned=any(one.sharpness is not None and one.sharpness.preconditioned for one in limits),
    )


def _along(go: ModuleType, courses: Sequence[_Course]) -> "Figure":
    """Sharpness above, share of the limit below."""
    figure = go.Figure()
    sharp = any(np.isfinite(course.sharpness).any() for course in courses)
    for index, course in enumerate(courses):
        look = _Look(COLORS[index % len(COLORS)], SYMBOLS[index % len(SYMBOLS)])
        name = course.name or "share of the limit"
        figure.add_trace(_line(go, course, course.share, name, look, legend=True, axis="y"))
        if sharp:
            figure.add_trace(_line(go, course, course.sharpness, name, look, legend=False, axis="y2"))
            figure.add_traces(_edge(go, course, look, alone=len(courses) == 1))
    highest = max((float(np.nanmax(course.share, initial=0.0)) for course in courses), default=0.0)
    _band(figure, max(1.25, 1.08 * highest), frozen=any(course.frozen for course in courses))
    figure.update_layout(
        template="plotly_white",
        title={
            "text": "The learning rate beside its stability limit",
            "subtitle": {"text": _said(courses, sharp=sharp)},
        },
        xaxis={"title": "step", "anchor": "y", "zeroline": False},
        yaxis={
            "title": "share of the limit",
            "domain": [0, 0.44 if sharp else 1],
            "range": [0, max(1.25, 1.08 * highest)],
            "tickformat": ".0%",
        },
        legend={"orientation": "h", "yanchor": "top", "y": -0.14, "x": 0},
        margin={"t": 110},
        font={"color": INK},
    )
    if sharp:
        what = "sharpness of P⁻¹H" if any(course.preconditioned for course in courses) else "sharpness"
        figure.update_layout(yaxis2={"title": what, "domain": [0.54, 1], "anchor": "x", "rangemode": "tozero"})
    return figure


def _line(go: ModuleType, course: _Course, values: Floats, name: str, look: "_Look", *, legend: bool, axis: str) -> Any:
    return go.Scatter(
        x=course.steps,
        y=values,
        mode="lines+markers" if len(values) <= 60 else "lines",
        line={"color": look.color, "width": 2.5},
        marker={"size": 6, "symbol": look.symbol},
        name=name,
        legendgroup=course.name,
        showlegend=legend,
        yaxis=axis,
        text=[
            f"step {step:,.0f}: {part_of(float(share), 'the limit')}"
            for step, share in zip(course.steps, course.share, strict=True)
        ],
        hovertemplate="%{text}<br>%{y:.4g}<extra></extra>",
    )


def _edge(go: ModuleType, course: _Course, look: "_Look", *, alone: bool) -> list[Any]:
    """The sharpness at which the rate is the limit: a level line where rate and settings stay as they are."""
    finite = np.isfinite(course.edge)
    if not finite.any():
        return []
    edge = course.edge[finite]
    level = float(np.median(edge))
    steady = float(np.ptp(edge)) <= STEADY * level
    text = f"the limit is the rate at {number(level)}" if steady else "the limit is the rate"
    steps = course.steps[finite]
    ends = [0, -1] if steady else slice(None)
    return [
        go.Scatter(
            x=steps[ends],
            y=edge[ends] if not steady else [level, level],
            mode="lines",
            line={"color": look.color, "width": 1.5, "dash": "8px,5px"},
            name=text,
            legendgroup=course.name,
            showlegend=alone,
            hovertemplate=f"{text}<extra></extra>",
            yaxis="y2",
        )
    ]


def _band(figure: "Figure", top: float, *, frozen: bool) -> None:
    """Above the limit: hatched would hide the course, so a tint, an edge and words."""
    amber = STYLES[Zone.BOUNCING].color
    figure.add_shape(
        type="rect", x0=0, x1=1, xref="x domain", y0=1, y1=top, yref="y", layer="below",
        fillcolor=pale(amber, 0.14), line={"width": 0},
    )  # fmt: skip
    figure.add_shape(type="line", x0=0, x1=1, xref="x domain", y0=1, y1=1, yref="y", line={"color": INK, "width": 1.5})
    figure.add_annotation(
        x=0.995, xref="x domain", y=top, yref="y", xanchor="right", yanchor="top", showarrow=False,
        text="over the limit: swings, until P has grown" if frozen else "over the limit: each step swings farther",
        font={"size": 11, "color": amber},
    )  # fmt: skip


def _said(courses: Sequence[_Course], *, sharp: bool) -> str:
    dashed = any(np.isfinite(course.edge).any() for course in courses) and sharp
    return _ends(courses) + ("<br>dashed: the sharpness at which the learning rate is the limit" if dashed else "")


def _ends(courses: Sequence[_Course]) -> str:
    """Where each run ends."""
    told = []
    for course in courses:
        who = f"{course.name}: " if course.name else ""
        said = (
            "no limit was measured"
            if not len(course.share)
            else f"ends at {percent(float(course.share[-1]))} of its limit"
        )
        out = f" ({course.left_out:,} without a limit left out)" if course.left_out and len(course.share) else ""
        told.append(f"{who}{said}{out}")
    return "; ".join(told)


def _dial(go: ModuleType, limit: StabilityLimit, rate: float) -> "Figure":
    """One rate on the scale of its limit."""
    figure = go.Figure()
    sentences = "<br>".join(limit_sentences(limit, rate))
    figure.update_layout(
        template="plotly_white", title={"text": "The learning rate beside its stability limit",
        "subtitle": {"text": sentences}}, font={"color": INK}, height=300, margin={"t": 140},
        yaxis={"visible": False, "range": [0, 1]}, showlegend=False,
    )  # fmt: skip
    if limit.value is None:
        figure.update_layout(xaxis={"visible": False})
        return figure
    share = rate / limit.value
    end = max(DIAL_END, 1.15 * share)
    green, amber = STYLES[Zone.JUST_RIGHT], STYLES[Zone.BOUNCING]
    for low, high, style, name in ((0.0, 1.0, green, "below the limit"), (1.0, end, amber, "over it")):
        figure.add_trace(
            go.Scatter(
                x=[low, high, high, low, low], y=[0.25, 0.25, 0.75, 0.75, 0.25], mode="lines", fill="toself",
                line={"color": style.color, "width": 1}, fillcolor=pale(style.color, 0.18), name=name, hoverinfo="skip",
                fillpattern={"shape": style.hatching, "fgcolor": pale(style.color, 0.5), "size": 9},
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[share], y=[0.85], mode="markers+text", marker={"symbol": "triangle-down", "size": 16, "color": INK},
            text=[f"<b>{written(rate)}</b>: {part_of(share, 'the limit')}"], textposition="top center",
            hoverinfo="skip", cliponaxis=False,
        )
    )  # fmt: skip
    figure.add_vline(x=1, line={"color": INK, "width": 2})
    figure.update_layout(
        xaxis={
            "range": [0, end],
            "title": f"share of the limit {number(limit.value)}",
            "tickformat": ".0%",
            "showgrid": False,
            "zeroline": False,
        }
    )
    return figure
