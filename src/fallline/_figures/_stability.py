"""Where a learning rate stands beside its stability limit: now, or along a run (the edge of stability)."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fallline._errors import OptionError
from fallline._explain import limit_sentences, number, part_of, percent
from fallline._figures._plotly import graph_objects
from fallline._figures._stability_courses import Course, courses_of
from fallline._figures._style import INK, STYLES, pale
from fallline._records import Floats, Recording, StabilityLimit, Zone
from fallline._wording import written

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Measured = Sequence[StabilityLimit] | Recording
"""One run."""
COLORS = ("#00477d", "#b0306a", "#2b7a37", "#b26a00", "#5b3fa0", "#14171f")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")
"""Each course has a colour and a marker; dashes are left to the limits."""
MOST_MARKERS = 40
"""On one line: more would hide it."""
STEADY = 1e-3
"""The sharpness at which a rate is the limit is one line where it moves by less than this part."""
DIAL_END = 1.5
"""The dial reaches to this share of the limit, or a little beyond the rate."""


def stability(
    measured: StabilityLimit | Measured | Mapping[str, Measured],
    learning_rate: float | Sequence[float] | Mapping[str, float | Sequence[float]] | None = None,
    *,
    steps: Sequence[int] | None = None,
) -> "Figure":
    """The share of the stability limit that a learning rate takes, as a dial or along a run.

    Args:
        measured: what ``fl.stability_limit`` returns: one for a dial; a list of them for a course over the steps; a
            list by name for several runs. Or a recording of ``fl.watch(…, objective=…)``, or several by name.
        learning_rate: in use: one number, or one for each limit; by the same names for several runs. A recording has
            its own.
        steps: at which the limits were measured; 0, 1, 2 … unless told. A recording has its own.

    Along a run the sharpness stands above, with the value at which the rate would be the limit, dashed (2/η for plain
    gradient descent, 38/η of P⁻¹H for Adam), and the share of the limit below. Measurements without a limit are left
    out, and counted.

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
    return _along(go, courses_of(measured, learning_rate, steps))


class _Look(NamedTuple):
    color: str
    symbol: str


def _along(go: ModuleType, courses: Sequence[Course]) -> "Figure":
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
            _name_level(figure, course, look)
    top = _top(courses)
    _band(figure, top, frozen=any(course.frozen for course in courses))
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
            "range": [0, top],
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


def _line(go: ModuleType, course: Course, values: Floats, name: str, look: "_Look", *, legend: bool, axis: str) -> Any:
    return go.Scatter(
        x=course.steps,
        y=values,
        mode="lines+markers",
        line={"color": look.color, "width": 2.5},
        marker={"size": 6, "symbol": look.symbol, "maxdisplayed": MOST_MARKERS},
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


def _edge(go: ModuleType, course: Course, look: "_Look", *, alone: bool) -> list[Any]:
    """The sharpness at which the rate is the limit: a level line where rate and settings stay as they are."""
    finite = np.isfinite(course.edge)
    if not finite.any():
        return []
    edge, steps, level = course.edge[finite], course.steps[finite], _level(course)
    text = "the limit is the rate" if level is None else f"the limit is the rate at {number(level)}"
    return [
        go.Scatter(
            x=steps if level is None else steps[[0, -1]],
            y=edge if level is None else [level, level],
            mode="lines",
            line={"color": look.color, "width": 1.5, "dash": "8px,5px"},
            name=text,
            legendgroup=course.name,
            showlegend=alone,
            hovertemplate=f"{text}<extra></extra>",
            yaxis="y2",
        )
    ]


def _level(course: Course) -> float | None:
    """The one sharpness at which the rate is the limit; None where it moves."""
    edge = course.edge[np.isfinite(course.edge)]
    if not edge.size:
        return None
    level = float(np.median(edge))
    return level if float(np.ptp(edge)) <= STEADY * level else None


def _name_level(figure: "Figure", course: Course, look: "_Look") -> None:
    """The number of that line, behind its end."""
    level = _level(course)
    if level is not None:
        figure.add_annotation(
            x=1.005, xref="x domain", y=level, yref="y2", xanchor="left", yanchor="middle", showarrow=False,
            text=written(level),
            font={"size": 12, "color": look.color},
        )  # fmt: skip


def _top(courses: Sequence[Course]) -> float:
    """Where the axis of the shares ends."""
    finite = [course.share[np.isfinite(course.share)] for course in courses]
    return max(1.25, 1.08 * max((float(share.max(initial=0.0)) for share in finite), default=0.0))


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


def _said(courses: Sequence[Course], *, sharp: bool) -> str:
    dashed = any(np.isfinite(course.edge).any() for course in courses) and sharp
    return _ends(courses) + ("<br>dashed: the sharpness at which the learning rate is the limit" if dashed else "")


def _ends(courses: Sequence[Course]) -> str:
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
