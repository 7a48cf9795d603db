"""``why derivative``: races against closed forms, random directions against theirs, the price, the words."""

import math

import numpy as np
import pytest
import torch

from cases import ROUND
from fallline._errors import OptionError
from fallline._explain._answers import answer_of
from fallline._problem import given_problem
from fallline._question import why
from fallline._records import Facts
from fallline._why import DerivativeFindings, Method, ask
from fallline._why._derivative import TRIALS, race
from fallline._why._directions import expected_part, random_directions
from fallline._why._price import Price, measured_price
from fallline._why._rule import linear_rows

PRICE = 3.0


@pytest.fixture(scope="module")
def found() -> DerivativeFindings:
    findings = ask("derivative", price=PRICE)
    assert isinstance(findings, DerivativeFindings)
    return findings


@pytest.mark.parametrize("P", [2, 3, 10, 100])
def test_problems_by_the_rule_have_the_condition_number(P: int) -> None:
    features, target = linear_rows(P, condition_number=10.0, rows=200, seed=P)
    assert features.shape == (200, P - 1)
    assert target.shape == (200,)
    rows = np.column_stack((features, np.ones(200)))
    eigenvalues = np.linalg.eigvalsh(2 / 200 * rows.T @ rows)
    np.testing.assert_allclose(eigenvalues / eigenvalues[0], np.geomspace(1, 10, P), rtol=1e-9)


@pytest.mark.slow
def test_gradient_descent_needs_the_price_times_the_closed_form(found: DerivativeFindings) -> None:
    for raced in found.races:
        rows = linear_rows(raced.parameters, condition_number=10.0, rows=200, seed=0)
        quadratic = given_problem(rows, standardise=False, dtype="float64").quadratic
        assert quadratic is not None
        start = np.zeros(raced.parameters)
        spent = raced.of(Method.GRADIENT)
        steps = quadratic.steps_to(start, spent.size, 0.01 * float(quadratic.excess(start)[0]))
        assert steps is not None
        assert spent.passes_to_goal == PRICE * steps
        assert spent.moves == found.budget // PRICE
        assert raced.of(Method.DIFFERENCES).passes_to_goal == (raced.parameters + 1) * steps


def test_every_setting_was_the_best_of_equally_many(found: DerivativeFindings) -> None:
    """No other first move of the same trials reaches the goal sooner by gradient descent."""
    raced = found.races[1]
    rows = linear_rows(raced.parameters, condition_number=10.0, rows=200, seed=0)
    quadratic = given_problem(rows, standardise=False, dtype="float64").quadratic
    assert quadratic is not None
    start = np.zeros(raced.parameters)
    excess = float(quadratic.excess(start)[0])
    middle = excess / float(np.sum(quadratic.gradient(start) ** 2))
    tried = [middle * 2.0**k for k in range(-(TRIALS // 2), TRIALS // 2 + 1)]
    assert len(tried) == found.trials
    steps = [quadratic.steps_to(start, rate, 0.01 * excess) for rate in tried]
    best = min(step for step in steps if step is not None)
    assert raced.of(Method.GRADIENT).passes_to_goal == PRICE * best


def test_the_excess_is_that_of_the_closed_form_and_budgets_are_spent(found: DerivativeFindings) -> None:
    """After t gradients or differences the excess is what the parabola says, and the next move would cost too much."""
    for raced in found.races:
        rows = linear_rows(raced.parameters, condition_number=10.0, rows=200, seed=0)
        quadratic = given_problem(rows, standardise=False, dtype="float64").quadratic
        assert quadratic is not None
        start = np.zeros(raced.parameters)
        for method, cost in ((Method.GRADIENT, PRICE), (Method.DIFFERENCES, raced.parameters + 1)):
            spent = raced.of(method)
            assert spent.passes.tolist() == [cost * t for t in range(int(found.budget // cost) + 1)]
            for t in (0, 1, 3, spent.moves):
                exact = quadratic.excess(quadratic.descend(start, spent.size, t))[0] / quadratic.excess(start)[0]
                assert spent.excess[t] == pytest.approx(exact, rel=1e-4, abs=1e-12)
        for method in (Method.RANDOM, Method.COORDINATE):
            assert found.budget - 2 < raced.of(method).passes[-1] <= found.budget


def test_the_derivative_pays_in_many_parameters_only(found: DerivativeFindings) -> None:
    few, _, many = found.races
    assert few.of(Method.COORDINATE).passes_to_goal < few.of(Method.GRADIENT).passes_to_goal
    gradient = many.of(Method.GRADIENT).passes_to_goal
    assert gradient is not None
    for method in (Method.DIFFERENCES, Method.RANDOM, Method.COORDINATE):
        passes = many.of(method).passes_to_goal
        assert passes is None or passes > 10 * gradient


@pytest.mark.slow
def test_a_higher_price_is_paid() -> None:
    cheap, dear = (
        race(given_problem(ROUND.data, standardise=False).objective, np.zeros(2), Price(price), name="round", seed=0)
        for price in (2.0, 8.0)
    )
    for method, factor in ((Method.GRADIENT, 4), (Method.RANDOM, 1)):
        assert dear.of(method).passes_to_goal == factor * cheap.of(method).passes_to_goal


@pytest.mark.parametrize("P", [1, 2, 3, 10, 100])
def test_the_mean_win_of_a_random_direction(P: int) -> None:
    """½ E|u₁|: 1/2 in one dimension, 1/π in two, 1/4 in three, and 1/√(2πP) far out; and as drawn."""
    known = {1: 0.5, 2: 1 / math.pi, 3: 0.25}
    assert expected_part(P) == pytest.approx(known.get(P, 1 / math.sqrt(2 * math.pi * P)), rel=0.03)
    draws = np.random.default_rng(P).standard_normal((40_000, P))
    part = np.maximum(draws[:, 0] / np.linalg.norm(draws, axis=1), 0)
    assert abs(part.mean() - expected_part(P)) < 4 * part.std() / 200


def test_directions_of_a_plane_and_of_a_bowl(found: DerivativeFindings) -> None:
    for raced in found.races:
        directions = raced.directions
        deviation = 0.5 / math.sqrt(directions.tried)
        assert abs(directions.downhill_share - 0.5) < 5 * deviation
        assert directions.mean_part == pytest.approx(directions.expected_part, rel=0.05)
        assert directions.long_downhill_share < directions.downhill_share


def test_long_steps_downhill_on_a_round_bowl() -> None:
    """Steps as long as the way to the bottom of a round bowl: within 60° of it they end lower, in a plane a third."""
    problem = given_problem(ROUND.data, standardise=False, dtype="float64")
    directions = random_directions(problem.objective, np.zeros(2), 0.5, seed=1)
    assert directions.long_downhill_share == pytest.approx(1 / 3, abs=0.02)


def test_the_price_is_measured_and_nothing_is_left() -> None:
    model, rows = torch.nn.Linear(3, 1), torch.zeros(5, 3)
    price = measured_price(lambda: model(rows).square().mean(), list(model.parameters()))
    assert price.measured
    assert price.ratio >= 1
    assert price.forward_seconds is not None
    assert price.gradient_seconds is not None
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.slow
def test_a_given_price_makes_it_repeatable(found: DerivativeFindings) -> None:
    first, second = answer_of(found).numbers, why("derivative", price=PRICE).numbers
    assert str(first) == str(second)
    assert [raced["price_measured"] for raced in first["races"]] == [False] * 3


@pytest.mark.slow
def test_the_own_problem_comes_first() -> None:
    answer = why("derivative", ROUND.data, price=PRICE)
    races = answer.numbers["races"]
    assert [raced["parameters"] for raced in races] == [2, 2, 10, 100]
    assert answer.sections[1].exhibits[0].columns[1].endswith("P = 2")


@pytest.mark.slow
def test_losses_that_are_no_parabola_work() -> None:
    table = (np.linspace(-2, 2, 40), np.tile([0.0, 1.0], 20))
    for loss in ("bce", "mae"):
        problem = given_problem(table, loss=loss)
        raced = race(problem.objective, problem.starting_point(None, seed=0), Price(PRICE), name=loss, seed=0)
        assert all(0 <= spent.left < 1 for spent in raced.spent)


@pytest.mark.slow
def test_a_loss_without_a_bottom_is_refused() -> None:
    with pytest.raises(OptionError, match="no bottom that these methods come to"):
        ask("derivative", given_problem(formula="saddle"), price=PRICE)


def test_the_words_are_the_numbers(found: DerivativeFindings) -> None:
    answer = answer_of(found)
    few, _, many = found.races
    told = " ".join(" ".join(sentences) for section in answer.sections for sentences in section.paragraphs)
    assert "Here a gradient is priced at 3.0 forward passes, as it was told to." in told
    assert answer.sections[0].exhibits[0].columns == ("parameters", "price", "by differences")
    gradient, differences = (many.of(m).passes_to_goal for m in (Method.GRADIENT, Method.DIFFERENCES))
    assert gradient is not None
    assert differences is not None
    assert f"gradient descent needs {gradient:.0f}, finite differences needs {differences:.0f}" in answer.summary
    best = few.of(Method.COORDINATE).passes_to_goal
    taken = few.of(Method.GRADIENT).passes_to_goal
    assert (
        f"In 2 parameters one coordinate at a time took {best:.0f} passes, gradient descent {taken:.0f}: "
        "here the derivative is not needed." in told
    )
    assert f"{round(100 * many.directions.downhill_share)} % of 10,000 short steps" in told


@pytest.mark.slow
def test_a_measured_price_is_shown_with_its_times() -> None:
    answer = why("derivative")
    (table,) = answer.sections[0].exhibits
    assert isinstance(table, Facts)
    assert table.columns == ("parameters", "forward", "and backward", "price", "by differences")
    for row, raced in zip(table.rows, answer.numbers["races"], strict=True):
        price = raced["price"]
        assert price.ratio == max(1.0, price.gradient_seconds / price.forward_seconds)
        assert row[1].endswith(" µs")
        assert float(row[3]) == pytest.approx(price.ratio, rel=0.06)
