"""Contenders at rates that somebody gave, beside what a comparison has tuned."""

from collections.abc import Sequence
from dataclasses import replace

from fallline._compare._contenders import Entry
from fallline._compare._difference import against_the_leader
from fallline._compare._judge import floor_of, rounding_of
from fallline._compare._meter import Meter, Progress
from fallline._compare._prepared import Prepared
from fallline._compare._record import runs_of_rate
from fallline._records import Comparison, Contender


def at_given_rates(
    comparison: Comparison,
    ready: Prepared,
    contenders: Sequence[tuple[Entry, str, int]],
    rates: Sequence[float],
    *,
    progress: Progress | None = None,
) -> Comparison:
    """The comparison with its ``common`` runs at these rates, one for each contender, from the starts of ``ready``.

    Args:
        comparison: the contenders' tuned selves.
        ready: where they run now; its starts may be others than the comparison's.
        contenders: of each its optimizer, its label, and which of the comparison's contenders it is.
        rates: of each.
        progress: called with (updates done, updates in all, lowest loss so far).
    """
    meter = Meter(progress, ready.arena.steps * len(rates) * len(ready.seeds))
    arena, starts = replace(ready.arena, meter=meter), ready.starts.shown
    flown = [
        arena.run(entry, [rate], starts, ready.seeds) for (entry, _, _), rate in zip(contenders, rates, strict=True)
    ]
    objective = arena.problem.objective
    floor, kind = floor_of(objective.floor, [one.losses for one in flown])
    floor = floor if objective.floor is not None else min(floor, comparison.floor)
    start_losses = flown[0].losses[0, :, 0]
    made: list[Contender] = []
    for (entry, label, which), rate, one in zip(contenders, rates, flown, strict=True):
        runs = runs_of_rate(arena, entry, rate, one, goal=comparison.goal, floor=floor, seed=ready.seeds[0])
        made.append(replace(comparison.contenders[which], label=label, common=runs))
    runs_now = [one.common for one in made]
    terms = (arena.steps, start_losses - floor, rounding_of(start_losses, floor), ready.deterministic)
    ranking, found = against_the_leader(made, runs_now, *terms, tuned=False)
    return replace(
        comparison,
        floor=floor,
        floor_kind=kind,
        seeds=ready.seeds,
        starts=ready.starts.shown,
        starts_drawn=ready.starts.sentence,
        start_losses=start_losses,
        deterministic=ready.deterministic,
        contenders=tuple(made),
        ranking=ranking,
        at_common=found,
        basins=None,
    )
