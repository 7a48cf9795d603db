"""The outcome of the check in few words, and the accusation that stands before all else."""

from dataclasses import replace

import numpy as np
import pytest

import fallline as fl
from fallline._explain._backprop import accusation, check_outcome, check_sentences, is_mismatch
from fallline._records import CheckedInput, GradientCheck
from view.graphs import textbook

_SEEN = CheckedInput("x", 3, 0, 1e-9, 1e-10, (0,), 4.0, 4.0, True, 3)
_NONE = CheckedInput("y", 0, 0, np.nan, np.nan, None, np.nan, np.nan, True, why_not="it vanishes")


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (GradientCheck((_SEEN,), 1e-6), ("gradients checked", "good")),
        (GradientCheck((_SEEN, _NONE, _NONE), 1e-6), ("1 of 3 compared", "open")),
        (GradientCheck((_NONE,), 1e-6), ("nothing compared", "open")),
        (GradientCheck((replace(_SEEN, planned=160),), 1e-6), ("3 of 160 entries compared", "open")),
        (GradientCheck((replace(_SEEN, planned=160), _SEEN), 1e-6), ("1 of 2 compared in full", "open")),
        (GradientCheck((replace(_SEEN, agrees=False), _NONE), 1e-6), ("gradient wrong", "bad")),
        (GradientCheck((_SEEN,), 1e-6, lost=("x",)), ("gradient wrong", "bad")),
        (GradientCheck((_SEEN,), 1e-6, not_finite=("x",)), ("gradient not finite", "bad")),
        (GradientCheck((_SEEN,), 1e-6, hooked=("x",)), ("gradient changed by a hook", "open")),
    ],
)
def test_only_what_was_compared_is_called_checked(check: GradientCheck, told: tuple[str, str]) -> None:
    assert check_outcome(check, mismatch=check.wrong or bool(check.lost)) == told


def test_the_accusation_names_the_tensor_and_the_step() -> None:
    first, second = accusation(textbook(agrees=False))[:2]
    assert first == "The gradient of x is wrong."
    assert second == "mul's own step back is wrong: from z to y · y."
    assert accusation(textbook()) == []
    lost = textbook()
    assert lost.check is not None
    assert accusation(replace(lost, check=replace(lost.check, lost=("x", "w")))) == [
        "The gradients of x and w are NaN or infinite, and finite in float64."
    ]


def test_what_is_wrong_stands_above_the_table() -> None:
    told = fl.explain(textbook(agrees=False))
    text = str(told)
    assert text.index("is wrong") < text.index(told.figures[0])
    assert all(text.count(sentence) >= 1 for sentence in (*told.sentences, *told.figures))
    fine = fl.explain(textbook())
    assert str(fine).index(fine.figures[0]) < str(fine).index(fine.sentences[0])


def test_nan_behind_an_infinite_slope_is_no_wrong_gradient() -> None:
    graph = fl.backprop("sqrt(0*x) + x", at={"x": 2.0})
    assert graph.check is not None
    assert accusation(graph) == []
    assert check_outcome(graph.check, mismatch=is_mismatch(graph)) == ("gradient not finite", "bad")
    assert (
        "The slope 1/(2·√(x · 0)) at sqrt(x · 0) is infinite, and ∞ · 0 is NaN: that is why autograd says NaN for x, "
        "and none of its steps back is wrong. Central differences in float64 say 1: they never ask for the slope at "
        "sqrt(x · 0)." in check_sentences(graph)
    )
    assert "is wrong:" not in str(fl.explain(graph))


def test_nan_from_a_step_back_that_is_wrong_stays_wrong() -> None:
    graph = fl.backprop("sum(where(x > 0, sqrt(x), x))", at={"x": [4.0, -1.0]})
    assert is_mismatch(graph)  # the slope of sqrt is NaN there, not infinite
