"""The verdict on a run, outcome by outcome."""

import dataclasses
import re

import numpy as np
import pytest

import fallline as fl
from cases import (
    ABSOLUTE,
    COLLINEAR,
    ENDINGS,
    FAR,
    HUBER,
    OVERLAPPING,
    ROUND,
    SEPARABLE,
    SEVERAL,
    TILTED,
    Case,
    Setting,
)
from fallline._explain import number, percent, short, verdict
from fallline._fit._unfinished import unfinished_summary
from fallline._records import LimitKind

SAID = {
    "converged": "It converged",
    "descending": r"crawl along the valley|still descending",
    "stalled": r"It (stalls|hovers|stands still|rests)",
    "diverged": "It diverged: the loss went from",
    "interrupted": "It was interrupted after",
}


def said_of(run: fl.Run) -> str:
    return " ".join(verdict(run))


@pytest.mark.parametrize("setting", ENDINGS, ids=str)
def test_the_outcome_is_told_and_no_other(setting: Setting) -> None:
    text = " ".join(verdict(setting.run))
    for outcome, words in SAID.items():
        assert bool(re.search(words, text)) == (outcome == setting.outcome), text
    assert "NaN %" not in text
    assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_golden_text_of_the_textbook_run() -> None:
    run = fl.fit()
    assert verdict(run) == [
        "The rate 0.01 is 34 % of the limit 0.0292: no step jumps across the valley to its other wall.",
        "The first four steps fix w and take away 99.94 % of the excess loss; the other 196 crawl along the valley "
        "(0.5 % of the remaining distance each), and b is still off by 0.230.",
        "427 more epochs at this rate, or standardising with --learning-rate auto, would finish it.",
    ]
    assert str(fl.explain(run, step=0)).splitlines() == [
        "Step 0 of line, loss 192.5",
        "",
        "w: −0.2489 − 0.01 × (−160.42) = 1.3553",
        "b: 0.0451 − 0.01 × (−24.44) = 0.2895",
        "",
        "w: the slope is −160.4, the loss rises as w goes down, so w goes up: −0.2489 to 1.3553. "
        "It is closer now, 0.6446 away (2.249 before).",
        "b: the slope is −24.44, the loss rises as b goes down, so b goes up: 0.0451 to 0.2895. "
        "It is closer now, 0.7298 away (0.9741 before).",
        "The tangent promised a fall of 263.3 in the loss, and 173.1 came, 66 % of it.",
        "Reach 0.69: 69 % of the way to the bottom ahead, a little short.",
    ]


@pytest.mark.slow
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
    [
        (0.3, "no step jumps across the valley to its other wall"),
        (0.5, "a step ends at the bottom of the steepest direction"),
        (0.8, "above half of it, a step jumps across the valley to its other wall"),
    ],
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
    assert "crosses" not in " ".join(said)
    assert "jumps across" not in " ".join(said)


def test_a_diverged_run_is_told_its_factor_and_a_rate_that_works() -> None:
    run = fl.fit(learning_rate=0.04, dtype="float64", epochs=40)
    text = " ".join(verdict(run))
    factor = float(re.search(r"multiplies the distance by (\d+\.\d+)", text)[1])
    distance = np.linalg.norm(run.columns.parameters - run.moments.optimum, axis=1)
    assert distance[-1] / distance[-2] == pytest.approx(factor, rel=2e-3)
    assert "The rate 0.04 is 37 % past the limit 0.0292: " in text
    rate = float(re.search(r"Half the limit is safe: --learning-rate (\d+\.\d+)", text)[1])
    assert 0.99 * run.summary.stability_limit / 2 < rate <= run.summary.stability_limit / 2
    assert fl.fit(learning_rate=rate).summary.outcome is not fl.Outcome.DIVERGED


def test_a_diverged_schedule_is_judged_by_its_largest_rate() -> None:
    run = fl.fit(learning_rate=0.2, schedule="onecycle")
    assert run.summary.outcome is fl.Outcome.DIVERGED
    text = " ".join(verdict(run))
    largest, limit = float(np.max(run.columns.learning_rate)), run.summary.stability_limit
    assert f"The rate {short(largest)} is {percent(largest / limit - 1)} past the limit {number(limit, 3)}." in text
    assert "multiplies" not in text


def test_climbing_on_demand_is_not_given_a_smaller_rate() -> None:
    run = fl.fit(TILTED.data, optimizer_options={"maximize": True}, learning_rate=0.01)
    assert "told to maximize" in " ".join(verdict(run))
    assert "smaller rate" not in " ".join(verdict(run))


def test_converged_in_one_of_one() -> None:
    text = " ".join(verdict(fl.fit(ROUND.data, learning_rate=0.5, epochs=1)))
    assert "It converged in a single step (reach 1.0). In a round bowl" in text


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


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "limit"), [("SGD", 20.0), ("momentum", 38.0)])
def test_weight_decay_alone_limits_the_rate_of_the_absolute_error(optimizer: str, limit: float) -> None:
    """Its slopes are bounded: below the limit the decay holds the parameters, above it carries them off."""
    common = {"loss": "mae", "optimizer": optimizer, "optimizer_options": {"weight_decay": 0.1}, "dtype": "float64"}
    below, above = (fl.fit(ABSOLUTE.data, learning_rate=limit * part, epochs=1500, **common) for part in (0.98, 1.02))
    assert np.abs(below.columns.parameters).max() < 1e3
    assert not np.abs(above.columns.parameters[-1]).max() < 1e9
    said = " ".join(verdict(fl.fit(ABSOLUTE.data, epochs=5, **common)))
    assert f"the stability limit is that of the weight decay alone, {limit:.0f}, past which" in said
    assert "no stability limit" not in said


def test_a_cycle_is_not_called_standing_still() -> None:
    """Its ends may be equal to the last bit while it goes around."""
    X, y = np.array([[-1.0], [1.0], [3.0], [5.0]]), np.array([1.0, 1.0, 1.0, 2.0])
    run = fl.fit((X, y), loss="mae", learning_rate=0.5, epochs=200, standardise=False, start={"w": 0.0, "b": 1.25})
    tail = run.columns.parameters[-20:]
    assert len(np.unique(tail, axis=0)) > 1
    assert "stands still" not in said_of(run)


def test_steps_below_rounding_stand_still() -> None:
    said = said_of(fl.fit(learning_rate=1e-12))
    assert "It stands still: the steps are below the rounding of float32." in said
    assert "hovers" not in said


def test_a_minimum_reached_exactly_stands_still_for_want_of_slope() -> None:
    X, y = np.array([[-1.0], [0.0], [2.0]]), np.array([-1.0, 1.0, 5.0])
    run = fl.fit((X, y), loss="mae", learning_rate=0.1, standardise=False, start={"w": 2.0, "b": 1.0}, epochs=10)
    assert run.summary.last_loss == 0
    assert "slope is zero" in " ".join(verdict(run))


def test_adaptive_optimizers_are_never_said_to_diverge_past_their_threshold() -> None:
    run = fl.fit(TILTED.data, optimizer="RMSprop", learning_rate=1.0, epochs=400)
    text = " ".join(verdict(run))
    assert f"the limit {number(run.summary.stability_limit, 3)} of RMSprop, for its preconditioner as it stood" in text
    assert run.summary.share_of_limit > 1
    assert "Past it RMSprop circles above the minimum." in text
    assert "diverged" not in text


@pytest.mark.parametrize("optimizer", ["RMSprop", "Adam"])
def test_the_frozen_limit_is_set_beside_the_last_rate(optimizer: str) -> None:
    """The preconditioner is the one of the end, so is the rate."""
    run = fl.fit(TILTED.data, optimizer=optimizer, learning_rate=1.0, schedule="step", epochs=60)
    last, largest = run.columns.learning_rate[-1], run.columns.learning_rate.max()
    assert last < largest
    assert run.summary.limit_kind is LimitKind.FROZEN
    assert run.summary.share_of_limit == last / run.summary.stability_limit
    assert f"The rate {short(float(last))} is {percent(run.summary.share_of_limit)} of the limit" in said_of(run)


@pytest.mark.parametrize("share", [0.5, 2.0])
@pytest.mark.parametrize("outcome", list(fl.Outcome))
def test_only_a_stalled_run_past_its_frozen_limit_circles(outcome: fl.Outcome, share: float) -> None:
    run = fl.fit(TILTED.data, optimizer="RMSprop", learning_rate=1.0, epochs=60)
    summary = dataclasses.replace(run.summary, outcome=outcome, share_of_limit=share)
    said = said_of(dataclasses.replace(run, summary=summary))
    assert ("circles" in said) == (outcome is fl.Outcome.STALLED and share > 1)


@pytest.mark.slow
def test_collinear_columns_are_explained_without_a_false_word() -> None:
    run = fl.fit(COLLINEAR.data)
    said = said_of(run)
    assert run.summary.exact is None
    assert "It converged" in said
    assert "many lines fit equally well; what was learned is one of them" in said
    assert "exact" not in str(fl.explain(run))
    assert "many lines" not in said_of(fl.fit(SEVERAL.data))


@pytest.mark.slow
def test_what_happened_is_told_before_the_share_where_it_converged() -> None:
    said = verdict(fl.fit(TILTED.data))
    assert said[0].startswith("It converged")
    assert said[1].startswith("The rate ")
    assert verdict(fl.fit())[0].startswith("The rate ")


@pytest.mark.slow
def test_nothing_left_to_do_is_only_said_where_nothing_moves() -> None:
    """A single step lands, and what little momentum there is carries on."""
    raw = {"standardise": False, "learning_rate": 0.5, "epochs": 600, "dtype": "float64"}
    assert "the other 599 had nothing left to do" in said_of(fl.fit(ROUND.data, **raw))
    carried = fl.fit(ROUND.data, optimizer_options={"momentum": 1e-4}, **raw)
    assert "It converged in a single step" in said_of(carried)
    assert "nothing left to do" not in said_of(carried)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"standardise": True}, {"data": ROUND.data, "standardise": False}], ids=str)
def test_momentum_at_half_is_not_done_after_its_first_step(options: dict[str, object]) -> None:
    run = fl.fit(**{"optimizer": "momentum", "learning_rate": 0.5, "epochs": 600, **options})
    assert "nothing left to do" not in said_of(run)
    told = re.search(r"from step ([\d,]+) on", said_of(run))
    assert bool(told) == (run.summary.outcome is fl.Outcome.CONVERGED)
    if told:
        best = run.moments.optimum_loss
        part = (np.append(run.header.start_loss, run.columns.full_loss) - best) / (run.header.start_loss - best)
        first = int(told[1])
        assert (part[first:] <= 1e-6).all()
        assert part[first - 1] > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"learning_rate": 0.1}, {"learning_rate": 0.1, "optimizer": "momentum", "dtype": "float64"}],
    ids=str,
)
def test_the_rest_that_weight_decay_brings_is_named(options: dict[str, object]) -> None:
    run = fl.fit(TILTED.data, epochs=2000, optimizer_options={"weight_decay": 0.1}, **options)
    said = said_of(run)
    assert run.summary.outcome is fl.Outcome.STALLED
    above = number(run.summary.last_loss - run.moments.optimum_loss, 3)
    assert "weight decay 0.1" in said
    assert f"{above} above the lowest possible loss" in said
    gradient, pull = run.columns.gradient[-1], 0.1 * run.columns.parameters[-2]
    assert gradient == pytest.approx(-pull, rel=1e-4)
    assert "smaller rate" not in said


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [None, 4])
def test_a_schedule_that_ends_at_zero_is_named(batch_size: int | None) -> None:
    run = fl.fit(schedule="polynomial:total_iters=20", batch_size=batch_size, learning_rate=0.001, epochs=80)
    assert not run.columns.learning_rate[-10:].any()
    assert "It stands still: the schedule has brought the rate to 0." in said_of(run)
    assert "rounding" not in said_of(run)


@pytest.mark.slow
def test_mini_batches_hover_above_the_bottom_by_what_is_said() -> None:
    run = fl.fit(SEVERAL.data, batch_size=4, learning_rate=0.1, epochs=100)
    above = number(run.summary.last_loss - run.moments.optimum_loss, 3)
    assert f"It hovers, {above} above the lowest possible loss: every batch has a bottom of its own" in said_of(run)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.4, 1.2])
def test_a_diverged_run_on_mini_batches_is_promised_no_safe_rate(rate: float) -> None:
    run = fl.fit(SEVERAL.data, batch_size=2, learning_rate=rate, epochs=50)
    said = said_of(run)
    assert run.summary.outcome is fl.Outcome.DIVERGED
    assert "safe" not in said
    assert "multiplies" not in said
    assert "with batches the usable rates end below the limit of the whole table" in said
    if rate > run.summary.stability_limit:
        assert "--learning-rate auto finds one" in said


@pytest.mark.slow
def test_batches_that_diverge_do_so_at_half_the_limit_too() -> None:
    """Why nothing is promised to them."""
    limit = fl.fit(SEVERAL.data, epochs=1).summary.stability_limit
    run = fl.fit(SEVERAL.data, batch_size=2, learning_rate=limit / 2, epochs=50)
    assert run.summary.outcome is fl.Outcome.DIVERGED


@pytest.mark.parametrize("case", [TILTED, HUBER, OVERLAPPING], ids=str)
def test_an_unfinished_record_is_told_as_one(case: Case) -> None:
    run = fl.fit(case.data, loss=case.loss, epochs=9, learning_rate=0.01)
    killed = dataclasses.replace(run, summary=unfinished_summary(dataclasses.replace(run, summary=None)))
    assert not killed.summary.finished
    said = said_of(killed)
    assert "The record has no end yet: 9 steps, 9 of 9 epochs." in said
    assert "interrupted" not in said
    stopped = dataclasses.replace(killed, summary=dataclasses.replace(killed.summary, finished=True))
    assert "It was interrupted after 9 steps, 9 of 9 epochs; everything up to there is recorded." in said_of(stopped)
    assert "no end yet" not in said_of(stopped)


@pytest.mark.slow
def test_a_standing_run_is_not_said_to_descend() -> None:
    """Slow into the rest of weight decay, and there for 400 epochs."""
    run = fl.fit(
        TILTED.data,
        standardise=False,
        dtype="float64",
        learning_rate=0.05,
        epochs=1600,
        optimizer_options={"weight_decay": 0.1},
    )
    assert len(np.unique(run.columns.parameters[-160:], axis=0)) == 1
    assert "It rests where the slope and the weight decay 0.1 cancel" in said_of(run)


def test_a_run_past_its_lowest_place_is_not_said_to_descend() -> None:
    run = fl.fit(formula="abs(w)", start={"w": 1.0}, learning_rate=0.0075)
    said = " ".join(verdict(run))
    lowest = int(np.argmin(run.columns.full_loss))
    assert "still descending" not in said
    assert f"It was lowest, {number(run.columns.full_loss[lowest])}, after {lowest + 1} steps; " in said
    assert f"the loss was {number(run.columns.full_loss[-1])}." in said
