"""Many descents at once with real optimizers: stacked into one batch, or one after the other."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from fallline._curvature import preconditioner
from fallline._descent import take_step
from fallline._records import Floats

Slopes = Callable[[Floats, int], Floats]
"""(stack [B, P], step) → gradients [B, P]."""
Losses = Callable[[Floats], Floats]
"""Stack [B, P] → losses [B] over all rows; only LBFGS asks for them."""
FIRST_KEPT = 64
STRIDE = 32
"""Rates are stepped at 2^(32 k): at 1 for all from 2.3×10⁻¹⁰ to 1."""
HIGHEST_EXPONENT = 992
"""Above it a step of that length would be beyond all numbers."""
MOST_APART = 1e100
"""Of rates in one batch."""
Shapes = Sequence[tuple[int, ...]]
Tick = Callable[[int], None]
"""Called with the number of updates made since the last call."""


class Trace(NamedTuple):
    """Where B descents went."""

    parameters: Floats
    """[S, B, P] at the kept steps."""
    preconditioners: Floats | None
    """[B, P] of the last update, None for optimizers without one (:func:`fallline._curvature.preconditioner`)."""
    losses: Floats | None = None
    """[T + 1, B] at every step, where they were asked for."""


def silent(updates: int) -> None:
    """Nobody wants to know."""
    del updates


def descend_stacked(
    slopes: Slopes,
    starts: Floats,
    rates: Floats,
    steps: int,
    cls: type[torch.optim.Optimizer],
    options: Mapping[str, object],
    *,
    kept: Sequence[int] | None = None,
    measure: Losses | None = None,
    tick: Tick = silent,
) -> Trace:
    """B rows [B, P] under one optimizer at :func:`stepped_rate`, each row's update scaled by its own rate / that.

    Exact where updates are proportional to the rate and rows do not touch (:func:`scales_with_rate` decides). No row is
    scaled up, so that the rounding of its update, a part of the row's own size, is not either.
    ``kept``: which steps to keep, all unless told; ``measure``: the losses to note at every step.
    """
    keep = _Keeper(starts.shape, steps, kept, measure)
    # Fused kernels take all memory to lie row by row, and do not look: starts and gradients are made to.
    now = torch.from_numpy(np.array(starts, dtype=np.float64, order="C"))
    after, stepped = torch.empty_like(now), stepped_rate(rates)
    scale = torch.from_numpy(np.asarray(rates, dtype=np.float64) / stepped)[:, None]
    stack = torch.nn.Parameter(now.clone())
    raw = stack.detach()  # the same memory, free of autograd
    optimizer = _made(cls, [stack], stepped, options)
    keep(0, now)
    for step in range(steps):
        stack.grad = torch.from_numpy(np.ascontiguousarray(slopes(now.numpy(), step)))
        optimizer.step()
        torch.addcmul(now, raw.sub_(now), scale, out=after)
        raw.copy_(after)
        now, after = after, now
        keep(step + 1, now)
        tick(len(rates))
    diagonal = preconditioner(optimizer)
    return Trace(keep.kept, None if diagonal is None else diagonal.reshape(starts.shape), keep.losses)


def stepped_rate(rates: Floats) -> float:
    """The power of two, in wide strides around 1, that is at least as large as any of these rates.

    >>> stepped_rate(np.array([1e-3, 0.5])), stepped_rate(np.array([1e-3, 1.5])) == 2.0**STRIDE
    (1.0, True)
    """
    strides = math.ceil(math.log2(float(np.max(rates))) / STRIDE)
    return 2.0 ** min(STRIDE * strides, HIGHEST_EXPONENT)


def together(rates: Floats) -> list[slice]:
    """Groups of rising rates that may be stepped at one rate: their updates stay within a double's range.

    >>> together(np.array([1e-200, 1e-3, 1.0])), together(np.array([0.1, 1.0]))
    ([slice(0, 1, None), slice(1, 3, None)], [slice(0, 2, None)])
    """
    first, groups = 0, []
    for place in range(1, len(rates) + 1):
        if place == len(rates) or rates[place] > MOST_APART * rates[first]:
            groups.append(slice(first, place))
            first = place
    return groups


def descend_each(
    slopes: Slopes,
    starts: Floats,
    rates: Floats,
    steps: int,
    cls: type[torch.optim.Optimizer],
    options: Mapping[str, object],
    *,
    losses: Losses | None = None,
    shapes: Shapes | None = None,
    kept: Sequence[int] | None = None,
    measure: Losses | None = None,
    tick: Tick = silent,
) -> Trace:
    """The same one after the other, each with an optimizer of its own.

    ``shapes``: of the tensors that a row is cut into, one tensor unless told; some optimizers treat a matrix
    differently from a vector. ``losses`` is needed by those that take a closure.
    """
    traces: list[Floats] = []
    noted: list[Floats] = []
    diagonals: list[Floats | None] = []
    for start, rate in zip(starts, rates, strict=True):
        keep = _Keeper((1, start.size), steps, kept, measure)
        descent = _Single(slopes, start, float(rate), cls, options, losses, shapes)
        keep(0, descent.vector)
        for step in range(steps):
            descent.update(step)
            keep(step + 1, descent.vector)
            tick(1)
        traces.append(keep.kept)
        noted += [] if keep.losses is None else [keep.losses]
        diagonals.append(preconditioner(descent.optimizer))
    known = [diagonal for diagonal in diagonals if diagonal is not None]
    return Trace(
        np.concatenate(traces, axis=1),
        np.array(known) if len(known) == len(diagonals) else None,
        np.concatenate(noted, axis=1) if noted else None,
    )


def _made(
    cls: type[torch.optim.Optimizer],
    parameters: list[torch.nn.Parameter],
    rate: float,
    options: Mapping[str, object],
) -> torch.optim.Optimizer:
    make: Callable[..., torch.optim.Optimizer] = cls  # the base class's own signature names no lr
    return make(parameters, lr=rate, **options)


def kept_steps(steps: int, every: int, first: int = FIRST_KEPT) -> list[int]:
    """The steps that are kept: all of them, or the first ones, then pairs of neighbours, and the last pair.

    Of a pair, the step between the two is known as well.

    >>> kept_steps(12, 5, first=2)
    [0, 1, 2, 5, 6, 10, 11, 12]
    """
    if every <= 1:
        return list(range(steps + 1))
    pairs = range(0, steps, every)
    return sorted({*range(min(first, steps) + 1), *pairs, *(step + 1 for step in pairs), max(0, steps - 1), steps})


class _Keeper:
    """Copies of the kept steps [S, B, P]; the losses of all steps where they are asked for."""

    def __init__(self, shape: tuple[int, ...], steps: int, kept: Sequence[int] | None, measure: Losses | None) -> None:
        chosen = range(steps + 1) if kept is None else kept
        self._places = {step: place for place, step in enumerate(chosen)}
        self._kept = torch.empty((len(self._places), *shape), dtype=torch.float64)
        self._measure = measure
        self.losses: Floats | None = None if measure is None else np.empty((steps + 1, shape[0]))
        """[T + 1, B]"""

    def __call__(self, step: int, stack: torch.Tensor) -> None:
        place = self._places.get(step)
        if place is not None:
            self._kept[place] = stack
        if self._measure is not None and self.losses is not None:
            self.losses[step] = self._measure(stack.numpy().reshape(self._kept.shape[1:]))

    @property
    def kept(self) -> Floats:
        return self._kept.numpy()


class _Single:
    """One row [P] under an optimizer at its own rate."""

    def __init__(
        self,
        slopes: Slopes,
        start: Floats,
        rate: float,
        cls: type[torch.optim.Optimizer],
        options: Mapping[str, object],
        losses: Losses | None,
        shapes: Shapes | None,
    ) -> None:
        self.vector = torch.from_numpy(np.array(start, dtype=np.float64))
        self._slope = torch.zeros_like(self.vector)
        self._slopes, self._losses = slopes, losses
        shapes = [tuple(self.vector.shape)] if shapes is None else shapes
        sizes = [int(np.prod(shape)) for shape in shapes]
        views = zip(torch.split(self.vector, sizes), torch.split(self._slope, sizes), shapes, strict=True)
        # Parameters are views of one vector, and their gradients of another: nothing is copied back and forth.
        self._parameters = []
        for part, slope, shape in views:
            parameter = torch.nn.Parameter(part.view(shape))
            parameter.grad = slope.view(shape)
            self._parameters.append(parameter)
        self.optimizer = _made(cls, self._parameters, rate, options)
        self._closure_wanted = isinstance(self.optimizer, torch.optim.LBFGS)

    def update(self, step: int) -> None:
        """One step of the optimizer."""
        if self._closure_wanted:
            take_step(self.optimizer, lambda: self._evaluate(step))
            return
        self._slope.copy_(torch.from_numpy(self._slopes(self.vector.numpy()[None], step)[0]))
        take_step(self.optimizer)

    def _evaluate(self, step: int) -> float:
        if self._losses is None:
            raise ValueError("this optimizer asks for losses")
        here = self.vector.numpy()[None]
        self._slope.copy_(torch.from_numpy(self._slopes(here, step)[0]))
        return float(self._losses(here)[0])
