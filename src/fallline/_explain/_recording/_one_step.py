"""One step of a watched loop in words: its loss, rate, lengths and direction, what was promised and what came."""

import math

import numpy as np

from fallline._errors import OptionError
from fallline._explain._numbers import count, listed, number, part_of, reach_number, short
from fallline._explain._recording._limit_along import along_steps, why_no_limit
from fallline._explain._recording._made_of import shares_words
from fallline._explain._recording._rows import of_whom, optimizer_names, steps_words
from fallline._explain._step import in_words
from fallline._records import EventKind, Integers, Recording, SameBatchSeries
from fallline._wording import visible

BEFORE = 20
"""A step's loss is held against the mean of so many before it."""
DIRECTIONS = (
    (0.9999, "straight downhill"),
    (0.7, "mostly downhill"),
    (0.1, "more across the slope than down it"),
    (-0.1, "across the slope"),
    (-math.inf, "uphill"),
)
"""What a cosine of at least this with downhill is called; docs/semantics.md#cosine-with-downhill."""


def row_of(recording: Recording, step: int) -> int:
    """The row of a step; a negative one counts recorded steps from the end.

    Raises:
        OptionError: the record has no such step.
    """
    steps = recording.steps.step
    if not len(steps):
        raise OptionError(f"There is no step {step}: this recording has no steps.")
    if step < 0:
        if len(steps) + step < 0:
            raise OptionError(f"There is no step {step}: this recording has {count(len(steps), 'step')}.")
        return len(steps) + step
    row = int(np.searchsorted(steps, step))
    if row < len(steps) and steps[row] == step:
        return row
    if row == len(steps) or row == 0:
        raise OptionError(f"There is no step {step}: this recording has {steps_words(int(steps[0]), int(steps[-1]))}.")
    raise OptionError(
        f"Step {step} is in a gap of the record: there is none between {steps[row - 1]} and {steps[row]}."
    )


def step_title(recording: Recording, row: int) -> str:
    """``Step 120 of digits, loss 0.5123``."""
    steps = recording.steps
    title = visible(f"Step {int(steps.step[row]):,} of {recording.header.name}")
    return f"{title}, loss {number(float(steps.loss[row]))}" if steps.loss_measured[row] else title


@np.errstate(all="ignore")  # what is not finite is data
def recording_step_sentences(recording: Recording, row: int) -> list[str]:
    """What this step did, in plain words."""
    told = [
        *_loss(recording, row),
        *_rates(recording, row),
        *_moves(recording, row),
        *_promise(recording, row),
        *_made_of(recording, row),
        *_marks(recording, row),
    ]
    return [visible(sentence) for sentence in told]


def _loss(recording: Recording, row: int) -> list[str]:
    """The loss beside its neighbours: one mini-batch says little."""
    steps = recording.steps
    if not steps.loss_measured[row]:
        return ["No loss was given to watch.step at this step."]
    loss = float(steps.loss[row])
    if not math.isfinite(loss):
        return [f"The loss of its batch was {number(loss)}."]
    said = f"The loss of its batch was {number(loss)}"
    earlier = slice(max(0, row - BEFORE), row)
    seen = steps.loss[earlier][steps.loss_measured[earlier] & np.isfinite(steps.loss[earlier])]
    if len(seen) < 2:
        return [f"{said}."]
    return [f"{said}; the mean of the {len(seen)} steps before is {number(float(seen.mean()))}."]


def _rates(recording: Recording, row: int) -> list[str]:
    rates, header = recording.steps.learning_rate[row], recording.header
    if not len(rates):
        return []
    if len(set(rates.tolist())) == 1:
        return [f"The learning rate was {short(float(rates[0]))}."]
    names = optimizer_names(header)
    several = len(names) > 1
    of = [f"{names[g.optimizer]}, group {k}" if several else f"group {k}" for k, g in enumerate(header.groups)]
    if several and len(header.groups) == len(names):
        of = names
    parts = [f"{short(float(rate))} ({whose})" for rate, whose in zip(rates.tolist(), of, strict=True)]
    return [f"The learning rates were {listed(parts)}."]


def _moves(recording: Recording, row: int) -> list[str]:
    """Lengths and direction of every optimizer's update."""
    told = []
    for optimizer, name in enumerate(optimizer_names(recording.header)):
        steps, whose = recording.steps, of_whom(recording, optimizer)
        if steps.updates[row, optimizer] == 0:
            told.append(f"{name} made no update here: it was skipped, or gradients were still accumulating.")
        elif not steps.measured[row, optimizer]:
            told.append(f"The lengths of this update{whose} were not measured.")
        else:
            told.append(_lengths(recording, row, optimizer, whose))
            told += _direction(recording, row, optimizer, whose)
    return told


def _lengths(recording: Recording, row: int, optimizer: int, whose: str) -> str:
    steps = recording.steps
    gradient, update = float(steps.gradient_norm[row, optimizer]), float(steps.update_norm[row, optimizer])
    parameters, ratio = float(steps.parameter_norm[row, optimizer]), float(steps.update_ratio[row, optimizer])
    said = f"The gradient{whose} had the norm {number(gradient)}"
    if not math.isfinite(gradient):
        return f"{said}: there is no direction in that. The update was {number(update)} long."
    if update == 0:
        return f"{said}, and nothing moved."
    norm = f"the parameters' norm {number(parameters)}"
    of = f", {part_of(ratio, norm)}" if math.isfinite(ratio) else ""
    return f"{said}, the update {number(update)}{of}."


def _direction(recording: Recording, row: int, optimizer: int, whose: str) -> list[str]:
    cosine = float(recording.steps.downhill_cosine[row, optimizer])
    if not math.isfinite(cosine):
        return []
    words = next(words for least, words in DIRECTIONS if cosine >= least)
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    far = "" if cosine >= DIRECTIONS[0][0] else f", {number(angle, 2)}° from downhill"
    return [f"The update{whose} pointed {words} (cosine {number(cosine, 2)}{far})."]


def _promise(recording: Recording, row: int) -> list[str]:
    """On the step's own batch where that was measured; else the nearest step at which it was."""
    batches, step = recording.batches, int(recording.steps.step[row])
    at = nearest(batches.step, step)
    if at is None:
        return _tangent(recording, row)
    if int(batches.step[at]) == step:
        return _came(recording, at)
    there = f"What came of it was not measured here. The nearest step where it was is step {int(batches.step[at]):,}"
    reach = f", with a reach of {reach_number(float(batches.reach[at]))}" if batches.reach_measured[at] else ""
    return [*_tangent(recording, row), f"{there}{reach}."]


def nearest(measured: Integers, step: int) -> int | None:
    """The row of the measured step that lies nearest, of two the earlier; None where nothing was measured.

    >>> nearest(np.array([0, 10, 20]), 15), nearest(np.array([0, 10, 20]), 16)
    (1, 2)
    """
    return int(np.argmin(np.abs(measured - step))) if len(measured) else None


def _tangent(recording: Recording, row: int) -> list[str]:
    """The product with the consumed gradient: not the slope of this loss, where gradients are clipped or add up."""
    told = []
    for optimizer in range(len(recording.header.optimizers)):
        if recording.steps.measured[row, optimizer]:
            change = float(recording.steps.first_order_change[row, optimizer])
            if not math.isfinite(change) or recording.steps.update_norm[row, optimizer] == 0:
                continue
            way = "down" if change < 0 else "up" if change > 0 else "across"
            told.append(
                f"Consumed gradient · update{of_whom(recording, optimizer)} = {number(change)}: "
                f"{way} the slope that the optimizer was given."
            )
    return told


def _came(recording: Recording, at: int) -> list[str]:
    """Promised against came, reach, and how the slope changed."""
    batches = recording.batches
    promised, came = float(batches.first_order_change[at]), float(batches.real_change[at])
    return [
        _promised_against(promised, came),
        _reach_sentence(batches, at),
        *_bends(recording, at),
    ]


def _promised_against(promised: float, came: float) -> str:
    if not (math.isfinite(promised) and math.isfinite(came)):
        return f"The tangent promised a change of {number(promised)} in the loss of its batch; {number(came)} came."
    if promised == 0 and came == 0:
        return "The loss of its batch did not change."
    if promised >= 0:
        fate = "stayed" if came == 0 else f"{'fell' if came < 0 else 'rose'} by {number(abs(came))}"
        way = "was level" if promised == 0 else f"went up, by {number(promised)}"
        return f"Along this step the tangent {way}; the loss of its batch {fate}."
    fall = f"The tangent promised a fall of {number(-promised)} in the loss of its batch"
    if came > 0:
        return f"{fall}; instead it rose by {number(came)}."
    return f"{fall}, and {number(-came)} came, {part_of(came / promised, 'it')}."


def _reach_sentence(batches: SameBatchSeries, at: int) -> str:
    if batches.reach_measured[at]:
        reach = float(batches.reach[at])
        return (
            f"Reach {reach_number(reach)}: {in_words(reach, exact=False)}."
            if math.isfinite(reach)
            else f"Reach {number(reach)}."
        )
    promised, came = float(batches.first_order_change[at]), float(batches.real_change[at])
    if not batches.moved[at]:
        why = "nothing moved"
    elif not (math.isfinite(promised) and math.isfinite(came)):
        why = "a number of this step is not finite"
    elif promised > 0:
        why = "the step points uphill on its own batch"
    elif came < promised:
        why = "no bottom ahead: the curvature along the step is negative"
    else:
        why = "the slope along the step is below rounding"
    return f"Reach is not defined for this step: {why}."


def _bends(recording: Recording, at: int) -> list[str]:
    batches = recording.batches
    if not batches.moved[at]:
        return []
    curvature, cosine = float(batches.curvature[at]), float(batches.gradient_cosine[at])
    told = []
    along = along_steps(recording)
    if math.isfinite(curvature):
        said = f"The curvature along the step was {number(curvature)}"
        if along is not None and along.known[at]:
            limit = f"the limit 2/curvature = {number(2 / curvature)}"
            said = f"{said}: the rate was {part_of(float(along.share[at]), limit)}"
        elif along is not None and curvature > 0 and why_no_limit(along, at):
            said = f"{said}; it gives no limit: {why_no_limit(along, at)}"
        told.append(f"{said}.")
    if math.isfinite(cosine):
        turned = "pointed on the same way" if cosine > 0.9 else "had turned" if cosine > 0 else "pointed back"
        told.append(
            f"After it the gradient of the same batch {turned} (cosine {number(cosine, 2)} with the one before)."
        )
    return told


def _made_of(recording: Recording, row: int) -> list[str]:
    parts = recording.parts
    at = np.flatnonzero(parts.step == recording.steps.step[row])
    told = []
    for optimizer in range(len(recording.header.optimizers) if at.size else 0):
        share = parts.share[at[0], optimizer]
        words = shares_words(share) if parts.measured[at[0], optimizer] and np.isfinite(share).all() else ""
        if words:
            told.append(f"The update{of_whom(recording, optimizer)} was made of {words}.")
    return told


def _marks(recording: Recording, row: int) -> list[str]:
    """What else stands in the record at this step."""
    step = int(recording.steps.step[row])
    told = [f"{event.text}" for event in recording.events if event.step == step and event.kind is not EventKind.ALARM]
    told += [f"An alarm went off here: {alarm.trigger.value}." for alarm in recording.alarms if alarm.step == step]
    own = [
        f"{name} {number(float(series.value[k]))}"
        for name, series in recording.logged.items()
        for k in np.flatnonzero(series.step == step)[-1:]
    ]
    return [*told, *([f"Logged here: {listed(own)}."] if own else [])]
