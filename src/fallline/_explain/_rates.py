"""A sweep in words: its zones, its recommendation, one of its rates. Terminal, report and slider quote these."""

from collections.abc import Sequence

import numpy as np

from fallline._records import Floats, FloorKind, Landmark, LimitKind, SweepResult, Trial, Zone, ZoneSpan
from fallline._wording import count, not_finite, number, percent, written

FOLKLORE = (0.1, 0.001)
"""Rates that are passed on as too large and as just right, whatever the problem."""
MISSES = "misses the goal"
"""The landmark from which on no run reaches the goal; what theory has beside it is the limit, which has its own."""
SLOW, APART = "slow for its size", "apart from the just right rates"
"""Why a rate that does not cross the valley may be called bouncing: a smaller one is as fast, or it lies cut off."""
CLOSE = 5e-4
"""A predicted and a measured limit within this share of one another are called the same."""


def rate(value: float) -> str:
    """A learning rate: four significant figures without trailing zeros.

    >>> rate(0.01), rate(0.0123456), rate(2.92e-5)
    ('0.01', '0.01235', '2.92×10⁻⁵')
    """
    return written(value)


def sweep_title(result: SweepResult) -> str:
    """What the sweep is about, in one short line."""
    return f"{result.name}: {count(len(result.rates), 'learning rate')} of {result.optimizer}"


def sweep_line(result: SweepResult) -> str:
    """What was run: problem, optimizer, steps, rates."""
    options = [f"{key} {_option(value)}" for key, value in result.optimizer_options.items()]
    size = "" if result.rows is None else f" ({count(result.rows, 'row')})"
    batches = "" if result.batch_size is None else f", {count(result.batch_size, 'row')} a step"
    seeds = "" if len(result.seeds) == 1 else f", {count(len(result.seeds), 'seed')}"
    low, high = (rate(float(value)) for value in result.rates[[0, -1]])
    rates = f"{count(len(result.rates), 'learning rate')} from {low} to {high}"
    each, how = " each", f", {'in one batch' if result.batched else 'one after the other'}"
    if len(result.rates) == 1:
        rates, each, how = f"the learning rate {low}", "", ""
    return (
        f"{result.name}{size}, {', '.join([result.optimizer, *options])}: {rates}, "
        f"{count(result.steps, 'step')}{each}{batches}{seeds}{how}."
    )


def goal_sentences(result: SweepResult) -> list[str]:
    """The goal that the zones rest on, in losses of this problem; nothing where there is none."""
    reached = result.excess_to_reach
    if reached is None:
        return []
    above = {
        FloorKind.OPTIMUM: f"the lowest loss possible, {number(result.floor)}",
        FloorKind.LOWEST_SEEN: f"the lowest loss seen, {number(result.floor)}",
    }[result.floor_kind]
    goal, start, end = percent(result.goal), number(result.start_loss), number(reached)
    starts = result.start_losses
    if len(result.seeds) > 1 and (starts is None or np.ptp(starts) > 0):
        first = f"with seed {result.seeds[0]} from {start} down to {end}"
        return [f"Goal: take away {goal} of what each seed's starting loss has above {above}; {first}."]
    return [f"Goal: take away {goal} of what the starting loss {start} has above {above}, so come down to {end}."]


def rate_words(result: SweepResult, index: int) -> str:
    """One measured rate as a screen reader says it: ``0.02, just right, crosses the valley``."""
    parts = [rate(float(result.rates[index])), result.zone_of_each[index].value]
    if result.crosses_valley[index]:
        parts.append("crosses the valley")
    elif result.crosses_valley[index] is False and (why := bounces_without_crossing(result, index)):
        parts.append(why)
    return ", ".join(parts)


def bounces_without_crossing(result: SweepResult, index: int) -> str:
    """Why a rate that does not cross the valley is called bouncing all the same; empty where it is not, or unknown."""
    if result.zone_of_each[index] is not Zone.BOUNCING:
        return ""
    if result.stalls_at[index] is not None:
        return "stalls in a cycle" if result.batch_size is None else "stalls"
    smaller = [k for k in range(index) if result.zone_of_each[k] is Zone.JUST_RIGHT]
    slowest = max((needed for k in smaller if (needed := result.steps_to_goal[k]) is not None), default=None)
    if slowest is None:
        return ""
    needed = result.steps_to_goal[index]
    return APART if needed is not None and needed <= slowest else SLOW


def rate_sentence(result: SweepResult, index: int) -> str:
    """What one rate did, for the place beside the slider."""
    needed, final = result.steps_to_goal[index], float(result.final_losses[index])
    if result.zone_of_each[index] is Zone.DIVERGING:
        ended = "the loss is no longer a number" if np.isnan(final) else f"the loss ends at {number(final)}"
        told = f"{ended}, from {number(result.start_loss)} at the start"
    elif result.excess_to_reach is None:
        told = f"the loss ends at {number(final)}; no bottom was seen"
    elif needed is None:
        told = f"the goal is not reached in {count(result.steps, 'step')}; the loss ends at {number(final)}"
    else:
        told = f"the goal is reached after {count(needed, 'step')}; the loss ends at {number(final)}"
    return f"{rate_words(result, index)}: {told}."


def zone_meaning(result: SweepResult, span: ZoneSpan) -> str:
    """What the runs of one zone did, from their own numbers."""
    inside = indices_of(result, span)
    steps = [needed for k in inside if (needed := result.steps_to_goal[k]) is not None]
    reached = f"the goal is reached after {_from_to(steps)}" if steps else ""
    missed = f"the goal is not reached in {count(result.steps, 'step')}"
    if result.excess_to_reach is None and span.name is not Zone.DIVERGING:
        return f"the loss ends at {_ends(result, inside)}; no bottom was seen, so there is no goal"
    if span.name is Zone.DIVERGING:
        return _where_diverged(result, inside)
    if len(steps) == len(inside):
        return reached
    if span.name is Zone.BOUNCING:
        crossing = sum(result.crosses_valley[k] is True for k in inside)
        crosses = "crosses the valley" if crossing == len(inside) else "crosses the valley in part"
        stalls = any(result.stalls_at[k] is not None for k in inside)
        stall = "stalls in a cycle" if result.batch_size is None else "stalls"
        told = " and ".join([crosses] * (crossing > 0) + [stall] * stalls + _other_reasons(result, inside, crossing))
        parts = [told] * bool(told) + [f"{reached} at best" if steps else missed]
        return "; ".join(parts)
    return f"{reached}, or not within {count(result.steps, 'step')}" if steps else missed


def _other_reasons(result: SweepResult, inside: Sequence[int], crossing: int) -> list[str]:
    """What is bouncing without crossing the valley or standing in a cycle, in one phrase or none."""
    told = {SLOW: f"is {SLOW}", APART: f"lies {APART}"}
    found = {bounces_without_crossing(result, k) for k in inside if result.crosses_valley[k] is False}
    said = " or ".join(words for reason, words in told.items() if reason in found)
    return [f"{said}{' where it does not' if crossing else ''}"] if said else []


def _where_diverged(result: SweepResult, inside: Sequence[int]) -> str:
    """What became of the runs of a diverging span, in the words that their own ends allow."""
    if not np.isfinite(result.start_loss):
        return f"the loss at the start is {not_finite(result.start_loss)}"
    ends = result.final_losses[list(inside)]
    fell = ends <= result.start_loss  # NaN did not
    gone = [text for text, found in (("∞", np.isposinf(ends)), ("NaN", np.isnan(ends))) if found.any()]
    parts = []
    if (np.isfinite(ends) & ~fell).any():
        parts.append("ends above its start")
    if gone:
        parts.append(f"{'' if parts else 'ends '}at {' or '.join(gone)}")
    if fell.any():
        parts.append("falls ever faster, without a bottom" if not result.bottom_seen else "passes ∞ or NaN on its way")
    return f"the loss {', or '.join(parts)}"


def indices_of(result: SweepResult, span: ZoneSpan) -> list[int]:
    """The measured rates of a span."""
    return [k for k, value in enumerate(result.rates) if span.low <= value <= span.high]


def rate_digits(rates: Sequence[float] | Floats) -> int:
    """The fewest significant figures, four or more, in which different rates are written differently.

    >>> rate_digits([0.1, 0.2]), rate_digits([0.0078781, 0.0078784])
    (4, 5)
    """
    different = {float(value) for value in rates}
    return next((k for k in range(4, 17) if len({written(value, k) for value in different}) == len(different)), 17)


def zone_range(span: ZoneSpan, digits: int = 4) -> str:
    """From where to where a zone was measured."""
    low, high = written(span.low, digits), written(span.high, digits)
    return low if low == high else f"{low} … {high}"


def zone_of(result: SweepResult, value: float) -> Zone | None:
    """The zone of a rate that was run; None of any other."""
    (ran,) = np.nonzero(np.isclose(result.rates, value, rtol=1e-9, atol=0.0))
    return result.zone_of_each[int(ran[0])] if ran.size else None


def recommendation_line(result: SweepResult) -> str:
    """The answer to the question of every training run, with its interval, in one line."""
    found = result.recommended
    if found is None:
        return "No safe answer among these rates."
    if found.low == found.high:
        return f"Use the learning rate {rate(found.value)}; no other of the rates swept is just right."
    return f"Use the learning rate {rate(found.value)}; from {rate(found.low)} to {rate(found.high)} is just right."


def recommendation_sentences(result: SweepResult) -> list[str]:
    """The answer, then its reason with the interval; or that there is none, and why."""
    found = result.recommended
    if found is None:
        return [_as_sentence(result.advice) or recommendation_line(result)]
    if not found.reason:
        return [recommendation_line(result)]
    return [f"Use the learning rate {rate(found.value)}.", _as_sentence(found.reason)]


def _as_sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


KINDS = {
    LimitKind.FROZEN: "of the preconditioner as it stood; past it such an optimizer stalls",
    LimitKind.ANYWHERE: "of the largest curvature this loss can have",
    LimitKind.LOCAL: "of the curvature at one place",
    LimitKind.FULL_BATCH: "of all rows at once; no bound for mini-batches",
}
"""What a limit that is not provable is one of."""


def landmark_sentence(mark: Landmark) -> str:
    """A rate that theory names beside where the runs put it."""
    if mark.name == MISSES and mark.measured is not None:
        return f"from {rate(mark.measured)} on no run reaches the goal"
    kind = None if mark.kind is None else KINDS.get(mark.kind)
    name = mark.name if kind is None else f"{mark.name} ({kind})"
    if mark.measured is None:
        return f"{name}: predicted {rate(mark.predicted)}, not seen in these runs"
    off = difference(mark)
    return f"{name}: predicted {rate(mark.predicted)}, measured {rate(mark.measured)}{off and f', {off}'}"


def difference(mark: Landmark) -> str:
    """How far the measured rate lies from the predicted one, as far as it was measured; empty where it was not."""
    off = mark.difference
    if off is None or mark.measured is None:
        return ""
    coarse = (mark.resolution or 0.0) * mark.measured / mark.predicted
    if abs(off) <= max(coarse, CLOSE):
        return "the same" if coarse <= CLOSE else f"the same to {percent(coarse)}"
    return f"{percent(abs(off))} {'higher' if off > 0 else 'lower'}"


def landmark_rows(result: SweepResult) -> list[tuple[str, str, str, str]]:
    """A table: what theory names, the rate it predicts, where the runs put it, the difference; its titles first."""
    rows = [("", "predicted", "measured", "difference")]
    for mark in result.landmarks:
        measured = "not seen" if mark.measured is None else rate(mark.measured)
        predicted = "" if mark.name == MISSES else rate(mark.predicted)
        rows.append((_named(mark), predicted, measured, difference(mark)))
    return rows


def _named(mark: Landmark) -> str:
    if mark.name == MISSES:
        return "misses the goal from there on"
    kinds = {
        LimitKind.FROZEN: " (frozen preconditioner)",
        LimitKind.ANYWHERE: " (largest curvature anywhere)",
        LimitKind.LOCAL: " (curvature at one place)",
        LimitKind.FULL_BATCH: " (of all rows at once)",
    }
    return mark.name + ("" if mark.kind is None else kinds.get(mark.kind, ""))


def stall_sentences(result: SweepResult) -> list[str]:
    """Where runs hover that no longer come lower: the lowest rate that does, and the highest."""
    peaks = result.stall_peaks or (None,) * len(result.rates)
    ran = zip(result.rates, result.stalls_at, peaks, result.zone_of_each, strict=True)
    stalled = [
        (float(value), above, peak)
        for value, above, peak, zone in ran
        if above is not None and zone is not Zone.DIVERGING
    ]
    if not stalled:
        return []
    where = {FloorKind.OPTIMUM: "possible", FloorKind.LOWEST_SEEN: "seen"}[result.floor_kind]
    (low, above, peak), (high, above_high, peak_high) = stalled[0], stalled[-1]
    told = f"At {rate(low)} the loss no longer falls: it hovers around "
    told += _hovering(above, f" above the lowest {where}", peak)
    if len(stalled) > 1:
        told += f"; at {rate(high)} around {_hovering(above_high, '', peak_high)}"
    return [told + "."]


def _hovering(above: float, than: str, peak: float | None) -> str:
    """An excess, and how high its peaks are where they can be told from it."""
    middle = number(above, 3)
    shown = middle if peak is None else number(peak, 3)
    return f"{middle}{than}" + ("" if shown == middle else f", with peaks to {shown}")


def folklore_sentences(result: SweepResult) -> list[str]:
    """What became of the rates of folklore here; nothing of those that were not run, unless it is proved."""
    if not np.isfinite(result.start_loss):
        return []  # no rate was to blame
    found = [(value, told) for value in FOLKLORE if (told := _folklore(result, value))]
    if not found:
        return []
    kept = [_as_told(zone, value) for value, _ in found if (zone := zone_of(result, value)) is not None]
    moral = " A good rate depends on the problem." if not all(kept) else " Here that holds." if len(kept) == 2 else ""
    here = ", and ".join(told for _, told in found)
    return [f"It is often said that 0.1 is too large and 0.001 just right. Here {here}.{moral}"]


def _folklore(result: SweepResult, value: float) -> str:
    zone = zone_of(result, value)
    if zone is None:
        return _past_the_limit(result, value)
    verb = zone_verb(zone)
    if zone is not Zone.TOO_SMALL:
        return f"{rate(value)} {verb}"
    needed = result.steps_to_goal[int(np.argmin(np.abs(result.rates - value)))]
    if result.excess_to_reach is None:
        return f"{rate(value)} {verb}"
    why = f"misses the goal in {count(result.steps, 'step')}" if needed is None else f"needs {count(needed, 'step')}"
    return f"{rate(value)} {verb} (it {why})"


def zone_verb(zone: Zone) -> str:
    """A zone as what a rate does.

    >>> zone_verb(Zone.BOUNCING), zone_verb(Zone.TOO_SMALL)
    ('bounces', 'is too small')
    """
    return {Zone.DIVERGING: "diverges", Zone.BOUNCING: "bounces"}.get(zone, f"is {zone.value}")


def _past_the_limit(result: SweepResult, value: float) -> str:
    """What is proved of a rate that was not run; empty where nothing is."""
    limit = next((mark for mark in result.landmarks if mark.name == "stability limit"), None)
    if limit is None or limit.kind is not LimitKind.PROVABLE or result.batch_size is not None:
        return ""
    if value <= limit.predicted:
        return ""
    return f"{rate(value)} is {number(value / limit.predicted, 2)} times the limit {rate(limit.predicted)}: it diverges"


def _as_told(zone: Zone, value: float) -> bool:
    """Does folklore hold for this rate?"""
    return zone in ((Zone.BOUNCING, Zone.DIVERGING) if value == FOLKLORE[0] else (Zone.JUST_RIGHT,))


def trial_words(trial: Trial) -> str:
    """One short run: ``a third of it, 0.004: too small, the loss ends at 5.2``."""
    ended = number(float(trial.losses[-1]))
    goal = "" if trial.steps_to_goal is None else f"the goal is reached after {count(trial.steps_to_goal, 'step')}; "
    return f"{trial.name}, {rate(trial.learning_rate)}: {trial.zone.value}, {goal}the loss ends at {ended}"


def _ends(result: SweepResult, inside: Sequence[int]) -> str:
    ends = result.final_losses[list(inside)]
    low, high = number(float(ends.min())), number(float(ends.max()))
    return low if low == high else f"{low} to {high}"


def _from_to(steps: Sequence[int]) -> str:
    low, high = min(steps), max(steps)
    return count(low, "step") if low == high else f"{low:,} to {count(high, 'step')}"


def _option(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return rate(value)
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_option(part) for part in value) + ")"
    return str(value)
