"""``why rate``: counts against closed forms and plain loops, and the words."""

import numpy as np
import pytest

from cases import ROUND, TILTED
from fallline._explain._answers import answer_of
from fallline._problem import Problem, given_problem
from fallline._question import why
from fallline._records import Zone
from fallline._why import NAMED_RATES, RateFindings
from fallline._why._rate import measure_rate


def measured(problem: Problem) -> RateFindings:
    return measure_rate(problem, problem.starting_point(None, seed=0))


@pytest.fixture(scope="module")
def textbook() -> RateFindings:
    return measured(given_problem())


@pytest.mark.slow
def test_steps_to_the_goal_are_the_closed_form(textbook: RateFindings) -> None:
    quadratic = given_problem().quadratic
    assert quadratic is not None
    goal = 0.01 * float(quadratic.excess(textbook.start)[0])
    for rate, steps in zip(textbook.sweep.rates, textbook.sweep.steps_to_goal, strict=True):
        exact = quadratic.steps_to(textbook.start, float(rate), goal)
        assert steps == (exact if exact is not None and exact <= textbook.sweep.steps else None)


def test_small_rates_take_one_over_the_rate(textbook: RateFindings) -> None:
    assert textbook.law is not None
    assert abs(textbook.law.exponent + 1) <= textbook.law.error
    # one sharp direction holds nearly all the excess: (1 − ηλ)²ᵗ = 0.01 gives ηt → ln(100)/2λ
    sharpest = 2 / (textbook.sweep.predicted_limit or np.nan)
    assert float(np.median(textbook.products)) == pytest.approx(np.log(100) / 2 / sharpest, rel=0.02)


def test_the_limit_is_measured(textbook: RateFindings) -> None:
    assert textbook.sweep.measured_limit == pytest.approx(textbook.sweep.predicted_limit, rel=1e-3)


def test_rate_one_by_the_plain_loop(textbook: RateFindings) -> None:
    quadratic = given_problem().quadratic
    assert quadratic is not None
    at, steps = textbook.start, 0
    with np.errstate(all="ignore"):
        while np.isfinite(quadratic.loss(at)[0]):
            at, steps = at - quadratic.gradient(at)[0], steps + 1
    assert textbook.first_not_finite == steps


def test_folklore_was_really_run(textbook: RateFindings) -> None:
    zones = [textbook.sweep.zone_of_each[textbook.index_of(rate)] for rate in NAMED_RATES]
    assert zones == [Zone.DIVERGING, Zone.DIVERGING, Zone.JUST_RIGHT, Zone.TOO_SMALL]
    assert all(textbook.sweep.rates[textbook.index_of(rate)] == rate for rate in NAMED_RATES)


@pytest.mark.slow
def test_other_units_are_another_table() -> None:
    """x divided by ten is what a table with x divided by ten says."""
    problem = given_problem(TILTED.data, standardise=False, dtype="float64")
    units = measured(problem).units
    assert units is not None
    scaled = given_problem(
        (TILTED.features * units.factor, TILTED.target), standardise=False, dtype="float64"
    ).quadratic
    assert scaled is not None
    assert units.limit == pytest.approx(2 / float(scaled.eigenvalues[0]), rel=1e-9)
    assert units.sweep.measured_limit == pytest.approx(units.limit, rel=2e-3)


@pytest.mark.slow
def test_a_round_bowl_is_there_at_once() -> None:
    found = measured(given_problem(ROUND.data, standardise=False, dtype="float64"))
    assert found.promise.bottom_rate == pytest.approx(0.5)
    assert min(steps for steps in found.sweep.steps_to_goal if steps is not None) == 1


@pytest.mark.slow
def test_formulas_and_losses_without_a_parabola() -> None:
    for problem in (given_problem(formula="himmelblau"), given_problem(loss="huber")):
        found = measured(problem)
        assert found.units is None
        assert found.promise.half_curvature is None


def test_the_words_are_the_numbers(textbook: RateFindings) -> None:
    answer = answer_of(textbook)
    told = " ".join(" ".join(sentences) for section in answer.sections for sentences in section.paragraphs)
    sweep, promise = textbook.sweep, textbook.promise
    square = float(textbook.slopes @ textbook.slopes)
    assert f"η × |gradient|² = η × {float(f'{square:.4g}'):,.0f}" in told
    assert "to the power 2.000 (±" in told
    assert f"bottom along the first step lies at the rate {promise.bottom_rate:.5f} (reach 1)" in told
    assert f"2/λ = {sweep.predicted_limit:.5f}; the step along the sharpest direction begins to grow at" in told
    assert f"begins to grow at {sweep.measured_limit:.5f} (the same" in told
    assert f"After {textbook.first_not_finite} steps it is no finite number any more." in told
    assert "Here 0.1 diverges. Here 0.001 is too small: 33 steps to the goal" in told
    assert sweep.steps_to_goal[textbook.index_of(0.001)] == 33
    assert answer.numbers["predicted_limit"] == sweep.predicted_limit


@pytest.mark.slow
def test_folklore_is_not_denied_where_it_holds() -> None:
    """A bowl on which 0.1 is just right: nothing else is said of it."""
    answer = why("rate", formula="(100*w^2 + 100*b^2)/20", start={"w": 1.0, "b": 2.0})  # λ = 10, limit 0.2
    (sentences,) = answer.sections[-1].paragraphs
    assert any(sentence.startswith("Here 0.1 is just right: 1 step to the goal") for sentence in sentences)
    assert not any("no rate is large or small" in sentence for sentence in sentences)


@pytest.mark.slow
def test_other_units_start_from_the_same_line(textbook: RateFindings) -> None:
    """Below 0.1 the limit grows (x divided by ten), and every run still begins at the same loss."""
    units = textbook.units
    assert units is not None
    assert units.factor == 0.1
    assert units.limit > textbook.sweep.predicted_limit
    assert units.sweep.start_loss == pytest.approx(textbook.start_loss)
    wide = measured(given_problem(ROUND.data, standardise=False, dtype="float64")).units
    assert wide is not None
    assert wide.factor == 10


@pytest.mark.slow
def test_no_goal_is_named_where_no_bottom_was_seen() -> None:
    answer = why("rate", formula="saddle")
    tables = [table.title for section in answer.sections for table in section.exhibits if hasattr(table, "rows")]
    said = " ".join(sentence for section in answer.sections for part in section.paragraphs for sentence in part)
    assert "no bottom was seen, so there is no goal" in said
    assert tables
    assert not any("goal:" in title for title in tables)
