"""README.md is true: its commands run, in its order, and every line shown as output is printed."""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.shell import ROOT, environment, here

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{2,3} ", flags=re.MULTILINE)
PROMPT = "$ "


@dataclass(frozen=True)
class Example:
    """One command with the lines that the README shows of its output, or one Python block."""

    text: str
    shown: tuple[str, ...] = ()
    python: bool = False


def plain(line: str) -> str:
    """A line without what may differ: the number of a run."""
    return re.sub(r"\b\d{4,}-(?=\w)", "NNNN-", line.rstrip())


def examples(text: str) -> list[Example]:
    """Every example in the order of the page; a block without a command goes on with the one before it."""
    found: list[Example] = []
    for language, body in BLOCK.findall(text):
        if language == "python":
            found.append(Example(body, python=True))
        if language not in ("console", "bash"):
            continue
        for line in body.splitlines():
            if line.startswith(PROMPT):
                found.append(Example(line.removeprefix(PROMPT)))
            elif line.strip():
                found[-1] = Example(found[-1].text, (*found[-1].shown, plain(line)))
    return found


def sections() -> dict[str, str]:
    """Those that hold an example, by their heading."""
    found = {}
    for part in HEADING.split(README)[1:]:
        heading, _, text = part.partition("\n")
        if examples(text):
            found[heading] = text
    return found


SECTIONS = sections()


def printed(folder: Path, example: Example) -> list[str]:
    """What an example prints when it is run in ``folder``; 1 is the status of a run that diverged."""
    if example.python:
        done = subprocess.run(
            [sys.executable, "-c", example.text],
            cwd=folder,
            env=environment(COLUMNS="80"),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().splitlines()
    program, *arguments = shlex.split(example.text)
    if program == "python":
        return script(folder, arguments)
    assert program == "fallline", f"an example of another program: {example.text}"
    told = here(folder, *arguments, COLUMNS="80")
    assert told.status == (1 if "diverged" in told.out else 0), told.err
    return [plain(line) for line in (told.out + told.err).splitlines()]


def script(folder: Path, arguments: list[str]) -> list[str]:
    """What a program of ``examples/`` says: its notes and its output."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment(COLUMNS="80"), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return [plain(line) for line in (done.stderr + done.stdout).decode().splitlines()]


@pytest.mark.parametrize("section", SECTIONS)
def test_what_the_readme_shows_is_printed(section: str, tmp_path: Path) -> None:
    """Every example of a section in the order of the page, beside ``examples/``; it needs no other section."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    wrong = {}
    for example in examples(SECTIONS[section]):
        output = printed(tmp_path, example)
        if missing := not_found(example.shown, output):
            wrong[example.text] = {"not printed, or not in this order": missing, "printed": output}
    assert wrong == {}


def not_found(shown: tuple[str, ...], output: list[str]) -> list[str]:
    """The lines shown from the first on that the output does not have after the one before it."""
    remaining = iter(output)
    return [line for line in shown if line not in remaining]  # consumes up to the line found


def test_a_line_that_is_not_printed_or_out_of_order_is_seen() -> None:
    assert not_found(("a", "c"), ["a", "b", "c"]) == []
    assert not_found(("a", "x"), ["a", "b", "c"]) == ["x"]
    assert not_found(("c", "a"), ["a", "b", "c"]) == ["a"]


def test_the_page_shows_the_main_job() -> None:
    shown = examples(README)
    assert sum(len(examples(text)) for text in SECTIONS.values()) == len(shown)
    texts = [example.text for example in shown]
    assert "fallline fit" in texts
    assert any("examples/penguins.csv" in text for text in texts)
    assert any(example.python for example in shown)
    assert all(example.shown for example in shown if example.text.startswith("fallline fit"))
