"""How a recording came about: calls and updates, gaps, notes, what was not measured, what watching cost."""

import numpy as np

from fallline._explain._numbers import count, listed, multiple, number, part_of
from fallline._explain._recording._rows import of_whom, optimizer_names, steps_words
from fallline._records import Cost, Event, EventKind, Recording

OWN_BATCH = "the step on its own batch"
"""As the watch calls it in its notes."""
MOST_NOTES = 6
"""Notes beyond so many are counted."""
EVERY_STEP = "every step"
"""As the books of a watch call what it does at each step."""


def update_sentences(recording: Recording) -> list[str]:
    """Calls without an update, calls with several; nothing where each call had one."""
    told = []
    for optimizer, name in enumerate(optimizer_names(recording.header)):
        updates = recording.steps.updates[:, optimizer]
        carried = np.flatnonzero(updates > 0)
        calls, with_one = count(len(updates), "call"), int(carried.size)
        whose = of_whom(recording, optimizer)
        if not len(updates) or (updates == 1).all():
            continue
        if not with_one:
            told.append(f"None of the {calls} of watch.step carried an update of {name}.")
        elif with_one < len(updates):
            told.append(_some(with_one, calls, np.diff(carried), whose))
        several = int(np.count_nonzero(updates > 1))
        if several:
            usual = int(np.median(updates[updates > 1]))
            told.append(
                f"{count(several, 'call')} covered more than one update{whose} ({usual:,} in the median); "
                "lengths and directions are those of the last."
            )
    return told


def _some(carried: int, calls: str, apart: np.ndarray, whose: str) -> str:
    """Regular calls without an update are accumulation or a turn; others may have been skipped."""
    if apart.size and (apart == apart[0]).all() and apart[0] > 1:
        return f"1 call in {int(apart[0]):,} carried an update{whose}."
    why = "at the others it was skipped, or gradients were accumulating"
    return f"{carried:,} of {calls} carried an update{whose}; {why}."


def record_sentences(recording: Recording) -> list[str]:
    """Gaps, notes and resumptions; then what was not measured, then the cost."""
    return [*_gaps(recording), *_notes(recording), *_not_measured(recording), *_cost(recording)]


def _gaps(recording: Recording) -> list[str]:
    """What the events say; jumps of the step that no event is about."""
    told = [event.text for event in _of_kind(recording, EventKind.GAP)]
    if told:
        return told[:MOST_NOTES] + ([f"There are {len(told) - MOST_NOTES} more gaps."] if told[MOST_NOTES:] else [])
    step = recording.steps.step
    jumps = np.flatnonzero(np.diff(step) > 1)
    if not jumps.size:
        return []
    spans = [steps_words(int(step[k]) + 1, int(step[k + 1]) - 1) for k in jumps[:MOST_NOTES]]
    more = f" and {jumps.size - MOST_NOTES} more stretches" if jumps.size > MOST_NOTES else ""
    return [f"Not in the record: {listed(spans)}{more}."]


def _of_kind(recording: Recording, *kinds: EventKind) -> list[Event]:
    return [event for event in recording.events if event.kind in kinds]


def _notes(recording: Recording) -> list[str]:
    """Each once, with the step where it first stands."""
    first: dict[str, int] = {}
    for event in _of_kind(recording, EventKind.NOTE, EventKind.RESUMED):
        first.setdefault(event.text, event.step)
    notes = [*recording.header.notes, *(f"Step {step:,}: {text}" for text, step in first.items())]
    hidden = len(notes) - MOST_NOTES
    return [*notes[:MOST_NOTES], *([f"There {_are(hidden)} in the record."] if hidden > 0 else [])]


def _are(hidden: int) -> str:
    return "is 1 more note" if hidden == 1 else f"are {hidden:,} more notes"


def _not_measured(recording: Recording) -> list[str]:
    told = list(recording.header.instruments.left_out)
    if len(recording) and not len(recording.batches):
        told.append(f"Reach and curvature along the step were not measured: {_why_no_batch(recording)}")
    return told


def _why_no_batch(recording: Recording) -> str:
    """What went wrong, where the record has it; else what it takes."""
    for event in _of_kind(recording, EventKind.NOTE):
        _, broke, why = event.text.partition(f"{OWN_BATCH} could not be measured: ")
        if broke:
            return f"{why.removesuffix('.')} (at step {event.step:,})."
    return "that takes the loss of the same batch after the update, watch.step(loss, closure=…)."


def _cost(recording: Recording) -> list[str]:
    summary = recording.summary
    share = None if summary is None else summary.cost.share
    if summary is None or share is None:
        return []
    cost = summary.cost
    own = cost.loop_seconds - cost.seconds
    dear = sorted(cost.by_instrument.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name} {multiple(seconds / own)}" for name, seconds in dear if seconds > 0)
    whole = part_of(share, "the loop's own time")
    told = f"Watching cost {whole}{f': {parts}' if parts else ''}."
    return [told, *_over_budget(recording.header.instruments.budget, cost, own)]


def _over_budget(budget: float | None, cost: Cost, own: float) -> list[str]:
    """Why a loop took more than it was given: what no budget can space, and what it has to know first."""
    if budget is None or cost.seconds <= budget * own:
        return []
    fixed = cost.by_instrument.get(EVERY_STEP, 0.0) / own
    why = "each instrument measures once before its price is known, and so short a loop does not make up for that"
    if fixed > budget:
        why = f"what is taken at every step, {multiple(fixed)}, cannot be made rarer"
    return [f"That is over the budget of {multiple(budget)}: in a loop of {number(own, 2)} s, {why}."]
