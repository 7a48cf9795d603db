"""In a notebook a run displays its picture: checked in a real IPython shell, and its HTML in a real Chromium."""

import subprocess
import sys

import pytest

import fallline as fl
from fallline._notebook import run_html

SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import fallline as fl
shown, _ = shell.display_formatter.format(fl.fit(epochs=2))
print(sorted(shown))
print(shown["text/plain"].splitlines()[0], "<iframe" in shown["text/html"])
"""


@pytest.mark.slow
def test_a_run_is_shown_as_a_picture_and_as_text() -> None:
    done = subprocess.run([sys.executable, "-c", SHELL], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines() == ["['text/html', 'text/plain']", "line True"], done.stderr


SWEEP = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import fallline as fl
shown, _ = shell.display_formatter.format(fl.sweep(learning_rates="0.001:0.05:5", epochs=20))
print(shown["text/plain"])
"""


@pytest.mark.slow
def test_a_sweep_tells_its_answer_and_its_zones() -> None:
    done = subprocess.run([sys.executable, "-c", SWEEP], capture_output=True, text=True, timeout=120, check=False)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("line (100 rows), SGD: 5 learning rates from 0.001 to 0.05"), done.stderr
    assert lines[2].startswith(("Use the learning rate", "No safe answer"))
    assert any(line.startswith("diverging  ") for line in lines)


def test_the_frame_may_run_its_script_and_nothing_else() -> None:
    page = run_html(fl.fit(epochs=2))
    assert page.startswith("<iframe srcdoc=")
    assert 'sandbox="allow-scripts"' in page
    assert page.count("<iframe") == 1
    assert "<script" not in page, "the page inside must be escaped"


@pytest.mark.slow
def test_nothing_is_registered_without_a_shell() -> None:
    code = "import fallline as fl; fl.fit(epochs=1); import sys; print('fallline._notebook' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.browser
def test_the_picture_lives_in_an_output_cell(tmp_path) -> None:
    from playwright.sync_api import sync_playwright

    from view.browser.conftest import find_chromium  # the one place that knows where a Chromium is

    cell = tmp_path / "cell.html"
    cell.write_text(f"<!doctype html><h1>cell</h1>{run_html(fl.fit(epochs=5))}", encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=["--no-sandbox"])
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(cell.as_uri())
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Take a step").wait_for()
        assert frame.get_by_text("0 of 5 steps taken").is_visible()
        browser.close()
    assert said == []
