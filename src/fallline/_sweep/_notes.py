"""What a sweep has to say about its own making."""

import numpy as np

from fallline._records import FloorKind
from fallline._sweep._runs import Runner, Runs
from fallline._sweep._words import written
from fallline._sweep._zones import Judgement


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
    if judgement.elsewhere:
        away = ", ".join(f"{written(float(runs.rates[place]))}" for place in judgement.elsewhere)
        notes.append(f"As fast as the just right ones, but apart from them: {away}.")
    if out_of_reach is not None:
        notes.append(
            f"The lowest loss there is, {written(out_of_reach)}, was out of reach from this start: runs settled in "
            f"another minimum. Excess is measured from the lowest loss they settled at, {written(judgement.floor)}."
        )
    elif floor_kind is FloorKind.LOWEST_SEEN and np.isfinite(judgement.floor) and bottom_seen:
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


def _scatter(runner: Runner) -> list[str]:
    """On seeds and mini-batches."""
    count = len(runner.seeds)
    same = count > 1 and bool((runner.starts == runner.starts[0]).all())
    if same and runner.batch_size is None:
        return [f"All {count} seeds start at the same place and see all there is at every step: their runs are equal."]
    if count > 1:
        differs = ["start"] * (not same) + ["order of the batches"] * (runner.batch_size is not None)
        return [
            f"{count} seeds differ in their {' and '.join(differs)}: zones are those of the middle run, final losses "
            "its with the lowest and highest beside it."
        ]
    if runner.batch_size is not None:
        return [f"Mini-batches of {runner.batch_size} rows: one seed shows one order of them; more seeds give bands."]
    return []
