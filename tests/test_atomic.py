"""Files that are written whole or not at all."""

import os
import sys
from pathlib import Path

import pytest

from fallline._atomic import place_problem, whole_file


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("older")
    with whole_file(target) as part:
        part.write_text("newer")
        assert target.read_text() == "older"
        assert part.parent == tmp_path
    assert target.read_text() == "newer"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_leaves_the_older_file_and_no_piece(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("older")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert target.read_text() == "older"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def _interrupted(target: Path) -> None:
    with whole_file(target) as part:
        part.write_text("ne")
        raise KeyboardInterrupt


def test_it_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "a.txt").exists()))
    with whole_file(tmp_path / "a.txt") as part:
        part.write_text("all")
    assert seen == [False]


def test_what_is_in_the_way_of_a_place(tmp_path: Path) -> None:
    assert place_problem(tmp_path / "a.txt") == ""
    assert place_problem(tmp_path) == "it is a folder; name a file in it"
    assert place_problem(tmp_path / "gone" / "a.txt") == f"there is no folder {tmp_path / 'gone'}; make it first"
    assert place_problem(tmp_path / "gone" / "a.txt", made=tmp_path / "gone") == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes among the files there")
def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for place in (pipe, link, tmp_path):
        with pytest.raises(OSError, match="name a file"), whole_file(place):
            pytest.fail("nothing may be written")
    assert place_problem(link) == "it is a pipe; name a file"
    assert place_problem(Path(os.devnull)) == "it is a device; name a file"
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link", "pipe"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_still_leads_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "a.txt", tmp_path / "link.txt"
    link.symlink_to(file)
    for text in ("made", "newer"):  # a link may lead to what is not there yet
        with whole_file(link) as part:
            part.write_text(text)
        assert link.is_symlink()
        assert file.read_text() == text
