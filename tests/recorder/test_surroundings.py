"""What is needed to repeat a run, and nothing that should stay private."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fallline._recorder import _surroundings
from fallline._recorder._surroundings import command_line, device_name, git_commit, surroundings


@pytest.fixture
def work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One commit of one file."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    monkeypatch.setattr(_surroundings, "GIT_SECONDS", 30.0)  # a test never judges how long something took
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    (tmp_path / "train.py").write_text("1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_commit_of_a_clean_work_tree(work_tree: Path) -> None:
    (work_tree / "inside").mkdir()
    (work_tree / "runs.db").write_text("what nobody tracks is no change")
    head = git(work_tree, "rev-parse", "HEAD")
    assert len(head) == 40
    assert git_commit(str(work_tree)) == head
    assert git_commit(str(work_tree / "inside")) == head


def test_commit_with_changes(work_tree: Path) -> None:
    head = git(work_tree, "rev-parse", "HEAD")
    (work_tree / "train.py").write_text("2\n")
    assert git_commit(str(work_tree)) == head + "+changes"


def test_the_work_tree_is_not_written_to(work_tree: Path) -> None:
    index = work_tree / ".git" / "index"
    os.utime(work_tree / "train.py", (1, 1))  # git would like to refresh its index now
    before = index.read_bytes()
    git_commit(str(work_tree))
    assert index.read_bytes() == before


def test_no_commit_yet(tmp_path: Path, work_tree: Path) -> None:
    shutil.rmtree(work_tree / ".git")
    git(tmp_path, "init", "-q")
    assert git_commit(str(tmp_path)) is None


def test_no_repository_no_git_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(str(tmp_path)) is None
    assert git_commit(str(tmp_path / "gone")) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit(str(tmp_path)) is None


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_git_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "git"
    stand_in.write_text('#!/bin/sh\ncase "$*" in *rev-parse*) echo abc123;; *) exec sleep 60;; esac\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    calls = iter((0.05, 30.0))
    real = subprocess.run

    def run(*arguments: object, **options: object) -> object:
        return real(*arguments, **{**options, "timeout": next(calls)})

    monkeypatch.setattr(subprocess, "run", run)
    assert git_commit(str(tmp_path)) == "abc123+changes?"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["train.py", "--lr", "0.1"], ("train.py", "--lr", "0.1")),
        (["t.py", "--wandb-api-key", "s3cret", "--seed", "1"], ("t.py", "--wandb-api-key", "…", "--seed", "1")),
        (["t.py", "--hf_token=s3cret"], ("t.py", "--hf_token=…")),
        (["t.py", "db.password=s3cret"], ("t.py", "db.password=…")),
        (["t.py", "https://me:s3cret@host/x"], ("t.py", "https://…@host/x")),
        (["t.py", "--max-tokens", "512", "--tokenizer", "bpe"], ("t.py", "--max-tokens", "512", "--tokenizer", "bpe")),
        (["token.py", "--token", "--verbose"], ("token.py", "--token", "--verbose")),
        ([], ()),
    ],
)
def test_command_line_without_secrets(given: list[str], shown: tuple[str, ...]) -> None:
    assert command_line(given) == shown


def test_a_notebook_is_named() -> None:
    started = ["/usr/lib/python3/ipykernel_launcher.py", "-f", "/run/kernel-1.json"]
    assert command_line(started) == ("notebook",)
    assert command_line(started, "/home/me/first.ipynb") == ("notebook", "/home/me/first.ipynb")


def test_the_program_that_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "17")
    monkeypatch.setenv("MY_SECRET", "s3cret")
    torch.manual_seed(5)
    state = torch.get_rng_state()
    found = surroundings(torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), state)
    assert found.seeds == {"torch": 5, "PYTHONHASHSEED": 17}
    assert found.folder == str(tmp_path)
    assert found.threads == torch.get_num_threads()
    assert found.deterministic is False
    assert set(found.versions) == {"fallline", "torch", "numpy", "python"}
    assert type(found.versions["torch"]) is str
    assert "s3cret" not in json.dumps([found.command_line, found.folder, dict(found.seeds), found.device])


def test_hash_seed_random_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "random")
    assert set(surroundings(torch.device("cpu")).seeds) == {"torch"}


def test_the_processor_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_surroundings, "_processor", lambda: "Fast 9000")
    assert device_name(torch.device("cpu")) == "cpu (Fast 9000)"
    monkeypatch.setattr(_surroundings, "_processor", lambda: None)
    assert device_name(torch.device("cpu")) == "cpu"
    assert device_name(torch.device("meta")) == "meta"


def test_a_folder_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    assert surroundings(torch.device("cpu")).folder == ""
