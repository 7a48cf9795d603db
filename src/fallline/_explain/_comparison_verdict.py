"""A comparison of optimizers in words: who comes first, and what of it is only noise."""

from collections.abc import Sequence

import numpy as np

from fallline._explain._comparison import is_adaptive, steps_phrase, times
from fallline._explain._numbers import count, listed, number, percent, short, spelled
from fallline._records import Comparison, Contender, Criterion, Difference, RateRuns, Standing

FAR_APART = 1.5
"""Widths of good intervals that differ by less are not set against each other."""
DIAGONAL = 1e-9
MOST_DECIMALS = 12
FEW_STEPS = 3
"""A goal that is reached as soon as this is an easy one."""


def verdict_at_best(comparison: Comparison) -> list[str]:
    """Who comes first with its own best rate, and by more than noise or not."""
    leader = comparison.leader
    opening = "On this problem, each at its own best rate, "
    return [
        opening + _first_place(leader, [one.best for one in comparison.contenders], comparison),
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
        f"At the common rate {short(comparison.common_rate)} "
        + _first_place(leader, [one.common for one in comparison.contenders], comparison),
        *_against(comparison, comparison.at_common, "common"),
        "One rate for all suits some and not others: this order says whom it suits, not which optimizer is better.",
    ]


def verdict_at_given(comparison: Comparison) -> list[str]:
    """The same at rates that somebody gave, one for each, which stand in the place of the common one."""
    if len(comparison.contenders) == 1:
        return []
    leader = comparison.contenders[comparison.ranking[0]]
    return [
        "At these rates " + _first_place(leader, [one.common for one in comparison.contenders], comparison),
        *_against(comparison, comparison.at_common, "common"),
        "Rates that are chosen by hand say whom they suit, not which optimizer is better.",
    ]


def _first_place(leader: Contender, all_runs: Sequence[RateRuns], comparison: Comparison) -> str:
    """The first sentence; ``all_runs`` are those of every contender in this setting, in the order asked for."""
    runs = all_runs[comparison.contenders.index(leader)]
    if all(one.diverged.all() for one in all_runs):
        adaptive = any(is_adaptive(one) for one in comparison.contenders)
        return f"every one {'ends above its start' if adaptive else 'diverges'}."
    if runs.median_steps is not None:
        seeds = "" if comparison.deterministic else f" in {count(len(comparison.seeds), 'seed')}"
        word = "step" if steps_phrase(runs) == "1" else "steps"
        return f"{leader.label} comes first: {steps_phrase(runs)} {word} to the goal{seeds}."
    if all(one.reached == 0 for one in all_runs):
        left = float(np.median(runs.excess_left / (comparison.start_losses - comparison.floor)))
        return f"none reaches the goal; {leader.label} comes nearest and leaves {percent(left)} of the excess."
    if all(one.median_steps is None for one in all_runs):
        return f"none reaches the goal in more than half of the seeds; {leader.label} comes first."
    return f"{leader.label} comes first, but reaches the goal in only {_of(runs.reached, comparison)}."


def _of(seeds: int, comparison: Comparison) -> str:
    """``3 of 5 seeds``, ``all 5 seeds``."""
    whole = count(len(comparison.seeds), "seed")
    if seeds == len(comparison.seeds):
        return f"all {whole}"
    return f"{seeds} of {whole}" if seeds > 0 else f"none of {whole}"


def _against(comparison: Comparison, found: Sequence[Difference], setting: str) -> list[str]:
    """The others, by what the difference to the first amounts to."""
    of = {one: [d for d in found if d.standing is one] for one in Standing}
    sentences = []
    if of[Standing.TIE]:
        same = "to the same number in every seed" if not comparison.deterministic else "to the same number"
        verb = "comes" if len(of[Standing.TIE]) == 1 else "come"
        sentences.append(f"A tie: {listed(_labels(comparison, of[Standing.TIE]))} {verb} {same}.")
    sentences += _within_noise(comparison, of[Standing.WITHIN_NOISE])
    sentences += _unknown(comparison, of[Standing.UNKNOWN])
    sentences += _clearly(comparison, of[Standing.BETTER], "Behind the first")
    sentences += _clearly(comparison, of[Standing.WORSE], "Before the first by seeds")
    return sentences + _never(comparison, setting)


def _labels(comparison: Comparison, found: Sequence[Difference]) -> list[str]:
    return [comparison.contenders[d.second].label for d in found]


def _within_noise(comparison: Comparison, found: Sequence[Difference]) -> list[str]:
    """What is not told from the first, one sentence for each reason."""
    chosen = [d for d in found if "neighbouring" in d.reason]
    over_seeds = [d for d in found if d not in chosen]
    sentences = []
    for near, why in (
        ([d for d in over_seeds if d.low is not None], "The interval does not exclude 1"),
        ([d for d in over_seeds if d.low is None], "Only bounds are known, and the seeds differ too much"),
        (chosen, "The next rate that was tried makes as much of a difference"),
    ):
        if near:
            named = listed([_named(comparison, d, seeds=True) for d in near])
            sentences.append(f"{why}, so not to be told from the first: {named}.")
    return sentences


def _unknown(comparison: Comparison, found: Sequence[Difference]) -> list[str]:
    """Those of whom nothing can be said: one seed, or a first one without a number of its own."""
    if not found:
        return []
    if len(comparison.seeds) == 1:
        return [f"One seed says nothing about the noise: whether {listed(_labels(comparison, found))} would be behind "
                "in another is not known."]  # fmt: skip
    named = listed([f"{comparison.contenders[d.second].label} ({_sign_count(comparison, d)})" for d in found])
    return [f"Of these no factor can be given, as the first itself did not arrive in every seed: {named}."]


def _sign_count(comparison: Comparison, found: Difference) -> str:
    """``slower in 4 of 5 seeds, faster in 1``."""
    behind = "slower" if found.criterion is Criterion.STEPS else "leaves more"
    before = "faster" if found.criterion is Criterion.STEPS else "less"
    other_way = f", {before} in {found.behind}" if found.behind > 0 else ""
    return f"{behind} in {_of(found.ahead, comparison)}{other_way}"


def _clearly(comparison: Comparison, found: Sequence[Difference], opening: str) -> list[str]:
    """Differences beyond the noise, one sentence for each criterion."""
    sentences = []
    for criterion, what in ((Criterion.STEPS, "the steps"), (Criterion.EXCESS, "the excess left")):
        named = [_named(comparison, d, seeds=d.low is None) for d in found if d.criterion is criterion]
        if named:
            beyond = "" if comparison.deterministic else " beyond the noise"
            sentences.append(f"{opening}{beyond}, {what} counted: {listed(named)}.")
    return sentences


def _named(comparison: Comparison, found: Difference, *, seeds: bool) -> str:
    """``Adam × 3.4 (2.0–5.7)``; ``seeds``: in how many of them it is behind as well."""
    label = comparison.contenders[found.second].label
    if found.ratio is None:
        return label
    ratio, low, high = _written(found.ratio, found.low, found.high)
    factor = f"{label} {'at least ' if found.at_least else ''}× {ratio}"
    beside = [] if low is None else [f"{low}–{high}"]
    if found.same:
        beside.append(f"the same in all {spelled(len(comparison.seeds))} seeds")
    elif seeds and len(comparison.seeds) > 1:
        beside.append(_sign_count(comparison, found))
    return f"{factor} ({', '.join(beside)})" if beside else factor


def _written(ratio: float, low: float | None, high: float | None) -> tuple[str, str | None, str | None]:
    """A factor and the ends of its interval, with as many decimals as it takes to tell the ends apart.

    >>> _written(3.41, 2.0, 5.7), _written(1.0, 0.99991, 1.00004), _written(2.0, None, None)
    (('3.4', '2.0', '5.7'), ('1.0000', '0.9999', '1.0000'), ('2.0', None, None))
    """
    if low is None or high is None:
        return _fine(ratio), None, None
    for decimals in range(2, MOST_DECIMALS + 1):
        shown = [_fine(value, decimals) for value in (ratio, low, high)]
        if shown[1] != shown[2]:
            break
    return shown[0], shown[1], shown[2]


def _fine(factor: float, decimals: int = 2) -> str:
    """A factor near 1 to two decimals or more, else as :func:`times`."""
    return f"{factor:.{decimals}f}" if 0.1 <= factor < 2 or decimals > 2 else times(factor)


def _never(comparison: Comparison, setting: str) -> list[str]:
    """Who cannot reach the goal, and how far it came."""
    runs = {one.label: one.best if setting == "best" else one.common for one in comparison.contenders}
    gone = [label for label, one in runs.items() if one.diverged.all()]
    never = [label for label, one in runs.items() if not one.reached and label not in gone]
    if len(gone) == len(runs):  # then the first sentence has said so
        return []
    if len(never) + len(gone) == len(runs):
        never = []
    within = f"within {count(comparison.steps, 'step')}"
    sentences = (
        [f"{listed(never)} never {'reaches' if len(never) == 1 else 'reach'} the goal {within}."] if never else []
    )
    seeds = "" if comparison.deterministic else " in every seed"
    adaptive = {one.label for one in comparison.contenders if is_adaptive(one)}
    for labels, one_does, all_do in (
        ([label for label in gone if label not in adaptive], "diverges", "diverge"),
        ([label for label in gone if label in adaptive], "ends above its start", "end above their start"),
    ):
        if labels:
            sentences.append(f"{listed(labels)} {one_does if len(labels) == 1 else all_do}{seeds}.")
    return sentences


def _edges(comparison: Comparison) -> list[str]:
    ends = [one for one in comparison.contenders if one.at_edge and one.best.reached]
    if not ends:
        return []
    named = listed([one.label for one in ends])
    whose = "best rate is an end of what was tried: a better one may lie beyond"
    return [f"{named}: the {whose}." if len(ends) == 1 else f"{named}: their {whose}."]


def _widths(comparison: Comparison) -> list[str]:
    """Whose rate is easiest to choose, as far as the ends of the good intervals were seen."""
    wide = [(one.good_width, one) for one in comparison.contenders if one.good_width is not None]
    if len(wide) < 2:
        return []
    (narrow, narrowest), *_, (widest, easiest) = sorted(wide, key=lambda pair: pair[0])
    beyond = any(one.good_open for _, one in wide if one is not easiest)  # it may be wider than it was seen to be
    if widest < FAR_APART * narrow:
        alike = "The good intervals are about equally wide: no rate is easier to choose than another."
        return [] if beyond or easiest.good_open else [alike]
    hardest = f"Hardest to choose a rate for is {narrowest.label}: its good rates span × {times(narrow)}."
    if beyond or easiest.good_low is None or easiest.good_high is None:
        return [] if narrowest.good_open else [hardest]
    inside = int(np.sum((easiest.rates >= easiest.good_low) & (easiest.rates <= easiest.good_high)))
    least = "at least " if easiest.good_open else ""
    median = "" if comparison.trial_runs == comparison.trials else ", in the median over the seeds that chose it,"
    return [
        f"Easiest to choose a rate for is {easiest.label}: every rate tried from {number(easiest.good_low, 3)} to "
        f"{number(easiest.good_high, 3)} ({inside} of them, {least}× {times(widest)}) reaches the goal{median} in at "
        f"most three times its own fewest steps. {hardest}"
    ]


def _cautions(comparison: Comparison) -> list[str]:
    """What about this problem favours some of them."""
    sentences = []
    fewest = comparison.leader.best.median_steps
    if fewest is not None and fewest <= FEW_STEPS:
        sentences.append(
            "The goal is reached so soon that this tells of the first steps only; a goal nearer to 1 asks for more."
        )
    searching = [one.label for one in comparison.contenders if one.optimizer_options.get("max_iter", 1) != 1]
    if searching:
        sentences.append(
            f"A step of {listed(searching)} may evaluate the gradient several times, one of the others once."
        )
    own_pace = [one.label for one in comparison.contenders if is_adaptive(one)]
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
        return "One seed: nothing is said about other starts."
    pairs = len(comparison.contenders) * (len(comparison.contenders) - 1) // 2
    together = "" if pairs == 1 else f" for all {spelled(pairs)} pairs together"
    return (
        f"× is a factor against the first, the geometric mean over {count(len(comparison.seeds), 'seed')}, in brackets "
        f"its interval, 95 %{together}. It speaks of this problem, this goal and {count(comparison.steps, 'step')}."
    )
