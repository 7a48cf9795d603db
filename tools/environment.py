"""Make or bring up to date the virtual environment in .venv: ``environment.py runtime`` or ``development``.

Run by make with any Python from 3.11, standard library only. What was installed is noted in a stamp, which
holds a fingerprint of everything the installation depends on; while it matches, nothing is done.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
COMPILED = ("setup.py", "src/fallline/_recorder/_one_pass.c")
REQUIREMENTS = {"runtime": ".", "development": ".[dev]"}
TYPESCRIPT = "5.9.3"
"""Checks the types of the studio's JavaScript modules, where npm is."""
DOWNLOAD = """\
Installing fallline and what it needs into .venv. The long part is PyTorch: a download of 2 to 3 GB on Linux,
where pip's default is the build with NVIDIA's CUDA libraries; about 200 MB for the CPU build of Linux (the
README has the line that chooses it), and about 100 MB on macOS. The rest is about 100 MB. It is done once."""
DEVELOPMENT_DOWNLOAD = """\
Installing the tools for testing (pytest, mypy, Playwright, scikit-learn, pandas, PyArrow and others) into
.venv: a download of about 200 MB. It is done once."""


class SetupError(Exception):
    """The environment cannot be made; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Status 0 when .venv is as wanted, 1 with a sentence on stderr when it is not."""
    if len(arguments) != 1 or arguments[0] not in REQUIREMENTS:
        say(f"usage: environment.py {'|'.join(REQUIREMENTS)}")
        return 2
    try:
        bring_up_to_date(arguments[0])
    except SetupError as error:
        say(str(error))
        return 1
    return 0


def bring_up_to_date(kind: str) -> None:
    """Install what is missing for ``kind``; a development environment serves as a runtime one too."""
    wanted = fingerprint()
    if any(read_stamp(stamp) == wanted for stamp in stamps_that_serve(kind)) and VENV_PYTHON.exists():
        return
    if was_moved():
        say("This checkout was moved, so its .venv is made again.")
        shutil.rmtree(VENV)
    if not runs(VENV_PYTHON):
        create()
    announce(kind)
    install(REQUIREMENTS[kind])
    if kind == "development":
        install_typescript()
    stamp_of(kind).write_text(wanted, encoding="utf-8")


def fingerprint() -> str:
    """The checkout's place, on the first line, and a hash of the files that say what to install, or are compiled."""
    digest = hashlib.sha256(TYPESCRIPT.encode())
    for name in ("pyproject.toml", "constraints.txt", *COMPILED):
        digest.update((ROOT / name).read_bytes())
    return f"{ROOT}\n{digest.hexdigest()}\n"


def stamp_of(kind: str) -> Path:
    """Where an installation of this kind is noted."""
    return VENV / f"fallline-{kind}.stamp"


def stamps_that_serve(kind: str) -> list[Path]:
    """The stamps any of which says that nothing is missing for ``kind``."""
    return [stamp_of("development")] if kind == "development" else [stamp_of(known) for known in REQUIREMENTS]


def read_stamp(stamp: Path) -> str | None:
    """What was noted; None where nothing was."""
    return stamp.read_text(encoding="utf-8") if stamp.exists() else None


def was_moved() -> bool:
    """A virtual environment holds absolute paths, so one that was copied or moved points to its old place."""
    noted = [read_stamp(stamp_of(kind)) for kind in REQUIREMENTS]
    return any(text is not None and text.splitlines()[0] != str(ROOT) for text in noted)


def runs(python: Path) -> bool:
    """Whether this Python starts and has pip: not so after the Python it was made from was removed."""
    if not python.exists():
        return False
    check = [str(python), "-c", "import pip"]
    return subprocess.run(check, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def create() -> None:
    """A new .venv, from the Python that runs this file."""
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(
            f"{sys.executable} could not make a virtual environment (on Debian and Ubuntu: apt install "
            f"python3-venv). It said:\n{(done.stdout + done.stderr).strip()}"
        )


def has(package: str) -> bool:
    """Whether .venv has a package of this name, without importing it."""
    check = f"import importlib.metadata as m; m.version({package!r})"
    done = subprocess.run([str(VENV_PYTHON), "-c", check], capture_output=True, check=False)
    return done.returncode == 0


def announce(kind: str) -> None:
    """Before a long download, say what it is and about how large."""
    if not has("torch"):
        say(DOWNLOAD)
    if kind == "development" and not has("pyarrow"):
        say(DEVELOPMENT_DOWNLOAD)


def install(requirement: str) -> None:
    """An editable installation, held to the versions in constraints.txt."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["-c", "constraints.txt", "-e", requirement]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SetupError(
            "pip could not install what fallline needs; its own words are above. Once that is put right, the "
            "same command goes on from here."
        )


def install_typescript() -> None:
    """Into .venv, where Node's npm is on the path; nothing else needs it: a failure is told and left at that."""
    npm = shutil.which("npm")
    if npm is None:
        return
    command = [npm, "install", "--prefix", str(VENV), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        [*command, f"typescript@{TYPESCRIPT}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = next(reversed(done.stderr.strip().splitlines()), "nothing")
        say(f"npm could not install TypeScript, so that the types of the JavaScript are not checked. It said: {last}")


def say(words: str) -> None:
    """A note to the person at the terminal."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
