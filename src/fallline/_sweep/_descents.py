"""Many descents at once with real optimizers: stacked into one batch, or one after the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from fallline._curvature import preconditioner
from fallline._records import Floats

Slopes = Callable[[Floats, int], Floats]
"""(stack [B, P], step) → gradients [B, P]."""
Losses = Callable[[Floats], Floats]
"""Stack [B, P] → losses [B] over all rows; only LBFGS asks for them."""
FIRST_KEPT = 64
Shapes = Sequence[tuple[int, ...]]
Tick = Callable[[int], None]
"""Called with the number of updates made since the last call."""


class Trace(NamedTuple):
    """Where B descents went."""

    parameters: Floats
    """[S, B, P] at the kept steps."""
    preconditioners: Floats | None
    """[B, P] of the last update, None for optimizers without one (:func:`fallline._curvature.preconditioner`)."""


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
    every: int = 1,
    tick: Tick = silent,
) -> Trace:
    """B rows [B, P] under one optimizer at learning rate 1, each row's update scaled by its own rate.

    Exact where updates are proportional to the rate and rows do not touch (:func:`scales_with_rate` decides).
    ``every``: which steps to keep, see :func:`kept_steps`.
    """
    keep = _Keeper(starts.shape, steps, every)
    # Fused kernels take all memory to lie row by row, and do not look: starts and gradients are made to.
    now = torch.from_numpy(np.array(starts, dtype=np.float64, order="C"))
    after, scale = torch.empty_like(now), torch.from_numpy(np.asarray(rates, dtype=np.float64))[:, None]
    stack = torch.nn.Parameter(now.clone())
    raw = stack.detach()  # the same memory, free of autograd
    optimizer = _made(cls, [stack], 1.0, options)
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
    return Trace(keep.kept, None if diagonal is None else diagonal.reshape(starts.shape))


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
    every: int = 1,
    tick: Tick = silent,
) -> Trace:
    """The same one after the other, each with an optimizer of its own.

    ``shapes``: of the tensors that a row is cut into, one tensor unless told; some optimizers treat a matrix
    differently from a vector. ``losses`` is needed by those that take a closure.
    """
    traces: list[Floats] = []
    diagonals: list[Floats | None] = []
    for start, rate in zip(starts, rates, strict=True):
        keep = _Keeper((1, start.size), steps, every)
        descent = _Single(slopes, start, float(rate), cls, options, losses, shapes)
        keep(0, descent.vector)
        for step in range(steps):
            descent.update(step)
            keep(step + 1, descent.vector)
            tick(1)
        traces.append(keep.kept)
        diagonals.append(preconditioner(descent.optimizer))
    known = [diagonal for diagonal in diagonals if diagonal is not None]
    return Trace(np.concatenate(traces, axis=1), np.array(known) if len(known) == len(diagonals) else None)


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
    """Copies of the kept steps [S, B, P]."""

    def __init__(self, shape: tuple[int, ...], steps: int, every: int) -> None:
        self._places = {step: place for place, step in enumerate(kept_steps(steps, every))}
        self._kept = torch.empty((len(self._places), *shape), dtype=torch.float64)

    def __call__(self, step: int, stack: torch.Tensor) -> None:
        place = self._places.get(step)
        if place is not None:
            self._kept[place] = stack

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
            self.optimizer.step(lambda: self._evaluate(step))
            return
        self._slope.copy_(torch.from_numpy(self._slopes(self.vector.numpy()[None], step)[0]))
        self.optimizer.step()

    def _evaluate(self, step: int) -> float:
        if self._losses is None:
            raise ValueError("this optimizer asks for losses")
        here = self.vector.numpy()[None]
        self._slope.copy_(torch.from_numpy(self._slopes(here, step)[0]))
        return float(self._losses(here)[0])
