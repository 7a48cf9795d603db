"""``fl.live`` in a real JupyterLab: the cell is run, the rate is moved, the kernel has run it."""

import ast
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

pytest.importorskip("anywidget")
pytest.importorskip("jupyterlab")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = ("import fallline as fl\npicture = fl.live(learning_rate=0.01, epochs=50)\npicture", "print(picture.settings)")
OWN_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "HOME")
OPTIONS = ("--no-browser", "--allow-root", "--port=0", "--ServerApp.token=", "--ServerApp.password=")
PATIENT = 120_000  # ms: JupyterLab starts, and a kernel loads PyTorch


def notebook() -> str:
    cells = [
        {"cell_type": "code", "id": f"c{k}", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for k, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def jupyterlab(tmp_path: Path) -> Iterator[str]:
    """Its address, with folders of its own."""
    work, told = tmp_path / "work", tmp_path / "told.txt"
    work.mkdir()
    (work / "lesson.ipynb").write_text(notebook())
    own = {name: str(tmp_path / name.lower()) for name in OWN_FOLDERS}
    with (
        told.open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *OPTIONS],
            cwd=work,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as server,
    ):
        try:
            yield address(server, told)
        finally:
            server.terminate()


def address(server: "subprocess.Popen[bytes]", told: Path) -> str:
    """As JupyterLab tells it once it listens."""
    while server.poll() is None:
        found = re.search(r"http://(?:127\.0\.0\.1|localhost):\d+/lab", told.read_text())
        if found:
            return found[0]
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{told.read_text()}")


def test_the_rate_is_moved_and_the_kernel_runs_it(jupyterlab: str, browser: Browser) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENT)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{jupyterlab}/tree/lesson.ipynb")
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    slider = page.get_by_role("slider", name="Learning rate")
    slider.wait_for()
    before = slider.get_attribute("aria-valuetext") or ""
    for _ in range(5):
        slider.press("ArrowRight")
    expect(slider).not_to_have_attribute("aria-valuetext", before)
    page.locator(".jp-CodeCell").nth(1).click()
    page.keyboard.press("Shift+Enter")
    printed = page.locator(".jp-OutputArea-output pre", has_text="learning_rate")
    printed.wait_for()
    settings = ast.literal_eval(printed.inner_text())
    assert 0.0101 < settings["learning_rate"] < 0.02
    assert page.locator(".fl-widget-fault").is_hidden()
