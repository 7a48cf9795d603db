"""What a sweep has to say about its own making."""

import numpy as np

from fallline._records import FloorKind
from fallline._sweep._runs import Runner, Runs
from fallline._sweep._zones import Judgement
from fallline._wording import count, written


def notes_on(
    runner: Runner,
    runs: Runs,
    judgement: Judgement,
    floor_kind: FloorKind,
    out_of_reach: float | None,
    *,
    bottom_seen: bool,
) -> tuple[str, ...]:
    """One sentence for each thing that a reader has to know."""
    notes = []
    if len(runs.rates) == 1:
        notes.append("One rate says little: just right is judged against the fastest rate, and there is no other.")
    if judgement.elsewhere and judgement.just_right is not None:
        away = ", ".join(f"{written(float(runs.rates[place]))}" for place in judgement.elsewhere)
        notes.append(f"As fast as the just right ones, but apart from them: {away}.")
    if out_of_reach is not None:
        notes.append(
            f"The lowest loss there is, {written(out_of_reach)}, was out of reach from this start: runs settled in "
            f"another minimum. Excess is measured from the lowest loss they settled at, {written(judgement.floor)}."
        )
    elif floor_kind is FloorKind.LOWEST_SEEN and bottom_seen and _has_excess(runs, judgement):
        notes.append(
            f"The lowest possible loss is not known: excess is measured from the lowest one seen in these runs, "
            f"{written(judgement.floor)}."
        )
    if len(runs.kept) <= runner.steps:
        notes.append(
            f"Losses and paths are kept at {len(runs.kept) - 1:,} of {runner.steps:,} steps, the first and the last "
            "among them: steps to the goal are counted in those."
        )
    return (*notes, *_scatter(runner))


def _has_excess(runs: Runs, judgement: Judgement) -> bool:
    """Whether there is something to measure: neither the start nor the floor is NaN or infinite."""
    return bool(np.isfinite(runs.losses[0, 0, 0]) and np.isfinite(judgement.floor))


def _scatter(runner: Runner) -> list[str]:
    """On seeds and mini-batches."""
    seeds = len(runner.seeds)
    same = seeds > 1 and bool((runner.starts == runner.starts[0]).all())
    if same and runner.batch_size is None:
        return [f"All {seeds} seeds start at the same place and see all there is at every step: their runs are equal."]
    if seeds > 1:
        differs = ["start"] * (not same) + ["order of the batches"] * (runner.batch_size is not None)
        middle = "the worse run" if seeds == 2 else "the worse of the two middle runs"
        which = "the middle run" if seeds % 2 else middle
        return [
            f"{seeds} seeds differ in their {' and '.join(differs)}: zones, steps and final losses are those of "
            f"{which}, rate by rate, beside the lowest and the highest final loss."
        ]
    if runner.batch_size is not None:
        size = count(runner.batch_size, "row")
        return [f"Mini-batches of {size}: one seed shows one order of them; more seeds give bands."]
    return []
