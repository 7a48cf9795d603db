"""``why rate`` in words."""

import math

import numpy as np

from fallline._explain._answers._limits import beside_the_limit, diverge_from, limit_marks, limit_sentences
from fallline._explain._numbers import count, listed, number, percent, places, short
from fallline._explain._rates import zone_verb
from fallline._records import Answer, Curves, Facts, Floats, LimitKind, Mark, Role, Section, Series, SweepResult, Zone
from fallline._why import NAMED_RATES, PowerLaw, RateFindings, Units

SHOWN_PARTS = (1e-3, 1e-2, 1e-1, 1.0)
"""Of the largest rate tried in one step."""
SHOWN_COUNTS = 6
SURE = 0.05
"""A power that is known to this much, and is this near to a whole one, is called that."""


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
    law = found.promise.law
    if law is not None:
        said.append(f"The error of its promise grows as the rate to the power {_law(law.exponent, law.error)}.")
    begins = diverge_from(found.sweep)
    if begins is not None:
        said.append(f"All the runs on {found.problem} from the rate {number(begins)} on diverged.")
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


def _is(law: PowerLaw, power: float) -> bool:
    """True where the fit says this power, and is sure of it."""
    return abs(law.exponent - power) <= SURE and law.error <= SURE


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
            + (": with half the rate a quarter of the error." if _is(promise.law, 2) else ".")
        )
    elif not (promise.errors > 1e-9 * np.abs(promise.promised)).any():
        sentences.append("At all these rates it was kept, to rounding.")
    elif found.promise.errors[0] <= 1e-9 * abs(float(promise.promised[0])):
        pieces = ": this loss is made of straight pieces." if found.straight_pieces else "."
        sentences.append(f"At small rates it was kept, to rounding{pieces}")
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
    known = {k: steps for k, steps in enumerate(sweep.steps_to_goal) if steps is not None}
    if not known:
        return ()
    goal, places = percent(sweep.goal), list(known)
    slowest, quickest = places[0], min(places, key=lambda k: (known[k], k))
    sentences = [
        f"To remove {goal} of the excess loss the rate {number(float(sweep.rates[slowest]), 3)} took "
        f"{count(known[slowest], 'step')}"
        + (
            "."
            if slowest == quickest
            else f", the rate {number(float(sweep.rates[quickest]), 3)} only {count(known[quickest], 'step')}."
        )
    ]
    if slowest > 0:
        sentences.append(f"Smaller rates did not get there in {count(sweep.steps, 'step')}.")
    sentences += _small_rates(found)
    picked = [places[int(k)] for k in np.unique(np.linspace(0, len(places) - 1, SHOWN_COUNTS).round())]
    table = Facts(
        title=f"Steps until {goal} of the excess loss is gone",
        columns=("rate", "steps", "rate × steps", "zone"),
        rows=tuple(
            (
                number(float(sweep.rates[k]), 3),
                f"{known[k]:,}",
                number(float(sweep.rates[k]) * known[k], 3),
                _zone(sweep, k),
            )
            for k in picked
        ),
        numeric=(True, True, True, False),
    )
    curve = _steps_curve(found, sweep.rates[places], np.array([known[k] for k in places], dtype=np.float64))
    return (Section("Small rates take long", (tuple(sentences),), (table, curve)),)


def _small_rates(found: RateFindings) -> list[str]:
    """How the steps depend on the rate where it is too small, if there are enough such rates."""
    if found.law is None:
        return []
    low, high = (number(float(value), 3) for value in (found.products.min(), found.products.max()))
    said = [
        f"Among the {found.law.points} rates that are far too small the steps go as the rate to the power "
        f"{_law(found.law.exponent, found.law.error)}: rate × steps is "
        + (f"{low}." if low == high else f"between {low} and {high}.")
    ]
    return [*said, "Half the rate, twice the steps."] if _is(found.law, -1) else said


def _steps_curve(found: RateFindings, rates: Floats, steps: Floats) -> Curves:
    series = [Series("measured", rates, steps, Role.MAIN, points=True)]
    if found.law is not None and _is(found.law, -1):
        theory = float(np.median(found.products)) / rates
        series.append(Series("1 / rate", rates[theory >= 1], theory[theory >= 1], Role.THEORY))
    return Curves(
        title="Steps to the goal",
        series=tuple(series),
        x_title="rate",
        y_title="steps",
        log_x=True,
        log_y=True,
        marks=limit_marks(found),
    )


def _overshoot(found: RateFindings) -> Section:
    """Reach past 1 and past 2, and the limit over many steps."""
    bottom = found.promise.bottom_rate
    sentences = [_bottom(found), *_measured_overshoot(found), *limit_sentences(found)]
    marks = () if bottom is None else (Mark("reach 1", bottom), Mark("reach 2", 2 * bottom))
    curve = Curves(
        title="What one step changes, by its rate",
        series=(
            Series("came", found.step.rates, found.step.real, Role.MAIN),
            Series("promised", found.step.rates, found.step.promised, Role.THEORY),
        ),
        x_title="rate",
        y_title="change of the loss",
        marks=marks,
    )
    return Section("Large rates overshoot", (tuple(sentences),), (curve,))


def _bottom(found: RateFindings) -> str:
    """Where the first step would be at its lowest: exact on a parabola, elsewhere what the start's curvature says."""
    bottom, along = found.promise.bottom_rate, found.promise.along
    if bottom is not None and found.parabola:
        return (
            f"The bottom along the first step lies at the rate {number(bottom)} (reach 1). A larger rate goes past it; "
            f"at {number(2 * bottom)} (reach 2) the step ends as high as it began, and beyond that higher."
        )
    if bottom is not None:
        return (
            "A parabola with the slope and the curvature of the start would put the bottom along the first step at "
            f"the rate {number(bottom)} (reach 1), and end as high as it began at {number(2 * bottom)} (reach 2)."
        )
    if along is not None and along < 0:
        return "At the start the ground curves down along the first step: no bottom can be told from there."
    if along is None:
        return "This loss is made of straight pieces: no bottom along the first step can be told from the start."
    return "Along the first step there is no curvature at the start: no bottom can be told from there."


def _measured_overshoot(found: RateFindings) -> list[str]:
    """What the steps that were taken did, on either side of the bottom."""
    step = found.step
    if not np.isfinite(step.real).any():
        return []
    best = int(np.nanargmin(step.real))
    tried, lowest = f"{len(step.rates)} rates tried", float(step.real[best])
    last, largest = float(step.real[-1]), number(float(step.rates[-1]), 3)
    fate = (
        f"it {'rises' if last > 0 else 'falls'} by {number(abs(last))}" if math.isfinite(last) else "it is not finite"
    )
    if not lowest < 0:
        return [f"None of {tried} lowered the loss; at {largest} {fate}."]
    if best == len(step.rates) - 1:
        return [f"Of {tried}, the largest, {largest}, lowered the loss most, by {number(-lowest)}."]
    where = number(float(step.rates[best]), 3)
    return [f"Of {tried}, {where} lowered the loss most, by {number(-lowest)}; at {largest} {fate}."]


def _without(found: RateFindings) -> Section:
    """Why not just θ − ∇L?"""
    sweep, k = found.sweep, found.index_of(1.0)
    sentences = ["A step of exactly −gradient is the rate 1."]
    if found.limit is not None and found.limit.kind is LimitKind.PROVABLE:
        sentences.append(beside_the_limit(found.limit.value))
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
    sweep, units = found.sweep, found.units
    sentences = ['"0.1 is too large, 0.001 is a good default."']
    for rate in (0.1, 0.001):
        k = found.index_of(rate)
        sentences.append(f"Here {short(rate)} {zone_verb(sweep.zone_of_each[k])}{_reached(sweep, k)}.")
    columns = ["rate", "zone", "steps to the goal"]
    rows = [[short(rate), *_judged(sweep, found.index_of(rate))] for rate in NAMED_RATES]
    if units is not None:
        columns += [f"{_units(units)}: zone", "steps"]
        at = [int(np.argmin(np.abs(units.sweep.rates - rate))) for rate in NAMED_RATES]
        rows = [[*row, *_judged(units.sweep, k)] for row, k in zip(rows, at, strict=True)]
        sentences.append(_in_other_units(found, units, units.sweep.zone_of_each[at[NAMED_RATES.index(0.1)]]))
        if any(row[1] != row[3] for row in rows):
            sentences.append(
                "So no rate is large or small in itself: it is so beside the limit, and the limit comes with the data."
            )
    sentences.append(sweep.advice)
    goal = f"goal: {percent(sweep.goal)} of the excess loss in" if sweep.excess_to_reach is not None else "after"
    table = Facts(
        title=f"The rates people name ({goal} {count(sweep.steps, 'step')})",
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        numeric=(True, False, True, False, True)[: len(columns)],
    )
    return Section("Is 0.1 too large, and 0.001 a good default?", (tuple(sentences),), (table,))


def _units(units: Units) -> str:
    if units.factor is None:
        return "not standardised"
    return "x divided by 10" if units.factor < 1 else "x multiplied by 10"


def _in_other_units(found: RateFindings, units: Units, tenth: Zone) -> str:
    """The limit there beside the limit here, and what 0.1 does there."""
    here = "" if found.limit is None else f" instead of {number(found.limit.value)}"
    there = f"the limit is {number(units.limit)}{here}: there 0.1 {zone_verb(tenth)}."
    if units.factor is None:
        return f"Here every x is standardised, so its units do not matter. Without standardising {there}"
    return f"But measure x in other units, {'divided' if units.factor < 1 else 'multiplied'} by 10, and {there}"


def _judged(sweep: SweepResult, index: int) -> list[str]:
    steps = sweep.steps_to_goal[index]
    return [_zone(sweep, index), "–" if steps is None else f"{steps:,}"]


def _reached(sweep: SweepResult, index: int) -> str:
    steps = sweep.steps_to_goal[index]
    if sweep.zone_of_each[index] is Zone.DIVERGING:
        return ""
    if sweep.excess_to_reach is None:
        return ", and no bottom was seen, so there is no goal"
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
        "rate_times_steps": float(np.median(found.products)) if found.products.size else None,
        "predicted_limit": None if found.limit is None else found.limit.value,
        "predicted_limit_kind": None if found.limit is None else found.limit.kind,
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
