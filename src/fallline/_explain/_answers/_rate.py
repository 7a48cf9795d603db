"""``why rate`` in words."""

import math

import numpy as np

from fallline._explain._numbers import count, listed, number, percent, places, short
from fallline._records import Answer, Curves, Facts, Mark, Role, Section, Series, SweepResult, Zone
from fallline._why import FOLKLORE, RateFindings

SHOWN_PARTS = (1e-3, 1e-2, 1e-1, 1.0)
"""Of the largest rate tried in one step."""
SHOWN_COUNTS = 6


def rate_answer(found: RateFindings) -> Answer:
    """The answer to "why a rate?"."""
    return Answer(
        question="rate",
        title="Why a learning rate, and why a small one?",
        problem=found.problem,
        summary=_summary(found),
        sections=(_nearby(found), *_slow(found), _overshoot(found), _without(found), _folklore(found)),
        numbers=_numbers(found),
    )


def _summary(found: RateFindings) -> str:
    said = ["The slope is only true where it was measured: the rate says how far to trust it."]
    law, sweep = found.promise.law, found.sweep
    if law is not None:
        said.append(f"The error of its promise grows as the rate to the power {_law(law.exponent, law.error)}.")
    if sweep.measured_limit is not None:
        said.append(f"From the rate {number(sweep.measured_limit)} on, the runs on {found.problem} diverge.")
    return " ".join(said)


def _law(exponent: float, error: float) -> str:
    """A fitted exponent with no more digits than its error allows.

    >>> _law(1.99986, 0.00029), _law(2.0, 1e-11), _law(-1.0077, 0.017)
    ('1.9999 ± 0.0003', '2.000 (± 1×10⁻¹¹)', '−1.008 ± 0.017')
    """
    if error < 1e-4:
        return f"{number(exponent)} (± {number(error, 1)})"
    digits = 1 - math.floor(math.log10(error)) if error < 1 else 1
    digits = min(4, digits)
    return f"{exponent:.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def _nearby(found: RateFindings) -> Section:
    """|real − promised| over the rate."""
    promise = found.promise
    square = float(found.slopes @ found.slopes)
    sentences = [
        f"A step of rate η against the slope promises to lower the loss by η × |gradient|² = η × {number(square)}."
    ]
    if promise.law is not None:
        sentences.append(
            f"What comes is something else, and the error grows as the rate to the power "
            f"{_law(promise.law.exponent, promise.law.error)}, fitted to the {promise.law.points} smaller rates"
            + (": with half the rate a quarter of the error." if abs(promise.law.exponent - 2) < 0.05 else ".")
        )
    elif not (promise.errors > 1e-9 * np.abs(promise.promised)).any():
        sentences.append("At all these rates it was kept, to rounding: here the loss is straight as far as they reach.")
    elif found.promise.errors[0] <= 1e-9 * abs(float(promise.promised[0])):
        sentences.append("At small rates it was kept, to rounding: this loss is made of straight pieces.")
    if promise.half_curvature is not None and promise.off is not None:
        sentences.append(
            f"On a parabola the error is exactly η² × ½gᵀHg = η² × {number(promise.half_curvature)}; "
            f"the runs differ from that by at most a part {number(promise.off, 2)}."
        )
    shown = [int(np.argmin(np.abs(np.log(promise.rates / (part * promise.rates[-1]))))) for part in SHOWN_PARTS]
    table = Facts(
        title="One step from the start",
        columns=("rate", "promised", "came", "error, part of the promise"),
        rows=tuple(
            (
                number(float(promise.rates[k]), 3),
                number(float(promise.promised[k])),
                number(float(promise.real[k])),
                percent(float(promise.errors[k] / abs(promise.promised[k]))),
            )
            for k in shown
        ),
        numeric=(True,) * 4,
    )
    return Section("The promise of the slope holds nearby", (tuple(sentences),), (table, *_error_curve(found)))


def _error_curve(found: RateFindings) -> tuple[Curves, ...]:
    promise = found.promise
    above = np.isfinite(promise.errors) & (promise.errors > 0)
    if not above.any():
        return ()
    series = [Series("measured", promise.rates[above], promise.errors[above], Role.MAIN, points=True)]
    if promise.law is not None:
        middle = np.flatnonzero(promise.fitted)[len(np.flatnonzero(promise.fitted)) // 2]
        square = promise.errors[middle] * (promise.rates / promise.rates[middle]) ** 2
        series.append(Series("rate squared", promise.rates, square, Role.THEORY))
    return (
        Curves(
            title="How far the promise is off",
            series=tuple(series),
            x_title="rate",
            y_title="|came − promised|",
            log_x=True,
            log_y=True,
        ),
    )


def _slow(found: RateFindings) -> tuple[Section, ...]:
    """Steps to the goal over the rate."""
    sweep = found.sweep
    known = [k for k, steps in enumerate(sweep.steps_to_goal) if steps is not None]
    if not known:
        return ()
    goal = percent(sweep.goal)
    slowest, quickest = known[0], min(known, key=lambda k: (sweep.steps_to_goal[k] or 0, sweep.rates[k]))
    sentences = [
        f"To remove {goal} of the excess loss the rate {number(float(sweep.rates[slowest]), 3)} took "
        f"{_steps(sweep, slowest)}, the rate {number(float(sweep.rates[quickest]), 3)} only {_steps(sweep, quickest)}."
    ]
    if slowest > 0:
        sentences.append(f"Smaller rates did not get there in {count(sweep.steps, 'step')}.")
    if found.law is not None and found.product is not None:
        sentences.append(
            f"Among small rates the steps grow as the rate to the power {_law(found.law.exponent, found.law.error)}: "
            f"rate × steps is always about {number(found.product, 3)}."
            + (" Half the rate, twice the steps." if abs(found.law.exponent + 1) < 0.1 else "")
        )
    picked = [known[int(k)] for k in np.unique(np.linspace(0, len(known) - 1, SHOWN_COUNTS).round())]
    table = Facts(
        title=f"Steps until {goal} of the excess loss is gone",
        columns=("rate", "steps", "rate × steps"),
        rows=tuple(
            (
                number(float(sweep.rates[k]), 3),
                f"{sweep.steps_to_goal[k]:,}",
                number(float(sweep.rates[k]) * (sweep.steps_to_goal[k] or 0), 3),
            )
            for k in picked
        ),
        numeric=(True,) * 3,
    )
    return (Section("Small rates take long", (tuple(sentences),), (table, _steps_curve(found, known))),)


def _steps(sweep: SweepResult, index: int) -> str:
    return count(sweep.steps_to_goal[index] or 0, "step")


def _steps_curve(found: RateFindings, known: list[int]) -> Curves:
    rates = found.sweep.rates[known]
    steps = np.array([found.sweep.steps_to_goal[k] for k in known], dtype=np.float64)
    series = [Series("measured", rates, steps, Role.MAIN, points=True)]
    if found.product is not None:
        theory = found.product / rates
        series.append(Series("1 / rate", rates[theory >= 1], theory[theory >= 1], Role.THEORY))
    return Curves(
        title="Steps to the goal",
        series=tuple(series),
        x_title="rate",
        y_title="steps",
        log_x=True,
        log_y=True,
        marks=_limit_marks(found),
    )


def _limit_marks(found: RateFindings) -> tuple[Mark, ...]:
    limit = found.sweep.predicted_limit
    return () if limit is None else (Mark("predicted limit", limit),)


def _overshoot(found: RateFindings) -> Section:
    """Reach past 1 and past 2, and the limit over many steps."""
    promise, sweep = found.promise, found.sweep
    sentences = []
    if promise.bottom_rate is not None:
        bottom = promise.bottom_rate
        sentences.append(
            f"By the curvature at the start, the bottom along the first step lies at the rate {number(bottom)} "
            f"(reach 1). A larger rate goes past it; at {number(2 * bottom)} (reach 2) the step ends as high as it "
            "began, and beyond that higher."
        )
        sentences += _measured_overshoot(found)
    else:
        sentences.append(
            "Along the first step there is no curvature at the start, so no bottom can be told from there."
        )
    sentences.append(_limit_sentence(sweep))
    curve = Curves(
        title="What one step changes, by its rate",
        series=(
            Series("came", found.step.rates, found.step.real, Role.MAIN),
            Series("promised", found.step.rates, found.step.promised, Role.THEORY),
        ),
        x_title="rate",
        y_title="change of the loss",
        marks=tuple(
            Mark(name, rate)
            for name, rate in (("reach 1", promise.bottom_rate), ("reach 2", _twice(promise.bottom_rate)))
            if rate is not None
        ),
    )
    return Section("Large rates overshoot", (tuple(sentences),), (curve,))


def _twice(rate: float | None) -> float | None:
    return None if rate is None else 2 * rate


def _measured_overshoot(found: RateFindings) -> list[str]:
    """What the steps that were taken did, on either side of the bottom."""
    step = found.step
    if not np.isfinite(step.real).any():
        return []
    best = int(np.nanargmin(step.real))
    last = float(step.real[-1])
    fate = (
        f"it {'rises' if last > 0 else 'falls'} by {number(abs(last))}" if math.isfinite(last) else "it is not finite"
    )
    return [
        f"Of {len(step.rates)} rates tried, {number(float(step.rates[best]), 3)} lowered the loss most, by "
        f"{number(-float(step.real[best]))}; at {number(float(step.rates[-1]), 3)} {fate}."
    ]


def _limit_sentence(sweep: SweepResult) -> str:
    predicted, measured = sweep.predicted_limit, sweep.measured_limit
    if predicted is None:
        return "No limit is known beforehand for this loss" + (
            f"; the runs diverge from {number(measured)} on." if measured is not None else ", and no run diverged."
        )
    if measured is None:
        return f"Over many steps the limit 2/λ is {number(predicted)}; none of the runs diverged."
    off = (measured - predicted) / predicted
    return (
        f"Over many steps the limit is 2/λ = {number(predicted)}, and the runs diverge from {number(measured)} on: "
        f"a difference of {percent(off).replace('-', '−')}."
    )


def _without(found: RateFindings) -> Section:
    """Why not just θ − ∇L?"""
    sweep, k = found.sweep, found.index_of(1.0)
    limit = sweep.predicted_limit or sweep.measured_limit
    sentences = ["A step of exactly −gradient is the rate 1."]
    if limit is not None:
        sentences.append(
            f"Here that is {number(1 / limit, 3)} times the limit."
            if limit < 1
            else "Here that lies below the limit."
            if limit > 1 + 1e-6
            else "Here that is the limit itself."
        )
    names, ends = found.parameter_names, found.start - found.slopes
    moves = [
        f"{name} from {' to '.join(places(float(a), float(b)))}"
        for name, a, b in zip(names, found.start, ends, strict=True)
    ][:2]
    loss = float(sweep.losses[1, k])
    sentences.append(
        f"The first step takes {listed(moves)}, and the loss from {number(found.start_loss)} to {number(loss)}."
    )
    if found.first_not_finite is not None:
        sentences.append(f"After {count(found.first_not_finite, 'step')} it is no finite number any more.")
    else:
        sentences.append(
            f"After {count(sweep.steps, 'step')} it is {number(float(sweep.final_losses[k]))}: {_zone(sweep, k)}."
        )
    sentences.append(
        "The gradient is loss per parameter, not a distance: nothing says that its length is a good step. "
        "The rate makes it one."
    )
    return Section("Why not just step minus the gradient?", (tuple(sentences),))


def _zone(sweep: SweepResult, index: int) -> str:
    return sweep.zone_of_each[index].value


def _folklore(found: RateFindings) -> Section:
    """Rates people name, here and in other units."""
    sweep = found.sweep
    sentences = ['"0.1 is too large, 0.001 is a good default."']
    for rate in (0.1, 0.001):
        k = found.index_of(rate)
        sentences.append(f"Here {short(rate)} {_does(sweep, k)}{_reached(sweep, k)}.")
    units = found.units
    columns = ["rate", "zone", "steps to the goal"]
    rows = [[short(rate), *_judged(sweep, found.index_of(rate))] for rate in FOLKLORE]
    if units is not None:
        word = "divided by 10" if units.factor < 1 else "multiplied by 10"
        columns += [f"x {word}: zone", "steps"]
        at = [int(np.argmin(np.abs(units.sweep.rates - rate))) for rate in FOLKLORE]
        rows = [[*row, *_judged(units.sweep, k)] for row, k in zip(rows, at, strict=True)]
        changed = [row[0] for row in rows if row[1] != row[3]]
        now = _does(units.sweep, at[FOLKLORE.index(0.1)])
        sentences.append(
            f"But measure x in other units, {word}, and the limit is {number(units.limit)} instead of "
            f"{number(sweep.predicted_limit or math.nan)}: there 0.1 {now}."
        )
        if changed:
            sentences.append(
                "So no rate is large or small in itself: it is so beside the limit, and the limit comes with the data."
            )
    sentences.append(sweep.advice)
    table = Facts(
        title=f"The rates people name (goal: {percent(sweep.goal)} of the excess loss in {count(sweep.steps, 'step')})",
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        numeric=(True, False, True, False, True)[: len(columns)],
    )
    return Section("Is 0.1 too large, and 0.001 a good default?", (tuple(sentences),), (table,))


def _does(sweep: SweepResult, index: int) -> str:
    """A zone as what a rate does."""
    zone = sweep.zone_of_each[index]
    return {Zone.BOUNCING: "bounces", Zone.DIVERGING: "diverges"}.get(zone, f"is {zone.value}")


def _judged(sweep: SweepResult, index: int) -> list[str]:
    steps = sweep.steps_to_goal[index]
    return [_zone(sweep, index), "–" if steps is None else f"{steps:,}"]


def _reached(sweep: SweepResult, index: int) -> str:
    steps = sweep.steps_to_goal[index]
    if sweep.zone_of_each[index] is Zone.DIVERGING:
        return ""
    if steps is None:
        return f": the goal is not reached in {count(sweep.steps, 'step')}"
    fewest = min(known for known in sweep.steps_to_goal if known is not None)
    return f": {count(steps, 'step')} to the goal, the fastest rate needs {fewest:,}"


def _numbers(found: RateFindings) -> dict[str, object]:
    promise, sweep, units = found.promise, found.sweep, found.units
    return {
        "start": dict(zip(found.parameter_names, found.start.tolist(), strict=True)),
        "slopes": dict(zip(found.parameter_names, found.slopes.tolist(), strict=True)),
        "promise": {
            "rates": promise.rates,
            "promised": promise.promised,
            "real": promise.real,
            "law": promise.law,
            "half_curvature": promise.half_curvature,
            "off": promise.off,
            "bottom_rate": promise.bottom_rate,
        },
        "goal": sweep.goal,
        "steps": sweep.steps,
        "rates": sweep.rates,
        "steps_to_goal": sweep.steps_to_goal,
        "final_losses": sweep.final_losses,
        "zone_of_each": sweep.zone_of_each,
        "small_rates_law": found.law,
        "rate_times_steps": found.product,
        "predicted_limit": sweep.predicted_limit,
        "measured_limit": sweep.measured_limit,
        "rate_one_not_finite_after": found.first_not_finite,
        "other_units": None
        if units is None
        else {
            "factor": units.factor,
            "limit": units.limit,
            "rates": units.sweep.rates,
            "zone_of_each": units.sweep.zone_of_each,
            "steps_to_goal": units.sweep.steps_to_goal,
        },
    }
