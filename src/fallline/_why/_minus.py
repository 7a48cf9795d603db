"""Why the minus? The same loop with minus and with plus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from fallline._descent import descend_on
from fallline._formulas import formula
from fallline._problem import Problem
from fallline._records import Floats, Mask
from fallline._why._forward import forward_of
from fallline._why._name import name_of

STEPS = 200
SMALLEST = "(w - 3)^2"
SMALLEST_STARTS = (5.0, 1.0)
SMALLEST_RATE = 0.1


@dataclass(frozen=True, eq=False)
class Loop:
    """One loop that was run."""

    losses: Floats
    """[T + 1] before the first step and after each; NaN and ±inf are measurements."""
    parameters: Floats
    """[T + 1, P]"""

    @property
    def not_finite_after(self) -> int | None:
        """Steps until the loss is no finite number any more, None where it stays one."""
        return first_true(~np.isfinite(self.losses))


@dataclass(frozen=True)
class Nudge:
    """The smallest example: one parameter, one step."""

    start: float
    slope: float
    end: float
    """After a step with minus."""
    wrong_end: float
    """After a step with plus."""


@dataclass(frozen=True, eq=False)
class MinusFindings:
    """``why minus``."""

    problem: str
    parameter_names: tuple[str, ...]
    dtype: str
    rate: float
    steps: int
    """That the loop with minus was given, and the loop with plus as long as it was finite."""
    start: Floats
    """[P]"""
    slopes: Floats
    """[P] at the start."""
    level: Mask
    """[P] where rounding in the training dtype alone explains the slope; docs/semantics.md#rounding."""
    minus: Loop
    plus: Loop
    doubled_after: int | None
    """Steps with plus until the loss is twice its start; None where it never is."""
    growth: float | None
    """By which plus multiplies the loss in a step, in the end; None where it is not finite or not defined."""
    predicted_growth: float | None
    """(1 + ηλ)² of the sharpest direction, None where the loss is no parabola."""
    apart: float
    """The largest difference between the parameters of loss L with minus and of loss −L with plus."""
    smallest: tuple[Nudge, ...]


def first_true(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int | None:
    """Where the first True stands, None where there is none.

    >>> first_true(np.array([False, True])), first_true(np.array([False]))
    (1, None)
    """
    found = np.flatnonzero(flags)
    return int(found[0]) if found.size else None


def measure_minus(
    problem: Problem, start: Mapping[str, float] | None, rate: float, *, seed: int, steps: int = STEPS
) -> MinusFindings:
    """Run the loop with minus, with plus, and the mirror of it: −L with plus."""
    minus = _loop(problem, start, seed, rate, steps, sign=1.0, climb=False)
    plus = _loop(problem, start, seed, rate, steps, sign=1.0, climb=True)
    mirror = _loop(problem, start, seed, rate, steps, sign=-1.0, climb=True)
    at = minus.parameters[0]
    slopes = problem.objective.gradient(at[None])[0]
    with np.errstate(all="ignore"):
        apart = float(np.max(np.abs(minus.parameters - mirror.parameters)))
        doubled = first_true(plus.losses >= 2 * plus.losses[0])
    return MinusFindings(
        problem=name_of(problem),
        parameter_names=problem.parameter_names,
        dtype=problem.dtype,
        rate=rate,
        steps=steps,
        start=at,
        slopes=slopes,
        level=np.abs(slopes) <= _slope_rounding(problem, at),
        minus=minus,
        plus=plus,
        doubled_after=doubled if float(plus.losses[0]) > 0 else None,
        growth=_growth(plus.losses),
        predicted_growth=_predicted_growth(problem, rate),
        apart=apart,
        smallest=tuple(_nudge(start) for start in SMALLEST_STARTS),
    )


def _loop(
    problem: Problem, start: Mapping[str, float] | None, seed: int, rate: float, steps: int, *, sign: float, climb: bool
) -> Loop:
    """Forward, loss, backward, step, as anyone writes it; ``climb`` is PyTorch's own plus."""
    model = problem.starting_model(start, seed=seed)
    parameters: list[Tensor] = list(model.parameters())
    optimizer = torch.optim.SGD(parameters, lr=rate, maximize=climb)
    here = [torch.cat([parameter.detach().ravel() for parameter in parameters]).double().numpy().copy()]
    losses = []
    for step in islice(
        descend_on(_signed(forward_of(problem, model), sign), parameters, optimizer, epochs=steps + 1), steps + 1
    ):
        losses.append(sign * step.loss)
        here.append(np.array(step.parameters, dtype=np.float64))
    return Loop(np.array(losses), np.array(here[:-1]))


def _signed(forward: Callable[[], Tensor], sign: float) -> Callable[[], Tensor]:
    """The loss, or its negative."""
    return forward if sign > 0 else lambda: -forward()


def _slope_rounding(problem: Problem, at: Floats) -> Floats:
    """[P] how large a slope at ``at`` [P] rounding alone can explain: that of a step of 1 along each parameter."""
    count = len(at)
    losses = np.repeat(problem.objective.loss(at[None]), count)
    return problem.change_rounding(np.tile(at, (count, 1)), np.eye(count), losses)


def _growth(losses: Floats) -> float | None:
    """By which the loss grows in a step, three quarters of the way to where it is not finite: one direction is left."""
    over = first_true(~np.isfinite(losses))
    finite = len(losses) if over is None else over
    last = max(1, (3 * finite) // 4)
    if last >= len(losses) or not losses[last - 1] > 0:
        return None
    ratio = float(losses[last] / losses[last - 1])
    return ratio if np.isfinite(ratio) else None


def _predicted_growth(problem: Problem, rate: float) -> float | None:
    if problem.quadratic is None:
        return None
    return float((1 + rate * problem.quadratic.eigenvalues[0]) ** 2)


def _nudge(start: float) -> Nudge:
    parabola = formula(SMALLEST)
    slope = float(parabola.gradient([[start]])[0, 0])
    return Nudge(start, slope, start - SMALLEST_RATE * slope, start + SMALLEST_RATE * slope)
