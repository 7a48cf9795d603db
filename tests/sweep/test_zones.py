"""docs/semantics.md#zones, on problems where the answer is known."""

from functools import partial

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fallline as fl
from cases import BOWLS, SEVERAL, Case, bowl
from fallline._quadratic import Quadratic
from fallline._records import FloorKind, Moments, SweepResult, Zone
from fallline._sweep import judge
from fallline._sweep._seeds import middle_run
from fallline._sweep._settling import hovers_at, saturates_from, still_falls, still_plunges
from fallline._sweep._zones import spans

SMALL, RIGHT, BOUNCE, DIVERGE = Zone.TOO_SMALL, Zone.JUST_RIGHT, Zone.BOUNCING, Zone.DIVERGING


def chosen_spectrum(*eigenvalues: float) -> Quadratic:
    """½ Σ λᵢ (θᵢ − i)² + 1."""
    count = len(eigenvalues)
    return Quadratic(
        Moments(np.diag(eigenvalues), np.arange(count, dtype=np.float64), 1.0), np.diag(np.sqrt(eigenvalues))
    )


@pytest.mark.slow
@pytest.mark.parametrize("spectrum", [(4.0, 4.0), (10.0, 1.0), (50.0, 5.0, 0.5)], ids=str)
@pytest.mark.parametrize("goal", [0.9, 0.99, 0.9999])
def test_zones_of_plain_descent_are_those_of_the_closed_form(spectrum: tuple[float, ...], goal: float) -> None:
    """Below the limit every component shrinks, so the excess falls at each step and the closed form counts them."""
    quadratic, steps = chosen_spectrum(*spectrum), 300
    start = np.full(len(spectrum), 5.0)
    rates = np.geomspace(1e-3 / spectrum[0], 6 / spectrum[0], 41)
    result = fl.sweep(quadratic, start=start, learning_rates=rates, goal=goal, epochs=steps)
    left = float(quadratic.excess(start)[0]) * (1 - goal)
    expected = [quadratic.steps_to(start, rate, left) for rate in rates.tolist()]
    expected = [count if count is not None and count <= steps else None for count in expected]
    assert list(result.steps_to_goal) == expected
    fewest = min(count for count in expected if count is not None)
    for rate, count, zone in zip(rates.tolist(), expected, result.zone_of_each, strict=True):
        if rate * spectrum[0] > 2:
            assert zone is DIVERGE
        elif count is not None and count <= 3 * fewest:
            assert zone is RIGHT
        else:
            assert zone is (SMALL if rate * spectrum[0] < 1 else BOUNCE)
    assert result.floor == 1.0
    assert result.floor_kind is FloorKind.OPTIMUM


@pytest.mark.slow
def test_textbook_line() -> None:
    """The numbers of DESIGN's example: 0.1 is too large and 0.001 too small on this problem."""
    result = fl.sweep(learning_rates="1e-5:0.1:401")
    found = {span.name: (span.low, span.high) for span in result.zones}
    assert list(found) == [SMALL, RIGHT, BOUNCE, DIVERGE]
    assert found[RIGHT] == pytest.approx((0.0079, 0.0209), rel=0.03)
    assert found[BOUNCE][1] == pytest.approx(0.0291, rel=0.03)
    assert found[DIVERGE][0] == pytest.approx(0.0301, rel=0.03)
    assert result.recommended is not None
    assert found[RIGHT][0] <= result.recommended.value <= min(found[RIGHT][1], result.predicted_limit / 2)
    assert result.recommended.value == pytest.approx(np.sqrt(found[RIGHT][0] * found[RIGHT][1]), rel=0.01)
    assert [trial.zone for trial in result.trials] == [SMALL, RIGHT, DIVERGE]
    crossing = result.rates[[flag is True for flag in result.crosses_valley]]
    assert crossing.min() == pytest.approx(0.0146, rel=0.03)


@pytest.mark.slow
def test_default_rates_and_what_is_among_them() -> None:
    result = fl.sweep()
    assert result.recommended is not None
    assert {0.001, 0.01, 0.1, result.recommended.value} <= set(result.rates.tolist())
    assert result.rates[0] == pytest.approx(result.predicted_limit / 1000)
    assert len(result.rates) == 49 + 4
    assert (np.diff(result.rates) > 0).all()
    assert result.losses.shape == (201, 53)
    assert result.trajectories.shape == (201, 53, 2)
    assert result.crossed is not None
    assert result.crossed.shape == (200, 53)
    at = result.rates.tolist().index(result.recommended.value)
    assert result.zone_of_each[at] is RIGHT
    assert np.array_equal(result.trials[1].parameters, result.trajectories[:, at])
    for zone, place in result.example_of_zone.items():
        assert result.zone_of_each[place] is zone


def test_reached_means_for_good() -> None:
    passing_by = np.array([1.0, 0.0, 0.5, 0.5, 0.5])
    returning = np.array([1.0, 0.0, 0.5, 0.0, 0.0])
    judgement = judge(np.column_stack((passing_by, returning)), goal=0.9, floor=0.0)
    assert judgement.steps_to_goal == (None, 3)


def test_a_rate_that_qualifies_outside_the_interval_is_noted() -> None:
    steps = np.arange(31)[:, None]
    reached_at = np.array([20, 6, 2, 3, 25, 6, 30])
    losses = np.where(steps < reached_at, 1.0, 0.0)
    losses[0] = 1.0
    judgement = judge(losses, goal=0.9, floor=0.0)
    assert judgement.zones == (SMALL, RIGHT, RIGHT, RIGHT, BOUNCE, BOUNCE, BOUNCE)
    assert judgement.just_right == (1, 3)
    assert judgement.elsewhere == (5,)
    assert judgement.fewest == 2


def test_one_lucky_rate_among_failures_is_no_interval() -> None:
    steps = np.arange(101)[:, None]
    losses = np.where(steps < np.array([50, 40, 200, 2, 200, 200]), 1.0, 0.0)
    rates = np.geomspace(1, 2.5, 6)
    lucky = judge(losses, goal=0.9, floor=0.0, rates=rates)
    assert lucky.just_right == (0, 1)
    assert lucky.elsewhere == (3,)
    far_apart = judge(losses, goal=0.9, floor=0.0, rates=np.geomspace(1, 1e5, 6))
    assert far_apart.just_right == (3, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.1])
def test_diverging_is_not_finite_or_above_its_start(bad: float) -> None:
    losses = np.array([[1.0, 1.0], [0.5, 0.5], [0.0, bad]])
    assert judge(losses, goal=0.9, floor=0.0).zones == (RIGHT, DIVERGE)


def test_a_loss_that_was_not_finite_on_the_way_diverges() -> None:
    losses = np.array([[1.0, 1.0], [0.5, np.inf], [0.0, 0.0]])
    assert judge(losses, goal=0.9, floor=0.0).zones == (RIGHT, DIVERGE)


def test_several_seeds_are_judged_by_the_middle_run() -> None:
    runs = np.array([[[1.0], [0.0], [0.0]], [[1.0], [0.5], [0.0]], [[1.0], [0.5], [0.5]]])
    assert judge(runs, goal=0.9, floor=0.0).steps_to_goal == (2,)
    assert judge(runs[1:], goal=0.9, floor=0.0).steps_to_goal == (None,)  # of two the worse one
    assert middle_run(runs, judge(runs, goal=0.9, floor=0.0).seeds)[:, 0].tolist() == [1.0, 0.5, 0.0]


def test_no_two_neighbouring_spans_have_one_name() -> None:
    rates = np.arange(1.0, 7.0)
    found = spans(rates, (SMALL, SMALL, RIGHT, BOUNCE, RIGHT, DIVERGE))
    assert [(span.name, span.low, span.high) for span in found] == [
        (SMALL, 1, 2),
        (RIGHT, 3, 3),
        (BOUNCE, 4, 4),
        (RIGHT, 5, 5),
        (DIVERGE, 6, 6),
    ]


def test_crossing_the_valley_on_one_direction() -> None:
    """θ ← (1 − ηλ)θ changes its sign at every step from η = 1/λ on, and never below."""
    quadratic = chosen_spectrum(2.0)
    rates = np.array([0.1, 0.4, 0.51, 0.7, 0.99, 1.1])
    result = fl.sweep(quadratic, start=[3.0], learning_rates=rates, epochs=30)
    assert result.crosses_valley == (False, False, True, True, True, True)
    assert result.crossed is not None
    assert result.crossed[:5].all(axis=0).tolist() == [False, False, True, True, True, True]


def test_the_reversing_component_has_to_hold_half_of_the_excess() -> None:
    """Both runs flip the sharp component; only from the second start does it hold most of the excess."""
    quadratic = chosen_spectrum(100.0, 1.0)
    flat, sharp = (
        fl.sweep(quadratic, start=start, learning_rates=[0.019], epochs=5, goal=0.5)
        for start in ([0.01, 9.0], [5.0, 1.1])
    )
    assert flat.crosses_valley == (False,)
    assert sharp.crosses_valley == (True,)


@pytest.mark.parametrize(("share", "crossed"), [(0.3, False), (0.6, True)])
def test_a_step_crosses_where_over_half_of_the_excess_is_reversed(share: float, crossed: bool) -> None:
    flat = 8.0
    sharp = np.sqrt(share / (1 - share) * flat**2 / 100)
    result = fl.sweep(chosen_spectrum(100.0, 1.0), start=[sharp, 1 + flat], learning_rates=[0.015], epochs=3)
    assert result.crossed is not None
    assert bool(result.crossed[0, 0]) is crossed


def test_crossing_on_a_surface_that_is_no_quadratic() -> None:
    """w⁴ from w = 1: w ← w − 4ηw³ lands on the other side for η above ¼."""
    result = fl.sweep(formula="w^4", start={"w": 1.0}, learning_rates=[0.05, 0.2, 0.3, 0.45], epochs=20)
    assert result.crossed is not None
    assert result.crossed[0].tolist() == [False, False, True, True]


@pytest.mark.slow
def test_a_stall_is_measured_and_a_standstill_is_none() -> None:
    result = fl.sweep(optimizer="RMSprop", learning_rates=[0.01, 0.5], epochs=400)
    assert result.stalls_at[0] is None
    excess = result.losses[-100:, 1] - result.floor
    assert result.stalls_at[1] == pytest.approx(np.median(excess))
    assert result.stall_peaks[0] is None
    assert result.stall_peaks[1] == pytest.approx(np.max(excess))
    still = np.column_stack((np.ones(50), np.linspace(1, 0, 50), 0.5 + 0.1 * (-1.0) ** np.arange(50)))
    still[0] = 1.0
    assert np.isnan(hovers_at(still, 0.0).middle).tolist() == [True, True, False]
    assert still_falls(still).tolist() == [False, True, False]


def test_a_run_that_falls_ever_faster_still_falls() -> None:
    accelerating = -(1.2 ** np.arange(51.0))[:, None]
    assert still_falls(accelerating)[0]
    assert np.isnan(hovers_at(accelerating, -1e6).middle)[0]
    assert still_plunges(accelerating)
    assert not still_plunges(np.exp(-np.arange(51.0))[:, None])


@pytest.mark.slow
def test_rates_that_make_the_same_run_are_one() -> None:
    paths = np.array([[4.0, 4.0, 4.0, 4.0], [3.0, 2.0, 1.0, 1.0]])[:, :, None]
    assert saturates_from(paths) == 2
    assert saturates_from(paths[:, :3]) is None
    assert saturates_from(np.ones((3, 4, 1))) is None
    result = fl.sweep(optimizer="Adafactor", learning_rates=[0.3, 1.0, 1e3, 1e6], epochs=300)
    assert result.recommended is not None
    assert result.recommended.high == 1.0


@pytest.mark.slow
def test_runs_that_mirror_one_another_are_two() -> None:
    """(1 − 2η)² is the same at 0.05 and at 0.95: equal losses, on either side of the valley."""
    result = fl.sweep(formula="(w-3)^2", learning_rates=[0.05, 0.95])
    assert result.losses[:, 0] == pytest.approx(result.losses[:, 1])
    assert saturates_from(result.trajectories[:, :, :]) is None
    assert result.recommended is not None
    assert result.recommended.high == 0.95


@pytest.mark.parametrize("epochs", [6, 10, 20, 31, 50])
@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.99])
@pytest.mark.slow
def test_a_heavy_ball_on_a_bowl_has_zones_in_order(momentum: float, epochs: int) -> None:
    """Wherever in its swing a run happens to end; and nothing there is luck."""
    result = fl.sweep(optimizer_options={"momentum": momentum}, epochs=epochs)
    names = [span.name for span in result.zones]
    above = names[names.index(RIGHT) + 1 :] if RIGHT in names else []
    assert len(names) == len(set(names)) or above.count(BOUNCE) == 1
    assert sorted(set(names), key=[SMALL, RIGHT, BOUNCE, DIVERGE].index)[-1] is names[-1]
    assert names.count(SMALL) == 1
    assert names.count(DIVERGE) == 1
    assert "luck" not in result.advice
    if epochs < 32:
        assert set(result.stalls_at) == {None}


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_rates_at_which_nothing_moves_are_too_small(optimizer: str) -> None:
    result = fl.sweep(optimizer=optimizer, learning_rates="1e-20:1e-18:4")
    assert set(result.zone_of_each) == {SMALL}


def test_fast_rates_cut_off_below_the_interval_bounce() -> None:
    steps = np.arange(101)[:, None]
    losses = np.exp(-steps / np.array([90.0, 60, 40, 1.2, 1, 50, 1, 1, 1, 80]))
    judgement = judge(losses, goal=0.9, floor=0.0)
    assert judgement.zones == (SMALL,) * 3 + (BOUNCE,) * 3 + (RIGHT,) * 3 + (BOUNCE,)
    assert judgement.elsewhere == (3, 4)


@pytest.mark.slow
def test_zones_of_rmsprop_on_one_sharp_bowl_are_in_order() -> None:
    """Below the interval there are rates that reach the goal in three steps, across the valley: not too small."""
    result = fl.sweep(formula="(w - 3)^2 + (b - 5)^2", optimizer="RMSprop")
    for rate, zone, crosses in zip(result.rates, result.zone_of_each, result.crosses_valley, strict=True):
        if result.recommended is not None and rate < result.recommended.low and crosses:
            assert zone is not SMALL, rate
    assert [span.name for span in result.zones].count(SMALL) == 1


@pytest.mark.slow
def test_rates_of_rosenbrock_far_above_the_limit_are_not_too_small() -> None:
    result = fl.sweep(formula="rosenbrock")
    small = [rate for rate, zone in zip(result.rates, result.zone_of_each, strict=True) if zone is SMALL]
    assert max(small) < 0.0036


def test_no_bottom_means_no_goal() -> None:
    result = fl.sweep(formula="saddle")
    assert not result.bottom_seen
    assert result.excess_to_reach is None
    assert fl.sweep(learning_rates=[0.01]).bottom_seen


@pytest.mark.slow
def test_what_is_said_of_a_rate_is_said_of_one_run() -> None:
    """Of the middle one of three seeds: steps, crossing and final loss are those of that seed swept alone."""
    rates = [0.01, 0.05, 0.1, 0.15]
    together = fl.sweep(SEVERAL.data, seeds=3, learning_rates=rates)
    alone = [fl.sweep(SEVERAL.data, seed=seed, learning_rates=rates) for seed in range(3)]

    def rank(result: SweepResult, place: int) -> tuple[float, float]:
        steps = result.steps_to_goal[place]
        return np.inf if steps is None else steps, float(result.final_losses[place])

    assert together.start_losses == pytest.approx([result.start_loss for result in alone])
    for place in range(len(rates)):
        middle = sorted(alone, key=partial(rank, place=place))[1]
        assert together.steps_to_goal[place] == middle.steps_to_goal[place]
        assert together.final_losses[place] == middle.final_losses[place]
        assert together.crosses_valley[place] == middle.crosses_valley[place]
    starts = [float(trial.losses[0]) for trial in together.trials]
    assert set(starts) <= set(together.start_losses.tolist())


def zones_of(result: SweepResult) -> tuple[Zone, ...]:
    return result.zone_of_each


@given(exponent=st.integers(-15, 15), case=st.sampled_from(BOWLS))
@example(exponent=-15, case=BOWLS[0])
@example(exponent=15, case=BOWLS[0])
@settings(max_examples=8, deadline=None)
@pytest.mark.slow
def test_scaling_the_loss_scales_the_rates_inversely(exponent: int, case: Case) -> None:
    factor = 10.0**exponent
    quadratic = Quadratic.from_data(case.features, case.target)
    moments = quadratic.moments
    scaled = Quadratic(Moments(factor * moments.hessian, moments.optimum, factor * moments.optimum_loss))
    start = np.zeros(quadratic.parameter_count)
    rates = np.geomspace(1e-3, 4, 25) / quadratic.eigenvalues[0]
    one = fl.sweep(quadratic, start=start, learning_rates=rates, epochs=60)
    other = fl.sweep(scaled, start=start, learning_rates=rates / factor, epochs=60)
    assert one.zone_of_each == other.zone_of_each
    assert one.steps_to_goal == other.steps_to_goal
    for mark, scaled_mark in zip(one.landmarks, other.landmarks, strict=True):
        assert scaled_mark.predicted == pytest.approx(mark.predicted / factor, rel=1e-9)
        assert (scaled_mark.measured is None) is (mark.measured is None)
        if mark.measured is not None:
            assert scaled_mark.measured == pytest.approx(mark.measured / factor, rel=2e-3)


@pytest.mark.slow
@given(order=st.permutations(range(24)))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    X, y = SEVERAL.data
    one, other = (
        fl.sweep(data, learning_rates="1e-4:0.1:15", epochs=50, start={"b": 0.0})
        for data in (SEVERAL.data, (X[order], y[order]))
    )
    assert one.zone_of_each == other.zone_of_each
    assert one.steps_to_goal == other.steps_to_goal


def test_mini_batches_and_seeds_give_bands() -> None:
    result = fl.sweep(bowl("noisy", (20.0, 2.0)).data, batch_size=6, seeds=3, epochs=20, learning_rates="1e-3:0.1:7")
    assert result.seeds == (0, 1, 2)
    assert result.steps == 80
    assert (result.final_low <= result.final_losses).all()
    assert (result.final_losses <= result.final_high).all()
    assert (result.final_low < result.final_high).all()
    assert "3 seeds differ in their start and order of the batches" in " ".join(result.notes)


@pytest.mark.slow
def test_seeds_of_a_formula_make_no_difference_and_that_is_said() -> None:
    result = fl.sweep(formula="ravine", seeds=2, learning_rates="1e-3:0.1:5", epochs=20)
    assert np.array_equal(result.final_low, result.final_high)
    assert "All 2 seeds start at the same place" in " ".join(result.notes)


def test_a_rate_below_the_interval_that_hovers_at_its_goal_is_too_small() -> None:
    """With mini-batches every run hovers at the end; that alone is no bouncing."""
    step = np.arange(201)
    noise = 1 + 0.5 * (-1.0) ** step
    slow, fast = 0.8**step + 1e-4 * noise, 0.1**step + 1e-3 * noise
    short = 0.8**step + 0.05 * noise
    judged = judge(np.stack([slow, fast], axis=1), goal=0.99, floor=0.0)
    assert judged.zones == (Zone.TOO_SMALL, Zone.JUST_RIGHT)
    assert not np.isnan(judged.hovering.middle).any()
    stuck = judge(np.stack([short, fast], axis=1), goal=0.99, floor=0.0)
    assert stuck.zones == (Zone.BOUNCING, Zone.JUST_RIGHT)
