"""How a recording was made, in rows of words: what is needed to repeat it, what was measured, what it cost."""

from collections.abc import Collection, Iterator
from typing import Any

from fallline._records import Recording, RecordingHeader
from fallline._wording import count, number, percent, short

_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def made_payload(recording: Recording, told: Collection[str] = ()) -> dict[str, Any]:
    """Rows of a name and its words, the table of what each instrument cost, notes that were not ``told`` elsewhere."""
    notes = [*recording.header.instruments.left_out, *recording.header.notes]
    return {
        "rows": [{"label": label, "words": words} for label, words in _rows(recording)],
        "costs": _costs(recording),
        "sentences": [note for note in notes if note not in told],
    }


def _rows(recording: Recording) -> Iterator[tuple[str, str]]:
    header, about = recording.header, recording.header.surroundings
    yield "started", header.started
    if about.command_line:
        yield "command line", " ".join(about.command_line)
    yield "folder", about.folder
    yield "git commit", about.git_commit if about.git_commit is not None else "no repository"
    if about.versions:
        yield "versions", ", ".join(f"{name} {version}" for name, version in about.versions.items())
    if about.seeds:
        yield "seeds", ", ".join(f"{name} {seed}" for name, seed in about.seeds.items())
    yield (
        "device",
        f"{about.device}, {count(about.threads, 'thread')}{', deterministic' if about.deterministic else ''}",
    )
    yield "model", f"{header.model}, {count(len(header.layers), 'layer')}, {header.parameter_count:,} parameters"
    yield from _groups(header)
    yield from _instruments(recording)


def _groups(header: RecordingHeader) -> Iterator[tuple[str, str]]:
    for k, group in enumerate(header.groups):
        options = ", ".join(f"{name} {_option(value)}" for name, value in group.options.items())
        yield (
            f"group {k}" if len(header.groups) > 1 else "optimizer",
            f"{header.optimizers[group.optimizer]} ({options}), {group.parameters:,} parameters",
        )


def _option(value: object) -> str:
    if isinstance(value, float):
        return short(value)
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_option(each) for each in value) + ")"
    return str(value)


def _instruments(recording: Recording) -> Iterator[tuple[str, str]]:
    used = recording.header.instruments
    if len(recording.batches):
        spaced = "by the schedule" if used.every is None else f"every {count(used.every, 'step')}"
        yield "closure", f"measured on the same batch {spaced}, {count(len(recording.batches), 'time')}"
    else:
        yield "closure", "none: reach and curvature were not measured"
    if used.objective is not None:
        spaced = "by the schedule" if used.sharpness_every is None else f"every {count(used.sharpness_every, 'step')}"
        yield (
            "sharpness",
            f"of the objective ({used.objective}), {spaced}, {count(len(recording.sharpness), 'time')}",
        )
    if used.budget is not None:
        yield "budget", f"at most {percent(used.budget)} of the loop's time"
    yield "memory", f"{size_words(used.memory_used)} of {size_words(used.memory)}"
    yield "flight recorder", f"the last {count(used.ring, 'step')}"
    yield (
        "snapshots",
        f"{count(len(recording.snapshots), 'snapshot')} of the parameters, at most {size_words(used.snapshot_bytes)}",
    )
    if recording.summary is not None and recording.summary.cost.loop_seconds > 0:  # else it died with the process
        cost = recording.summary.cost
        share = "" if cost.share is None else f", {percent(cost.share)} of the loop's own time"
        yield "cost of watching", f"{duration(cost.seconds)}{share}"


def _costs(recording: Recording) -> dict[str, Any] | None:
    """Seconds of each instrument, the dearest first."""
    if recording.summary is None or not recording.summary.cost.by_instrument:
        return None
    cost = recording.summary.cost
    own = cost.loop_seconds - cost.seconds
    ordered = sorted(cost.by_instrument.items(), key=lambda item: -item[1])
    return {
        "columns": ["instrument", "seconds", "of the loop's own time"],
        "cells": [[name, number(spent), percent(spent / own) if own > 0 else "–"] for name, spent in ordered],
        "numeric": [False, True, True],
    }


def size_words(size: int) -> str:
    """Bytes in the largest unit that leaves a whole one.

    >>> size_words(1536), size_words(12), size_words(64 * 2**20)
    ('1.5 KiB', '12 bytes', '64 MiB')
    """
    for unit, worth in _UNITS:
        if size >= worth:
            return f"{short(float(f'{size / worth:.3g}'))} {unit}"
    return count(size, "byte")


def duration(seconds: float) -> str:
    """A time in the two units that matter.

    >>> duration(0.25), duration(12.34), duration(125.0), duration(7300.0), duration(200_000.0)
    ('0.25 s', '12.3 s', '2 min 5 s', '2 h 1 min', '2 d 7 h')
    """
    if seconds < 60:
        return f"{short(float(f'{seconds:.3g}'))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24:,} d {hours % 24} h"
