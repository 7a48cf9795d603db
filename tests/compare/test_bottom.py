"""docs/semantics.md#comparing-optimizers: without a lowest loss there is no goal."""

import math

import numpy as np
import pytest

import fallline as fl
from fallline._compare._bottom import DEEP, falls_and_falls


@pytest.mark.parametrize("formula", ["saddle", "w", "w*b", "-w^4", "w^3"])
def test_what_falls_for_ever_is_refused(formula: str) -> None:
    with pytest.raises(
        fl.OptionError, match=r"(falls for ever|was still falling): without a lowest loss there is no goal"
    ):
        fl.compare(formula=formula, optimizers=("sgd", "adam"), trials=5, seeds=1, epochs=40)


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["w^2 - b^2 + b^4", "1e8*(w^4 - w^2)", "exp(w)"])
def test_what_has_a_bottom_that_is_not_known_is_not(formula: str) -> None:
    made = fl.compare(formula=formula, optimizers=("sgd", "adam"), trials=5, seeds=1, epochs=40)
    assert made.floor_kind.value == "lowest seen"


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, -1.0, -2 * DEEP], True),
        ([1.0, -2 * DEEP, math.nan], True),
        ([1.0, -DEEP, -2 * DEEP, -math.inf], True),
        ([1.0, -2 * DEEP, -2 * DEEP], False),
        ([1.0, -3 * DEEP, -2 * DEEP], False),
        ([3.0 * DEEP, 0.0, -2 * DEEP], False),  # large from the start on
        ([1.0, math.nan, math.nan], False),
    ],
)
def test_far_down_and_still_falling(losses: list[float], expected: bool) -> None:
    assert falls_and_falls(np.array([losses])) == expected
