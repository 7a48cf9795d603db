"""The verdict on a run, outcome by outcome."""

import re

import numpy as np
import pytest

import fallline as fl
from cases import ABSOLUTE, COLLINEAR, ENDINGS, FAR, ROUND, SEPARABLE, SEVERAL, TILTED, Setting
from fallline._explain import verdict

SAID = {
    "converged": "It converged",
    "descending": r"crawl along the valley|still descending",
    "stalled": r"It (stalls|hovers|stands still)",
    "diverged": "It diverged: the loss went from",
    "interrupted": "It was interrupted after",
}


@pytest.mark.parametrize("setting", ENDINGS, ids=str)
def test_the_outcome_is_told_and_no_other(setting: Setting) -> None:
    text = " ".join(verdict(setting.fit()))
    for outcome, words in SAID.items():
        assert bool(re.search(words, text)) == (outcome == setting.outcome), text
    assert "NaN %" not in text
    assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_golden_text_of_the_textbook_run() -> None:
    run = fl.fit()
    assert verdict(run) == [
        "The rate 0.01 is 34 % of the limit 0.0292: no direction crosses the valley.",
        "The first four steps fix w and take away 99.94 % of the excess loss; the other 196 crawl along the valley "
        "(0.5 % of the remaining distance each), and b is still off by 0.230.",
        "427 more epochs at this rate, or standardising with --learning-rate auto, would finish it.",
    ]
    assert str(fl.explain(run, step=0)).splitlines() == [
        "Step 0 of line, loss 192.5",
        "",
        "w: −0.2489 − 0.01 × (−160.4) = 1.3553",
        "b: 0.0451 − 0.01 × (−24.44) = 0.2895",
        "",
        "w: the slope is −160.4, the loss rises as w goes down, so w goes up: −0.2489 to 1.3553. "
        "It is closer now, 0.6446 away (2.249 before).",
        "b: the slope is −24.44, the loss rises as b goes down, so b goes up: 0.0451 to 0.2895. "
        "It is closer now, 0.7298 away (0.9741 before).",
        "The tangent promised a fall of 263.3 in the loss, and 173.1 came, 66 % of it.",
        "Reach 0.685: 69 % of the way to the bottom ahead, a little short.",
    ]


def test_what_is_promised_to_finish_it_does() -> None:
    """Both ways that the textbook verdict names."""
    assert fl.fit(epochs=200 + 427).summary.outcome is fl.Outcome.CONVERGED
    assert fl.fit(standardise=True, learning_rate="auto").summary.outcome is fl.Outcome.CONVERGED


def test_standardising_is_not_promised_where_it_is_not_known_to_finish() -> None:
    raw = fl.fit((SEVERAL.features, SEVERAL.target), standardise=False, learning_rate=1e-3)
    assert raw.summary.condition_number > 10
    assert "tandardising" not in " ".join(verdict(raw))


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.3, "no direction crosses the valley"), (0.5, "ends at the bottom"), (0.8, "every step crosses the valley")],
)
def test_crossing_the_valley_is_what_the_parameters_do(share: float, said: str) -> None:
    limit = fl.fit(epochs=1).summary.stability_limit
    run = fl.fit(learning_rate=share * limit, epochs=12, dtype="float64")
    assert said in verdict(run)[0]
    _, vectors = np.linalg.eigh(run.moments.hessian)
    path = np.vstack((run.header.start, run.columns.parameters))
    along = (path - run.moments.optimum) @ vectors[:, -1]
    crossed = np.sign(along[1:]) != np.sign(along[:-1])
    if share != 0.5:
        assert crossed.all() if share > 0.5 else not crossed.any()


def test_a_schedule_is_not_said_to_cross_at_every_step() -> None:
    said = verdict(fl.fit(learning_rate=0.02, schedule="cosine"))
    assert "every step crosses" not in " ".join(said)


def test_a_diverged_run_is_told_its_factor_and_a_rate_that_works() -> None:
    run = fl.fit(learning_rate=0.04, dtype="float64", epochs=40)
    text = " ".join(verdict(run))
    factor = float(re.search(r"multiplies the distance by (\d+\.\d+)", text)[1])
    distance = np.linalg.norm(run.columns.parameters - run.moments.optimum, axis=1)
    assert distance[-1] / distance[-2] == pytest.approx(factor, rel=2e-3)
    assert "past the limit 0.0292 by 37 %" in text
    rate = float(re.search(r"--learning-rate (\d+\.\d+)", text)[1])
    assert rate <= run.summary.stability_limit / 2 * 1.005
    assert fl.fit(learning_rate=rate).summary.outcome is not fl.Outcome.DIVERGED


def test_a_diverged_schedule_is_judged_by_its_largest_rate() -> None:
    run = fl.fit(learning_rate=0.2, schedule="onecycle")
    assert run.summary.outcome is fl.Outcome.DIVERGED
    text = " ".join(verdict(run))
    assert "The rate 0.2 is past the limit" in text or "The rate 0.1" in text
    assert "multiplies" not in text


def test_climbing_on_demand_is_not_given_a_smaller_rate() -> None:
    run = fl.fit(TILTED.data, optimizer_options={"maximize": True}, learning_rate=0.01)
    assert "told to maximize" in " ".join(verdict(run))
    assert "smaller rate" not in " ".join(verdict(run))


def test_converged_in_one_of_one() -> None:
    text = " ".join(verdict(fl.fit(ROUND.data, epochs=1)))
    assert "It converged in a single step (reach 1.00). In a round bowl" in text


def test_round_is_only_said_of_a_round_bowl() -> None:
    raw = fl.fit(FAR.data, standardise=False, dtype="float64", epochs=5)
    assert "round" not in " ".join(verdict(raw))
    assert "the condition number 1, the limit" not in " ".join(verdict(fl.fit(FAR.data)))


def test_parameters_that_share_a_direction_are_not_named_for_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    X = np.column_stack((x, x + 0.1 * rng.normal(size=200)))
    run = fl.fit((X, X @ [1.0, 2.0]), learning_rate=0.1, epochs=60)
    assert "fix" not in " ".join(verdict(run))


def test_no_curvature_and_no_bottom_are_told() -> None:
    assert "no stability limit" in " ".join(verdict(fl.fit(ABSOLUTE.data, loss="mae", epochs=5)))
    assert "the loss has no minimum" in " ".join(verdict(fl.fit(SEPARABLE.data, loss="bce", epochs=5)))


def test_a_cycle_is_not_called_standing_still() -> None:
    """Its ends may be equal to the last bit while it goes around."""
    run = fl.fit(learning_rate=1e-12)
    assert "It stands still: the steps are below the rounding of float32" in " ".join(verdict(run))
    X, y = np.array([[-1.0], [1.0], [3.0], [5.0]]), np.array([1.0, 1.0, 1.0, 2.0])
    run = fl.fit((X, y), loss="mae", learning_rate=0.5, epochs=200, standardise=False, start={"w": 0.0, "b": 1.25})
    tail = run.columns.parameters[-20:]
    if len(np.unique(tail, axis=0)) > 1:
        assert "stands still" not in " ".join(verdict(run))


def test_a_minimum_reached_exactly_stands_still_for_want_of_slope() -> None:
    X, y = np.array([[-1.0], [0.0], [2.0]]), np.array([-1.0, 1.0, 5.0])
    run = fl.fit((X, y), loss="mae", learning_rate=0.1, standardise=False, start={"w": 2.0, "b": 1.0}, epochs=10)
    assert run.summary.last_loss == 0
    assert "slope is zero" in " ".join(verdict(run))


def test_adaptive_optimizers_are_never_said_to_diverge_past_their_threshold() -> None:
    run = fl.fit(TILTED.data, optimizer="RMSprop", learning_rate=1.0, epochs=400)
    text = " ".join(verdict(run))
    assert "preconditioner" in text
    assert "diverged" not in text


def test_collinear_columns_are_explained_without_a_false_word() -> None:
    text = " ".join(verdict(fl.fit(COLLINEAR.data)))
    assert "It converged" in text
