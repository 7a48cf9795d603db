"""The run files of one folder: what lies directly in it, by name, and nothing else."""

import os
import re
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fallline._atomic import os_reason
from fallline._errors import OptionError, RunFileError, near
from fallline._run_names import SUFFIX

MOST_FILES = 1_000
"""That are listed: the newest."""
PATIENCE_SECONDS = 10.0
"""A run that was written so lately is still going, until its end is written."""
_LONGEST_NAME = 255
_NUMBERED = re.compile(r"0*(\d+)-(.+)")
_NO_NAME = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
"""What is no name of a run unless a file is listed by it: separators, drives and streams, control characters."""
_JOURNALS = ("-wal", "-journal")
_LOCKS = Path("/proc/locks")


@dataclass(frozen=True)
class RunFile:
    """One run file as it lies there now; nothing of it has been read."""

    name: str
    """As the list has it, without ``.db``."""
    path: Path
    modified: float
    """Seconds since 1970, of the file or of its journal, whichever is later."""
    size: int
    """Bytes of both."""
    stamp: str
    """Another text whenever something was written."""
    leads_out: bool = False
    """A link to somewhere else: it is not opened."""


def run_files(folder: Path) -> tuple[list[RunFile], int]:
    """The newest files first, and how many older ones are left out; none where there is no such folder.

    Raises:
        RunFileError: the folder cannot be read.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(SUFFIX) and entry.name != SUFFIX]
    except (FileNotFoundError, NotADirectoryError):
        return [], 0
    except OSError as problem:
        raise RunFileError(f"The folder {folder} cannot be read: {os_reason(problem)}.") from problem
    home = folder.resolve()
    found = [file for file in (_file(folder, home, name) for name in names) if file is not None]
    found.sort(key=lambda file: (-file.modified, file.name))
    return found[:MOST_FILES], max(0, len(found) - MOST_FILES)


def run_file(folder: Path, name: object) -> RunFile:
    """The file of a run: named as the list names it, or by its number.

    Raises:
        OptionError: this is no name of a run; it may hold no folder.
        RunFileError: there is no such file in this folder, or it is a link that leads out of it.
    """
    text = _checked(name)
    file = _by_name(folder, text) or _by_number(folder, text)
    if file is None:
        _refuse_signs(text)
        known = [each.name for each in run_files(folder)[0]]
        raise RunFileError(f'There is no run "{text}" in {folder}.{near(text, known)}')
    if file.leads_out:
        raise RunFileError(leading_out(file.name))
    return file


def leading_out(name: str) -> str:
    """The sentence for a link that is not followed."""
    return f"{name} is a link to a place outside of the folder, and is not opened."


def is_going(file: RunFile, patience: float = PATIENCE_SECONDS) -> bool:
    """Whether a run without an end is still being made: it was written lately, or another process holds its journal."""
    return time.time() - file.modified < patience or _is_held(file.path)


def _checked(name: object) -> str:
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        raise OptionError("Which run? It is named as the list of runs names it.")
    return name


def _refuse_signs(name: str) -> None:
    if _NO_NAME.search(name) or name.startswith(".") or name.endswith((".", " ")):
        shown = "".join(letter if letter.isprintable() else "?" for letter in name[:60])
        raise OptionError(f'There is no run "{shown}" here: a name as in the list is needed, without a folder.')


def _by_name(folder: Path, text: str) -> RunFile | None:
    """What the folder itself lists by this name: no text of a message is ever a path."""
    try:
        listed = {entry.name for entry in os.scandir(folder)}
    except OSError:
        return None
    home = folder.resolve()
    for name in (text + SUFFIX, text):
        if name in listed and name.endswith(SUFFIX):
            file = _file(folder, home, name)
            if file is not None:
                return file
    return None


def _by_number(folder: Path, text: str) -> RunFile | None:
    if not (text.isascii() and text.isdecimal()):
        return None
    for file in run_files(folder)[0]:
        match = _NUMBERED.fullmatch(file.name)
        if match is not None and int(match[1]) == int(text):
            return file
    return None


def _file(folder: Path, home: Path, name: str) -> RunFile | None:
    """None where there is no such file: it may have gone a moment ago, or be a folder or a pipe."""
    path = folder / name
    try:
        about = path.stat()
        leads_out = path.is_symlink() and path.resolve().parent != home
    except (OSError, ValueError, RuntimeError):  # gone, not for us, no name here, links in a circle
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    parts = [(about.st_mtime_ns, about.st_size)]
    for suffix in _JOURNALS:
        try:
            beside = path.with_name(name + suffix).stat()
        except OSError:
            continue
        if beside.st_size > 0:  # an empty one may be of a reader, of ourselves
            parts.append((beside.st_mtime_ns, beside.st_size))
    return RunFile(
        name=name.removesuffix(SUFFIX),
        path=path,
        modified=max(when for when, _ in parts) / 1e9,
        size=sum(size for _, size in parts),
        stamp=".".join(f"{when:x}-{size:x}" for when, size in parts),
        leads_out=leads_out,
    )


def _is_held(path: Path) -> bool:
    """Whether another process has the file's shared memory locked, as SQLite does for as long as it writes one.

    The system's own list is asked: opening that file here, and closing it, could let go of a lock of this process.
    False where that is not known.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        inode = path.with_name(path.name + "-shm").stat().st_ino
        lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    held = (line.split() for line in lines if f":{inode} " in line)
    return any(words[4] != str(os.getpid()) for words in held if len(words) > 4 and words[1] != "->")
