"""One step of a watched loop in words, held against its row."""

import math
import re
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

import fallline as fl
import recordings
from fallline._explain import explain, instruments, number, percent
from fallline._records import Recording


def told(recording: Recording, step: int) -> str:
    return " ".join(explain(recording, step).sentences)


def test_a_measured_step_by_its_own_numbers() -> None:
    recording = recordings.well_behaved()
    steps, batches = recording.steps, recording.batches
    row, at = 300, int(np.flatnonzero(batches.step == 300)[0])
    explanation = explain(recording, row)
    assert explanation.title == f"Step 300 of digits, loss {number(steps.loss[row])}"
    promised, came = -batches.first_order_change[at], batches.loss_before[at] - batches.loss_after[at]
    expected = [
        f"The loss of its batch was {number(steps.loss[row])}; "
        f"the mean of the 20 steps before is {number(steps.loss[280:300].mean())}.",
        f"The gradient had the norm {number(steps.gradient_norm[row, 0])}, the update "
        f"{number(steps.update_norm[row, 0])}, {percent(steps.update_norm[row, 0] / steps.parameter_norm[row, 0])} of "
        f"the parameters' norm {number(steps.parameter_norm[row, 0])}.",
        f"The update pointed more across the slope than down it (cosine 0.35, {math.degrees(math.acos(0.35)):.0f}° "
        "from downhill).",
        f"The tangent promised a fall of {number(promised)} in the loss of its batch, and {number(came)} came, "
        f"{percent(came / promised)} of it.",
        f"The curvature along the step was {number(batches.curvature[at])}.",
        "The update was made of momentum 62 %, gradient 30 %, decay 5 %, preconditioning 2 % and unattributed 1 %.",
    ]
    for one in expected:
        assert one in explanation.sentences
    (reach,) = [one for one in explanation.sentences if one.startswith("Reach")]
    assert reach.startswith(f"Reach {number(2 * (1 - came / promised), 2)}: ")


def test_a_step_that_was_not_measured_names_the_nearest_that_was() -> None:
    recording = recordings.well_behaved()
    first = recording.steps.first_order_change[324, 0]
    text = told(recording, 324)
    assert f"Consumed gradient · update = {number(first)}: down the slope that the optimizer was given." in text
    assert "promised" not in text
    reach = recording.batches.reach[recording.batches.step == 300][0]
    assert f"not measured here. The nearest step where it was is step 300, with a reach of {number(reach, 2)}." in text
    assert "The nearest step where it was is step 350" in told(recording, 326)
    assert "came" not in told(recordings.without_closure(), 324)


def test_a_step_whose_batch_rose() -> None:
    recording = recordings.diverging()
    at = int(np.flatnonzero(recording.batches.step == 4309)[0])
    rose = recording.batches.loss_after[at] - recording.batches.loss_before[at]
    assert rose > 0
    text = told(recording, 4309)
    assert f"instead it rose by {number(rose)}." in text
    assert "Reach 3.1: too long" in text
    assert "the gradient of the same batch pointed back" in text


def test_share_of_the_limit_along_this_step() -> None:
    recording = recordings.plain_descent()
    curvature = recording.batches.curvature[-1]
    assert recording.batches.step[-1] == 390
    assert (
        f"The curvature along the step was {number(curvature)}: the rate was {percent(0.1 * curvature / 2)} "
        f"of the limit 2/curvature = {number(2 / curvature)}."
    ) in explain(recording, 390).sentences


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"moved": False}, "nothing moved"),
        ({"first_order_change": 0.5}, "the step points uphill on its own batch"),
        ({"first_order_change": math.nan}, "a number of this step is not finite"),
        ({"loss_after": -50.0}, "no bottom ahead: the curvature along the step is negative"),
    ],
)
def test_why_a_step_has_no_reach(changes: dict[str, float], why: str) -> None:
    recording = recordings.plain_descent()
    columns = {name: getattr(recording.batches, name).copy() for name in (*changes, "reach_measured")}
    for name, value in {**changes, "reach_measured": False}.items():
        columns[name][0] = value
    text = told(replace(recording, batches=replace(recording.batches, **columns)), 0)
    assert f"Reach is not defined for this step: {why}." in text


@pytest.mark.parametrize(
    ("cosine", "words"),
    [
        (1.0, "pointed straight downhill (cosine 1.0)."),
        (0.8, "pointed mostly downhill (cosine 0.80, 37° from downhill)."),
        (0.0, "pointed across the slope (cosine 0, 90° from downhill)."),
        (-0.5, "pointed uphill (cosine −0.50, 120° from downhill)."),
    ],
)
def test_direction_in_words(cosine: float, words: str) -> None:
    recording = recordings.plain_descent()
    steps = recording.steps
    first = -cosine * steps.gradient_norm * steps.update_norm
    assert f"The update {words}" in told(replace(recording, steps=replace(steps, first_order_change=first)), 1)


def test_a_call_without_an_update_has_no_lengths() -> None:
    text = told(recordings.accumulating(), 0)
    assert "SGD made no update here" in text
    assert "norm" not in text
    text = told(recordings.gan(), 3)
    assert "RMSprop made no update here" in text
    assert "The gradient of Adam had the norm 0.3000" in text
    assert "The learning rates were 0.0004 (Adam) and 0.0001 (RMSprop)." in text


def test_a_step_that_is_not_finite() -> None:
    text = told(recordings.diverging(), 4312)
    assert "The loss of its batch was NaN." in text
    assert "The gradient had the norm NaN: there is no direction in that." in text
    assert "An alarm went off here: the loss is not finite." in text
    assert "promised" not in text


def test_layers_of_a_step_where_they_were_measured() -> None:
    recording = recordings.well_behaved()
    figures = explain(recording, 300).figures
    row = int(np.flatnonzero(recording.layers.step == 300)[0])
    assert [line.split()[0] for line in figures] == ["layer", "0", "2", "4"]
    values = [recording.layers.gradient_norm[row, 0], recording.layers.update_norm[row, 0]]
    assert re.split(r"\s{2,}", figures[1])[1:3] == [number(float(value), 3) for value in values]
    assert explain(recording, 301).figures == ()


def test_steps_from_the_end_and_steps_that_are_not_there() -> None:
    recording = recordings.gap()
    assert explain(recording, -1).title.startswith("Step 1,999 of digits")
    assert explain(recording, 900).title.startswith("Step 900 of digits")
    for step, why in [
        (700, "Step 700 is in a gap of the record: there is none between 499 and 900."),
        (2000, "There is no step 2000: this recording has steps 0 to 1,999."),
        (-1601, "There is no step -1601: this recording has 1,600 steps."),
    ]:
        with pytest.raises(fl.OptionError, match=re.escape(why)):
            explain(recording, step)
    with pytest.raises(fl.OptionError, match="has no steps"):
        explain(recordings.empty(), 0)
    with pytest.raises(fl.OptionError, match="whole number"):
        explain(recording, True)


VALUES = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1e-12, 1.0, -1.0, 0.1, 123456.0])


def anything(seed: int) -> Recording:
    """A loop of six steps whose numbers and masks are anything at all."""
    rng = np.random.default_rng(seed)
    whole = (recordings.well_behaved, recordings.plain_descent, recordings.gan)[seed % 3]()

    def drawn(one: Any) -> Any:
        made = {}
        for field in fields(one):
            kept = getattr(one, field.name)[:6]
            if field.name == "step":
                made[field.name] = kept
            elif kept.dtype.kind == "f":
                made[field.name] = rng.choice(VALUES, kept.shape)
            else:
                made[field.name] = rng.integers(0, 2 if kept.dtype == bool else 4, kept.shape).astype(kept.dtype)
        return replace(one, **made)

    names = ("steps", "layers", "batches", "parts", "effective")
    return replace(whole, **{name: drawn(getattr(whole, name)) for name in names})


@pytest.mark.parametrize("seed", range(60))
def test_explain_never_raises(seed: int) -> None:
    recording = anything(seed)
    told = [str(explain(recording)), *(str(explain(recording, step)) for step in range(6))]
    assert all("nan" not in one and "None" not in one for one in told)
    assert all(np.isfinite(one.value).sum() <= len(one.step) for one in instruments(recording))
