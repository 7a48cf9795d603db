"""Contenders on their starts, ready to run: what is settled before the first update."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from fallline._compare._arena import Arena
from fallline._compare._bottom import demand_a_bottom
from fallline._compare._contenders import Entry
from fallline._compare._own_arena import OwnArena
from fallline._compare._starts import Starts, make_starts, own_starts
from fallline._errors import OptionError
from fallline._problem import SweptProblem
from fallline._records import Floats


@dataclass(frozen=True)
class Prepared:
    """Who runs where, from which starts."""

    arena: Arena
    entries: tuple[Entry, ...]
    starts: Starts
    seeds: tuple[int, ...]
    """Those that are shown."""
    tuning_seeds: tuple[int, ...]
    deterministic: bool
    """True where every seed is the same run: one is shown then."""


def parameters_of(arena: Arena) -> list[torch.nn.Parameter]:
    """Of the shapes that the runs have, for a rehearsal."""
    return [torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in arena.shapes]


def prepare(
    arena: Arena,
    entries: Sequence[Entry],
    *,
    batch_size: int | None,
    start: Any,
    seeds: tuple[int, ...],
    tuning: tuple[int, ...],
) -> Prepared:
    """The starts of all seeds and the arena with its batches.

    Raises:
        OptionError: a batch size or a start that cannot be used, a start without a slope, a loss that has no lowest.
    """
    size = _batch_size(arena.problem, batch_size, entries)
    starts = _starts(arena, start, seeds, tuning)
    _demand_something_to_do(arena.problem, starts.shown)
    demand_a_bottom(arena.problem)
    deterministic = starts.same and size is None
    if deterministic:
        seeds = tuning = seeds[:1]
        starts = starts._replace(shown=starts.shown[:1], tuning=starts.shown[:1])
    arena = replace(arena, batch_size=size)
    if isinstance(arena, OwnArena):
        arena = replace(arena, paths=2 * len(entries))
    return Prepared(arena, tuple(entries), starts, seeds, tuning, deterministic)


def _starts(arena: Arena, start: Any, shown: Sequence[int], tuning: Sequence[int]) -> Starts:
    """Of somebody's own objective where it stands; of a neuron or a formula given by name, or drawn."""
    if isinstance(arena, OwnArena):
        return own_starts(arena.problem, start)
    if start is not None and not isinstance(start, Mapping):
        raise OptionError(f'The start is given by name, as in {{"w": 0.5}}, not as {start!r}.')
    return make_starts(arena.problem, start, shown, tuning)


def _batch_size(problem: SweptProblem, given: int | None, asked: Sequence[Entry]) -> int | None:
    """Rows per step, None for all of them."""
    if given is None:
        return None
    if problem.rows is None:
        raise OptionError("A formula has no rows to be cut into batches: leave out the batch size.")
    if int(given) >= problem.rows:
        return None
    for entry in asked:
        if entry.optimizer == "LBFGS":
            raise OptionError("LBFGS is compared in full batch only: leave out LBFGS or the batch size.")
    return int(given)


def _demand_something_to_do(problem: SweptProblem, starts: Floats) -> None:
    """A start without a slope, or that is no number, leaves nothing to compare."""
    with np.errstate(all="ignore"):
        losses, slopes = problem.objective.loss(starts), problem.objective.gradient(starts)
    if not (np.isfinite(losses).all() and np.isfinite(slopes).all()):
        raise OptionError("The loss or its slope at the start is not a finite number: start elsewhere.")
    if not slopes.any():
        raise OptionError("The start has no slope: no optimizer would move from there. Start elsewhere.")
