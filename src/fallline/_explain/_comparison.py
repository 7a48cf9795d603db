"""A comparison of optimizers in words: what was granted to whom, and what came of it, in tables."""

import math
from collections.abc import Sequence

import numpy as np

from fallline._explain._numbers import MINUS, count, number, percent
from fallline._records import Basins, Comparison, Contender, FloorKind, RateRuns

FEW_MINIMA = 6
"""So many have a column each."""
LETTERS = "abcdef"


def setting_sentences(comparison: Comparison) -> list[str]:
    """What was run, and on what terms."""
    how_long = (
        count(comparison.steps, "step")
        if comparison.batch_size is None
        else f"{count(comparison.epochs, 'epoch')} of {count(comparison.steps // comparison.epochs, 'step')} "
        f"in batches of {comparison.batch_size:,}"
    )
    floor = "the optimum" if comparison.floor_kind is FloorKind.OPTIMUM else "the lowest loss that any run saw"
    return [
        f"{comparison.about}. Each run: {how_long}. Goal: remove {percent(comparison.goal)} of the excess loss over "
        f"{floor}, {number(comparison.floor)}, for good: steps to the goal count until the loss stays there.",
        f"{comparison.starts_drawn} All optimizers share {_shared(comparison)}.",
        _granted(comparison),
    ]


def _shared(comparison: Comparison) -> str:
    if comparison.batch_size is None:
        return "this start" if comparison.deterministic else "the starts"
    return "the starts and the batches"


def _granted(comparison: Comparison) -> str:
    rates = count(comparison.trials, "rate")
    if comparison.deterministic:
        return f"Each optimizer was granted {rates} to find its best one, one run each: every seed is the same run."
    return (
        f"Each optimizer was granted {rates} to find its best one, on {count(len(comparison.tuning_seeds), 'seed')} "
        f"({span(comparison.tuning_seeds)}); what is shown ran on others ({span(comparison.seeds)})."
    )


def span(seeds: Sequence[int]) -> str:
    """``0–4`` or ``3, 9``."""
    if len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}–{seeds[-1]}"
    return ", ".join(map(str, seeds))


def steps_phrase(runs: RateRuns) -> str:
    """``44 (36–48)``, ``never``, ``183 (160–never)``: the median over seeds and the ends.

    >>> from types import SimpleNamespace
    >>> steps_phrase(SimpleNamespace(steps_to_goal=(44, 36, 48), reached=3, median_steps=44.0))
    '44 (36–48)'
    """
    known = [steps for steps in runs.steps_to_goal if steps is not None]
    if not known:
        return "never"
    all_reached = len(known) == len(runs.steps_to_goal)
    if all_reached and min(known) == max(known):
        return f"{known[0]:,}"
    middle = "never" if runs.median_steps is None else f"{runs.median_steps:,.0f}"
    return f"{middle} ({min(known):,}–{f'{max(known):,}' if all_reached else 'never'})"


def is_adaptive(contender: Contender) -> bool:
    """Whether it takes a step of its own for each parameter: past its limit such an optimizer swings on and stalls.

    So of a run that ends above its start it is not said that it diverges; docs/semantics.md#stability-limit.
    """
    return contender.optimizer not in ("SGD", "ASGD", "LBFGS")


def final_phrase(contender: Contender, runs: RateRuns) -> str:
    """The median final loss over seeds, or ``diverged``; where only some diverged, how many."""
    gone = int(runs.diverged.sum())
    if is_adaptive(contender):
        middle = number(float(np.median(np.where(np.isnan(runs.final_losses), np.inf, runs.final_losses))))
        return middle if gone in (0, len(runs.diverged)) else f"{middle}, {gone} above the start"
    if 2 * gone > len(runs.diverged):
        return "diverged"
    middle = number(float(np.median(np.where(runs.diverged, np.inf, runs.final_losses))))
    return middle if gone == 0 else f"{middle}, {gone} diverged"


def good_phrase(contender: Contender) -> str:
    """``0.0108–0.0198``, the good interval; ``none`` where no rate reached the goal."""
    if contender.good_low is None or contender.good_high is None:
        return "none"
    return f"{number(contender.good_low, 3)}–{number(contender.good_high, 3)}"


def width_phrase(contender: Contender) -> str:
    """``× 1.8``, how wide it is; ``over × 86`` where it goes on beyond what was tried."""
    width = contender.good_width
    return "" if width is None else f"{'> ' if contender.good_open else ''}× {times(width)}"


def times(factor: float) -> str:
    """A factor to two significant figures.

    >>> times(1.832), times(12.4), times(198.7)
    ('1.8', '12', '200')
    >>> times(0.04), times(0.25), times(0.0), times(1e7)
    ('0.040', '0.25', '0', '1×10⁷')
    """
    if not math.isfinite(factor):
        return "∞"
    return (
        number(factor, 2)
        if factor >= 1e6 or factor < 0.995
        else f"{float(f'{factor:.2g}'):,.{1 if factor < 9.95 else 0}f}"
    )


def basin_sentences(comparison: Comparison) -> list[str]:
    """Which starts end in which minimum, told of as a whole."""
    basins = comparison.basins
    if basins is None:
        return []
    grid = f"{len(basins.first_axis)} × {len(basins.second_axis)} starts"
    left_out = [one.left_out for one in basins.maps if one.left_out is not None]
    return [
        f"Which start ends in which minimum: {grid} for each optimizer at its own best rate, "
        f"{count(comparison.steps, 'step')} each. A run is counted with the minimum that small "
        "steps downhill lead to from its end; nowhere: they lead to none of these, or it has left for good. A best "
        "rate for one start need not suit all.",
        *[f"Left out: {why}." for why in left_out],
    ]


def best_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table of each at its own best rate, its titles first, the best optimizer next."""
    rows: list[tuple[str, ...]] = [("optimizer", "its rate", "steps to goal", "final loss", "good rates", "width")]
    for index in comparison.ranking:
        one = comparison.contenders[index]
        rows.append(
            (
                one.label,
                number(one.best.rate, 3),
                steps_phrase(one.best),
                final_phrase(one, one.best),
                good_phrase(one),
                width_phrase(one),
            )
        )
    return rows


def common_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table of all at the common rate, the best optimizer first."""
    rows: list[tuple[str, ...]] = [("optimizer", "steps to goal", "final loss", "its own best rate")]
    for index in common_ranking(comparison):
        one = comparison.contenders[index]
        beside = f"{times(one.best.rate / comparison.common_rate)} × this"
        rows.append((one.label, steps_phrase(one.common), final_phrase(one, one.common), beside))
    return rows


def given_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table of all at rates that were given, the best one first."""
    rows: list[tuple[str, ...]] = [("optimizer", "rate", "steps to goal", "final loss", "its own best rate")]
    for index in comparison.ranking:
        one = comparison.contenders[index]
        rows.append(
            (
                one.label,
                number(one.common.rate, 3),
                steps_phrase(one.common),
                final_phrase(one, one.common),
                number(one.best.rate, 3),
            )
        )
    return rows


def common_ranking(comparison: Comparison) -> list[int]:
    """Indices of the contenders at the common rate, the best first."""
    return [comparison.at_common[0].first, *(found.second for found in comparison.at_common)]


def basin_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Shares of the starts that end in each minimum; of many minima in the lowest, in another, in none."""
    basins = comparison.basins
    if basins is None:
        return []
    few = len(basins.minima) <= FEW_MINIMA
    names = [f"{letter} {name}" for letter, name in zip(LETTERS, minimum_names(basins), strict=False)]
    rows = [("optimizer", *(names if few else ("lowest minimum", "another one")), "nowhere")]
    for one in basins.maps:
        if one.shares is None or one.unsettled is None:
            continue
        lowest = sum(share for share, first in zip(one.shares, basins.is_global, strict=True) if first)
        shares = one.shares if few else (lowest, sum(one.shares) - lowest)
        label = comparison.contenders[one.contender].label
        rows.append((label, *(percent(round(share, 12)) for share in shares), percent(one.unsettled)))
    return rows


def minimum_names(basins: Basins) -> list[str]:
    """``(3, 2)`` for each minimum."""
    return ["(" + ", ".join(f"{value:.3g}".replace("-", MINUS) for value in at) + ")" for at in basins.minima]
