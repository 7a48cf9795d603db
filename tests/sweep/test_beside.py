"""One more run beside a sweep's: judged as if it had been among them."""

import numpy as np
import pytest

import fallline as fl
from fallline._records import SweepResult, Zone
from fallline._sweep import beside, objective_of


@pytest.fixture(scope="module")
def swept() -> SweepResult:
    return fl.sweep(epochs=60)


@pytest.fixture(scope="module")
def unreached() -> SweepResult:
    """Rates that creep and rates that bounce, and none between."""
    return fl.sweep(epochs=5, goal=0.999999, learning_rates="0.002:0.029:7")


def test_without_an_interval_the_sides_are_told_apart(unreached: SweepResult) -> None:
    assert {zone.value for zone in unreached.zone_of_each} >= {"too small", "bouncing"}
    test_every_run_of_a_sweep_lies_where_the_sweep_put_it(unreached)


def test_every_run_of_a_sweep_lies_where_the_sweep_put_it(swept: SweepResult) -> None:
    objective = objective_of(swept)
    assert objective is not None
    for at, rate in enumerate(swept.rates):
        found = beside(swept, objective, float(rate), swept.trajectories[:, at], swept.losses[:, at])
        assert found.zone is swept.zone_of_each[at], rate
        assert found.steps_to_goal == swept.steps_to_goal[at]
        assert found.crosses_valley == swept.crosses_valley[at]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"formula": "rosenbrock"}, {"optimizer": "Adam"}, {"batch_size": 20}])
def test_also_on_other_surfaces(settings: dict[str, object]) -> None:
    result = fl.sweep(epochs=40, **settings)  # type: ignore[call-overload]  # each is one of its settings
    objective = objective_of(result)
    assert objective is not None
    same = 0
    for at, rate in enumerate(result.rates):
        found = beside(result, objective, float(rate), result.trajectories[:, at], result.losses[:, at])
        same += found.zone is result.zone_of_each[at]
    assert same >= len(result.rates) - 1  # a lone exception among its neighbours is put down to luck by the sweep


def test_a_run_that_is_no_number_any_more_diverges(swept: SweepResult) -> None:
    objective = objective_of(swept)
    assert objective is not None
    path = np.full((61, 2), np.nan)
    found = beside(swept, objective, 1.0, path, np.append(swept.start_loss, np.full(60, np.nan)))
    assert found.zone is Zone.DIVERGING
    assert found.steps_to_goal is None


def test_between_two_rates_as_the_loop_runs_it(swept: SweepResult) -> None:
    objective = objective_of(swept)
    assert objective is not None
    run = fl.fit(epochs=60, learning_rate=0.0131)
    losses = np.append(run.header.start_loss, run.columns.full_loss)
    assert beside(swept, objective, 0.0131, run.trajectory, losses).zone is Zone.JUST_RIGHT


def test_just_right_is_at_most_three_times_the_fewest_steps(swept: SweepResult) -> None:
    objective = objective_of(swept)
    assert objective is not None
    inside = [at for at, zone in enumerate(swept.zone_of_each) if zone is Zone.JUST_RIGHT]
    needed = [steps for at in inside if (steps := swept.steps_to_goal[at]) is not None]
    fewest, at = min(needed), inside[len(inside) // 2]
    assert 3 * fewest < 60
    assert fewest + 1 < max(needed)  # another rate's steps would draw another line
    for steps, zone in ((3 * fewest, Zone.JUST_RIGHT), (3 * fewest + 1, Zone.TOO_SMALL)):
        losses = np.full(61, swept.start_loss)
        losses[steps:] = swept.floor
        found = beside(swept, objective, float(swept.rates[at]), swept.trajectories[:, at], losses)
        assert found.steps_to_goal == steps
        assert (found.zone is Zone.JUST_RIGHT) == (zone is Zone.JUST_RIGHT), steps
