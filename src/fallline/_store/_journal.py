"""Which journal a run file can have where it lies.

WAL lets a reader in while the run is written, and a commit costs no disk flush; but it needs memory
shared between processes, which network and user-space file systems do not give
(https://www.sqlite.org/wal.html: "All processes using a database must be on the same host computer").
"""

import re
import sqlite3
import sys
import time
from pathlib import Path

FALLBACK = "truncate"

# fmt: off
_UNSAFE = frozenset({
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fhgfs", "fuse", "fuseblk",
    "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs",
    "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "wekafs",
})
# fmt: on


def choose_journal(connection: sqlite3.Connection, path: Path) -> str | None:
    """Set the safest fast journal mode for a new file; None for WAL, else a sentence that says why not."""
    reason = unsafe_for_wal(path)
    if reason is None:
        (answer,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if answer == "wal":
            return None
        reason = f"SQLite answered {answer!r} when asked for it"
    connection.execute(f"PRAGMA journal_mode = {FALLBACK}").fetchall()
    return (
        f"The run file's journal is {FALLBACK.upper()} instead of WAL ({reason}): "
        "nothing is lost, but reading it while it is written may have to wait."
    )


def fold_journal(connection: sqlite3.Connection, tries: int, pause: float) -> None:
    """Fold the journal into the file. A reader in the way is waited for, shortly: nothing is at risk."""
    for _ in range(tries):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError:
            mode = "locked"
        if mode == "delete":
            return
        time.sleep(pause)


def unsafe_for_wal(path: Path, mounts: str | None = None) -> str | None:
    """Why WAL is not safe at ``path``, None where nothing speaks against it.

    ``mounts`` is the text of ``/proc/mounts``, read there (on Linux) unless given.

    >>> unsafe_for_wal(Path("/data/runs/a.db"), "disk / ext4 rw 0 0\\nserver:/x /data nfs4 rw 0 0\\n")
    '/data is on nfs4'
    >>> unsafe_for_wal(Path("/home/a.db"), "disk / ext4 rw 0 0\\nserver:/x /data nfs4 rw 0 0\\n") is None
    True
    """
    place = path.absolute() if mounts is not None else path.resolve()
    if place.drive.startswith("\\\\"):
        return f"{place.drive} is a network drive"
    if mounts is None:
        mounts = _mounts()
    point, kind = _mount_of(place, mounts)
    if kind in _UNSAFE or kind.startswith("fuse."):
        return f"{point} is on {kind}"
    return None


def _mounts() -> str:
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _mount_of(place: Path, mounts: str) -> tuple[str, str]:
    """The mount point that holds ``place`` and its file system; the last line wins, as mounts do."""
    best, kind = "", ""
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words[1])
        if place.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, words[2]
    return best, kind
