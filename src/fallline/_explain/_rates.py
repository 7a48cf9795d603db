"""A sweep in words: its zones, its recommendation, one of its rates. Terminal, report and slider quote these."""

from collections.abc import Sequence

import numpy as np

from fallline._explain._numbers import count, number, percent
from fallline._records import FloorKind, Landmark, LimitKind, SweepResult, Trial, Zone, ZoneSpan

FOLKLORE = (0.1, 0.001)
"""Rates that are passed on as too large and as just right, whatever the problem."""
CLOSE = 5e-4
"""A predicted and a measured limit within this share of one another are called the same."""


def rate(value: float) -> str:
    """A learning rate: four significant figures without trailing zeros.

    >>> rate(0.01), rate(0.0123456), rate(2.92e-5)
    ('0.01', '0.01235', '2.92×10⁻⁵')
    """
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def sweep_title(result: SweepResult) -> str:
    """What the sweep is about, in one short line."""
    return f"{result.name}: {len(result.rates)} learning rates of {result.optimizer}"


def sweep_line(result: SweepResult) -> str:
    """What was run: problem, optimizer, steps, rates."""
    options = [f"{key} {_option(value)}" for key, value in result.optimizer_options.items()]
    size = "" if result.rows is None else f" ({count(result.rows, 'row')})"
    batches = "" if result.batch_size is None else f", {count(result.batch_size, 'row')} a step"
    seeds = "" if len(result.seeds) == 1 else f", each from {len(result.seeds)} starts"
    low, high = (rate(float(value)) for value in result.rates[[0, -1]])
    how = "in one batch" if result.batched else "one after the other"
    return (
        f"{result.name}{size}, {', '.join([result.optimizer, *options])}: {len(result.rates)} learning rates "
        f"from {low} to {high}, {count(result.steps, 'step')} each{batches}{seeds}, {how}."
    )


def goal_line(result: SweepResult) -> str:
    """The goal that the zones rest on, in losses of this problem."""
    above = {
        FloorKind.OPTIMUM: f"the lowest loss possible, {number(result.floor)}",
        FloorKind.LOWEST_SEEN: f"the lowest loss seen, {number(result.floor)}",
    }[result.floor_kind]
    return (
        f"Goal: take away {percent(result.goal)} of what the starting loss {number(result.start_loss)} has above "
        f"{above}, so come down to {number(result.excess_to_reach)}."
    )


def rate_words(result: SweepResult, index: int) -> str:
    """One measured rate as a screen reader says it: ``0.02, just right, crosses the valley``."""
    parts = [rate(float(result.rates[index])), result.zone_of_each[index].value]
    if result.crosses_valley[index]:
        parts.append("crosses the valley")
    return ", ".join(parts)


def rate_sentence(result: SweepResult, index: int) -> str:
    """What one rate did, for the place beside the slider."""
    needed, final = result.steps_to_goal[index], float(result.final_losses[index])
    if result.zone_of_each[index] is Zone.DIVERGING:
        ended = "the loss is no longer a number" if not np.isfinite(final) else f"the loss ends at {number(final)}"
        told = f"{ended}, from {number(result.start_loss)} at the start"
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
    if span.name is Zone.DIVERGING:
        return f"the loss ends {_where_diverged(result, inside)}"
    if len(steps) == len(inside):
        return reached
    if span.name is Zone.BOUNCING:
        crosses = any(result.crosses_valley[k] for k in inside)
        stalls = any(result.stalls_at[k] is not None for k in inside)
        stall = "stalls in a cycle" if result.batch_size is None else "stalls"
        told = " and ".join(["crosses the valley"] * crosses + [stall] * stalls)
        parts = [told] * bool(told) + [f"{reached} at best" if steps else missed]
        return "; ".join(parts)
    return f"{reached}, or not within {count(result.steps, 'step')}" if steps else missed


def _where_diverged(result: SweepResult, inside: Sequence[int]) -> str:
    lost = sum(not np.isfinite(result.final_losses[k]) for k in inside)
    if lost == 0:
        return "above its start"
    return "at ∞ or NaN" if lost == len(inside) else "above its start, or at ∞ or NaN"


def indices_of(result: SweepResult, span: ZoneSpan) -> list[int]:
    """The measured rates of a span."""
    return [k for k, value in enumerate(result.rates) if span.low <= value <= span.high]


def zone_range(span: ZoneSpan) -> str:
    """From where to where a zone was measured."""
    return rate(span.low) if span.low == span.high else f"{rate(span.low)} … {rate(span.high)}"


def zone_at(result: SweepResult, value: float) -> Zone | None:
    """The zone of a rate that was run, or has runs of one zone on both sides; None elsewhere."""
    return next((span.name for span in result.zones if span.low <= value <= span.high), None)


def recommendation_line(result: SweepResult) -> str:
    """The answer to the question of every training run, with its interval, in one line."""
    found = result.recommended
    if found is None:
        return "No safe answer among these rates."
    if found.low == found.high:
        return f"Use the learning rate {rate(found.value)}; no other rate measured was just right."
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


def landmark_sentence(mark: Landmark) -> str:
    """A rate that theory names beside where the runs put it."""
    name = (
        {
            LimitKind.FROZEN: f"{mark.name} (of the preconditioner as it stood; past it such an optimizer stalls)",
            LimitKind.ANYWHERE: f"{mark.name} (of the largest curvature this loss can have)",
            LimitKind.LOCAL: f"{mark.name} (of the curvature at one place)",
        }.get(mark.kind, mark.name)
        if mark.kind is not None
        else mark.name
    )
    if mark.measured is None or mark.difference is None:
        return f"{name}: predicted {rate(mark.predicted)}, not seen in these runs"
    return f"{name}: predicted {rate(mark.predicted)}, measured {rate(mark.measured)}, {difference(mark)}"


def difference(mark: Landmark) -> str:
    """How far the measured rate lies from the predicted one; empty where nothing was measured."""
    off = mark.difference
    if off is None:
        return ""
    if abs(off) < CLOSE:
        return "the same"
    return f"{percent(abs(off))} {'higher' if off > 0 else 'lower'}"


def stall_sentences(result: SweepResult) -> list[str]:
    """The floors above which runs circle without getting lower."""
    ran = zip(result.rates, result.stalls_at, result.zone_of_each, strict=True)
    stalled = [(float(value), above) for value, above, zone in ran if above is not None and zone is not Zone.DIVERGING]
    if not stalled:
        return []
    lowest, highest = stalled[0], stalled[-1]
    where = {FloorKind.OPTIMUM: "possible", FloorKind.LOWEST_SEEN: "seen"}[result.floor_kind]
    told = f"At {rate(lowest[0])} the loss no longer falls, {number(lowest[1], 3)} above the lowest {where}"
    if highest != lowest:
        told += f"; at {rate(highest[0])} it stays {number(highest[1], 3)} above it"
    return [told + "."]


def folklore_sentences(result: SweepResult) -> list[str]:
    """What became of the rates of folklore here; nothing where they were not measured."""
    found = [(value, told) for value in FOLKLORE if (told := _folklore(result, value))]
    if not found:
        return []
    kept = [_as_told(zone_at(result, value), value) for value, _ in found if zone_at(result, value) is not None]
    moral = " A good rate depends on the problem." if not all(kept) else " Here that holds." if len(kept) == 2 else ""
    here = ", and ".join(told for _, told in found)
    return [f"It is often said that 0.1 is too large and 0.001 just right. Here {here}.{moral}"]


def _folklore(result: SweepResult, value: float) -> str:
    zone = zone_at(result, value)
    if zone is None:
        return _past_the_limit(result, value)
    ran = np.flatnonzero(np.isclose(result.rates, value, rtol=1e-9, atol=0.0))
    verb = {Zone.DIVERGING: "diverges", Zone.BOUNCING: "bounces"}.get(zone, f"is {zone.value}")
    if zone is not Zone.TOO_SMALL or not ran.size:
        return f"{rate(value)} {verb}"
    needed = result.steps_to_goal[int(ran[0])]
    why = f"misses the goal in {count(result.steps, 'step')}" if needed is None else f"needs {count(needed, 'step')}"
    return f"{rate(value)} {verb} (it {why})"


def _past_the_limit(result: SweepResult, value: float) -> str:
    """What is proved of a rate above all that were run; empty where nothing is."""
    limit = next((mark for mark in result.landmarks if mark.name == "stability limit"), None)
    if limit is None or limit.kind is not LimitKind.PROVABLE or result.batch_size is not None:
        return ""
    if value <= max(limit.predicted, float(result.rates[-1])):
        return ""
    return f"{rate(value)} is {number(value / limit.predicted, 2)} times the limit {rate(limit.predicted)}: it diverges"


def _as_told(zone: Zone | None, value: float) -> bool:
    """Does folklore hold for this rate?"""
    return zone in ((Zone.BOUNCING, Zone.DIVERGING) if value == FOLKLORE[0] else (Zone.JUST_RIGHT,))


def trial_words(trial: Trial) -> str:
    """One short run: ``a third of it, 0.004: too small, the loss ends at 5.2``."""
    ended = number(float(trial.losses[-1]))
    return f"{trial.name}, {rate(trial.learning_rate)}: {trial.zone.value}, the loss ends at {ended}"


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
