"""In a notebook a run displays its picture: checked in a real IPython shell, and its HTML in a real Chromium."""

import html
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import fallline as fl
from fallline._notebook import page_html

SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import fallline as fl
for result in (
    fl.fit(epochs=2),
    fl.sweep(learning_rates="0.001:0.05:5", epochs=20),
    fl.compare(formula="ravine", optimizers=["sgd", "adam"], epochs=10, trials=3, seeds=1),
    fl.why("minus"),
):
    shown, _ = shell.display_formatter.format(result)
    print("::", type(result).__name__, sorted(shown), shown["text/html"].startswith("<iframe srcdoc="))
    print(shown["text/plain"])
"""


@pytest.mark.slow
def test_results_are_shown_as_pictures_and_as_text() -> None:
    done = subprocess.run([sys.executable, "-c", SHELL], capture_output=True, text=True, timeout=240, check=False)
    head, *shown = done.stdout.split(":: ")
    assert head == "", done.stderr
    both = "['text/html', 'text/plain'] True"
    told = {name: one.splitlines()[1:] for one in shown for name in [one.split()[0]] if both in one.splitlines()[0]}
    assert list(told) == ["Run", "SweepResult", "Comparison", "Answer"], done.stdout
    assert told["Run"][0] == "line"
    lines = told["SweepResult"]
    assert lines[0].startswith("line (100 rows), SGD: 5 learning rates from 0.001 to 0.05")
    assert lines[2].startswith(("Use the learning rate", "No safe answer"))
    assert any(line.startswith("diverging  ") for line in lines)


@pytest.mark.slow
def test_a_run_shows_the_page_of_its_report(tmp_path: Path) -> None:
    run = fl.fit(epochs=5)
    fl.report(run, tmp_path / "run.html")
    shown = page_html(run)
    assert shown is not None
    page = html.unescape(shown.split('srcdoc="')[1].split('"')[0])
    assert page == (tmp_path / "run.html").read_text(encoding="utf-8")
    assert '"home":"recorded run"' in page.replace('": "', '":"'), "the rate slider is there"


def test_a_sweep_that_does_not_hold_its_loss_has_words_only() -> None:
    from fallline._formulas import formula

    assert page_html(fl.sweep(formula("ravine"), learning_rates=[0.01], epochs=3)) is None


def test_the_frame_may_run_its_script_and_nothing_else() -> None:
    page = page_html(fl.fit(epochs=2))
    assert page is not None
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
def test_the_picture_lives_in_an_output_cell(tmp_path: Path, browser: Browser) -> None:
    cell = tmp_path / "cell.html"
    cell.write_text(f"<!doctype html><h1>cell</h1>{page_html(fl.fit(epochs=5))}", encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(cell.as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Take a step").wait_for()
    assert frame.get_by_text("0 of 5 steps taken").is_visible()
    page.close()
    assert said == []
