"""How a run ended and why, outcome by outcome."""

import math

import numpy as np

from fallline._explain._lines import pass_word
from fallline._explain._numbers import count, number, percent, rough, short, spelled
from fallline._explain._phases import Phases, phases_of
from fallline._explain._step import reach_of
from fallline._records import LimitKind, Run, Summary

FINE = 0.005
"""A growth factor this near to 1 needs more digits than three."""

ROUND = 1.05
"""A bowl with a smaller condition number looks round."""

STRIDERS = ("Adam", "AdamW", "NAdam", "Adamax", "RMSprop")
"""Optimizers whose steps are about as long as the rate, whatever the slope."""

HERE_ONLY = (LimitKind.FROZEN, LimitKind.LOCAL)
"""Limits of the place and moment where a run ended, which say nothing about why it got there."""

MOST_EPOCHS = 100_000
"""More than this is not advice any more."""


def converged(run: Run, summary: Summary) -> list[str]:
    """When the goal was reached for good, and by what kind of steps."""
    first = _first_at_goal(run)
    if first is None:
        return ["It converged: what is left of the excess loss is below a millionth, or below rounding."]
    if first == 0:
        return ["It began at the bottom and stayed there: no more of the loss could go."]
    if first > 1:
        return [f"It converged: from step {first:,} on at most a millionth of the excess loss was left."]
    reach = reach_of(run, 0)
    landed = "" if reach is None else f" (reach {number(reach, 2)})"
    several = len(run.header.parameter_names) > 1
    round_bowl = several and summary.condition_number is not None and summary.condition_number < ROUND
    why = " In a round bowl downhill points straight at the bottom." if round_bowl else ""
    others = f"; the other {spelled(len(run) - 1)} had nothing left to do" if _rests(run) and len(run) > 1 else ""
    return [f"It converged in a single step{landed}{others}.{why}"]


def _first_at_goal(run: Run) -> int | None:
    """Steps after which at most a millionth of the excess loss was left for good; None where that is not known."""
    if run.moments is None or not run.header.full_batch:
        return None
    floor = run.moments.optimum_loss
    excess = np.append(run.header.start_loss, run.columns.full_loss) - floor
    above = np.flatnonzero(~(excess <= 1e-6 * excess[0]))
    first = int(above[-1]) + 1 if above.size else 0
    return first if first < len(excess) else None


def _rests(run: Run) -> bool:
    """True where nothing moved visibly after the first step."""
    path = run.trajectory
    with np.errstate(all="ignore"):  # what is not finite does not rest
        return bool(np.abs(path[1:] - path[1]).max() <= 1e-6 * np.abs(path[1] - path[0]).max())


def descending(run: Run, summary: Summary) -> list[str]:
    phases = phases_of(run) if run.header.plain_descent else None
    said = [_crawl(phases)] if phases else [_ran_out(run)]
    if not run.columns.learning_rate[-max(1, len(run) // 10) :].any():
        return [*said, "The schedule has brought the rate to 0; it cannot come lower any more."]
    return [*said, *_stride(run), *_what_would_finish(run, summary)]


def _ran_out(run: Run) -> str:
    """How far down it was at its end: on its way, or past its lowest place."""
    losses = run.columns.full_loss[run.columns.full_loss_measured]
    lowest = int(np.argmin(losses))
    if lowest >= len(losses) - max(1, len(losses) // 10) or not losses[lowest] < losses[-1]:
        return f"It was still descending when its {pass_word(run)}s ran out."
    return (
        f"It was lowest, {number(float(losses[lowest]))}, after {count(lowest + 1, pass_word(run))}; when its "
        f"{pass_word(run)}s ran out the loss was {number(float(losses[-1]))}."
    )


def _stride(run: Run) -> list[str]:
    """Adam and its kin: a step is about as long as the rate, which may be too short for the way to go."""
    header = run.header
    if header.optimizer not in STRIDERS or run.moments is None or header.schedule:
        return []
    way = np.abs(run.moments.optimum - np.array(header.start))
    farthest = int(np.argmax(way))
    covered = header.learning_rate * len(run)
    if covered > way[farthest]:
        return []
    return [
        f"{header.optimizer} divides by the running size of the slope, so a step moves a parameter by about the rate: "
        f"{count(len(run), 'step')} of {short(header.learning_rate)} cover about {short(covered)}, "
        f"and {header.parameter_names[farthest]} had {number(float(way[farthest]), 3)} to go. "
        f"A larger rate, or more {pass_word(run)}s, would get there."
    ]


def _crawl(phases: Phases) -> str:
    one = phases.wall_steps == 1
    first = "The first step" if one else f"The first {spelled(phases.wall_steps)} steps"
    fixed = f" {'fixes' if one else 'fix'} {phases.across} and" if phases.across_fixed else ""
    return (
        f"{first}{fixed} {'takes' if one else 'take'} away {percent(phases.wall_part)} of the excess loss; the other "
        f"{spelled(phases.crawl_steps)} crawl along the valley ({percent(phases.crawl_share)} of the remaining "
        f"distance each), and {phases.along} is still off by {number(phases.short_by, 3)}."
    )


def _what_would_finish(run: Run, summary: Summary) -> list[str]:
    """More epochs, or standardising, where that is known to help."""
    steps = summary.steps_to_finish
    header = run.header
    steep = summary.condition_number is not None and summary.condition_number > 10
    # One standardised feature under the square makes a round bowl, where half the limit needs a single step.
    round_then = run.moments is not None and len(header.features) == 1 and header.full_batch
    can_standardise = run.header.plain_descent and header.scaling.is_identity and steep and round_then
    ways = []
    if steps is not None and steps <= MOST_EPOCHS:
        ways.append(f"{count(steps, f'more {pass_word(run)}')} at this rate")
    if can_standardise:
        ways.append("standardising with --learning-rate auto")
    if not ways:
        return []
    said = f"{', or '.join(ways)}{',' if len(ways) > 1 else ''} would finish it."
    return [said[0].upper() + said[1:]]


def stalled(run: Run, summary: Summary) -> list[str]:
    """Nothing lower was found at the end: no slope, no rate, a rate too small to move, decay, noise or a cycle."""
    return [_at_rest(run) or _on_the_spot(run, summary)]


def _at_rest(run: Run) -> str:
    """Why the parameters no longer move, empty where they do."""
    tail = max(1, len(run) // 10)
    path, columns = run.trajectory, run.columns
    if not (path[-1 - tail :] == path[-1]).all():
        return ""
    if not columns.gradient[-tail:].any():
        return "It stands still where every slope is zero."
    if not columns.learning_rate[-tail:].any():
        return "It stands still: the schedule has brought the rate to 0."
    if decay_of(run) > 0:
        return f"It rests where the slope and the weight decay {short(decay_of(run))} cancel{_above(run)}."
    return (
        f"It stands still: the steps are below the rounding of {run.header.dtype}. "
        "A larger rate, or --dtype float64, would move it."
    )


def _on_the_spot(run: Run, summary: Summary) -> str:
    """Why the loss no longer falls although the parameters move."""
    above = _above(run)
    if decay_of(run) > 0 and summary.last_loss > summary.best_loss:
        return (
            f"It stalls{above}: the weight decay {short(decay_of(run))} pulls every parameter towards 0, "
            "so what it minimises is not this loss alone."
        )
    if not run.header.full_batch:
        return (
            f"It hovers{above}: every batch has a bottom of its own, and a constant rate keeps stepping between them. "
            "A smaller rate, or a schedule, comes closer."
        )
    return (
        f"It stalls{above}: the last part of the run came no lower than the part before. "
        "A smaller rate, or a schedule, comes closer."
    )


def _above(run: Run) -> str:
    """How far above the lowest possible loss it ended, where that is known."""
    if run.moments is None or run.summary is None:
        return ""
    return f", {number(run.summary.last_loss - run.moments.optimum_loss, 3)} above the lowest possible loss"


def decay_of(run: Run) -> float:
    """The weight decay of the optimizer, with AdamW's own default."""
    default = 0.01 if run.header.optimizer == "AdamW" else 0.0
    value = run.header.optimizer_options.get("weight_decay", default)
    return float(value) if isinstance(value, int | float) else 0.0


def diverged(run: Run, summary: Summary) -> list[str]:
    """What was passed, by how much, and a rate that works."""
    columns = run.columns
    end = f"from {number(summary.first_loss)} to {number(summary.last_loss)}"
    broke = columns.first_not_finite
    when = "" if broke is None else f" At step {broke:,} a number was no longer finite."
    said = [f"It diverged: the loss went {end}.{when}"]
    largest = float(np.max(columns.learning_rate))
    share, limit = summary.share_of_limit, summary.stability_limit
    if limit is None or share is None or share <= 1 or summary.limit_kind in HERE_ONLY:
        if run.header.optimizer_options.get("maximize"):
            return [*said, "It was told to maximize: it climbs the loss."]
        return [*said, f"A smaller rate is the first thing to try: {short(largest / 10)}."]
    grows = ""
    steady = not run.header.schedule and run.header.full_batch
    if run.header.plain_descent and steady and summary.sharpness is not None and run.moments is not None:
        factor = abs(1 - largest * summary.sharpness)
        grows = (
            ": along the steepest direction every step flips the sign "
            f"and multiplies the distance by {number(factor, 3 if abs(factor - 1) > FINE else 6)}"
        )
    if not run.header.full_batch:
        better = "With mini-batches usable rates end lower still: --learning-rate auto finds one."
    elif run.moments is not None:
        better = f"Half the limit is safe: --learning-rate {_rounded_down(limit / 2)}."
    else:
        better = f"At half the limit, {_rounded_down(limit / 2)}, every step lowers the loss."
    return [*said, f"The rate {short(largest)} is {_past(share)} the limit {number(limit, 3)}{grows}.", better]


def _rounded_down(value: float) -> str:
    """Three significant digits that can be typed, never above the value."""
    digits = 2 - math.floor(math.log10(value))
    return f"{math.floor(value * 10.0**digits) / 10.0**digits:.3g}"


def _past(share: float) -> str:
    """How far past the limit, where percentages would be silly as times."""
    return f"{rough(share)} times" if share > 10 else f"{percent(share - 1)} past"


def interrupted(run: Run, summary: Summary) -> list[str]:
    """How far it came, and whether anybody knows why it ended."""
    header = run.header
    done = f"{count(len(run), 'step')}, {len(run) // header.steps_per_epoch:,} of {count(header.epochs, 'epoch')}"
    if header.rows is None:
        done = f"{len(run):,} of {count(header.epochs, 'step')}"
    if not summary.finished:
        return [f"The record has no end yet: {done}. Its process is still at work, or it was killed."]
    return [f"It was interrupted after {done}; everything up to there is recorded."]
