"""The main instruments of a recording as curves: what a terminal or a page draws over the steps."""

from dataclasses import dataclass

import numpy as np

from fallline._explain._recording._loss_course import given_losses, smoothed, window_of
from fallline._explain._recording._rows import optimizer_names
from fallline._records import Floats, Integers, Recording

RATE_IS_LIMIT = "where the rate is the limit"
"""A sharpness so large makes the learning rate in use the stability limit: 2/η for plain gradient descent."""


@dataclass(frozen=True, eq=False)
class Instrument:
    """One curve: values [R] at steps [R]; NaN and ∞ are measurements."""

    title: str
    name: str
    """Whose it is, where several share a title; else empty."""
    step: Integers
    value: Floats
    logarithmic: bool
    joined: bool = True
    """False for single measurements with nothing known between them."""


@np.errstate(all="ignore")  # what is not finite is data
def instruments(recording: Recording) -> list[Instrument]:
    """Loss, gradient norm, update ratio, reach, sharpness: those that were measured."""
    return [*_loss(recording), *_norms(recording), *_reach(recording), *_sharpness(recording)]


def _loss(recording: Recording) -> list[Instrument]:
    step, loss = given_losses(recording)
    if not len(loss):
        return []
    window = window_of(len(loss))
    title = "loss" if window == 1 else f"loss, mean of {window} steps"
    _, until, means = smoothed(step, loss, window)
    return [Instrument(title, "", until, means, loss_is_logarithmic(means))]


def loss_is_logarithmic(loss: Floats) -> bool:
    """Whether losses are drawn on a logarithmic axis at first: all above 0, and more than a factor of 10 between them.

    >>> loss_is_logarithmic(np.array([2.0, 0.1, np.nan])), loss_is_logarithmic(np.array([2.0, 1.0]))
    (True, False)
    """
    finite = loss[np.isfinite(loss)]
    return bool(finite.size and finite.min() > 0 and finite.max() / 10 > finite.min())


def _norms(recording: Recording) -> list[Instrument]:
    steps, names = recording.steps, optimizer_names(recording.header)
    found = []
    for title, values in (
        ("gradient norm", steps.gradient_norm),
        ("update-to-parameter ratio", steps.update_ratio),
    ):
        for optimizer, name in enumerate(names):
            rows = steps.measured[:, optimizer]
            if rows.any():
                whose = name if len(names) > 1 else ""
                found.append(Instrument(title, whose, steps.step[rows], values[rows, optimizer], logarithmic=True))
    return found


def _reach(recording: Recording) -> list[Instrument]:
    batches = recording.batches
    rows = batches.reach_measured
    if not rows.any():
        return []
    return [Instrument("reach", "", batches.step[rows], batches.reach[rows], logarithmic=False, joined=False)]


def _sharpness(recording: Recording) -> list[Instrument]:
    """With the sharpness at which the learning rate would be the limit, where there is one."""
    series = recording.sharpness
    rows = np.isfinite(series.edge)
    if not rows.any():
        return [Instrument("sharpness", "", series.step, series.sharpness, logarithmic=False)] if len(series) else []
    return [
        Instrument("sharpness", "measured", series.step, series.sharpness, logarithmic=False),
        Instrument("sharpness", RATE_IS_LIMIT, series.step[rows], series.edge[rows], logarithmic=False),
    ]
