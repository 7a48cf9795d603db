"""The pages of somebody's own network in a browser: nobody complains, and the numbers are those measured."""

from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser

import fallline as fl
from own_networks import own_objective

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(browser: Browser, path: Path, width: int) -> tuple[str, list[str], int]:
    """The text of a page, what the browser complains of, and how wide the page came out."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.locator(".fl").wait_for()
    page.locator(".fl").press("End")
    page.wait_for_timeout(300)
    told = page.locator(".fl").inner_text()
    wide = int(page.evaluate("document.documentElement.scrollWidth"))
    page.close()
    return told, complaints, wide


def test_all_three(browser: Browser, tmp_path: Path) -> None:
    objective = own_objective()
    compared = fl.compare(objective, optimizers=("sgd", "adam"), epochs=12, trials=4)
    swept = fl.sweep(objective, learning_rates="0.1:30:9", epochs=40, goal=0.5)
    found = fl.curvature(objective, k=2, optimizers=[torch.optim.SGD(objective.tensors, lr=0.1)])
    wanted = {
        "compared": (compared, "What the picture hides", "cut through 82 dimensions"),
        "swept": (swept, "Three real runs", "Predicted and measured"),
        "found": (found, "78 eigenvalues in between: not measured", "Share of the limit"),
    }
    for name, (result, *words) in wanted.items():
        given = {} if name == "found" else {"objective": objective}
        fl.report(result, tmp_path / f"{name}.html", **given)
        for width in (390, 1280):
            told, complaints, wide = opened(browser, tmp_path / f"{name}.html", width)
            assert (complaints, wide) == ([], width), name
            assert all(word in told for word in words), name
