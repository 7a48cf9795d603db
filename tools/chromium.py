"""Find a Chromium for the browser tests, or install one; print its path.

In this order: the one FALLLINE_CHROMIUM names; one on this machine; the one Playwright installs (into .venv,
so that nothing is left outside the checkout); as root on Debian and its kin, the distribution's package. A
browser counts only if it starts and shows a page.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ROOT / ".venv" / "browsers"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PLAYWRIGHT_PATH = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
NONE_FOUND = (
    "The browser tests need a Chromium that starts, and there are three ways to one: install chromium or "
    "google-chrome (or name one in FALLLINE_CHROMIUM); let Playwright download one "
    "(.venv/bin/python -m playwright install chromium); or run make test as root on Debian, where it "
    "installs the package chromium."
)


def main() -> int:
    """Print the path of a Chromium that works; status 1 and one sentence where there is none."""
    named = os.environ.get("FALLLINE_CHROMIUM")
    if named is not None:
        if not works(named):
            say(f'FALLLINE_CHROMIUM names "{named}", which does not start as a Chromium.')
            return 1
        sys.stdout.write(f"{named}\n")
        return 0
    found = next((path for path in candidates() if works(path)), None)
    if found is None:
        say(NONE_FOUND)
        return 1
    sys.stdout.write(f"{found}\n")
    return 0


def candidates() -> Iterator[str]:
    """Each way in turn; the next is only tried when nothing from the one before works."""
    yield from on_this_machine()
    yield from from_playwright()
    if can_install_package():
        install_package()
        yield from on_this_machine()


def on_this_machine() -> Iterator[str]:
    """Chromiums and Chromes by the names they usually have."""
    found = [shutil.which(command) for command in COMMANDS]
    yield from (path for path in found if path is not None)
    yield from (path for path in APPLICATIONS if Path(path).exists())


def from_playwright() -> Iterator[str]:
    """The one Playwright already has in its usual place, else the one it installs into .venv."""
    usual = playwright_path(dict(os.environ))
    if usual is not None and Path(usual).exists():
        yield usual
    environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(BROWSERS)}
    own = playwright_path(environment)
    if own is None:
        return
    if not Path(own).exists():
        say("No Chromium on this machine: Playwright downloads one into .venv (about 170 MB).")
        run([sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"], environment)
    if Path(own).exists():
        yield own


def playwright_path(environment: dict[str, str]) -> str | None:
    """Where Playwright's own Chromium is or would be; None where Playwright cannot say."""
    done = subprocess.run(
        [sys.executable, "-c", PLAYWRIGHT_PATH],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else None


def can_install_package() -> bool:
    """Root, where apt-get is at hand."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_package() -> None:
    """The distribution's package, without asking anything."""
    say("Installing the distribution's package chromium (about 300 MB with what it needs).")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update"], environment)
    run(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], environment)


def run(command: list[str], environment: dict[str, str]) -> None:
    """Run an installer, its words on stderr: stdout carries only the path. Whether it worked shows after."""
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def works(path: str) -> bool:
    """Whether it starts and shows a page: a package's stub, or a browser without its libraries, does not."""
    with TemporaryDirectory() as profile:
        command = [path, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", "data:text/html,<p>fallline</p>"]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return "<p>fallline</p>" in done.stdout


def say(words: str) -> None:
    """A note to the person at the terminal."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
