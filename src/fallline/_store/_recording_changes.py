"""What is different where a recording is gone on with, beside the header of its first start."""

from collections.abc import Iterator

from fallline._records import RecordingHeader
from fallline._store._json import to_json

_OF_SCHEDULERS = frozenset({"lr", "initial_lr", "momentum", "betas"})
"""Options that schedulers change: a run that is gone on with has the later ones."""
_SETTINGS = {
    "every": "every=",
    "budget": "budget=",
    "memory": "memory=",
    "ring": "ring=",
    "snapshot_bytes": "snapshots=",
    "objective": "objective=",
    "sharpness_every": "sharpness_every=",
}


def changes_told(stored: RecordingHeader, now: RecordingHeader) -> str | None:
    """A sentence that holds from here on, against the first start; None where all is as it was."""
    found = list(_changes(stored, now))
    left_out = [said for said in now.instruments.left_out if said not in stored.instruments.left_out]
    measured = [said for said in stored.instruments.left_out if said not in now.instruments.left_out]
    told = [f"From here on other than at the first start: {'; '.join(found)}."] if found else []
    told += [f"From here on: {said}" for said in left_out]
    told += [f"No longer so from here on: {said}" for said in measured]
    return " ".join(told) if told else None


def _changes(stored: RecordingHeader, now: RecordingHeader) -> Iterator[str]:
    before, after = stored.surroundings, now.surroundings
    for name in sorted({*before.versions, *after.versions}):
        yield from _change(name, before.versions.get(name), after.versions.get(name))
    if not _one_may_be_the_other(before.git_commit, after.git_commit):
        yield from _change("git commit", before.git_commit, after.git_commit)
    yield from _change("command line", " ".join(before.command_line), " ".join(after.command_line))
    yield from _change("folder", before.folder, after.folder)
    yield from _change("device", before.device, after.device)
    yield from _change("threads", before.threads, after.threads)
    yield from _change("deterministic algorithms", before.deterministic, after.deterministic)
    for name in sorted({*before.seeds, *after.seeds}):
        yield from _change(f"seed of {name}", before.seeds.get(name), after.seeds.get(name))
    for name, word in _SETTINGS.items():
        yield from _change(word, getattr(stored.instruments, name), getattr(now.instruments, name))
    for which, (one, other) in enumerate(zip(stored.groups, now.groups, strict=True)):
        for name in sorted({*one.options, *other.options} - _OF_SCHEDULERS):
            of = name if len(now.groups) == 1 else f"{name} of group {which}"
            yield from _change(of, one.options.get(name), other.options.get(name))


def _change(name: str, before: object, after: object) -> Iterator[str]:
    if to_json(before) != to_json(after):  # as the file has them: a tuple comes back as a list
        yield f"{name} {_told(after)} (was {_told(before)})"


def _told(value: object) -> str:
    return "none" if value is None or value == "" else str(value)


def _one_may_be_the_other(before: str | None, after: str | None) -> bool:
    """True where git took too long once, to tell the commit or whether there were changes.

    >>> _one_may_be_the_other("1f2e+changes?", "1f2e"), _one_may_be_the_other(None, "1f2e")
    (True, True)
    >>> _one_may_be_the_other("1f2e", "1f2e+changes"), _one_may_be_the_other("1f2e", "9a8b")
    (False, False)
    """
    if before is None or after is None:
        return True
    unsure = before.endswith("?") or after.endswith("?")
    return unsure and before.partition("+")[0] == after.partition("+")[0]
