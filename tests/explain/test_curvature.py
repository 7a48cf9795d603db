"""Sharpness, spectrum, trace, limit and surface in words: what is said holds for the numbers."""

from dataclasses import replace

import numpy as np
import pytest

import fallline as fl
from fallline._explain import (
    curvature_numbers,
    limit_sentences,
    parts_in_words,
    sharpness_sentences,
    spectrum_rows,
    spectrum_sentences,
    surface_numbers,
    trace_sentences,
    with_error,
)
from fallline._formulas import formula
from fallline._records import LimitKind, Sharpness, Spectrum, StabilityLimit, Trace


def sharpness(value: float, error: float = 0.0, *, converged: bool = True, preconditioned: bool = False) -> Sharpness:
    return Sharpness(value, error, 8, np.ones(3) / np.sqrt(3), converged, preconditioned)


def spectrum(largest: list[float], smallest: list[float], error: float = 1e-6) -> Spectrum:
    k = len(largest)
    vectors, errors = np.eye(4)[:k], np.full(k, error)
    return Spectrum(np.array(largest), np.array(smallest), vectors, vectors, errors, errors, 40, True)


def test_the_rate_of_a_sharpness_is_two_over_it() -> None:
    said = " ".join(sharpness_sentences(sharpness(4.0, 0.004)))
    assert "The sharpness is 4.000" in said
    assert "8 Hessian-vector products" in said
    assert "at most 0.1 % higher" in said
    assert "2 / 4.000 = 0.5000" in said


@pytest.mark.parametrize("found", [sharpness(0.0, 0.1), sharpness(-2.0, 0.1)])
def test_no_rate_where_nothing_curves_upwards(found: Sharpness) -> None:
    said = " ".join(sharpness_sentences(found))
    assert "Nothing curves upwards" in said
    assert "learning rate" not in said


def test_a_preconditioned_sharpness_allows_no_rate_of_gradient_descent() -> None:
    said = " ".join(sharpness_sentences(sharpness(40.0, preconditioned=True)))
    assert "P⁻¹H" in said
    assert "gradient descent" not in said


def test_what_did_not_converge_says_so() -> None:
    assert any("was not reached" in each for each in sharpness_sentences(sharpness(4.0, 1.0, converged=False)))
    assert any("was not reached" in each for each in trace_sentences(Trace(4.0, 1.0, 200, converged=False)))


@pytest.mark.parametrize(
    ("largest", "smallest", "said"),
    [
        ([4.0, 2.0], [1.0, 2.0], "Every direction curves upwards: a bowl, its condition number 4.00."),
        ([4.0, 2.0], [-1.0, 2.0], "One of its directions curves downwards"),
        ([4.0, 2.0], [-1.0, -0.5], "At least 2 of its directions curve downwards"),
        ([4.0, 2.0], [1e-8, 2.0], "0 within its error"),
        ([4.0, 2.0], [-1e-8, 2.0], "0 within its error"),
        ([0.0, 0.0], [0.0, 0.0], "the ground is straight"),
        ([-4.0, -5.0], [-7.0, -6.0], "bends down everywhere"),
        ([4.0, 1.0], [0.5, 1.0], "curves 4.0 times as much as the 2nd sharpest"),
        ([4.0, 3.99], [0.5, 1.0], "is not alone"),
    ],
)
def test_the_shape_of_the_place(largest: list[float], smallest: list[float], said: str) -> None:
    assert said in " ".join(spectrum_sentences(spectrum(largest, smallest)))


def test_a_value_shows_no_more_figures_than_its_error_leaves() -> None:
    assert with_error(12.3456, 0.06) == "12.35 ± 0.06"
    assert with_error(12.3456, 3.0) == "12 ± 3"
    assert with_error(0.5, 0.0) == "0.5000"
    assert with_error(0.0, 0.2) == "0 ± 0.2"
    assert spectrum_rows(spectrum([4.0], [1.0], 0.5))[1] == ("1st", "4.0 ± 0.5", "1st", "1.0 ± 0.5")


@pytest.mark.parametrize(
    ("kind", "rate", "said"),
    [
        (LimitKind.PROVABLE, 0.1, "50 % of the limit: stable along the directions that curve upwards"),
        (LimitKind.PROVABLE, 0.3, "150 % of the limit: along the sharpest direction each step swings farther"),
        (LimitKind.FROZEN, 0.3, "until the preconditioner has grown"),
    ],
)
def test_the_rate_beside_its_limit(kind: LimitKind, rate: float, said: str) -> None:
    assert said in limit_sentences(StabilityLimit(0.2, kind, None, "Because."), rate, "SGD")[1]
    assert "diverge" not in limit_sentences(StabilityLimit(0.2, kind, None, "Because."), rate)[1]


@pytest.mark.parametrize(("rate", "said"), [(0.1, "stable here"), (0.3, "each step swings farther")])
def test_the_rate_beside_a_limit_of_weight_decay_alone(rate: float, said: str) -> None:
    found = StabilityLimit(0.2, LimitKind.PROVABLE, sharpness(0.0), "Because.")
    assert said in limit_sentences(found, rate)[1]
    assert "direction" not in limit_sentences(found, rate)[1]


def test_no_limit_says_why() -> None:
    (said,) = limit_sentences(StabilityLimit(None, None, None, "No limit is known for ASGD."), 0.1, "ASGD")
    assert said == "There is no stability limit of ASGD to name. No limit is known for ASGD."


def test_the_tensors_of_the_sharpest_direction() -> None:
    assert parts_in_words([("a", 1.0), ("b", 0.0)]) == "The sharpest direction lies in a (100 %)."


def test_explain_takes_what_was_measured() -> None:
    saddle = formula("saddle")
    ends = fl.spectrum(saddle, k=2, at=[0.0, 0.0])
    assert "largest" in fl.explain(ends).figures[0]
    assert fl.explain(fl.sharpness(saddle, at=[0.0, 0.0])).title.startswith("Sharpness ")
    assert fl.explain(fl.trace(saddle, at=[0.0, 0.0])).title.startswith("Trace of the Hessian ")
    assert fl.explain(StabilityLimit(0.2, LimitKind.PROVABLE, None, "Because.")).title == "Stability limit 0.2000"
    seen = fl.surface(saddle, fl.plane(saddle, "hessian", at=[0.0, 0.0]))
    told = fl.explain(seen)
    assert told.title == "The loss along its two sharpest directions"
    assert told.figures[-1].startswith("loss    lowest ")
    with pytest.raises(fl.OptionError, match="no steps"):
        fl.explain(seen, step=3)


def test_numbers_for_programs() -> None:
    assert curvature_numbers(None) is None
    told = curvature_numbers(StabilityLimit(0.2, LimitKind.PROVABLE, sharpness(10.0), "Because."))
    assert told is not None
    assert told["kind"] == "provable"
    assert told["sharpness"] == {
        "value": 10.0, "error": 0.0, "products": 8, "converged": True, "preconditioned": False,
        "error_kind": "estimate", "sample_products": 0,
    }  # fmt: skip
    ravine = formula("ravine")
    seen = fl.surface(ravine, fl.plane(ravine, "parameters", at=[1.0, 10.0]), shape=(6, 6))
    known = np.ones_like(seen.known)
    known[0, 0] = False
    loss = surface_numbers(replace(seen, known=known))["loss"]
    assert isinstance(loss, list)
    assert loss[0][0] is None
    assert loss[0][1] == seen.loss[0, 1]


def test_the_sum_of_a_whole_diagonal_has_no_standard_error() -> None:
    whole = Trace(4.0, 1e-3, 10, converged=True, error_kind="rounding")
    assert "± 0.0010 (rounding)" in trace_sentences(whole)[0]
    assert curvature_numbers(whole)["error_kind"] == "rounding"
    assert "a standard error" in trace_sentences(Trace(4.0, 0.1, 80, converged=True))[0]
