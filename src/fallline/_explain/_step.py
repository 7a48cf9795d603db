"""One step in words: its arithmetic, what each slope meant, what was promised and what came, its reach."""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fallline._explain._numbers import (
    count,
    difference,
    listed,
    number,
    percent,
    places,
    rough,
    short,
    signed,
)
from fallline._reach import NoReach, change_rounding, why_no_reach
from fallline._records import Floats, Run

if TYPE_CHECKING:
    from fallline._formulas import Formula

TIMID, SHORT = 0.1, 0.5
BEYOND = (
    (1.05, "it landed at {bottom}"),
    (1.95, "past {bottom}, still lower than it began"),
    (2.05, "far past {bottom}, about as high as it began"),
    (math.inf, "too long: past {bottom} and higher than it began"),
)
"""What a reach of at most this much means, once the bottom is reached."""

MOST_PARAMETERS = 4
"""A sentence for each parameter up to this many; beyond, for those with the steepest slopes."""


def start_of(run: Run, index: int) -> Floats:
    """The parameters [P] before a step."""
    return np.array(run.header.start) if index == 0 else run.columns.parameters[index - 1]


def arithmetic(run: Run, index: int) -> list[str]:
    """The update with its own numbers, parameter by parameter: ``w: −0.4607 − 0.01 × (−168.4) = 1.2233``.

    For optimizers that do more than subtract rate × gradient it is the update as it was made, with the part that
    plain descent would have made beside it.
    """
    columns, rate = run.columns, float(run.columns.learning_rate[index])
    start, end, slopes = start_of(run, index), columns.parameters[index], columns.gradient[index]
    lines = []
    rows = zip(run.header.parameter_names, start.tolist(), slopes.tolist(), end.tolist(), strict=True)
    for name, before, slope, after in rows:  # Python floats overflow without a warning
        if run.header.plain_descent:
            lines.append(f"{name}: {difference(before, rate, slope, after)}")
        else:
            lines.append(
                f"{name}: {' to '.join(places(before, after))}, a change of {signed(after - before)}   "
                f"(rate × slope alone: {signed(-rate * slope)})"
            )
    return lines


def step_sentences(run: Run, index: int) -> list[str]:
    """What this step did, in plain words."""
    sentences = [_slope_sentence(run, index, parameter) for parameter in _shown(run, index)]
    hidden = len(run.header.parameter_names) - len(sentences)
    if hidden > 0:
        sentences.append(f"The other {count(hidden, 'parameter')} had gentler slopes.")
    return [*sentences, _promise(run, index), _reach_sentence(run, index)]


def _shown(run: Run, index: int) -> list[int]:
    """The parameters that get a sentence, in their own order."""
    total = len(run.header.parameter_names)
    if total <= MOST_PARAMETERS:
        return list(range(total))
    slopes = np.abs(run.columns.gradient[index])
    steepest = np.argsort(-np.nan_to_num(slopes, nan=np.inf), kind="stable")[:MOST_PARAMETERS]
    return sorted(int(k) for k in steepest)


def _slope_sentence(run: Run, index: int, parameter: int) -> str:
    """What the sign of one slope meant, which way the parameter went, and whether that brought it closer."""
    name = run.header.parameter_names[parameter]
    slope = float(run.columns.gradient[index, parameter])
    before = float(start_of(run, index)[parameter])
    after = float(run.columns.parameters[index, parameter])
    if not math.isfinite(slope):
        return (
            f"{name}: the slope is {number(slope)}; there is no direction in that, and {name} is {number(after)} now."
        )
    moved = after - before
    up, down = _sides(run)
    went = "" if moved == 0 or not math.isfinite(moved) else up if moved > 0 else down
    if slope == 0:
        return f"{name}: the ground is level here" + (f", yet {name} goes {went}." if went else f"; {name} stays.")
    uphill, downhill = (up, down) if slope > 0 else (down, up)
    ground = f"{name}: the slope is {number(slope)}, the loss rises as {name} goes {uphill}"
    if not math.isfinite(after):
        return f"{ground}; the step threw {name} to {number(after)}."
    if not went:
        return f"{ground}; {_why_it_stays(run, index, name)}."
    if went == downhill:
        here, there = places(before, after)
        return f"{ground}, so {name} goes {went}: {here} to {there}.{_closer(run, index, parameter, before, after)}"
    here, there = places(before, after)
    return (
        f"{ground}, yet {name} goes {went}, {here} to {there}: "
        f"not this slope moved it but {_mover(run)}.{_closer(run, index, parameter, before, after)}"
    )


def _sides(run: Run) -> tuple[str, str]:
    """What more and less of a parameter are called: on a formula's single axis they are sides."""
    alone = run.header.formula is not None and len(run.header.parameter_names) == 1
    return ("right", "left") if alone else ("up", "down")


def _why_it_stays(run: Run, index: int, name: str) -> str:
    if run.columns.learning_rate[index] == 0:
        return f"the rate of this step is 0, so {name} stays"
    if run.header.plain_descent:
        return f"the step is too small to change {name} in {run.header.dtype}"
    return f"{name} stays"


def _mover(run: Run) -> str:
    """What can move a parameter against its slope."""
    options = run.header.optimizer_options
    if options.get("maximize"):
        return "the order to maximize"
    if run.header.optimizer == "SGD" and not options.get("momentum"):
        return "the weight decay"
    if run.header.optimizer == "AdamW" or options.get("weight_decay"):
        return "the weight decay, or what the optimizer remembers"
    return "what the optimizer remembers"


def _closer(run: Run, index: int, parameter: int, before: float, after: float) -> str:
    """Whether the parameter came closer to its optimum, where that is known and there is only one."""
    if run.moments is None or run.summary is None or run.summary.exact is None:
        return ""
    best = float(run.moments.optimum[parameter])
    was, now = abs(before - best), abs(after - best)
    if max(was, now) <= 1e-6 * max(1.0, abs(best)):
        return ""
    crossed = (before - best) * (after - best) < 0
    jumped = "It jumps past its best value and is" if crossed else "It is"
    verdict = "closer" if now < was else "farther" if now > was else "as far"
    slanted = ""
    if now > was and float(run.columns.gradient[index, parameter]) * (after - before) < 0 and not crossed:
        slanted = " The valley is slanted: with the other parameters where they are, downhill leads away from it."
    return f" {jumped} {verdict} now, {number(now)} away ({number(was)} before).{slanted}"


def _promise(run: Run, index: int) -> str:
    """The first-order (Taylor) promise against what came."""
    promised = float(run.columns.first_order_change[index])
    came = float(run.columns.real_change[index])
    of = "" if run.header.full_batch else " of its batch"
    if not (math.isfinite(promised) and math.isfinite(came)):
        return f"The tangent promised a change of {number(promised)} in the loss{of}; what came was {number(came)}."
    if promised == 0 and came == 0:
        return f"The loss{of} did not change."
    if promised > 0:
        fate = "stayed" if came == 0 else f"{'fell' if came < 0 else 'rose'} by {number(abs(came))}"
        return f"Along this step the tangent went up, by {number(promised)}; the loss{of} {fate}."
    if came > 0:
        return f"The tangent promised a fall of {number(-promised)} in the loss{of}; instead it rose by {number(came)}."
    share = f", {percent(came / promised)} of it" if promised < 0 else ""
    return f"The tangent promised a fall of {number(-promised)} in the loss{of}, and {number(-came)} came{share}."


def reach_of(run: Run, index: int) -> float | None:
    """The reach of a step, None where it is not defined."""
    return float(run.columns.reach[index]) if run.columns.reach_measured[index] else None


def reach_note(run: Run, index: int) -> str:
    """Why a step has no reach, in words; empty where it has one."""
    if reach_of(run, index) is not None:
        return ""
    columns = run.columns
    moved = bool(np.any(columns.parameters[index] != start_of(run, index)))
    reason = why_no_reach(
        float(columns.first_order_change[index]),
        float(columns.real_change[index]),
        _rounding(run, index),
        moved=moved,
    )
    if reason is NoReach.UPHILL and not run.header.plain_descent:
        return f"{reason.value} ({_mover(run)} carried it)"
    return reason.value


def _rounding(run: Run, index: int) -> float:
    """How large a first-order change of this step rounding alone could explain."""
    start, eps = start_of(run, index), float(np.finfo(run.header.dtype).eps)
    with np.errstate(all="ignore"):  # a diverging run's update may be larger than any number
        update = (run.columns.parameters[index] - start)[None]
        if run.header.formula is not None:
            return float(_formula(run.header.formula).change_rounding(start[None], update, eps=eps)[0])
        feature_rms, target_rms = _row_sizes(run)
        loss = run.columns.loss[index : index + 1]
        return float(change_rounding(update, loss, feature_rms=feature_rms, target_rms=target_rms, eps=eps)[0])


@lru_cache(maxsize=8)
def _formula(text: str) -> "Formula":
    """The formula of a run, read once for all of its steps."""
    from fallline._formulas import formula  # noqa: PLC0415  (torch is only loaded for runs on a formula)

    return formula(text)


def _row_sizes(run: Run) -> tuple[Floats, float | None]:
    """Root mean squares of the features [P], 1 for the bias, and of the target where the loss is the square."""
    if run.sample is None:
        raise ValueError("a run on a table keeps some of its rows")
    if run.moments is not None:
        feature_rms = np.sqrt(np.diag(run.moments.hessian) / 2)
    else:
        feature_rms = np.sqrt(np.append(np.mean(run.sample.features**2, axis=0), 1.0))
    return feature_rms, float(np.sqrt(np.mean(run.sample.target**2))) if run.header.loss == "mse" else None


def _reach_sentence(run: Run, index: int) -> str:
    reach = reach_of(run, index)
    if reach is None:
        return f"Reach is not defined for this step: {reach_note(run, index)}."
    return f"Reach {number(reach, 2)}: {in_words(reach, exact=run.moments is not None)}."


def in_words(reach: float, *, exact: bool = True) -> str:
    """Too short or too long, along this step.

    ``exact`` says that the loss along the step is a parabola; of another loss the parabola is the one through the
    slope at the start and the loss at the end of the step.

    >>> in_words(1.0), in_words(0.005)
    ('it landed at the bottom ahead', 'timid; this step covers 1/200 of the way to the bottom ahead')
    """
    if reach == 0:
        return "the ground ahead is straight to rounding, no bottom is in sight"
    bottom = "the bottom ahead" if exact else "the bottom of the parabola through it"
    if reach < TIMID:
        return f"timid; this step covers 1/{rough(1 / reach)} of the way to {bottom}"
    if reach < 0.95:
        return f"{percent(reach)} of the way to {bottom}{', a little short' if reach >= SHORT else ', short of it'}"
    return next(words for most, words in BEYOND if reach <= most).format(bottom=bottom)


def step_beats(run: Run, index: int) -> list[str]:
    """Captions of the four beats of one step: gradient, minus, times the rate, move."""
    columns, names = run.columns, run.header.parameter_names
    shown = _shown(run, index)
    slopes = columns.gradient[index]
    rate = float(columns.learning_rate[index])
    start, end = start_of(run, index), columns.parameters[index]

    def each(values: Floats) -> str:
        return listed([f"{names[k]} {number(float(values[k]))}" for k in shown])

    gradient = f"Gradient: the slope here is {each(slopes)}."
    minus = f"Minus: {each(-slopes)}."
    if np.isfinite(slopes).all() and slopes.any():
        gradient = f"{gradient} It points uphill."
        minus = f"Minus: downhill is the opposite way, {each(-slopes)}."
    with np.errstate(all="ignore"):
        if run.header.plain_descent:
            scaled = f"Times the rate {short(rate)}: {each(-rate * slopes)}."
        else:
            scaled = f"{run.header.optimizer} with the rate {short(rate)} makes of it: {each(end - start)}."
    moves = listed([f"{names[k]} {' → '.join(places(float(start[k]), float(end[k])))}" for k in shown])
    change = float(columns.real_change[index])
    fate = "falls" if change < 0 else "rises" if change > 0 else "stays" if change == 0 else "is no longer finite"
    by = f" by {number(abs(change))}" if change != 0 and math.isfinite(change) else ""
    of = "" if run.header.full_batch else " of the batch"
    return [gradient, minus, scaled, f"Move: {moves}. The loss{of} {fate}{by}."]
