"""Which instruments of a recording are drawn as charts, in which order, and what each line of them holds."""

from dataclasses import dataclass

import numpy as np

from fallline._explain import RATE_IS_LIMIT, loss_is_logarithmic, optimizer_names, rate_courses, smoothed, window_of
from fallline._records import Floats, Integers, Recording

MOST_LOGGED = 40
"""The user's own numbers that get a chart each."""
_MOST_RATES = 12  # different learning rates in one chart


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart: what was measured, where it was measured."""

    name: str
    step: Integers
    """[R]"""
    value: Floats
    """[R]"""


@dataclass(frozen=True, eq=False)
class Chart:
    """One instrument over steps."""

    id: str
    title: str
    note: str
    """What it is, in a few words for somebody who never saw it."""
    lines: tuple[Line, ...]
    log: bool = False
    """Logarithmic at first; the page has a switch wherever all values are positive."""
    span: tuple[float, float] | None = None
    """Always shown, whatever was measured."""
    levels: tuple[tuple[str, float], ...] = ()
    """Named heights."""
    clipped: bool = False
    """A few extreme values do not flatten the rest: they are marked at the edge."""
    joined: bool = True
    """False: single measurements with nothing known between them, each a mark of its own."""


def charts_of(recording: Recording) -> list[Chart]:
    """The charts that this recording has anything to show in, the loss first."""
    found = [
        *_of_steps(recording),
        *_of_batches(recording),
        *_sharpness(recording),
        *_effective(recording),
        *_logged(recording),
    ]
    return [chart for chart in found if any(len(line.step) for line in chart.lines)]


def _of_steps(recording: Recording) -> list[Chart]:
    steps = recording.steps
    return [
        Chart(
            "loss",
            "Loss",
            "as given to watch.step",
            (_loss(recording),),
            log=_is_logarithmic(_loss(recording)),
        ),
        Chart("rate", "Learning rate", "of each parameter group", _rates(recording)),
        Chart(
            "gradient",
            "Gradient norm",
            "length of the slope that the optimizer consumed, after clipping",
            _by_optimizer(recording, steps.gradient_norm),
            log=True,
        ),
        Chart(
            "ratio",
            "Update-to-parameter ratio",
            "how far a step moves the parameters, as a share of their own length",
            _by_optimizer(recording, steps.update_ratio),
            log=True,
        ),
        Chart(
            "cosine",
            "Cosine with downhill",
            "1: the step goes straight downhill; 0: across; below 0: uphill",
            _by_optimizer(recording, steps.downhill_cosine),
            span=(-1.0, 1.0),
            levels=(("", 0.0),),
        ),
    ]


def _loss(recording: Recording) -> Line:
    steps = recording.steps
    return Line("loss", steps.step[steps.loss_measured], steps.loss[steps.loss_measured])


def _is_logarithmic(loss: Line) -> bool:
    """As in the terminal, by the means of neighbouring steps."""
    window = window_of(len(loss.value))
    return len(loss.value) > 0 and loss_is_logarithmic(smoothed(loss.step, loss.value, window)[2])


def _rates(recording: Recording) -> tuple[Line, ...]:
    """One line for each different course of a rate, named by whose it is."""
    steps = recording.steps
    return tuple(
        Line(whose or "learning rate", steps.step, steps.learning_rate[:, groups[0]])
        for whose, groups in rate_courses(recording)[:_MOST_RATES]
    )


def _by_optimizer(recording: Recording, values: Floats) -> tuple[Line, ...]:
    steps = recording.steps
    return tuple(
        Line(name, steps.step[steps.measured[:, o]], values[steps.measured[:, o], o])
        for o, name in enumerate(optimizer_names(recording.header))
    )


def _of_batches(recording: Recording) -> list[Chart]:
    """What the closure measured: the same batch before and after its step."""
    batches = recording.batches
    known, moved = batches.reach_measured, batches.moved
    return [
        Chart(
            "reach",
            "Reach",
            "how far a step went: 1 lands at the bottom of the valley along it, 2 on the other wall, as high as before",
            (Line("reach", batches.step[known], batches.reach[known]),),
            span=(0.0, 2.0),
            levels=(("bottom", 1.0), ("level", 2.0)),
            clipped=True,
            joined=False,
        ),
        Chart(
            "change",
            "Change of the loss on one batch",
            "what the tangent promised, and what came",
            (
                Line("came", batches.step, batches.real_change),
                Line("promised", batches.step, batches.first_order_change),
            ),
            levels=(("", 0.0),),
            clipped=True,
            joined=False,
        ),
        Chart(
            "curvature",
            "Curvature along the step",
            "how fast the slope changes on the way; below 0 the valley has no bottom there",
            (Line("curvature", batches.step[moved], batches.curvature[moved]),),
            levels=(("", 0.0),),
            clipped=True,
            joined=False,
        ),
        Chart(
            "turn",
            "Cosine of successive gradients",
            "of one batch, before and after the step: below 0 the step crossed the valley",
            (Line("gradient cosine", batches.step[moved], batches.gradient_cosine[moved]),),
            span=(-1.0, 1.0),
            levels=(("", 0.0),),
            joined=False,
        ),
    ]


def _sharpness(recording: Recording) -> list[Chart]:
    """What the objective showed: the sharpness beside what the rate allows, and the same as a share of the limit."""
    series = recording.sharpness
    known = np.isfinite(series.edge)
    what = "the largest eigenvalue of the Hessian of the objective"
    if len(series) and series.preconditioned.any():
        what = "the largest eigenvalue of P⁻¹H: the objective's curvature as the optimizer's own scaling sees it"
    return [
        Chart(
            "sharpness",
            "Sharpness",
            what,
            (
                Line("sharpness", series.step, series.sharpness),
                Line(RATE_IS_LIMIT, series.step[known], series.edge[known]),
            ),
            clipped=True,
        ),
        Chart(
            "share",
            "Share of the stability limit",
            "learning rate over the largest stable one; runs stay near 1 at the edge of stability",
            (Line("share of the limit", series.step[known], series.share[known]),),
            span=(0.0, 1.25),
            levels=(("limit", 1.0),),
            clipped=True,
        ),
    ]


def _effective(recording: Recording) -> list[Chart]:
    """The effective step of adaptive optimizers: its range over the layers."""
    series = recording.effective
    rows = series.measured.any(axis=1)
    rate = np.where(series.measured, series.rate, np.nan)[rows]
    if rate.size == 0:
        return []
    step = series.step[rows]
    with np.errstate(all="ignore"):
        low, high = np.fmin.reduce(rate, axis=1), np.fmax.reduce(rate, axis=1)
    several = int(series.measured.any(axis=0).sum()) > 1
    lines = (Line("largest layer", step, high), Line("smallest layer", step, low))
    return [
        Chart(
            "effective",
            "Effective step",
            "learning rate divided by the preconditioner: what plain descent's rate would be",
            lines if several else (Line("effective step", step, high),),
            log=True,
            joined=False,
        )
    ]


def _logged(recording: Recording) -> list[Chart]:
    """The user's own numbers, a chart each."""
    shown = list(recording.logged.items())[:MOST_LOGGED]
    return [
        Chart(f"logged-{k}", name, "logged by you", (Line(name, series.step, series.value),))
        for k, (name, series) in enumerate(shown)
    ]


def remarks(recording: Recording) -> list[str]:
    """What the charts leave out."""
    said = []
    courses = len(rate_courses(recording))
    if courses > _MOST_RATES:
        said.append(f"Of {courses:,} different learning rates the first {_MOST_RATES} are drawn.")
    if len(recording.logged) > MOST_LOGGED:
        said.append(f"Of {len(recording.logged):,} logged numbers the first {MOST_LOGGED} are drawn.")
    return said
