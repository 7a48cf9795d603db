"""Which starts end in which minimum: a grid of starts, run by every contender at its own best rate."""

from collections.abc import Callable, Sequence

import numpy as np

from fallline._compare._contenders import Entry
from fallline._compare._meter import Meter
from fallline._formulas import Formula
from fallline._records import BasinMap, Basins, Counts, Floats
from fallline._sweep import run_rates

ACROSS = 41
"""Starts along each axis."""
HALF_WIDTHS = {"himmelblau": 5.0, "rastrigin": 5.12}
"""Of the squares on which these are usually drawn."""
MARGIN = 0.25
"""Other formulas: the box of their minima, widened by this part of its longer side."""
NEAR = 0.05
"""A run ends in a minimum if it stays, in its last tenth, within this part of the way between the nearest two."""
LAST_PART = 10
SAME_LOSS = 1e-9


def has_basins(formula: object) -> bool:
    """True for a formula of two parameters with several minima that are known."""
    return isinstance(formula, Formula) and formula.parameter_count == 2 and len(formula.minima) > 1


def map_basins(
    formula: Formula, entries: Sequence[Entry], rates: Sequence[float], *, steps: int,
    meter: Meter, across: int = ACROSS,
) -> Basins:  # fmt: skip
    """One map for each entry at its rate, ``steps`` updates from each of ``across`` × ``across`` starts."""
    minima = np.array(formula.minima)
    losses = formula.loss(minima)
    first, second = _axes(formula, minima, across)
    starts = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    tolerance = NEAR * _nearest_two(minima)
    maps = tuple(
        _map(formula, index, entry, rate, starts, minima, steps=steps, tolerance=tolerance, across=across, meter=meter)
        for index, (entry, rate) in enumerate(zip(entries, rates, strict=True))
    )
    lowest = float(losses.min())
    is_global = losses <= lowest + SAME_LOSS * max(1.0, abs(lowest))
    return Basins(first, second, minima, losses, is_global, tolerance, maps)


def _map(
    formula: Formula, index: int, entry: Entry, rate: float, starts: Floats, minima: Floats,
    *, steps: int, tolerance: float, across: int, meter: Meter,
) -> BasinMap:  # fmt: skip
    """Where this entry goes from every start; left out where that would be one run after another."""
    rows = np.full(len(starts), rate)
    sample = run_rates(_slopes(formula), starts[:1], rows[:1], optimizer=entry.optimizer, options=entry.options,
                       steps=1, losses=formula.loss)  # fmt: skip
    if not sample.batched:
        why = f"{entry.label} cannot run in one batch: {len(starts):,} runs, one after the other, would take too long"
        return BasinMap(index, rate, None, None, (), 0.0, why)
    made = run_rates(
        _slopes(formula),
        starts,
        rows,
        optimizer=entry.optimizer,
        options=entry.options,
        steps=steps,
        tick=meter.tick,
    )
    last = made.parameters[made.kept >= steps - max(1, steps // LAST_PART)]
    ends_in, settled = nearest_minimum(last, minima, tolerance)
    shares = tuple(float(np.mean(settled & (ends_in == k))) for k in range(len(minima)))
    shape = (across, across)
    return BasinMap(index, rate, ends_in.reshape(shape), settled.reshape(shape), shares, float(np.mean(~settled)), "")


def nearest_minimum(last: Floats, minima: Floats, tolerance: float) -> tuple[Counts, np.ndarray]:
    """Index of the minimum nearest to each run's end [B], and whether the run stayed beside it.

    ``last``: [S, B, 2] the last steps of the runs; ``minima`` [I, 2].
    """
    with np.errstate(all="ignore"):
        ways = np.linalg.norm(last[-1][:, None] - minima[None], axis=2)
        index = np.argmin(np.where(np.isnan(ways), np.inf, ways), axis=1)
        stayed = np.linalg.norm(last - minima[index][None], axis=2) <= tolerance
    return index.astype(np.int64), np.asarray(stayed.all(axis=0))


def _slopes(formula: Formula) -> Callable[[Floats, int], Floats]:
    return lambda stack, _: formula.gradient(stack)


def _axes(formula: Formula, minima: Floats, across: int) -> tuple[Floats, Floats]:
    half = HALF_WIDTHS.get(formula.name)
    if half is not None:
        return np.linspace(-half, half, across), np.linspace(-half, half, across)
    low, high = minima.min(axis=0), minima.max(axis=0)
    margin = MARGIN * float((high - low).max())
    ends = zip(low - margin, high + margin, strict=True)
    first, second = (np.linspace(start, stop, across) for start, stop in ends)
    return first, second


def _nearest_two(minima: Floats) -> float:
    ways = np.linalg.norm(minima[:, None] - minima[None], axis=2)
    return float(ways[ways > 0].min())
