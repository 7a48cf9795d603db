"""The neuron's page and the formulas': what is moved is run for real, what is wrong is told where it was caused."""

import inspect
from pathlib import Path

import pytest
import torch

import fallline as fl
from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_dragging_the_rate_runs_it_and_the_address_holds_it(open_studio: OpenStudio) -> None:
    opened = open_studio("#/neuron?epochs=50")
    opened.drawn()
    box = opened.page.locator(".fl-rates-input").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    opened.page.mouse.move(box["x"] + 0.74 * box["width"], y)
    opened.page.mouse.down()
    for part in (0.7, 0.6, 0.5, 0.55):
        opened.page.mouse.move(box["x"] + part * box["width"], y)
    assert "learning_rate" not in opened.hash()  # not while it is moved
    opened.page.mouse.up()
    opened.until("location.hash.includes('learning_rate=')")
    rate = float(opened.hash().partition("learning_rate=")[2].partition("&")[0])
    shown = opened.page.locator('[data-number="rate"]')
    assert float(shown.input_value()) == pytest.approx(rate, rel=1e-3)
    opened.page.locator(".fl-scrub").press("End")
    opened.until("document.querySelector('.fl-counter').textContent.startsWith('50 of')")
    loss = opened.loss()
    run = fl.fit(learning_rate=rate, epochs=50)
    assert loss == pytest.approx(float(run.columns.full_loss[-1]), rel=1e-3)


def test_the_options_offered_are_those_of_torch_with_its_defaults(open_studio: OpenStudio) -> None:
    opened = open_studio()
    offered = opened.page.evaluate("async () => (await import('/static/optimizers.js')).optimizers")
    assert len({each["name"] for each in offered}) == len(offered) >= 10
    implied = {"momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}}
    for each in offered:
        alias = implied.get(each["name"])
        kind = getattr(torch.optim, "SGD" if alias else each["name"])
        defaults = {name: value.default for name, value in inspect.signature(kind).parameters.items()} | (alias or {})
        for option in each["options"]:
            usual = defaults[option["key"]]
            assert option["default"] == (list(usual) if isinstance(usual, tuple) else usual), (each["name"], option)


def test_a_refusal_stands_under_its_control_and_the_picture_stays(open_studio: OpenStudio) -> None:
    opened = open_studio("#/neuron?learning_rate=0.01")
    opened.drawn()
    before = opened.page.locator(".fl-subtitle").inner_text()
    opened.page.locator("summary", has_text="Training").click()
    epochs = opened.page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("10000000")
    epochs.press("Enter")
    opened.until(
        "[...document.querySelectorAll('.st-fault')].some((each) => each.textContent.includes('fallline fit'))"
    )
    fault = opened.page.locator(".st-field", has=epochs).locator(".st-fault")
    assert "10,000,000 steps" in fault.inner_text()
    assert fault.get_attribute("role") == "alert"
    assert opened.page.locator(".fl-subtitle").inner_text() == before
    assert "epochs" not in opened.hash()
    opened.page.get_by_text("Share", exact=True).click()
    opened.page.get_by_role("button", name="The Python that does the same").click()
    assert "epochs" not in opened.page.locator(".st-code").inner_text()  # of what is drawn
    opened.page.keyboard.press("Escape")
    opened.page.get_by_role("slider", name="Noise").press("ArrowRight")  # another control does not take the blame
    opened.page.wait_for_timeout(500)
    assert len(opened.faults()) == 1
    assert fault.is_visible()
    epochs.fill("20")
    epochs.press("Enter")
    opened.until("location.hash.includes('epochs=20')")
    assert opened.faults() == []
    epochs.fill("2.5")
    epochs.press("Enter")
    assert opened.faults() == ["A whole number from 1 on, please."]


def test_a_dropped_table_is_learnt_from_and_given_back(open_studio: OpenStudio) -> None:
    opened = open_studio()
    opened.drawn()
    text = (EXAMPLES / "penguins.csv").read_text(encoding="utf-8")
    opened.page.evaluate(
        """(text) => {
          const drop = (file, text) => {
            const held = new DataTransfer();
            held.items.add(new File([text], file));
            for (const name of ["dragenter", "dragover", "drop"])
              document.body.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: held }));
          };
          drop("large.csv", "x,y\\n" + "1.5,2\\n2.5,4\\n".repeat(2e5)); // the last one is wanted
          drop("penguins.csv", text);
        }""",
        text,
    )
    opened.page.get_by_text("Your table: penguins.csv").wait_for()
    opened.page.get_by_label("Predict", exact=True).select_option("body_mass_g")
    for column in ("bill_length_mm", "bill_depth_mm", "year"):
        opened.page.get_by_role("checkbox", name=column).uncheck()
    opened.until("document.querySelector('.fl-run-data')?.textContent.includes('flipper_length_mm')")
    opened.until("location.hash.includes('data.target=body_mass_g')")
    assert opened.faults() == []
    elsewhere = open_studio(opened.hash())
    elsewhere.page.get_by_text("Your table: penguins.csv").wait_for()
    assert not elsewhere.page.get_by_role("checkbox", name="year").is_checked()
    opened.page.get_by_role("button", name="Back to the textbook line").click()
    opened.until("location.hash === '#/neuron'")
    assert opened.page.get_by_role("slider", name="Noise").is_visible()


def test_a_formula_of_ones_own(open_studio: OpenStudio) -> None:
    opened = open_studio("#/formulas")
    opened.drawn()
    field = opened.page.get_by_label("Your own formula")
    field.fill("w^4 - 3*w^2 + w +")
    field.press("Enter")
    opened.until("document.querySelector('.st-own .st-fault').textContent !== ''")
    assert opened.page.locator(".fl-title").inner_text() == "parabola"  # the picture stays
    field.fill("w^4 - 3*w^2 + w")
    field.press("Enter")
    opened.until("location.hash.startsWith('#/formulas?formula=w')")
    assert opened.faults() == []
    opened.page.locator("[data-formula=saddle]").click()
    opened.until("location.hash === '#/formulas?formula=saddle'")
    assert opened.page.locator(".st-card[aria-pressed=true]").get_attribute("data-formula") == "saddle"
