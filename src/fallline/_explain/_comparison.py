"""A comparison of optimizers in words: what was granted to whom, what came of it, and what is only noise."""

import math
from collections.abc import Sequence

import numpy as np

from fallline._explain._numbers import MINUS, count, listed, number, percent, short, spelled
from fallline._records import Basins, Comparison, Contender, Criterion, Difference, FloorKind, RateRuns, Standing

FAR_APART = 1.5
"""Widths of good intervals that differ by less are not set against each other."""
DIAGONAL = 1e-9
FEW_STEPS = 3
"""A goal that is reached as soon as this is an easy one."""
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
        f"{floor}, {number(comparison.floor)}.",
        f"{comparison.starts_drawn} All optimizers share the starts{_and_batches(comparison)}.",
        _granted(comparison),
    ]


def _and_batches(comparison: Comparison) -> str:
    return "" if comparison.batch_size is None else " and the batches"


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


def final_phrase(runs: RateRuns) -> str:
    """The median final loss over seeds, or ``diverged``; where only some diverged, how many."""
    gone = int(runs.diverged.sum())
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
    """
    if not math.isfinite(factor):
        return "∞"
    return number(factor, 2) if factor >= 1e6 else f"{float(f'{factor:.2g}'):,.{1 if factor < 9.95 else 0}f}"


def verdict_at_best(comparison: Comparison) -> list[str]:
    """Who comes first with its own best rate, and by more than noise or not."""
    leader = comparison.leader
    opening = "On this problem, each at its own best rate, "
    return [
        opening + _first_place(leader.label, leader.best, comparison),
        *_against(comparison, comparison.at_best, "best"),
        *_edges(comparison),
        *_widths(comparison),
        *_cautions(comparison),
        _terms(comparison),
    ]


def verdict_at_common(comparison: Comparison) -> list[str]:
    """The same at one common rate, and what such an order is worth."""
    leader = comparison.contenders[comparison.at_common[0].first]
    return [
        f"At the common rate {short(comparison.common_rate)} {_first_place(leader.label, leader.common, comparison)}",
        *_against(comparison, comparison.at_common, "common"),
        "One rate for all suits some and not others: this order says whom it suits, not which optimizer is better.",
    ]


def _first_place(label: str, runs: RateRuns, comparison: Comparison) -> str:
    if runs.median_steps is None:
        left = float(np.median(runs.excess_left / (comparison.start_losses - comparison.floor)))
        if not runs.reached:
            return f"none reaches the goal; {label} comes nearest and leaves {percent(left)} of the excess."
        return f"none reaches the goal in more than half of the seeds; {label} comes first."
    seeds = "" if comparison.deterministic else f" in {count(len(comparison.seeds), 'seed')}"
    word = "step" if steps_phrase(runs) == "1" else "steps"
    return f"{label} comes first: {steps_phrase(runs)} {word} to the goal{seeds}."


def _against(comparison: Comparison, found: Sequence[Difference], setting: str) -> list[str]:
    """The others, by what the difference to the first amounts to."""
    labels = {one: [comparison.contenders[d.second].label for d in found if d.standing is one] for one in Standing}
    sentences = []
    if labels[Standing.TIE]:
        same = "to the same number in every seed" if not comparison.deterministic else "to the same number"
        verb = "comes" if len(labels[Standing.TIE]) == 1 else "come"
        sentences.append(f"A tie: {listed(labels[Standing.TIE])} {verb} {same}.")
    for slackness, why in ((False, "over the seeds"), (True, "of choosing a rate")):
        near = [d for d in found if d.standing is Standing.WITHIN_NOISE and ("neighbouring" in d.reason) is slackness]
        if near:
            named = listed([f"{comparison.contenders[d.second].label} {_factor(d)}" for d in near])
            sentences.append(f"Within the noise {why}, so not to be told from the first: {named}.")
    if labels[Standing.UNKNOWN]:
        sentences.append(f"One seed says nothing about the noise: whether {listed(labels[Standing.UNKNOWN])} "
                         "would be behind in another is not known.")  # fmt: skip
    sentences += _clearly(comparison, [d for d in found if d.standing is Standing.BETTER], "Behind the first")
    sentences += _clearly(comparison, [d for d in found if d.standing is Standing.WORSE], "Before the first by seeds")
    return sentences + _never(comparison, setting)


def _clearly(comparison: Comparison, found: Sequence[Difference], opening: str) -> list[str]:
    """Differences beyond the noise, one sentence for each criterion."""
    sentences = []
    for criterion, what in ((Criterion.STEPS, "the steps"), (Criterion.EXCESS, "the excess left")):
        named = [f"{comparison.contenders[d.second].label} {_factor(d)}" for d in found if d.criterion is criterion]
        if named:
            beyond = "" if comparison.deterministic else " beyond the noise"
            sentences.append(f"{opening}{beyond}, {what} counted: {listed(named)}.")
    return sentences


def _factor(found: Difference) -> str:
    """``× 3.4 (2.0–5.7)``, with "at least" where a run that did not arrive was counted as if it had."""
    if found.ratio is None:
        return ""
    least = "at least " if found.at_least else ""
    if found.low is None or found.high is None:
        return f"{least}× {_fine(found.ratio)}"
    return f"{least}× {_fine(found.ratio)} ({_fine(found.low)}–{_fine(found.high)})"


def _fine(factor: float) -> str:
    """A factor near 1 to two decimals, else as :func:`times`."""
    return f"{factor:.2f}" if 0.1 <= factor < 2 else number(factor, 2) if factor < 0.1 else times(factor)


def _never(comparison: Comparison, setting: str) -> list[str]:
    """Who cannot reach the goal, and how far it came."""
    runs = {one.label: one.best if setting == "best" else one.common for one in comparison.contenders}
    gone = [label for label, one in runs.items() if one.diverged.all()]
    never = [label for label, one in runs.items() if not one.reached and label not in gone]
    if len(never) + len(gone) == len(runs):  # then the first sentence has said so
        never = []
    within = f"within {count(comparison.steps, 'step')}"
    sentences = (
        [f"{listed(never)} never {'reaches' if len(never) == 1 else 'reach'} the goal {within}."] if never else []
    )
    if gone:
        sentences.append(f"{listed(gone)} {'diverges' if len(gone) == 1 else 'diverge'} in every seed."
                         if not comparison.deterministic else
                         f"{listed(gone)} {'diverges' if len(gone) == 1 else 'diverge'}.")  # fmt: skip
    return sentences


def _edges(comparison: Comparison) -> list[str]:
    ends = [one for one in comparison.contenders if one.at_edge and one.best.reached]
    if not ends:
        return []
    named = listed([one.label for one in ends])
    whose = "best rate is an end of what was tried: a better one may lie beyond"
    return [f"{named}: the {whose}." if len(ends) == 1 else f"{named}: their {whose}."]


def _widths(comparison: Comparison) -> list[str]:
    """Whose rate is easiest to choose."""
    wide = [(one.good_width, one) for one in comparison.contenders if one.good_width is not None]
    if len(wide) < 2:
        return []
    narrowest, widest = min(wide, key=lambda pair: pair[0]), max(wide, key=lambda pair: pair[0])
    if widest[0] < FAR_APART * narrowest[0]:
        return ["The good intervals are about equally wide: no rate is easier to choose than another."]
    least = "at least " if widest[1].good_open else ""
    return [
        f"Easiest to choose a rate for is {widest[1].label}: any from {number(widest[1].good_low or 0.0, 3)} to "
        f"{number(widest[1].good_high or 0.0, 3)} ({least}× {times(widest[0])}) reaches the goal in at most three "
        f"times its own fewest steps; hardest is {narrowest[1].label} (× {times(narrowest[0])})."
    ]


def _cautions(comparison: Comparison) -> list[str]:
    """What about this problem favours some of them."""
    sentences = []
    fewest = comparison.leader.best.median_steps
    if fewest is not None and fewest <= FEW_STEPS:
        sentences.append(
            "The goal is reached so soon that this tells of the first steps only; --goal 0.9999 asks for more."
        )
    searching = [one.label for one in comparison.contenders if one.optimizer_options.get("max_iter", 1) != 1]
    if searching:
        sentences.append(
            f"A step of {listed(searching)} may evaluate the gradient several times, one of the others once."
        )
    own_pace = [one.label for one in comparison.contenders if one.optimizer not in ("SGD", "ASGD", "LBFGS")]
    if own_pace and comparison.moments is not None and _diagonal(comparison.moments.hessian):
        verb = "takes" if len(own_pace) == 1 else "take"
        sentences.append(
            f"The axes of this bowl are the parameters' own, which suits {listed(own_pace)}: "
            f"{'it' if len(own_pace) == 1 else 'they'} {verb} a step of its own for each parameter. "
            "A turned bowl would not be the same."
        )
    decay = [one.label for one in comparison.contenders if _decays(one)]
    if decay and comparison.optimum is not None and not np.abs(comparison.optimum).max() > DIAGONAL:
        verb = "pulls" if len(decay) == 1 else "pull"
        sentences.append(f"The minimum lies at 0, to which the weight decay of {listed(decay)} {verb} anyhow.")
    return sentences


def _diagonal(hessian: np.ndarray) -> bool:
    along = np.diag(hessian)
    beside = np.abs(hessian - np.diag(along)).max()
    return len(along) > 1 and bool(beside <= DIAGONAL * along.max()) and bool(along.max() > 1.05 * along.min())


def _decays(contender: Contender) -> bool:
    given = contender.optimizer_options.get("weight_decay", 0.01 if contender.optimizer == "AdamW" else 0.0)
    return isinstance(given, int | float) and given != 0


def _terms(comparison: Comparison) -> str:
    """What the intervals mean."""
    if comparison.deterministic:
        return "Full batch from a given start: every run is the same each time; nothing is said about other starts."
    if len(comparison.seeds) == 1:
        return "One seed: nothing is said about other starts. Ask for more with --seeds."
    pairs = len(comparison.contenders) * (len(comparison.contenders) - 1) // 2
    together = "" if pairs == 1 else f" for all {spelled(pairs)} pairs together"
    return (
        f"× is a factor against the first, the geometric mean over {count(len(comparison.seeds), 'seed')}, in brackets "
        f"its interval, 95 %{together}. It speaks of this problem, this goal and {count(comparison.steps, 'step')}."
    )


def basin_sentences(comparison: Comparison) -> list[str]:
    """Which starts end in which minimum, told of as a whole."""
    basins = comparison.basins
    if basins is None:
        return []
    grid = f"{len(basins.first_axis)} × {len(basins.second_axis)} starts"
    left_out = [one.left_out for one in basins.maps if one.left_out]
    return [
        f"Which start ends in which minimum: {grid} for each optimizer at its own best rate, "
        f"{count(comparison.steps, 'step')} each. A best rate for one start need not suit all: "
        "nowhere means not at rest in time, or diverged.",
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
                final_phrase(one.best),
                good_phrase(one),
                width_phrase(one),
            )
        )
    return rows


def common_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table of all at the common rate, the best optimizer first."""
    rows: list[tuple[str, ...]] = [("optimizer", "steps to goal", "final loss", "its best is")]
    for index in common_ranking(comparison):
        one = comparison.contenders[index]
        beside = f"{times(one.best.rate / comparison.common_rate)} × it"
        rows.append((one.label, steps_phrase(one.common), final_phrase(one.common), beside))
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
        if one.ends_in is None:
            continue
        lowest = sum(share for share, first in zip(one.shares, basins.is_global, strict=True) if first)
        shares = one.shares if few else (lowest, sum(one.shares) - lowest)
        label = comparison.contenders[one.contender].label
        rows.append((label, *(percent(round(share, 12)) for share in shares), percent(one.unsettled)))
    return rows


def minimum_names(basins: Basins) -> list[str]:
    """``(3, 2)`` for each minimum."""
    return ["(" + ", ".join(f"{value:.3g}".replace("-", MINUS) for value in at) + ")" for at in basins.minima]
