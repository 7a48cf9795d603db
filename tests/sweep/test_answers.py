"""What a sweep answers where there is nothing to recommend, and what it says of itself."""

import numpy as np
import pytest

import fallline as fl
from cases import EVERY_LOSS, FAR, SEPARABLE, SEVERAL, Case
from fallline._records import FloorKind, Zone


def test_all_diverge() -> None:
    result = fl.sweep(learning_rates="1:10:5")
    assert set(result.zone_of_each) == {Zone.DIVERGING}
    assert result.recommended is None
    assert result.trials == ()
    assert result.measured_limit is None  # it lies below all of them
    assert result.advice == "No safe answer: every rate from 1 to 10 diverged. Try rates below 1."


def test_all_creep() -> None:
    result = fl.sweep(learning_rates="1e-8:1e-6:5")
    assert set(result.zone_of_each) == {Zone.TOO_SMALL}
    assert result.recommended is None
    assert "they all creep" in result.advice
    assert "1×10⁻⁶ came closest" in result.advice
    assert "Try rates above 1×10⁻⁶, or more steps." in result.advice


def test_large_rates_that_miss_the_goal_bounce_and_do_not_creep() -> None:
    """Just below the limit the sharp direction decays slowly: nothing reaches the goal, and nothing is too small."""
    result = fl.sweep(learning_rates=[0.0290, 0.0291], epochs=30)
    assert result.zone_of_each == (Zone.BOUNCING, Zone.BOUNCING)
    assert result.recommended is None
    assert "came closest" in result.advice
    assert "More steps would help" in result.advice


def test_one_rate() -> None:
    result = fl.sweep(learning_rates=[0.01])
    assert result.zone_of_each == (Zone.JUST_RIGHT,)
    assert result.recommended is not None
    assert result.recommended.value == 0.01
    assert any(note.startswith("One rate says little") for note in result.notes)


def test_no_margin_below_the_limit() -> None:
    result = fl.sweep(learning_rates=[0.016, 0.02])
    assert result.zone_of_each == (Zone.JUST_RIGHT, Zone.JUST_RIGHT)
    assert result.recommended is None
    assert "above half the stability limit 0.02919, which leaves no margin" in result.advice


@pytest.mark.parametrize("text", ["log(0*w-1) + b", "1/(0*w)"])
def test_a_surface_that_is_not_finite_at_the_start(text: str) -> None:
    result = fl.sweep(formula=text, start={"w": 1.0})
    assert set(result.zone_of_each) == {Zone.DIVERGING}
    assert result.recommended is None
    assert "the loss at the start is" in result.advice


def test_a_surface_with_a_hole() -> None:
    """log(w) has no bottom, and is not a number beyond 0."""
    result = fl.sweep(formula="log(w)", start={"w": 1.0})
    assert Zone.DIVERGING in result.zone_of_each
    assert np.isnan(result.final_losses).any()
    assert result.recommended is None


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("text", ["saddle", "w + b", "-(w^2)"])
def test_no_bottom(text: str, optimizer: str) -> None:
    result = fl.sweep(formula=text, optimizer=optimizer)
    assert result.recommended is None
    assert "still plunging" in result.advice
    assert Zone.JUST_RIGHT not in result.zone_of_each
    assert result.measured_limit is None


@pytest.mark.parametrize(
    ("text", "start"),
    [("(w-3)^2", {"w": 3.0}), ("w^2 - b^2", {"w": 0.0, "b": 0.0}), ("rastrigin", {"w": 0.0, "b": 0.0})],
)
def test_nothing_moves(text: str, start: dict[str, float]) -> None:
    result = fl.sweep(formula=text, start=start)
    assert result.recommended is None
    assert result.advice == "No safe answer: nothing moved, the slope at the start is zero. Start elsewhere."
    assert Zone.JUST_RIGHT not in result.zone_of_each


def test_climbing() -> None:
    result = fl.sweep(optimizer_options={"maximize": True})
    assert result.recommended is None
    assert "with maximize=True the optimizer climbs" in result.advice


@pytest.mark.slow
def test_another_minimum_is_said_to_be_another() -> None:
    result = fl.sweep(formula="rastrigin")
    assert result.floor_kind is FloorKind.LOWEST_SEEN
    assert result.floor == pytest.approx(4.9748, abs=1e-3)  # the minimum near (2, −1)
    assert "The lowest loss there is, 0, was out of reach from this start" in result.notes[0]
    assert result.recommended is not None


@pytest.mark.slow
def test_every_rate_of_rosenbrock_that_is_fast_in_200_steps_is_luck_or_above_the_limit() -> None:
    short, long = fl.sweep(formula="rosenbrock"), fl.sweep(formula="rosenbrock", epochs=3000)
    assert short.recommended is None
    assert long.recommended is not None
    assert long.recommended.value <= 0.5 * 2 / 1001.6


@pytest.mark.slow
@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_every_loss_gets_an_answer(case: Case, optimizer: str) -> None:
    result = fl.sweep(case.data, loss=case.loss, optimizer=optimizer, epochs=100)
    assert result.recommended is not None
    assert result.recommended.low <= result.recommended.value <= result.recommended.high
    assert result.trials[1].zone is Zone.JUST_RIGHT
    assert result.zone_of_each[0] is Zone.TOO_SMALL
    assert result.zone_of_each[-1] in (Zone.BOUNCING, Zone.DIVERGING)


def test_the_reason_holds_its_numbers() -> None:
    result = fl.sweep()
    assert result.recommended is not None
    low, high = result.recommended.low, result.recommended.high
    reason = result.recommended.reason
    assert f" needs {result.trials[1].steps_to_goal} steps to the goal (99 % of the excess loss removed); " in reason
    assert f"; the rates from {low:.4g} to {high:.4g} around it need at most " in reason
    assert f"{result.recommended.value / result.predicted_limit:.0%}".replace("%", " %") in reason
    assert result.advice == reason


@pytest.mark.slow
def test_half_the_limit_is_named_where_it_decides() -> None:
    result = fl.sweep(formula="ravine")
    assert result.recommended is not None
    assert result.recommended.value <= 0.01
    assert "half the stability limit" in result.recommended.reason


@pytest.mark.slow
def test_the_record_draws_its_own_loss_again() -> None:
    from fallline._sweep import objective_of

    for result in (fl.sweep(), fl.sweep(formula="himmelblau"), fl.sweep(SEVERAL.data, loss="huber", epochs=5)):
        objective = objective_of(result)
        assert objective is not None
        assert objective.loss(result.trajectories[3]) == pytest.approx(result.losses[3], rel=1e-12, nan_ok=True)
    somebodys = fl.sweep(objective, start=[0.0] * 4, epochs=3)
    assert objective_of(somebodys) is None


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fallline._sweep._runs.TICK_SECONDS", 0.0)
    told: list[tuple[int, int, float]] = []
    fl.sweep(optimizer="Rprop", epochs=5, learning_rates="0.01:1:4", progress=lambda *numbers: told.append(numbers))
    assert told
    assert all(0 < done <= planned for done, planned, _ in told)


def test_ctrl_c_is_passed_on() -> None:
    def interrupt(done: int, planned: int, lowest: float) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fallline._sweep._runs.TICK_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            fl.sweep(progress=interrupt)


def test_what_the_program_has_set_for_itself_does_not_matter() -> None:
    import torch

    plain = fl.sweep(SEVERAL.data, loss="huber", epochs=20)
    random_state = torch.random.get_rng_state()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        with torch.inference_mode():
            inside = fl.sweep(SEVERAL.data, loss="huber", epochs=20)
    finally:
        torch.set_default_dtype(before)
    assert np.array_equal(inside.trajectories, plain.trajectories, equal_nan=True)
    assert torch.equal(torch.random.get_rng_state(), random_state)


@pytest.mark.slow
def test_a_loss_without_a_minimum_bears_any_rate_but_the_answer_stays_modest() -> None:
    """Separable classes: the larger the weight the better, so no rate is too large."""
    result = fl.sweep(SEPARABLE.data, loss="bce")
    assert result.recommended is not None
    assert result.recommended.value < 10 * result.recommended.low
    assert result.recommended.value < 1000
    assert "because no rate was too large" in result.recommended.reason


def test_the_long_run_is_not_claimed_of_a_short_one() -> None:
    """Condition number 10²⁴: in 50 steps the flattest direction has not moved."""
    result = fl.sweep(FAR.data, standardise=False, epochs=50)
    assert next(mark for mark in result.landmarks if mark.name == "fastest in the long run").measured is None
