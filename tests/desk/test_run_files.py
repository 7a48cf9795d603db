"""Only what lies directly in the folder of runs is ever opened."""

import os
import sys
from pathlib import Path

import pytest

from fallline._desk import _run_files
from fallline._desk._run_files import is_going, run_file, run_files
from fallline._errors import FalllineError, OptionError, RunFileError

OUTSIDE = [
    "../secret", "..", ".", "/etc/passwd", "a/b", "a\\b", "..\\secret", "C:secret", "C:\\secret", "a:stream",
    "\\\\host\\share", "a\0b", "a\nb", "*", "a?", "a.", "a ", ".hidden", "", "x" * 300, None, True, 3.5,
    ["0001-line"], {"name": "a"},
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    runs.mkdir()
    (tmp_path / "secret.db").write_bytes(b"secret")
    for number, name in enumerate(["0001-line", "0002-digits"]):
        (runs / f"{name}.db").write_bytes(b"a run")
        os.utime(runs / f"{name}.db", (1000 + number, 1000 + number))
    return runs


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_no_name_is_refused_in_one_sentence(folder: Path, name: object) -> None:
    with pytest.raises(OptionError) as told:
        run_file(folder, name)
    assert str(told.value).count(". ") == 0
    assert "\0" not in str(told.value)


def test_a_run_is_found_by_its_name_its_file_or_its_number(folder: Path) -> None:
    for name in ("0002-digits", "0002-digits.db", 2, "2", "0002"):
        assert run_file(folder, name).path == folder / "0002-digits.db"
    with pytest.raises(RunFileError, match=r'There is no run "0002-digit" in .* Did you mean "0002-digits"'):
        run_file(folder, "0002-digit")


@pytest.mark.skipif(sys.platform == "win32", reason="no file has such a name there")
@pytest.mark.parametrize(
    "name", ["a?b", "a<b>&#c%", "näme ü日本", "1e3", "C:x|*", "a\\b", "two\nlines", ".hidden", "x" * 252]
)
def test_whatever_the_folder_lists_is_opened_by_that_name(folder: Path, name: str) -> None:
    (folder / f"{name.encode()[:252].decode()}.db").write_bytes(b"a run")
    assert name in [file.name for file in run_files(folder)[0]]
    assert run_file(folder, name).path == folder / f"{name}.db"
    with pytest.raises(FalllineError):
        run_file(folder, f"../{folder.name}/{name}")


def test_the_newest_stands_first_and_the_list_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [file.name for file in run_files(folder)[0]] == ["0002-digits", "0001-line"]
    monkeypatch.setattr(_run_files, "MOST_FILES", 1)
    files, older = run_files(folder)
    assert ([file.name for file in files], older) == (["0002-digits"], 1)
    assert run_files(folder / "none") == ([], 0)
    assert run_files(folder / "0001-line.db") == ([], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_that_leads_out_is_listed_and_never_opened(folder: Path) -> None:
    (folder / "out.db").symlink_to(folder.parent / "secret.db")
    (folder / "in.db").symlink_to(folder / "0001-line.db")
    (folder / "circle.db").symlink_to(folder / "circle.db")
    (folder / "gone.db").symlink_to(folder / "nothing.db")
    (folder / "folder.db").mkdir()
    os.mkfifo(folder / "pipe.db")
    assert {file.name: file.leads_out for file in run_files(folder)[0]} == {
        "out": True, "in": False, "0001-line": False, "0002-digits": False,
    }  # fmt: skip
    with pytest.raises(RunFileError, match="out is a link to a place outside of the folder, and is not opened"):
        run_file(folder, "out")
    for name in ("circle", "gone", "folder", "pipe"):
        with pytest.raises(FalllineError):
            run_file(folder, name)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_folder_that_is_itself_a_link_is_the_user_s_choice(folder: Path) -> None:
    linked = folder.parent / "linked"
    linked.symlink_to(folder, target_is_directory=True)
    assert not run_file(linked, "0001-line").leads_out


def test_the_stamp_changes_with_the_file_and_with_its_journal(folder: Path) -> None:
    stamps = [run_file(folder, "0001-line").stamp]
    (folder / "0001-line.db").write_bytes(b"a longer run")
    stamps.append(run_file(folder, "0001-line").stamp)
    (folder / "0001-line.db-wal").write_bytes(b"steps")
    stamps.append(run_file(folder, "0001-line").stamp)
    assert len(set(stamps)) == 3
    assert run_file(folder, "0001-line").size == len(b"a longer run") + len(b"steps")


def test_a_run_goes_on_while_it_was_written_lately_or_its_journal_is_held(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = run_file(folder, "0001-line")
    assert not is_going(old)
    assert is_going(old, patience=1e12)
    (folder / "0001-line.db-shm").write_bytes(b"")
    inode = (folder / "0001-line.db-shm").stat().st_ino
    locks = folder / "locks"
    monkeypatch.setattr(_run_files, "_LOCKS", locks)
    monkeypatch.setattr(sys, "platform", "linux")
    for owner, held in ((os.getpid() + 1, True), (os.getpid(), False)):
        locks.write_text(f"1: POSIX  ADVISORY  READ {owner} fe:00:{inode} 128 128\n", encoding="ascii")
        assert is_going(old) == held
    locks.write_text(f"1: POSIX  ADVISORY  READ 1 fe:00:{inode}1 128 128\n", encoding="ascii")
    assert not is_going(old)
