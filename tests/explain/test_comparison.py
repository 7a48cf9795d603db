"""What a comparison says in words, checked against its record."""

import re
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

import fallline as fl
from cases import SEVERAL
from fallline._explain import best_rows, common_rows, verdict_at_best, verdict_at_common
from fallline._explain._comparison import times
from fallline._explain._comparison_verdict import FAR_APART
from fallline._explain._numbers import as_number
from fallline._records import Comparison, Contender, Difference, RateRuns, Standing

FEW = ("sgd", "nesterov", "adagrad", "adam")
PROBLEMS: dict[str, dict[str, Any]] = {
    "line": {"epochs": 60},
    "standardised table": {"data": SEVERAL.data, "epochs": 40},
    "mae": {"data": SEVERAL.data, "loss": "mae", "epochs": 40},
    "ravine": {"formula": "ravine", "epochs": 60},
    "rosenbrock": {"formula": "rosenbrock", "epochs": 60},
    "rastrigin": {"formula": "rastrigin", "epochs": 40},
    "hopeless": {"formula": "ravine", "epochs": 5, "goal": 0.999999},
    "one start": {"formula": "(w - 3)^2", "epochs": 20, "start": {"w": 5.0}},
}


SLOW = {"standardised table", "mae", "rastrigin", "one start"}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in PROBLEMS]
)
def compared(request: pytest.FixtureRequest) -> Comparison:
    return fl.compare(**PROBLEMS[request.param], optimizers=FEW, trials=10, seeds=3)


def by_label(comparison: Comparison, label: str) -> Contender:
    return next(one for one in comparison.contenders if one.label == label)


def settings(comparison: Comparison) -> list[tuple[list[str], list[RateRuns], tuple[Difference, ...]]]:
    """Sentences, everybody's runs and the differences, at the best rates and at the common one."""
    return [
        (verdict_at_best(comparison), [one.best for one in comparison.contenders], comparison.at_best),
        (verdict_at_common(comparison), [one.common for one in comparison.contenders], comparison.at_common),
    ]


@pytest.mark.slow
def test_every_rate_tried_is_every_rate_tried(compared: Comparison) -> None:
    text = " ".join(verdict_at_best(compared))
    found = re.search(r"Easiest to choose a rate for is (.+?): every rate tried from (\S+) to (\S+) \((\d+) of", text)
    if found is None:
        return
    one = by_label(compared, found[1])
    low, high = as_number(found[2]), as_number(found[3])
    inside = [
        steps
        for rate, steps in zip(one.rates, one.trial_steps, strict=True)
        if low * 0.998 <= rate <= high * 1.002  # the ends are written to three figures
    ]
    assert len(inside) == int(found[4])
    fewest = min(steps for steps in one.trial_steps if steps is not None)
    assert all(steps is not None and steps <= 3 * fewest for steps in inside)


@pytest.mark.slow
def test_widths_are_only_ranked_where_their_ends_were_seen(compared: Comparison) -> None:
    text = " ".join(verdict_at_best(compared))
    wide = {one.label: one for one in compared.contenders if one.good_width is not None}
    widths = {label: one.good_width or np.nan for label, one in wide.items()}
    easiest = re.search(r"Easiest to choose a rate for is (.+?):", text)
    hardest = re.search(r"Hardest to choose a rate for is (.+?):", text)
    if easiest is not None:
        assert widths[easiest[1]] == max(widths.values())
        assert not any(one.good_open for label, one in wide.items() if label != easiest[1])
    if hardest is not None:
        assert widths[hardest[1]] == min(widths.values())
        assert not wide[hardest[1]].good_open
    if "equally wide" in text:
        assert max(widths.values()) < FAR_APART * min(widths.values())
        assert not any(one.good_open for one in wide.values())


@pytest.mark.slow
def test_none_reaches_means_none(compared: Comparison) -> None:
    for sentences, runs, _ in settings(compared):
        nobody = all(one.reached == 0 for one in runs)
        assert ("none reaches the goal;" in sentences[0]) == (nobody and not all(one.diverged.all() for one in runs))
        if "none reaches the goal in more than half" in sentences[0]:
            assert all(one.median_steps is None for one in runs)


@pytest.mark.slow
def test_at_least_only_where_the_first_arrived_everywhere(compared: Comparison) -> None:
    for sentences, runs, differences in settings(compared):
        text = " ".join(sentences)
        for found in differences:
            first, second = runs[found.first], runs[found.second]
            label = re.escape(compared.contenders[found.second].label)
            said = re.search(rf"(?<!\w){label} at least × ", text)
            assert (said is not None) == (found.at_least and found.standing is not Standing.UNKNOWN)
            if said is not None and found.criterion.value == "steps to the goal":
                assert None in second.steps_to_goal
                assert None not in first.steps_to_goal
            if found.criterion.value == "steps to the goal" and None in first.steps_to_goal:
                assert found.ratio is None
                assert found.standing is Standing.UNKNOWN


def test_no_interval_without_width_or_over_numbers_that_were_not_measured(compared: Comparison) -> None:
    for sentences, runs, differences in settings(compared):
        for found in differences:
            capped = None in (*runs[found.first].steps_to_goal, *runs[found.second].steps_to_goal)
            if found.criterion.value == "steps to the goal" and capped:
                assert found.low is None
            assert found.low is None or found.low < (found.high or 0)
        for low, high in re.findall(r"\((\d[\d.,]*)–(\d[\d.,]*)", " ".join(sentences[1:])):
            assert as_number(low) < as_number(high)


def test_seeds_are_counted_as_they_are(compared: Comparison) -> None:
    for _, runs, differences in settings(compared):
        for found in differences:
            if found.criterion.value != "steps to the goal":
                continue
            pairs = zip(runs[found.first].steps_to_goal, runs[found.second].steps_to_goal, strict=True)
            never = compared.steps + 1
            both = [(never if a is None else a, never if b is None else b) for a, b in pairs]
            assert found.ahead == sum(a < b for a, b in both)
            assert found.behind == sum(a > b for a, b in both)


@pytest.mark.slow
def test_the_mirrored_case_in_words() -> None:
    """The leader misses the goal in one seed: no factor, no "beyond the noise", but the seeds are counted."""
    made = fl.compare(formula="ravine", optimizers=("sgd", "momentum"), trials=5, seeds=3, epochs=30)
    found = replace(made.at_best[0], ratio=None, low=None, high=None, at_least=False, same=False, ahead=2, behind=1,
                    standing=Standing.UNKNOWN)  # fmt: skip
    text = " ".join(verdict_at_best(replace(made, at_best=(found,))))
    label = made.contenders[found.second].label
    assert f"no factor can be given, as the first itself did not arrive in every seed: {label} (" in text
    assert "in 2 of 3 seeds, " in text
    assert "beyond the noise" not in text


@pytest.mark.slow
def test_an_open_interval_is_not_called_equally_wide() -> None:
    made = fl.compare(formula="ravine", optimizers=("sgd", "momentum"), trials=5, seeds=1, epochs=30)
    for opened in product((False, True), repeat=2):
        alike = tuple(
            replace(one, good_low=0.01, good_high=0.02, good_open=end)
            for one, end in zip(made.contenders, opened, strict=True)
        )
        said = "equally wide" in " ".join(verdict_at_best(replace(made, contenders=alike)))
        assert said == (opened == (False, False))


def test_the_table_writes_small_factors() -> None:
    assert times(0.04) == "0.040"
    assert all(as_number(times(10.0**k * 3.14)) == pytest.approx(10.0**k * 3.14, rel=0.06) for k in range(-12, 12))


def test_the_best_row_is_the_leader(compared: Comparison) -> None:
    assert best_rows(compared)[1][0] == compared.leader.label


@pytest.mark.slow
def test_of_adaptive_optimizers_it_is_never_said_that_they_diverge() -> None:
    """Past their limit they swing and stall; docs/semantics.md#stability-limit."""
    found = fl.compare(formula="ravine", epochs=4, optimizers=("sgd", "adam", "rmsprop"), trials=3, seeds=1)
    above = [
        replace(one, common=replace(one.common, diverged=np.array([True]), final_losses=np.array([5.25])))
        for one in found.contenders
    ]
    some = replace(found, contenders=(replace(above[0], common=found.contenders[0].common), *above[1:]))
    said = " ".join(verdict_at_common(some))
    assert "diverge" not in said
    assert "Adam and RMSprop end above their start in every seed." in said
    every = replace(found, contenders=tuple(above))
    assert "every one ends above its start." in verdict_at_common(every)[0]
    finals = {row[0]: row[2] for row in common_rows(every)}
    assert (finals["SGD"], finals["Adam"], finals["RMSprop"]) == ("diverged", "5.250", "5.250")
