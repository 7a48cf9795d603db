"""The folder of runs: numbered readable names, the last run, a list, and the run a person means."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fallline._atomic import os_reason
from fallline._errors import RunFileError, near
from fallline._records import Header, Summary
from fallline._run_names import SUFFIX
from fallline._store._reader import read_overview
from fallline._store._recording_reader import read_recording_overview
from fallline._store._snapshot import RunKind, run_kind

_NUMBERED = re.compile(r"(\d{4,})-(.+)\.db")


@dataclass(frozen=True)
class RunRow:
    """One line of a list of runs. Of an unreadable file ``problem`` says why, and the rest is absent."""

    path: Path
    name: str
    started: str | None = None
    """UTC, ISO 8601."""
    steps: int | None = None
    outcome: str = "unreadable"
    """The word of docs/semantics.md#outcome, ``unfinished`` or ``unreadable``."""
    loss: float | None = None
    """Mean loss over all rows, the last one measured; of a watched loop the last loss it was given."""
    learning_rate: float | None = None
    """Of the first parameter group, at the start."""
    optimizer: str | None = None
    """Several are joined by ``+``."""
    problem: str = ""
    """A sentence; empty where the file can be read."""
    kind: str | None = None
    """``neuron`` (a fit) or ``loop`` (watched)."""


def next_run_path(folder: Path | str, name: str) -> Path:
    """Claim the next free number: makes the empty file ``<folder>/0001-<name>.db`` (and the folder).

    Processes that ask at the same time get different numbers. Hand the path to :meth:`RunWriter.create`.

    Raises:
        RunFileError: the folder cannot be made or written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [next_run_path(folder, name).name for name in ("line", "my table")]
    ['0001-line.db', '0002-my-table.db']
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while True:
            number = max([number, *_numbers(folder)]) + 1
            path = _claim_number(folder, number, f"{number:04d}-{_slug(name)}{SUFFIX}")
            if path is not None:
                return path
    except FileExistsError as problem:
        raise RunFileError(f"Runs cannot be kept in {folder}: it is a file, not a folder.") from problem
    except OSError as problem:
        raise RunFileError(f"Runs cannot be kept in {folder}: {os_reason(problem)}.") from problem


def last_run(folder: Path | str) -> Path:
    """The run with the highest number; where none is numbered, the one that was written last.

    Raises:
        RunFileError: there is no run.
    """
    folder = Path(folder)
    files = [path for path in _run_files(folder) if _has_content(path)]
    if not files:
        raise RunFileError(f"There are no runs in {folder} yet; `fallline fit` makes one.")
    numbered = [path for path in files if _number(path) is not None]
    return numbered[-1] if numbered else max(files, key=lambda path: path.stat().st_mtime)


def list_runs(folder: Path | str) -> list[RunRow]:
    """One row per run file, by number; an unreadable file is a row that says so."""
    return [_row(path) for path in _run_files(Path(folder))]


def find_run(folder: Path | str, spec: str) -> Path:
    """The run a person means: a path, a file name, a number (``3``, ``0003``), or how its name begins.

    Raises:
        RunFileError: there is none (near names are suggested), or more than one.
    """
    folder = Path(folder)
    files = _run_files(folder)
    if spec.isascii() and spec.isdecimal():
        by_number = [path for path in files if _number(path) == int(spec)]
        if by_number:
            return _only(by_number, spec)
    for path in (Path(spec), folder / spec, folder / f"{spec}{SUFFIX}"):
        with suppress(OSError):  # a name too long for this system, or a closed folder: no such run
            if path.is_file():
                return path
    begins = [path for path in files if spec and any(part.startswith(spec) for part in _parts(path))]
    if begins:
        return _only(begins, spec)
    if not files and Path(spec).name == spec:
        raise RunFileError(f'There is no run "{spec}", and there are no runs in {folder} yet.')
    if Path(spec).name != spec:
        beside = [path.name for path in _run_files(Path(spec).parent)]
        raise RunFileError(f"There is no run file {spec}.{near(Path(spec).name, beside)}")
    known = sorted({part for path in files for part in (*_parts(path), path.name)})
    raise RunFileError(f'There is no run "{spec}" in {folder}.{near(spec, known)}')


def _only(paths: list[Path], spec: str) -> Path:
    if len(paths) == 1:
        return paths[0]
    shown = ", ".join(path.stem for path in paths[-5:])
    more = f" and {len(paths) - 5} older" if len(paths) > 5 else ""
    raise RunFileError(f'"{spec}" could be {shown}{more}; give the number.')


def _parts(path: Path) -> tuple[str, ...]:
    """What a person may type of a file's name: with its number and without."""
    match = _NUMBERED.fullmatch(path.name)
    return (path.stem,) if match is None else (path.stem, match[2])


def _claim_number(folder: Path, number: int, file_name: str) -> Path | None:
    """The new empty file, None where somebody else has this number.

    A lock file claims the number: two runs of different names would not collide by their names.
    """
    lock = folder / f".{number:04d}.claim"
    try:
        lock.open("xb").close()
    except FileExistsError:
        return None
    try:
        if number in _numbers(folder, locks=False):
            return None
        path = folder / file_name
        path.open("xb").close()
        return path
    finally:
        lock.unlink()


def _numbers(folder: Path, *, locks: bool = True) -> list[int]:
    pattern = re.compile(r"(\d{4,})-.+\.db|\.(\d{4,})\.claim" if locks else r"(\d{4,})-.+\.db")
    matches = (pattern.fullmatch(entry.name) for entry in folder.iterdir())
    return [int(match[match.lastindex or 1]) for match in matches if match is not None]


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:40] or "run"


def _number(path: Path) -> int | None:
    match = _NUMBERED.fullmatch(path.name)
    return None if match is None else int(match[1])


def _run_files(folder: Path) -> list[Path]:
    """Numbered ones by number after the others by name; none where there is no such folder."""
    try:
        files = [path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise RunFileError(f"The folder {folder} cannot be read: {os_reason(problem)}.") from problem
    return sorted(files, key=lambda path: (_number(path) or 0, path.name))


def _has_content(path: Path) -> bool:
    """False for a name that was claimed by a process that never wrote, or is gone by now."""
    with suppress(OSError):
        return path.stat().st_size > 0
    return False


def _row(path: Path) -> RunRow:
    try:
        return _row_of_recording(path) if run_kind(path) is RunKind.RECORDING else _row_of_neuron(path)
    except RunFileError as problem:
        return RunRow(path, path.stem, problem=str(problem))


def _row_of_neuron(path: Path) -> RunRow:
    overview = read_overview(path)
    header: Header = overview.header
    summary: Summary | None = overview.summary
    return RunRow(
        path=path,
        name=header.name,
        started=header.started,
        steps=overview.steps,
        outcome="unfinished" if summary is None else summary.outcome.value,
        loss=overview.last_full_loss if summary is None else summary.last_loss,
        learning_rate=header.learning_rate,
        optimizer=header.optimizer,
        kind="neuron",
    )


def _row_of_recording(path: Path) -> RunRow:
    overview = read_recording_overview(path)
    header = overview.header
    return RunRow(
        path=path,
        name=header.name,
        started=header.started,
        steps=overview.steps,
        outcome="unfinished" if overview.summary is None else overview.summary.outcome.value,
        loss=overview.last_loss,
        learning_rate=overview.learning_rate,
        optimizer=" + ".join(header.optimizers),
        kind="loop",
    )
