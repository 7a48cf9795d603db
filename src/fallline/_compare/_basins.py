"""Which starts end in which minimum: a grid of starts, run by every contender at its own best rate."""

from collections.abc import Callable, Sequence

import numpy as np

from fallline._basins import SAME, Square, as_low, ended_in, square_of
from fallline._compare._contenders import Entry
from fallline._compare._meter import Meter
from fallline._formulas import Formula
from fallline._records import BasinMap, Basins, Counts, Floats
from fallline._sweep import run_rates

ACROSS = 41
"""Starts along each axis."""


def has_basins(formula: object) -> bool:
    """True for a formula of two parameters with several minima that are known."""
    return isinstance(formula, Formula) and formula.parameter_count == 2 and len(formula.minima) > 1


def map_basins(
    formula: Formula, entries: Sequence[Entry], rates: Sequence[float], *, steps: int,
    meter: Meter, across: int = ACROSS,
) -> Basins:  # fmt: skip
    """One map for each entry at its rate, ``steps`` updates from each of ``across`` × ``across`` starts."""
    minima, square = np.array(formula.minima), square_of(formula)
    losses = formula.loss(minima)
    axis = np.linspace(square.low, square.high, across)
    starts = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    maps = tuple(
        _map(formula, index, entry, rate, starts, minima, square, steps=steps, meter=meter)
        for index, (entry, rate) in enumerate(zip(entries, rates, strict=True))
    )
    return Basins(axis, axis, minima, losses, as_low(losses), SAME * square.side, maps)


def _map(
    formula: Formula, index: int, entry: Entry, rate: float, starts: Floats, minima: Floats, square: Square,
    *, steps: int, meter: Meter,
) -> BasinMap:  # fmt: skip
    """Where this entry goes from every start; left out where that would be one run after another."""
    rows = np.full(len(starts), rate)
    sample = run_rates(_slopes(formula), starts[:1], rows[:1], optimizer=entry.optimizer, options=entry.options,
                       steps=1, losses=formula.loss)  # fmt: skip
    if not sample.batched:
        why = f"{entry.label} cannot run in one batch: {len(starts):,} runs, one after the other, would take too long"
        return BasinMap(index, rate, None, None, None, None, why)
    made = run_rates(
        _slopes(formula),
        starts,
        rows,
        optimizer=entry.optimizer,
        options=entry.options,
        steps=steps,
        tick=meter.tick,
    )
    ended = ended_in(formula, made.parameters[-1], minima, square)
    shares = tuple(float(np.mean(ended.somewhere & (ended.minimum == k))) for k in range(len(minima)))
    shape = (round(len(starts) ** 0.5), -1)
    ends_in: Counts = ended.minimum.reshape(shape)
    return BasinMap(
        index, rate, ends_in, ended.somewhere.reshape(shape), shares, float(np.mean(~ended.somewhere)), None
    )


def _slopes(formula: Formula) -> Callable[[Floats, int], Floats]:
    return lambda stack, _: formula.gradient(stack)
