"""``why minus``: the loops against ones written out, closed forms, and the words."""

import math

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._explain._answers import answer_of
from fallline._problem import given_problem
from fallline._question import why
from fallline._why import ask
from fallline._why._minus import MinusFindings, measure_minus


@pytest.fixture(scope="module")
def found() -> MinusFindings:
    findings = ask("minus")
    assert isinstance(findings, MinusFindings)
    return findings


def script(sign: float, steps: int) -> list[float]:
    """The textbook script, float32, with plus or minus."""
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    model = torch.nn.Linear(1, 1)
    torch.random.set_rng_state(state)
    losses = []
    for _ in range(steps + 1):
        loss = ((model(x) - y) ** 2).mean()
        losses.append(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(parameter.grad, alpha=sign * 0.01)
    return losses


@pytest.mark.slow
def test_both_loops_are_the_script(found: MinusFindings) -> None:
    np.testing.assert_allclose(found.minus.losses, script(-1.0, 200), rtol=1e-5)
    np.testing.assert_allclose(found.plus.losses[:70], script(1.0, 69), rtol=1e-4)


def test_plus_by_the_closed_form(found: MinusFindings) -> None:
    """θ_t − θ* = (I + ηH)ᵗ(θ₀ − θ*)."""
    quadratic = given_problem().quadratic
    assert quadratic is not None
    parts = quadratic.excess_by_direction(found.start)[0]
    excess = [float(parts @ (1 + 0.01 * quadratic.eigenvalues) ** (2 * t)) for t in range(100)]
    losses = np.array(excess) + quadratic.floor
    np.testing.assert_allclose(found.plus.losses[:70], losses[:70], rtol=1e-3)
    assert found.doubled_after == next(t for t, loss in enumerate(losses) if loss >= 2 * losses[0]) == 1
    over = next(t for t, loss in enumerate(losses) if loss * 100 > np.finfo(np.float32).max)  # a sum over 100 rows
    assert found.plus.not_finite_after is not None
    assert abs(found.plus.not_finite_after - over) <= 2
    assert found.growth == pytest.approx(found.predicted_growth, rel=1e-4)
    assert found.predicted_growth == pytest.approx((1 + 0.01 * quadratic.eigenvalues[0]) ** 2)


def test_slopes_are_the_gradient(found: MinusFindings) -> None:
    table = fl.line()
    x, y = table.features[:, 0], table.target
    residual = found.start[0] * x + found.start[1] - y
    np.testing.assert_allclose(found.slopes, [2 * np.mean(residual * x), 2 * np.mean(residual)], rtol=1e-6)


def test_upside_down_with_plus_is_the_same(found: MinusFindings) -> None:
    assert found.apart == 0


def test_the_smallest_example(found: MinusFindings) -> None:
    told = [(n.start, n.slope, n.end, n.wrong_end) for n in found.smallest]
    assert told == [
        (5.0, 4.0, pytest.approx(4.6), pytest.approx(5.4)),
        (1.0, -4.0, pytest.approx(1.4), pytest.approx(0.6)),
    ]


@pytest.mark.slow
def test_the_words_are_the_numbers(found: MinusFindings) -> None:
    answer = why("minus")
    told = " ".join(" ".join(sentences) for section in answer.sections for sentences in section.paragraphs)
    assert f"The slope of w is −{-found.slopes[0]:.1f}: more w means less loss, so this step takes w up." in told
    assert f"the loss falls from {found.minus.losses[0]:.1f} to {found.minus.losses[-1]:.4f} in 200 steps" in told
    assert f"doubled after 1 step and is too large for float32 after {found.plus.not_finite_after} steps" in told
    assert "At w = 5 the slope is 4: the ground rises to the right, so minus goes left, to 4.6." in told
    assert "At w = 1 the slope is −4: the ground rises to the left, so minus goes right, to 1.4." in told
    assert "to the last bit" in told
    assert answer.numbers["plus_not_finite_after"] == found.plus.not_finite_after


@pytest.mark.slow
def test_a_slope_that_is_positive_pushes_down() -> None:
    answer = why("minus", start={"w": 5.0, "b": 1.0})
    told = answer.sections[0].paragraphs[0]
    assert any("more w means more loss, so this step takes w down" in sentence for sentence in told)


@pytest.mark.slow
def test_plus_may_come_to_a_top() -> None:
    """Himmelblau has a hill: plus climbs it and stays, and nothing is said of infinity."""
    answer = why("minus", formula="himmelblau")
    losses = np.asarray(answer.numbers["plus_losses"])
    assert answer.numbers["plus_not_finite_after"] is None
    assert losses[-1] == pytest.approx(181.617, abs=0.01)  # its one maximum, at (−0.2708, −0.9230)
    assert "stands at 181.6 after 200 steps" in answer.summary


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mae", "huber"])
def test_losses_without_a_limit_on_their_own_rate(loss: str) -> None:
    answer = why("minus", loss=loss)
    minus, plus = np.asarray(answer.numbers["minus_losses"]), np.asarray(answer.numbers["plus_losses"])
    assert minus[-1] < minus[0] < plus[-1]


@pytest.mark.slow
def test_a_loop_that_is_not_finite_is_told_as_it_is() -> None:
    """Far too large a rate: both loops blow up, and the words do not claim that minus went down."""
    found = measure_minus(given_problem(), None, 10.0, seed=0)
    assert found.minus.not_finite_after is not None
    assert math.isnan(found.apart)
    answer = answer_of(found)
    assert "With minus the loss goes from" in answer.summary
    assert "falls" not in answer.summary
    assert "to NaN in 200 steps" in answer.summary
    convention = " ".join(answer.sections[-1].paragraphs[0])
    assert "upside down" not in convention  # two loops that are no numbers are not the same
    assert "NaN with minus, no finite number with plus" in convention


@pytest.mark.slow
def test_a_slope_that_is_rounding_is_not_explained() -> None:
    """Centred columns under mae, all residuals of one sign: only the bias has a slope."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 3))
    found = measure_minus(given_problem((features, 100.0 + np.arange(50)), loss="mae"), None, 0.01, seed=0)
    assert found.level.tolist() == [True, True, True, False]
    assert (found.slopes[:3] != 0).any()
    said, (table,) = answer_of(found).sections[0].paragraphs[0], answer_of(found).sections[0].exhibits
    assert sum("level to rounding, its sign says nothing" in sentence for sentence in said) == int(
        np.count_nonzero(found.slopes[:3])
    )
    assert {row[2] for row in table.rows[:3]} <= {"level", "level to rounding"}
    assert "so this step takes bias up" in " ".join(said) or "so this step takes b up" in " ".join(said)
