"""What can be said of a descent on a formula alone: where the first slope sends it, which bottom it found."""

from typing import TYPE_CHECKING

import numpy as np

from fallline._explain._numbers import listed, number, places, short
from fallline._records import Floats, Outcome, Run, Summary

if TYPE_CHECKING:
    from fallline._formulas import Formula

SAME_PLACE = 0.05
"""A run that converged this near to a minimum (of textbook surfaces, a unit or more apart) is in its bowl."""
EQUALLY_LOW = 1e-9
LEVEL = 1e-6
"""Slopes below this part of the first ones have as good as ended."""
DOWNWARD = 1e-9
"""An eigenvalue below minus this part of the largest means ground that curves down."""


def point(names: tuple[str, ...], values: Floats) -> str:
    """``w = 3, b = 2``.

    >>> point(("w", "b"), np.array([3.0, -2.5]))
    'w = 3, b = −2.5'
    """
    return ", ".join(f"{name} = {short(float(value))}" for name, value in zip(names, values, strict=True))


def direction(slope_or_move: float) -> str:
    """Along one axis a sign is a side."""
    return "right" if slope_or_move > 0 else "left"


def first_slope(run: Run) -> list[str]:
    """In one parameter: the sign of the first slope, and where the step went because of it."""
    if run.header.formula is None or len(run.header.parameter_names) != 1 or not len(run):
        return []
    (name,) = run.header.parameter_names
    slope, before = float(run.columns.gradient[0, 0]), run.header.start[0]
    after = float(run.columns.parameters[0, 0])
    if not (np.isfinite([slope, before, after]).all() and (after - before) * slope < 0):
        return []
    here, there = places(before, after)
    return [
        f"At {name} = {short(before)} the slope is {number(slope)}: the loss rises to the {direction(slope)}, "
        f"so {name} goes {direction(-slope)}, from {here} to {there}."
    ]


def where_it_ended(run: Run, summary: Summary) -> list[str]:
    """Which minimum, a saddle, or no bottom at all; empty where nothing is known."""
    if run.header.formula is None or not len(run):
        return []
    last = run.columns.parameters[-1]
    if not np.isfinite(last).all():
        return []
    from fallline._formulas import formula  # noqa: PLC0415  (torch is only loaded for runs on a formula)

    surface = formula(run.header.formula)
    if summary.outcome is Outcome.CONVERGED:
        return _which_minimum(surface, last)
    return [*_saddle(surface, run, last), *_endless(surface)]


def _which_minimum(surface: "Formula", last: Floats) -> list[str]:
    if len(surface.minima) < 2:
        return []
    minima = np.array(surface.minima)
    distance = np.linalg.norm(minima - last, axis=1)
    nearest = int(np.argmin(distance))
    if distance[nearest] > SAME_PLACE:
        return []
    losses = surface.loss(minima)
    found, lowest = float(losses[nearest]), float(losses.min())
    at = point(surface.parameter_names, minima[nearest])
    equal = int(np.sum(losses <= lowest + EQUALLY_LOW))
    if found <= lowest + EQUALLY_LOW:
        among = f", one of {equal} that are equally low" if equal > 1 else ", the lowest there is"
        return [f"It found the minimum at {at}{among}."]
    best = point(surface.parameter_names, minima[int(np.argmin(losses))])
    return [
        f"It ended in a local minimum, at {at}, where the loss is {number(found)}: every slope is zero there, "
        f"so descent has no reason to leave. The lowest is {number(lowest)}, at {best}."
    ]


def _saddle(surface: "Formula", run: Run, last: Floats) -> list[str]:
    """A place, level or nearly so, where the ground curves down along some direction."""
    first, slopes = run.columns.gradient[0], run.columns.gradient[-1]
    if not np.linalg.norm(slopes) <= LEVEL * np.linalg.norm(first):
        return []
    hessian = surface.hessian(last)
    if not np.isfinite(hessian).all():
        return []
    values, vectors = np.linalg.eigh(hessian)
    if values[0] >= -DOWNWARD * np.abs(values).max():
        return []
    along = _along(surface.parameter_names, vectors[:, 0])
    kind = "a saddle" if values[-1] > 0 else "a top"
    return [
        f"Where it ended is no bottom but {kind}: along {along} the ground curves down, by {number(float(values[0]))}. "
        f"The slope along it is {number(float(abs(vectors[:, 0] @ slopes)))}: "
        "too small to lead away within this run, and a push from outside would."
    ]


def _endless(surface: "Formula") -> list[str]:
    """A polynomial of degree two that curves down somewhere falls for ever."""
    degree = surface.expression.degree
    if degree is None or degree > 2:
        return []
    values, vectors = np.linalg.eigh(surface.hessian(np.zeros(surface.parameter_count)))
    if not values[0] < 0:
        return []
    along = _along(surface.parameter_names, vectors[:, 0])
    return [f"This surface has no lowest point: along {along} it falls without end."]


def _along(names: tuple[str, ...], direction: Floats) -> str:
    """A direction by the parameters that make it up."""
    parts = [name for name, part in zip(names, direction, strict=True) if abs(part) > 0.1]
    return parts[0] if len(parts) == 1 else f"a direction of {listed(parts)}"
