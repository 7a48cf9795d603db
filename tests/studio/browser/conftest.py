"""A studio as a process of its own, and its pages in a real Chromium."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page


@dataclass
class Studio:
    """A server that can be killed and started again at the same address."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[str] | None" = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        arguments = ["studio", "--no-open", "--port", str(self.port), "--runs", str(self.folder)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fallline", *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().strip().rstrip("/").rpartition(":")[2])

    def kill(self) -> None:
        if self.process is None:
            return
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.process = None


@dataclass
class Opened:
    """A page of the studio, with everything the browser had to say about it."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hash(self) -> str:
        return str(self.page.evaluate("location.hash"))

    def drawn(self) -> None:
        """Wait for the picture."""
        self.page.locator(".fl-canvas-contour").wait_for(timeout=60_000)

    def until(self, script: str, *, within: float = 60_000) -> None:
        """Wait until a script says true. (Playwright's own waiting evaluates text, which the page's policy forbids.)"""
        poll = f"""() => new Promise((done, fail) => {{
          const end = performance.now() + {within};
          const look = () => {{
            if ({script}) done(true);
            else if (performance.now() > end) fail(new Error("it did not come to that"));
            else setTimeout(look, 20);
          }};
          look();
        }})"""
        self.page.evaluate(poll)

    def loss(self) -> float:
        """At the ball, as the picture's label has it: four significant figures."""
        label = self.page.locator(".fl-canvas-contour").get_attribute("aria-label") or ""
        return float(label.partition(", loss ")[2].partition(". ")[0].replace(",", ""))

    def faults(self) -> list[str]:
        return [text for text in self.page.locator(".st-fault").all_inner_texts() if text != ""]


OpenStudio = Callable[..., Opened]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for all tests that do not kill it."""
    studio = Studio(tmp_path_factory.mktemp("runs"))
    studio.start()
    yield studio
    studio.kill()


@pytest.fixture
def open_studio(browser: Browser, served: Studio) -> Iterator[OpenStudio]:
    """Open an address of the studio; at the end the browser has nothing to complain of, and has asked nobody else."""
    opened: list[Opened] = []

    def start(at: str = "", *, studio: Studio = served, **context: Any) -> Opened:
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}).new_page()
        page.set_default_timeout(30_000)
        seen = Opened(page, studio.address)
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        opened.append(seen)
        page.goto(f"{studio.address}/{at}")
        return seen

    yield start
    for each in opened:
        assert each.complaints == []
        own = (each.address, "data:", "blob:")
        assert [url for url in each.requests if not url.startswith(own)] == []
        each.page.context.close()
