"""The learning rates that a loop used, group by group: constant, in stages, or on a schedule."""

import numpy as np

from fallline._explain._numbers import listed, short
from fallline._explain._recording._rows import optimizer_names
from fallline._records import Floats, Integers, Recording

MOST_STAGES = 4
"""A rate with more values than this is told by its ends and its largest."""
MOST_GROUPS = 4
"""Groups that go their own ways are told one by one up to this many."""


def rate_sentences(recording: Recording) -> list[str]:
    """A sentence for each course that a rate took; groups that went together are told together."""
    rates = recording.steps.learning_rate
    courses = rate_courses(recording)
    told = [
        f"The learning rate{f' of {whose}' if whose else ''} {course_of(recording.steps.step, rates[:, groups[0]])}."
        for whose, groups in courses[:MOST_GROUPS]
    ]
    hidden = len(courses) - MOST_GROUPS
    return [*told, f"{hidden} more groups had rates of their own."] if hidden > 0 else told


def rate_courses(recording: Recording) -> list[tuple[str, list[int]]]:
    """Each different course of a rate: whose it is, in words, and the groups that went it."""
    rates = recording.steps.learning_rate
    if not len(rates):
        return []
    courses: dict[bytes, list[int]] = {}
    for group in range(rates.shape[1]):
        courses.setdefault(np.ascontiguousarray(rates[:, group]).tobytes(), []).append(group)
    return [(_whose(recording, groups, len(courses)), groups) for groups in courses.values()]


def _whose(recording: Recording, groups: list[int], courses: int) -> str:
    """Nothing where there is only one course."""
    if courses == 1:
        return ""
    header = recording.header
    owners = sorted({header.groups[group].optimizer for group in groups})
    theirs = [group for group, info in enumerate(header.groups) if info.optimizer in owners]
    if theirs == groups:
        return listed([optimizer_names(header)[owner] for owner in owners])
    return f"{'group' if len(groups) == 1 else 'groups'} {listed([str(group) for group in groups])}"


def course_of(step: Integers, rate: Floats) -> str:
    """What one rate did: ``was 0.1 throughout``.

    >>> step = np.arange(6)
    >>> course_of(step, np.array([0.1, 0.1, 0.1, 0.01, 0.01, 0.01]))
    'was 0.1, and from step 3 on 0.01'
    >>> course_of(step, np.linspace(0.6, 0.1, 6))
    'fell from 0.6 to 0.1'
    """
    changes = np.flatnonzero(rate[1:] != rate[:-1]) + 1
    if not changes.size:
        return f"was {short(float(rate[0]))} throughout"
    if changes.size < MOST_STAGES:
        stages = [f"from step {int(step[k]):,} on {short(float(rate[k]))}" for k in changes]
        return f"was {short(float(rate[0]))}, and {listed(stages)}"
    ends = f"from {_rounded(rate[0])} to {_rounded(rate[-1])}"
    moved = np.diff(rate)
    if (moved <= 0).all():
        return f"fell {ends}"
    if (moved >= 0).all():
        return f"rose {ends}"
    if not np.isfinite(rate).all():
        return f"went {ends}, and was not always finite"
    peak = int(np.argmax(rate))
    return f"went {ends}; it was largest, {_rounded(rate[peak])}, at step {int(step[peak]):,}"


def _rounded(rate: float) -> str:
    """A scheduled rate: four figures say enough."""
    return short(float(f"{rate:.4g}"))
