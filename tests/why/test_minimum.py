"""``why minimum``: basins that are known, escapes by the recurrence, the valley by a plain loop, and the words."""

import math

import numpy as np
import pytest

from fallline._explain._answers import answer_of
from fallline._formulas import formula
from fallline._question import why
from fallline._why import BasinFindings, MinimumFindings, Setting
from fallline._why._basins import ACROSS, basins
from fallline._why._saddle import MOMENTUM, NUDGE, RATE, predicted_steps, saddle
from fallline._why._valley import GOAL, for_good, valley


@pytest.fixture(scope="module")
def rastrigin() -> BasinFindings:
    found = basins(formula("rastrigin"), seed=0)
    assert found is not None
    return found


@pytest.mark.slow
def test_small_steps_end_in_the_valley_they_begin_in(rastrigin: BasinFindings) -> None:
    """Its axes do not touch one another: a small step ends at 0, 0 from between the tops on either side of it."""
    top = 0.5025  # the first maximum of x² − 10 cos 2πx, where x + 10π sin 2πx = 0
    assert top + 10 * math.pi * math.sin(2 * math.pi * top) == pytest.approx(0, abs=0.02)
    side = np.linspace(rastrigin.low, rastrigin.high, ACROSS)
    share = float(np.mean(np.abs(side) < top)) ** 2
    assert rastrigin.of(Setting.SMALL).lowest == pytest.approx(share)
    assert rastrigin.of(Setting.HALF).elsewhere == 0
    assert rastrigin.of(Setting.SMALL).at_rest == 1
    assert len(rastrigin.minima) == 121
    assert rastrigin.lowest_count == 1


def test_past_the_limit_nothing_rests(rastrigin: BasinFindings) -> None:
    past, small = rastrigin.of(Setting.PAST), rastrigin.of(Setting.SMALL)
    assert past.elsewhere > 0.3
    assert past.at_rest < 0.1 < small.at_rest


def test_shares_are_shares(rastrigin: BasinFindings) -> None:
    for ends in rastrigin.ends:
        assert ends.lowest + ends.other + ends.diverged == pytest.approx(1, abs=0.02)
        assert ends.elsewhere <= ends.lowest + ends.other


def test_the_limit_is_that_of_the_sharpest_minimum(rastrigin: BasinFindings) -> None:
    hessians = np.array([np.diag(2 + 40 * np.pi**2 * np.cos(2 * np.pi * at)) for at in rastrigin.minima])
    assert rastrigin.limit == pytest.approx(2 / np.linalg.eigvalsh(hessians).max())


@pytest.mark.slow
def test_all_of_himmelblau_is_equally_low() -> None:
    found = basins(formula("himmelblau"), seed=0)
    assert found is not None
    assert found.lowest_count == len(found.minima) == 4
    assert found.of(Setting.SMALL).lowest == 1


@pytest.mark.slow
def test_two_wells_in_one_dimension() -> None:
    """(w² − 1)² + 0.3w: the top between its wells decides, and minima that nobody listed are found."""
    found = basins(formula("(w^2 - 1)^2 + 0.3*w"), seed=0)
    assert found is not None
    low, top, high = np.sort(np.roots([4, 0, -4, 0.3]).real)
    np.testing.assert_allclose(found.minima[:, 0], [low, high], atol=1e-9)
    side = np.linspace(found.low, found.high, found.starts)
    assert found.of(Setting.SMALL).lowest == pytest.approx(float(np.mean(side < top)), abs=2 / found.starts)


@pytest.mark.slow
def test_no_minimum_no_basins() -> None:
    assert basins(formula("saddle"), seed=0) is None
    assert basins(formula("exp(w)"), seed=0) is None


@pytest.mark.slow
def test_starts_with_no_loss_are_counted_as_gone() -> None:
    """log(w) is no number on the left half: those runs end nowhere."""
    found = basins(formula("(log(w))^2"), seed=0)
    assert found is not None
    np.testing.assert_allclose(found.minima, [[1.0]], atol=1e-6)
    nowhere = float(np.mean(np.linspace(found.low, found.high, found.starts) <= 0))
    assert found.of(Setting.SMALL).diverged >= nowhere


@pytest.mark.slow
def test_on_the_ridge_for_ever_beside_it_not_for_long() -> None:
    ridge, beside, rolling, shaken = saddle(seed=0).escapes
    assert ridge.steps is None
    assert ridge.predicted is None
    assert (ridge.distances == 0).all()
    assert beside.steps == math.ceil(math.log(1 / NUDGE) / math.log(1 + 2 * RATE)) == 76
    assert beside.predicted is not None
    assert 0 <= beside.steps - beside.predicted < 1
    assert rolling.steps is not None
    assert rolling.predicted is not None
    assert 0 <= rolling.steps - rolling.predicted < 1
    assert shaken.difference is not None
    assert abs(shaken.difference) < 5


@pytest.mark.slow
def test_momentum_by_its_recurrence() -> None:
    b, velocity, steps = NUDGE, 0.0, 0
    while abs(b) < 1:
        velocity = MOMENTUM * velocity + 2 * b
        b, steps = b + RATE * velocity, steps + 1
    _, _, rolling, _ = saddle(seed=0).escapes
    assert rolling.steps == steps


def test_noise_by_its_own_distribution() -> None:
    """Many walks b ← (1 + 2η) b + ηξ: the median of the steps until |b| passes 1."""
    rng, walks = np.random.default_rng(5), np.zeros(4000)
    first = np.zeros(4000)
    for step in range(1, 200):
        walks = (1 + 2 * RATE) * walks + RATE * NUDGE * rng.standard_normal(4000)
        first = np.where((first == 0) & (np.abs(walks) >= 1), step, first)
    predicted = predicted_steps(0.0, momentum=0.0, noise=NUDGE)
    assert predicted is not None
    assert 0 <= float(np.median(first)) - predicted < 2


@pytest.mark.slow
def test_the_valley_by_a_plain_loop() -> None:
    surface = formula("rosenbrock")
    found = valley(surface, surface.default_start, steps=300)
    assert found is not None
    w, b, losses = -1.2, 1.0, []
    for _ in range(301):
        losses.append((1 - w) ** 2 + 100 * (b - w * w) ** 2)
        slopes = -2 * (1 - w) - 400 * w * (b - w * w), 200 * (b - w * w)
        w, b = w - found.rate * slopes[0], b - found.rate * slopes[1]
    half = found.crawls[1]
    np.testing.assert_allclose(half.losses, np.array(losses)[half.steps.astype(int)], rtol=1e-9)
    assert half.steps_to_goal is None
    assert found.crawls[2].steps_to_goal is not None


def test_steps_to_the_goal_are_for_good() -> None:
    assert for_good(np.array([4.0, 1.0, 2.0, 1.0]), 1.5) == 3
    assert for_good(np.array([1.0]), 1.5) == 0
    assert for_good(np.array([1.0, np.nan]), 1.5) is None
    assert GOAL == 0.99


@pytest.mark.slow
def test_a_bowl_has_a_valley_of_its_own() -> None:
    answer = why("minimum", formula="ravine")
    assert [section.heading for section in answer.sections] == ["Ravine: one minimum", "Ravine: slow is not stuck"]


def test_the_words_are_the_numbers(rastrigin: BasinFindings) -> None:
    answer = answer_of(MinimumFindings("rastrigin", (rastrigin,), None, None))
    _, claims = answer.sections[0].paragraphs
    told = " ".join(claims)
    stuck = rastrigin.of(Setting.SMALL).other
    assert f'"Small rates get stuck in local minima": {100 * stuck:.1f} % of the runs do.' in told
    assert f"So do larger ones: {100 * stuck:.1f} % at half the limit." in told
    assert "not one run ended in another valley than with the small rate" in told
    assert f"Twice the limit carries {100 * rastrigin.of(Setting.PAST).elsewhere:.0f} % of the runs" in told
    assert '"Momentum escapes": with 0.9 it changes nothing here' in told


@pytest.mark.slow
def test_the_saddle_in_words() -> None:
    answer = why("minimum", formula="saddle")
    (sentences,) = answer.sections[0].paragraphs
    assert any("Exactly on the ridge b is still 0 after 300 steps." in sentence for sentence in sentences)
    assert any("|b| passes 1 after 76 steps (predicted 75.8)" in sentence for sentence in sentences)
