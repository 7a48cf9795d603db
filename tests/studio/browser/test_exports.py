"""What can be taken away: the offline page, the picture, the Python."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser

AT = "#/neuron?epochs=20&learning_rate=0.012&seed=3&step=5"


def test_the_offline_page_shows_the_same_run(open_studio: OpenStudio, tmp_path: Path) -> None:
    opened = open_studio(AT, accept_downloads=True)
    opened.drawn()
    opened.page.locator(".st-menu > summary").click()
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="Save as an offline page").click()
    target = tmp_path / download.value.suggested_filename
    assert target.suffix == ".html"
    download.value.save_as(target)
    offline = opened.page.context.browser.new_page()  # type: ignore[union-attr]  (the page was opened in one)
    offline.goto(target.as_uri())
    offline.locator(".fl-canvas-contour").wait_for()
    assert "learning rate 0.012" in offline.locator(".fl-subtitle").inner_text()
    assert offline.locator(".fl-counter").inner_text() == "5 of 20 steps taken"  # where the page stood
    offline.close()


def test_the_picture_is_a_png_of_the_whole_page(open_studio: OpenStudio, tmp_path: Path) -> None:
    opened = open_studio(AT, accept_downloads=True)
    opened.drawn()
    opened.page.locator(".st-menu > summary").click()
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="Save the picture as PNG").click()
    target = tmp_path / download.value.suggested_filename
    download.value.save_as(target)
    held = target.read_bytes()
    assert held.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", held[16:24])
    assert width > 1500
    assert height > 1000
    assert len(held) > 100_000  # something is drawn


def test_the_python_ends_at_the_same_loss(open_studio: OpenStudio, tmp_path: Path) -> None:
    opened = open_studio(AT.replace("step=5", "step=end"))
    opened.drawn()
    opened.until("document.querySelector('.fl-counter').textContent.startsWith('20 of')")
    shown = opened.loss()
    opened.page.locator(".st-menu > summary").click()
    opened.page.get_by_role("button", name="The Python that does the same").click()
    program = tmp_path / "program.py"
    program.write_text(opened.page.locator("dialog code").inner_text(), encoding="utf-8")
    with program.open("a", encoding="utf-8") as file:
        file.write("\nprint(run.columns.full_loss[-1])\n")
    done = subprocess.run([sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) == pytest.approx(shown, rel=1e-3)
