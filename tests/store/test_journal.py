"""WAL where it is safe, another journal where it is not, and then the run says so."""

import sqlite3
from pathlib import Path

import pytest

from fallline._store import RunWriter, _journal, read_header, read_run
from fallline._store._journal import choose_journal, unsafe_for_wal
from store import samples

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw 0 0
host /home/lab 9p rw 0 0
me@host:/x /home/lab/my\\040disk fuse.sshfs rw 0 0
/dev/sdb /home/lab/fast xfs rw 0 0
//nas/all /mnt cifs rw 0 0
overlay /over overlay rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/a.db", None),
        ("/run/a.db", None),
        ("/home/labour/a.db", None),
        ("/home/lab/a.db", "/home/lab is on 9p"),
        ("/home/lab/my disk/a.db", "/home/lab/my disk is on fuse.sshfs"),
        ("/home/lab/fast/runs/a.db", None),
        ("/mnt/a.db", "/mnt is on cifs"),
        ("/over/a.db", None),
    ],
)
def test_the_file_system_decides(place: str, reason: str | None) -> None:
    assert unsafe_for_wal(Path(place), MOUNTS) == reason


def test_the_last_mount_on_a_point_counts() -> None:
    assert unsafe_for_wal(Path("/mnt/a.db"), MOUNTS + "/dev/sdc /mnt ext4 rw 0 0\n") is None


@pytest.mark.parametrize("mounts", ["", "nonsense\n"])
def test_where_nothing_is_known_sqlite_decides(mounts: str) -> None:
    assert unsafe_for_wal(Path("/a.db"), mounts) is None


def test_a_run_on_a_network_says_so_and_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_journal, "_mounts", lambda: "server:/x / nfs4 rw 0 0\n")
    path = tmp_path / "a.db"
    with RunWriter.create(path, samples.header(), samples.sample(), None) as writer:
        assert writer.journal_note is not None
        assert writer.journal_note.startswith("The run file's journal is TRUNCATE instead of WAL (/ is on nfs4)")
        assert writer.header.notes == (*samples.header().notes, writer.journal_note)
        writer.append(samples.columns(0, 5))
        writer.flush()
        assert len(read_run(path)) == 5
        assert not path.with_name("a.db-wal").exists()
        writer.finish(samples.summary())
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.db"]
    assert read_header(path) == writer.header


def test_a_run_under_wal_has_nothing_to_say(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "a.db", samples.header(), samples.sample(), None) as writer:
        assert (writer.journal_note, writer.header) == (None, samples.header())
        assert (tmp_path / "a.db-wal").exists()


def test_sqlite_may_refuse_wal() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    note = choose_journal(connection, Path("/a.db"))
    connection.close()
    assert note is not None
    assert "SQLite answered 'memory' when asked for it" in note
