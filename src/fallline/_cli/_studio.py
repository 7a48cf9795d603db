"""``fallline studio``: the page on which everything can be touched."""

import os
import sys
import threading
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from fallline._cli._options import Folder
from fallline._cli._screen import Screen
from fallline._run_names import RUNS
from fallline._wording import STOPPED

Run = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run file, its number or its name, to open; it may still be made.")
]
Port = Annotated[int | None, typer.Option(metavar="N", help="8642 or the next that is free unless told; 0 for any.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; for other machines a token is demanded.")]
Token = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The token to demand; a random one unless told, with such a --host.")
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")]
Chapters = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Chapters of your own, a folder each.")]


def studio(
    run: Run = None,
    port: Port = None,
    no_open: NoOpen = False,
    host: Host = "127.0.0.1",
    token: Token = None,
    chapters: Chapters = None,
    folder: Folder = RUNS,
) -> int:
    """Open a page in which everything can be touched: drag the learning rate and watch. RUN opens a run."""
    from fallline._lessons._chapter_files import read_chapters
    from fallline._studio._address import access_to, checked_token, page_address
    from fallline._studio._app import make_app
    from fallline._studio._places import Places
    from fallline._studio._serve import bind, check_port, serve

    if chapters is not None:
        read_chapters(chapters)  # a teacher's mistake is told here, not to the class
    check_port(port)
    checked_token(token)
    runs, opened = _place_of(run, folder)
    listening = bind(host, port)
    access = access_to(host, listening.getsockname()[1], token)
    address = page_address(host, listening.getsockname()[1], access.token, opened)
    app = make_app(Places(runs, chapters), access)
    screen = Screen.standard()
    loading = threading.Thread(target=_load, daemon=True, name="fallline-loading")

    def started() -> None:
        screen.say(address)
        screen.out.flush()
        screen.note("Ctrl-C ends it.")
        loading.start()
        if not no_open and _has_display():
            threading.Thread(target=_open, args=(address,), daemon=True, name="fallline-browser").start()

    by_ctrl_c = serve(app, listening, started)
    if loading.is_alive() or not app.state.idle:
        _leave_at_once(screen, by_ctrl_c=by_ctrl_c)
    if by_ctrl_c:
        raise KeyboardInterrupt
    return 0


def _place_of(run: str | None, folder: Path) -> tuple[Path, str | None]:
    """The folder of runs, and the name of the one to open in it; a run file elsewhere brings its own folder."""
    if run is None:
        return folder, None
    from fallline._desk._run_files import run_file
    from fallline._desk._runs import read_row
    from fallline._errors import OptionError, RunFileError
    from fallline._run_names import SUFFIX
    from fallline._store import find_run

    if not run.strip():
        raise OptionError("RUN is empty: name a run, or leave it out for the page without one.")
    if Path(run).is_dir():
        raise OptionError(f"{run} is a folder: `fallline studio --runs {quote(run)}` shows the runs in it.")
    path = find_run(folder, run)
    if path.suffix != SUFFIX:
        raise RunFileError(f"{path} is no run file: the name of a run's file ends in {SUFFIX}.")
    row = read_row(run_file(path.parent, path.stem))  # without the suffix, as the list of runs names it
    if row.problem:
        raise RunFileError(row.problem if path.name in row.problem else f"{path} holds no run. {row.problem}")
    return path.parent, path.stem


def _load() -> None:
    """Have everything there by the time it is asked for: the page's parts, PyTorch, and what answers first."""
    from fallline._studio._kinds import find_handler
    from fallline._studio._static import join_parts

    join_parts()
    from fallline._cli._show import use_one_thread

    use_one_thread()
    find_handler("neuron")


def _has_display() -> bool:
    """Whether there is a screen that a browser could open on; in a bare terminal one would take the terminal over."""
    return sys.platform in ("win32", "darwin", "cygwin") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _open(address: str) -> None:
    import webbrowser

    webbrowser.open(address)


def _leave_at_once(screen: Screen, *, by_ctrl_c: bool) -> None:
    """End the process although something is under way that cannot be stopped: an ordinary end would wait for it."""
    if by_ctrl_c:
        screen.complain(STOPPED)
    screen.out.flush()
    screen.err.flush()
    os._exit(130 if by_ctrl_c else 0)
