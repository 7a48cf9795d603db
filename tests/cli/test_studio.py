"""``fallline studio``: what it says, what it refuses, and what it hands to the server."""

import socket
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from cli.shell import Cli, left_in
from fallline._cli import _studio
from fallline._studio import _serve


class Asked:
    """What the server was asked to serve; it ends as soon as it has begun."""

    def __init__(self) -> None:
        self.apps: list[Any] = []
        self.opened: list[str] = []
        self.by_ctrl_c = False

    def serve(self, app: Any, listening: socket.socket, started: Callable[[], None]) -> bool:
        self.apps.append(app)
        with listening:
            started()
        return self.by_ctrl_c


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The command without its server, its browser and PyTorch; as on a machine with a screen."""
    found = Asked()
    monkeypatch.setattr(_serve, "serve", found.serve)
    monkeypatch.setattr(_studio, "_load", lambda: None)
    monkeypatch.setattr(webbrowser, "open", found.opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    return found


def test_it_prints_its_address_and_how_to_end_it(cli: Cli, asked: Asked, folder: Path) -> None:
    done = cli("studio", "--port", 0, "--no-open")
    assert done.status == 0
    assert done.out.startswith("http://127.0.0.1:")
    assert done.out.endswith("/\n")
    assert done.err == "Ctrl-C ends it.\n"
    assert asked.opened == []
    assert left_in(folder) == []
    assert (asked.apps[0].state.places.runs, asked.apps[0].state.places.chapters) == (Path("runs"), None)


def test_it_opens_the_browser_where_there_is_a_screen(cli: Cli, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    done = cli("studio", "--port", 0)
    for _ in range(1000):
        if asked.opened:
            break
        time.sleep(0.005)
    assert asked.opened == [done.out.strip()]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not _studio._has_display()
    monkeypatch.setattr("sys.platform", "darwin")
    assert _studio._has_display()


def test_ctrl_c_is_130(cli: Cli, asked: Asked) -> None:
    asked.by_ctrl_c = True
    done = cli("studio", "--port", 0, "--no-open")
    assert (done.status, done.err) == (130, "Ctrl-C ends it.\nfallline: Stopped by Ctrl-C.\n")


@pytest.mark.slow
def test_a_run_is_opened_from_its_own_folder(
    cli: Cli, asked: Asked, folder: Path, recorded: Callable[..., Path]
) -> None:
    (folder / "elsewhere").mkdir()
    copy(next(recorded(("fit", "--epochs", 3)).glob("*.db")), folder / "elsewhere" / "mine.db")
    (folder / "elsewhere" / "mine.db.db").write_text("no run", encoding="utf-8")  # beside it, and not it
    done = cli("studio", "elsewhere/mine.db", "--port", 0, "--no-open")
    assert done.out.endswith("/#/run?name=mine\n")
    assert asked.apps[-1].state.places.runs == Path("elsewhere")
    done = cli("studio", "mine", "--runs", "elsewhere", "--port", 0, "--no-open")
    assert done.out.endswith("/#/run?name=mine\n")
    assert 'no run "other"' in cli("studio", "other", "--runs", "elsewhere", "--no-open").sentence


def test_what_is_no_run_is_refused_before_a_page_is_served(cli: Cli, asked: Asked, folder: Path) -> None:
    (folder / "runs").mkdir()
    (folder / "runs" / "corrupt.db").write_text("no run", encoding="utf-8")
    (folder / "runs" / "empty.db").touch()
    (folder / "letter.txt").write_text("no run", encoding="utf-8")
    for run, sentence in (
        ("letter.txt", "letter.txt is no run file: the name of a run's file ends in .db."),
        ("corrupt", "The run file corrupt.db cannot be read: "),
        ("runs/empty.db", f"{Path('runs/empty.db')} holds no run. Its process has only just begun, or "),
        ("", "RUN is empty: name a run"),
        ("runs", "runs is a folder: `fallline studio --runs runs` shows the runs in it."),
    ):
        done = cli("studio", run, "--port", 0, "--no-open")
        assert (done.status, done.out) == (2, "")
        assert done.sentence.startswith(sentence)
    assert asked.apps == []


def test_for_other_machines_the_address_has_a_token(cli: Cli, asked: Asked) -> None:
    done = cli("studio", "--host", ".".join("0000"), "--port", 0, "--no-open")
    assert "/?token=" in done.out
    assert len(done.out.partition("?token=")[2].strip()) >= 32
    done = cli("studio", "--token", "my-own-token-of-today", "--port", 0, "--no-open")
    assert done.out.endswith("/?token=my-own-token-of-today\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--port", 70_000), "--port takes a whole number from 0 to 65,535, not 70000."),
        (("--port", "many"), "--port takes a whole number"),
        (("--token", "short"), "--token takes 16 or more letters"),
        (("--host", "no.such.host.invalid"), '"no.such.host.invalid" is no name or address of this machine.'),
        (("--chapters", "nowhere"), '"nowhere" is no folder of chapters.'),
        (("nothing",), 'There is no run "nothing"'),
    ],
)
def test_what_is_refused(
    cli: Cli, asked: Asked, arguments: tuple[object, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if "--host" in arguments:  # nobody is asked for a name in a test
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert cli("studio", *arguments, "--no-open").sentence.startswith(sentence)
    assert asked.apps == []


def test_a_port_that_is_taken_is_one_sentence(cli: Cli, asked: Asked) -> None:
    with _serve.bind("127.0.0.1", 0) as taken:
        done = cli("studio", "--port", taken.getsockname()[1], "--no-open")
    assert "is taken: choose another with --port" in done.sentence


def test_its_help_names_every_option(cli: Cli) -> None:
    done = cli("studio", "--help")
    assert done.status == 0
    for option in ("[RUN]", "--port", "--no-open", "--host", "--token", "--chapters", "--runs"):
        assert option in done.out
