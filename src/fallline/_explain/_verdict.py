"""The verdict on a run: what happened, which limit it stands to, what would help."""

from collections.abc import Mapping

import numpy as np

from fallline._explain._endings import converged, decay_of, descending, diverged, interrupted, stalled
from fallline._explain._lines import condition_phrase, limit_phrase
from fallline._explain._numbers import listed, number, percent, rough, short
from fallline._explain._surface import first_slope, where_it_ended
from fallline._records import LimitKind, Outcome, Run, Summary

MUCH_DECAY = 0.01
"""A decay per step that visibly keeps a run from the bottom."""

WHERE: Mapping[LimitKind, str] = {
    LimitKind.ANYWHERE: " (the largest curvature this loss can have on these rows)",
    LimitKind.LOCAL: " (by the curvature where the run ended; elsewhere this surface curves differently)",
}
"""What a limit that is not provable rests on."""

WORTH_TELLING = 2
"""How many times rounder standardising must have made the bowl to be mentioned."""


def verdict(run: Run) -> list[str]:
    """The run in a few sentences, each true of this run; empty for a run without a summary."""
    summary = run.summary
    if summary is None:
        return []
    told = {
        Outcome.CONVERGED: converged,
        Outcome.DESCENDING: descending,
        Outcome.STALLED: stalled,
        Outcome.DIVERGED: diverged,
        Outcome.INTERRUPTED: interrupted,
        Outcome.ENDED: interrupted,  # of watched loops only: no neuron ends so
    }[summary.outcome]
    story = told(run, summary)
    if summary.outcome is not Outcome.DIVERGED:  # that story names the limit itself
        share = _share(run, summary)
        story = [*story, *share] if summary.outcome is Outcome.CONVERGED else [*share, *story]
    return [
        *first_slope(run),
        *story,
        *where_it_ended(run, summary),
        *_decay(run, summary),
        *_no_bottom(run, summary),
        *_many_lines(run, summary),
        *_mini_batches(run, summary),
        *_standardised(run, summary),
    ]


def _share(run: Run, summary: Summary) -> list[str]:
    """The rate's share of the limit, and what that means for a single step."""
    rate, phrase = (
        short(float(np.max(run.columns.learning_rate, initial=run.header.learning_rate))),
        limit_phrase(run),
    )
    share = summary.share_of_limit
    if not phrase or share is None:
        return _without_limit(run)
    if summary.limit_kind is LimitKind.FROZEN:
        last = short(float(run.columns.learning_rate[-1]))
        said = f"The rate {last} is {phrase} of {run.header.optimizer}, for its preconditioner as it stood at the end."
        circles = summary.outcome is Outcome.STALLED and share > 1
        return [f"{said} Past it {run.header.optimizer} circles above the minimum." if circles else said]
    where = WHERE.get(summary.limit_kind, "") if summary.limit_kind is not None else ""
    changes = len(run) > 0 and np.ptp(run.columns.learning_rate) > 0
    said = f"The {'largest ' if changes else ''}rate {rate} is {phrase}{where}"
    single = run.header.plain_descent and run.header.full_batch and not run.header.schedule
    if not single or share >= 1 or where:
        return [said + "."]
    if abs(share - 0.5) < 0.005:
        return [said + ": at half of it, a step ends at the bottom of the steepest direction."]
    if share > 0.5:
        return [said + ": above half of it, a step jumps across the valley to its other wall."]
    return [said + ": no step jumps across the valley to its other wall."]


def _without_limit(run: Run) -> list[str]:
    if run.header.loss == "mae":
        return [
            f"The mean absolute error is made of straight pieces: it has no curvature, so {_limit_of_decay(run)}; "
            "near the bottom a constant rate hops from side to side by an amount proportional to it."
        ]
    if run.summary is not None and run.summary.sharpness is None:
        if run.header.formula is None or not len(run) or not np.isfinite(run.columns.parameters[-1]).all():
            return []
        return ["Where it ended the surface does not curve up along any direction: there is no stability limit there."]
    return [f"fallline knows no stability limit for {run.header.optimizer} with these options."]


def _limit_of_decay(run: Run) -> str:
    """Slopes of straight pieces are bounded: without weight decay no rate diverges, with it those past its own do."""
    from fallline._curvature import provable_limit  # noqa: PLC0415  (torch comes with it: a run is told without)

    alone = provable_limit(run.header.optimizer, run.header.optimizer_options, sharpness=0.0)
    if alone is None:
        return "there is no stability limit"
    return (
        f"the stability limit is that of the weight decay alone, {short(alone.value)}, past which the parameters grow "
        "without end"
    )


def _many_lines(run: Run, summary: Summary) -> list[str]:
    """Features that repeat one another: the loss is known, the line is not."""
    if run.moments is None or summary.exact is not None:
        return []
    if run.header.formula is not None:
        return ["This surface is level along a direction, so many points are equally low; it ended at one of them."]
    return ["Some features repeat one another, so many lines fit equally well; what was learned is one of them."]


def _decay(run: Run, summary: Summary) -> list[str]:
    """AdamW's decay is taken off the parameters at every step, scaled by the rate: at high rates that is a lot."""
    share = decay_of(run) * float(np.max(run.columns.learning_rate, initial=0.0))
    if run.header.optimizer != "AdamW" or share < MUCH_DECAY or summary.outcome is Outcome.CONVERGED:
        return []
    return [
        f"The weight decay {short(decay_of(run))} times this rate takes {percent(share)} off every parameter "
        "at each step, so it cannot settle at the bottom of this loss."
    ]


def _no_bottom(run: Run, summary: Summary) -> list[str]:
    if not summary.separable:
        return []
    return [
        f"A line parts the two classes of {run.header.target} completely, so the loss has no minimum: "
        "the longer it trains, the larger the weights and the smaller the loss, without end."
    ]


def _mini_batches(run: Run, summary: Summary) -> list[str]:
    header = run.header
    if header.full_batch or summary.stability_limit is None or header.rows is None or header.batch_size is None:
        return []
    return [
        f"Each step saw {header.batch_size:,} of {header.rows:,} rows; "
        "with batches the usable rates end below the limit of the whole table."
    ]


def _standardised(run: Run, summary: Summary) -> list[str]:
    """What the raw columns would have meant."""
    raw, limit, steps = summary.raw_condition_number, summary.raw_stability_limit, summary.raw_steps
    if raw is None or limit is None or summary.condition_number is None or summary.outcome is Outcome.DIVERGED:
        return []
    if raw < WORTH_TELLING * summary.condition_number:
        return []
    few = len(run.header.features) <= 3
    features = f"raw {listed(list(run.header.features))}" if few else "the raw features"
    # A millionth of a huge start's excess may be left soon, and the line still be far off: few steps say nothing.
    took = "" if steps is None or steps < len(run) else f", and plain descent at half of it needs about {_steps(steps)}"
    return [
        f"Standardising did this: on {features} the same bowl has the condition number {rough(raw)} and the limit "
        f"{number(limit, 2)}{took}; standardised it has {condition_phrase(summary.condition_number)}."
    ]


def _steps(steps: float) -> str:
    return "one step" if steps == 1 else f"{rough(steps)} steps"
