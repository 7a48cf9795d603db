"""How the loss went: means of neighbouring steps, because the loss of a mini-batch is noisy."""

from dataclasses import dataclass

import numpy as np

from fallline._explain._numbers import count, number
from fallline._explain._recording._rows import steps_words
from fallline._recorder import window_before, window_of
from fallline._records import Floats, Integers, Recording

__all__ = ["LossCourse", "given_losses", "loss_course", "loss_sentences", "smoothed", "window_of"]


@dataclass(frozen=True)
class LossCourse:
    """First, last and lowest of the means of ``window`` neighbouring losses; docs/semantics.md#loss-of-a-loop."""

    window: int
    first: float
    last: float
    lowest: float | None
    """None where no mean is finite."""
    lowest_steps: tuple[int, int] | None
    """The first and the last step of the lowest mean."""
    not_finite: tuple[int, ...]
    """The steps whose loss is not finite."""
    steps: int
    """How many losses were given."""
    last_step: int


def given_losses(recording: Recording) -> tuple[Integers, Floats]:
    """The steps [R] that were given a loss, and the losses [R]."""
    given = recording.steps.loss_measured
    return recording.steps.step[given], recording.steps.loss[given]


def smoothed(step: Integers, loss: Floats, window: int) -> tuple[Integers, Integers, Floats]:
    """(first step, last step, mean) of every ``window`` neighbouring losses between two gaps of the record.

    Only means with a NaN or ∞ inside are not finite.

    >>> smoothed(np.array([0, 1, 2, 3, 9, 10]), np.array([1.0, 3.0, 5.0, np.nan, 1.0, 2.0]), 2)
    (array([0, 1, 2, 9]), array([ 1,  2,  3, 10]), array([2. , 4. , nan, 1.5]))
    """
    sound = np.isfinite(loss)
    broken = np.concatenate(([0], np.cumsum(~sound)))
    parts = np.lib.stride_tricks.sliding_window_view(np.where(sound, loss, 0.0) / window, window)  # no running sum: one
    means = np.where(
        broken[window:] > broken[:-window], np.nan, parts.sum(axis=1)
    )  # explosion would spoil all after it
    first, last = step[: len(means)], step[window - 1 :]
    whole = last - first == window - 1
    return (first[whole], last[whole], means[whole]) if whole.any() else (first, last, means)


@np.errstate(all="ignore")  # what is not finite is data
def loss_course(recording: Recording) -> LossCourse | None:
    """None where no loss was given."""
    step, loss = given_losses(recording)
    if not len(loss):
        return None
    alarmed = recording.alarms[0].step if recording.alarms else None
    window = window_before(len(loss), len(loss) if alarmed is None else int(np.count_nonzero(step < alarmed)))
    since, until, means = smoothed(step, loss, window)
    finite = np.isfinite(means)
    lowest = int(np.argmin(np.where(finite, means, np.inf))) if finite.any() else None
    return LossCourse(
        window=window,
        first=float(means[0]),
        last=float(means[-1]),
        lowest=None if lowest is None else float(means[lowest]),
        lowest_steps=None if lowest is None else (int(since[lowest]), int(until[lowest])),
        not_finite=tuple(int(k) for k in step[~np.isfinite(loss)]),
        steps=len(loss),
        last_step=int(step[-1]),
    )


def loss_sentences(recording: Recording) -> list[str]:
    """How the loss went."""
    course = loss_course(recording)
    if course is None:
        return [] if not len(recording) else ["No loss was given to watch.step, so nothing is known of it."]
    if course.steps == 1:
        return [f"The loss of its only step was {number(float(given_losses(recording)[1][0]))}."]
    if course.lowest is None:
        return [_broken(recording, course, "The loss")]
    told = _sound(course, given_losses(recording)[1]) if not course.not_finite else _until_broken(recording, course)
    return [told]


def _sound(course: LossCourse, given: Floats) -> str:
    if course.first == course.last == course.lowest and (given == course.first).all():
        return f"The loss was {number(course.first)} throughout."
    went = "rose" if course.last > course.first else "went"
    ends = f"The loss {went} from {number(course.first)} to {number(course.last)}{_means(course)}"
    alone = course.window == 1
    if course.lowest is None or course.lowest_steps is None or course.lowest_steps[1] == course.last_step:
        return f"{ends}, and {'was never lower than at the end' if alone else 'no such mean was lower than the last'}."
    if course.lowest == course.first:
        return (
            f"{ends}, and {'was never lower than at the start' if alone else 'no such mean was lower than the first'}."
        )
    if alone:
        return f"{ends}; it was lowest, {number(course.lowest)}, {_over(course)}."
    return f"{ends}; the lowest such mean was {number(course.lowest)}, {_over(course)}."


def _means(course: LossCourse) -> str:
    return "" if course.window == 1 else f" (means of the first and the last {course.window} steps)"


def _over(course: LossCourse) -> str:
    first, last = course.lowest_steps or (0, 0)
    where = steps_words(first, last)
    return f"at {where}" if first == last else f"over {where}"


def _until_broken(recording: Recording, course: LossCourse) -> str:
    alone, lowest = course.window == 1, course.lowest if course.lowest is not None else course.first
    began = f"The loss began at {number(course.first)}"
    if not alone:
        began = f"{began} (mean of the first {course.window} steps)"
    if not np.isfinite(course.first):
        began = "The loss was not finite at its start"
    if lowest == course.first:
        low = "was never lower" if alone else "no such mean was lower"
    elif alone:
        low = f"was lowest, {number(lowest)}, {_over(course)}"
    else:
        low = f"the lowest such mean was {number(lowest)}, {_over(course)}"
    return f"{began} and {low}. {_broken(recording, course)}"


def _broken(recording: Recording, course: LossCourse, it: str = "It") -> str:
    """From when on, or how often, the loss was not finite."""
    step, loss = given_losses(recording)
    first = course.not_finite[0]
    here = int(np.flatnonzero(step == first)[0])
    what = number(float(loss[here]))
    before = f", after {number(float(loss[here - 1]))} at step {int(step[here - 1]):,}" if here else ""
    if len(course.not_finite) < course.steps - here:
        return (
            f"{it} is not finite at {count(len(course.not_finite), 'step')}, first at step {first:,} ({what}{before})."
        )
    if here == course.steps - 1:
        return f"{it} is {what} at step {first:,}, its last{before}."
    return f"{it} is not finite from step {first:,} on ({what}{before})."
