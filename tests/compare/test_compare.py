"""``fl.compare``: the same starts, as many trials for each, and answers that are known beforehand."""

import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import fallline as fl
from cases import OVERLAPPING, RAVINE, SEVERAL, TILTED, bowl
from fallline._compare import _arena, _common_rate, objective_of
from fallline._problem import given_problem
from fallline._records import Comparison, Criterion, FloorKind, Standing

QUICK: dict[str, Any] = {"trials": 10, "seeds": 2, "epochs": 40}
TINY: dict[str, Any] = {"trials": 3, "seeds": 1, "epochs": 4}
THOUSAND = bowl("condition number 1,000", (2000.0,))


@pytest.fixture(scope="module")
def several() -> Comparison:
    """Five optimizers on three features, full batch."""
    return fl.compare(SEVERAL.data, optimizers=("sgd", "momentum", "adagrad", "rmsprop", "adam"), **QUICK)


def standing(comparison: Comparison, label: str) -> Standing:
    """Of the leader against the one with this label, at their best rates."""
    return next(d.standing for d in comparison.at_best if comparison.contenders[d.second].label == label)


# fairness


@pytest.mark.slow
@pytest.mark.parametrize("trials", [5, 10, 30])
def test_every_optimizer_gets_as_many_trials_from_the_same_starts(monkeypatch: pytest.MonkeyPatch, trials: int) -> None:
    """Counted where the runs are made, not where they are reported."""
    seen: dict[str, list[tuple[float, bytes]]] = {}
    run_rates = _arena.run_rates

    def spy(gradient: Any, start: Any, rates: Any, **given: Any) -> Any:
        made = run_rates(gradient, start, rates, **given)
        if given["steps"] == 12:  # not the ten steps that measure a pace
            rows = np.broadcast_to(start, (len(rates), np.shape(start)[-1]))
            key = given["optimizer"] + str(dict(given["options"]))
            seen.setdefault(key, []).extend((rate, row.tobytes()) for rate, row in zip(rates, rows, strict=True))
        return made

    monkeypatch.setattr(_arena, "run_rates", spy)
    names = ("sgd", "momentum", "adam", "rprop")
    made = fl.compare(SEVERAL.data, optimizers=names, trials=trials, seeds=3, epochs=12, rate=0.01)
    assert len(seen) == len(names)
    starts = {frozenset(start for _, start in runs) for runs in seen.values()}
    assert len(starts) == 1
    assert len(next(iter(starts))) == 6  # three that choose, three that are shown
    for runs in seen.values():
        assert len(runs) == trials * 3 + 2 * 3
    for one in made.contenders:
        assert len(one.rates) == len(set(one.rates.tolist())) == trials
        assert (np.diff(one.rates) > 0).all()
    assert made.trial_runs == trials * 3


@pytest.mark.slow
def test_rates_are_chosen_on_other_seeds_than_those_that_are_shown(several: Comparison) -> None:
    assert several.seeds == (0, 1)
    assert several.tuning_seeds == (2, 3)


def test_a_neuron_starts_where_fit_does(several: Comparison) -> None:
    for seed, start in zip(several.seeds, several.starts, strict=True):
        assert tuple(start) == fl.fit(SEVERAL.data, epochs=1, seed=seed).header.start
    for one in several.contenders:
        for runs in (one.best, one.common):
            assert runs.path[0].tobytes() == several.starts[0].tobytes()
            assert runs.losses[:, 0].tobytes() == several.start_losses.tobytes()


def test_a_formula_starts_at_its_own_start_and_around_it() -> None:
    made = fl.compare(formula="rosenbrock", optimizers=("sgd", "adam"), trials=5, seeds=200, epochs=1, rate=1e-4)
    center = np.array([-1.2, 1.0])
    assert made.starts[0] == pytest.approx(center, rel=1e-6)
    spread = 0.1 * math.dist(center, (1, 1))
    assert made.starts[1:].std(axis=0) == pytest.approx([spread, spread], rel=0.2)
    assert made.starts[1:].mean(axis=0) == pytest.approx(center, abs=0.3 * spread)


def test_the_best_rate_is_one_of_the_trials_and_none_of_them_did_better(several: Comparison) -> None:
    for one in several.contenders:
        index = one.rates.tolist().index(one.best.rate)
        steps = [math.inf if taken is None else taken for taken in one.trial_steps]
        assert steps[index] == min(steps)


def test_the_good_interval_holds_the_best_rate_and_nothing_else(several: Comparison) -> None:
    for one in several.contenders:
        if one.good_low is None or one.good_high is None:
            continue
        assert one.good_low <= one.best.rate <= one.good_high
        inside = (one.rates >= one.good_low) & (one.rates <= one.good_high)
        assert one.good[inside].all()


# the runs are PyTorch's


@pytest.mark.parametrize("setting", ["best", "common"])
@pytest.mark.parametrize("index", range(5))
def test_runs_are_those_of_a_plain_torch_loop(several: Comparison, setting: str, index: int) -> None:
    one = several.contenders[index]
    runs = getattr(one, setting)
    problem = given_problem(SEVERAL.data)
    X = torch.tensor(np.column_stack((problem.features64, np.ones(problem.rows))))
    y = torch.tensor(SEVERAL.target, dtype=torch.float32).double()
    parameters = torch.nn.Parameter(torch.tensor(several.starts[0]))
    optimizer = getattr(torch.optim, one.optimizer)([parameters], lr=runs.rate, **one.optimizer_options)
    for step in range(several.steps + 1):
        loss = ((X @ parameters - y) ** 2).mean()
        if not math.isfinite(loss.item()) or loss.item() > 1e6:
            break
        assert loss.item() == pytest.approx(runs.losses[0, step], rel=1e-6)
        assert parameters.detach().numpy() == pytest.approx(runs.path[step], rel=1e-6, abs=1e-8)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.slow
def test_mini_batches_are_those_of_fit_and_the_same_for_all() -> None:
    made = fl.compare(
        TILTED.data, optimizers=("sgd", "adam"), batch_size=5, epochs=6, trials=5, seeds=2, rate=0.05, standardise=False
    )
    assert (made.batch_size, made.steps) == (5, 30)
    assert made.measured_at.tolist() == [0, 5, 10, 15, 20, 25, 30]
    for one, name in zip(made.contenders, ("SGD", "Adam"), strict=True):
        run = fl.fit(TILTED.data, optimizer=name, batch_size=5, epochs=6, learning_rate=0.05, dtype="float64",
                     standardise=False, start=dict(zip(("w", "b"), made.starts[0], strict=True)))  # fmt: skip
        assert one.common.path == pytest.approx(run.trajectory, rel=1e-5, abs=1e-6)
    assert all(taken is None or taken % 5 == 0 for one in made.contenders for taken in one.best.steps_to_goal)


def test_parts_of_a_step_add_up_to_it(several: Comparison) -> None:
    by_label = {one.label: one for one in several.contenders}
    assert by_label["SGD"].best.parts is None
    assert [part.name for part in by_label["momentum"].best.parts or ()] == ["gradient", "momentum", "unattributed"]
    for label in ("momentum", "Adam"):
        runs = by_label[label].best
        assert runs.parts is not None
        total = sum(part.change for part in runs.parts)
        assert total == pytest.approx(np.diff(runs.path, axis=0), abs=1e-12)
        assert runs.parts[-1].change == pytest.approx(0, abs=1e-9 * np.abs(runs.path).max())


# verdicts that are known beforehand


@pytest.mark.slow
def test_momentum_beats_plain_descent_in_a_ravine_of_condition_number_1000() -> None:
    """Goh 2017: a factor of about √κ; here the rates are found, not given."""
    made = fl.compare(THOUSAND.data, optimizers=("sgd", "momentum"), epochs=2000, trials=20, start={"w": 2, "b": 30},
                      standardise=False)  # fmt: skip
    assert made.deterministic
    assert made.leader.label == "momentum"
    found = made.at_best[0]
    assert found.standing is Standing.BETTER
    assert found.ratio is not None
    assert found.ratio > 3
    sgd = made.contenders[0].best
    # Plain descent is held back by the flat direction (curvature 2): its excess falls by (1 − 2η)² a step, η < 2/2000.
    assert sgd.rate < 2 / 2000
    excess_now, excess_then = (made.start_losses[0] - made.floor), 31.0**2
    assert sgd.steps_to_goal[0] is not None
    assert sgd.steps_to_goal[0] >= math.log(0.01 * excess_now / excess_then) / (2 * math.log(1 - 4 / 2000)) - 1


@pytest.mark.slow
def test_momentum_beats_plain_descent_there_over_seeds_too() -> None:
    made = fl.compare(formula="ravine", optimizers=("sgd", "momentum"), epochs=200)
    assert standing(made, "SGD") is Standing.BETTER
    assert made.at_best[0].low is not None
    assert made.at_best[0].low > 1


@pytest.mark.slow
def test_an_optimizer_against_itself_under_another_name_is_a_tie() -> None:
    made = fl.compare(SEVERAL.data, optimizers=("sgd", "momentum"), options={"momentum": {"momentum": 0.0}}, **QUICK)
    first, second = made.contenders
    assert first.best.losses.tobytes() == second.best.losses.tobytes()
    assert made.at_best[0].standing is Standing.TIE
    assert made.at_common[0].standing is Standing.TIE


@pytest.mark.slow
def test_nearly_the_same_optimizer_is_within_the_noise() -> None:
    """β₂ 0.9985 against 0.999: batches of six make a larger difference."""
    made = fl.compare(SEVERAL.data, optimizers=("adam", "adamw"), seeds=4, trials=10, epochs=15, rate=0.1, batch_size=6,
                      options={"adam": {"betas": (0.9, 0.9985)}, "adamw": {"weight_decay": 0.0}})  # fmt: skip
    assert made.contenders[0].best.losses.tobytes() != made.contenders[1].best.losses.tobytes()
    assert made.at_best[0].standing in (Standing.WITHIN_NOISE, Standing.TIE)


@pytest.mark.slow
def test_a_start_that_is_given_is_everybodys_and_leaves_no_noise() -> None:
    made = fl.compare(formula="(w - 3)^2", optimizers=("sgd", "adam"), start={"w": 5.0}, trials=30, epochs=20)
    assert made.deterministic
    assert made.starts.tolist() == [[5.0]]
    assert made.seeds == made.tuning_seeds == (0,)
    assert made.at_best[0].low is None
    # η from 0.45 to 0.55 removes 99 % of the excess in one step, |1 − 2η| ≤ 0.1.
    assert 0.45 <= made.contenders[0].best.rate <= 0.55
    assert made.contenders[0].best.steps_to_goal == (1,)


@pytest.mark.slow
def test_what_cannot_reach_the_goal_is_said() -> None:
    made = fl.compare(formula="ravine", optimizers=("sgd", "momentum"), epochs=5, trials=10, seeds=3, goal=0.999999)
    assert all(one.best.median_steps is None for one in made.contenders)
    assert made.at_best[0].criterion is Criterion.EXCESS
    assert all(one.good_low is None for one in made.contenders)


@pytest.mark.slow
def test_where_the_floor_is_not_known_it_is_the_lowest_loss_that_anybody_saw() -> None:
    made = fl.compare(
        OVERLAPPING.data, loss="bce", optimizers=("sgd", "adam", "lbfgs"), rate=0.1, trials=3, seeds=2, epochs=20
    )
    assert made.floor_kind is FloorKind.LOWEST_SEEN
    lowest = min(float(np.nanmin(runs.losses)) for one in made.contenders for runs in (one.best, one.common))
    assert made.floor <= lowest
    assert all((one.best.excess_left >= 0).all() for one in made.contenders)


@pytest.mark.slow
def test_the_common_rate_is_the_one_given_or_what_a_sweep_recommends_for_sgd() -> None:
    made = fl.compare(RAVINE.data, optimizers=("momentum", "adam"), trials=5, seeds=2, epochs=60)
    swept = fl.sweep(RAVINE.data, epochs=60)
    assert swept.recommended is not None
    assert made.common_rate == pytest.approx(swept.recommended.value, rel=1e-9)
    assert "sweep recommends" in made.common_reason
    given = fl.compare(RAVINE.data, optimizers=("momentum", "adam"), rate=0.125, **QUICK)
    assert given.common_rate == 0.125
    assert {one.common.rate for one in given.contenders} == {0.125}


# the record


@pytest.mark.slow
def test_the_same_seed_makes_the_same_record() -> None:
    made = [fl.compare(formula="rosenbrock", optimizers=("sgd", "adam"), **QUICK) for _ in range(2)]
    assert flat(made[0]) == flat(made[1])


def flat(value: Any) -> Any:
    """A record as plain values, but for the clock."""
    if is_dataclass(value):
        return [(f.name, flat(getattr(value, f.name))) for f in fields(value) if f.name != "seconds"]
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, tuple):
        return [flat(entry) for entry in value]
    return value


def test_the_loss_can_be_had_again_from_the_record(several: Comparison) -> None:
    assert objective_of(several).loss(several.starts) == pytest.approx(several.start_losses, rel=1e-9)
    logistic = fl.compare(OVERLAPPING.data, loss="bce", optimizers=("sgd", "adam"), trials=3, seeds=1, epochs=2)
    assert objective_of(logistic).loss(logistic.starts) == pytest.approx(logistic.start_losses, rel=1e-9)


def test_the_programs_random_state_and_threads_are_left_alone() -> None:
    torch.manual_seed(7)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    fl.compare(SEVERAL.data, optimizers=("sgd", "rprop"), trials=3, seeds=1, epochs=3)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_progress_rises_to_the_whole() -> None:
    seen: list[tuple[int, int, float]] = []
    fl.compare(formula="ravine", optimizers=("sgd", "adam"), progress=lambda *told: seen.append(told), **QUICK)
    done = [told[0] for told in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]
    assert math.isfinite(seen[-1][2])


@pytest.mark.parametrize("surroundings", ["no_grad", "inference_mode", "meta device"])
def test_what_the_program_has_set_for_itself_does_not_matter(surroundings: str) -> None:
    settings: dict[str, Any] = {"formula": "rosenbrock", "optimizers": ("sgd", "lbfgs"), "rate": 1e-3, **TINY}
    plain = fl.compare(**settings)
    if surroundings == "meta device":
        with torch.device("meta"):
            within = fl.compare(**settings)
    else:
        with getattr(torch, surroundings)():
            within = fl.compare(**settings)
    assert flat(within) == flat(plain)


@pytest.mark.parametrize(("after", "rates"), [(370, 4), (545, 8)])
def test_ctrl_c_keeps_the_rounds_that_everybody_has_finished(after: int, rates: int) -> None:
    """10 rates: 4 of the grid (240 updates of both), 4 around the best, 2 at the ends; it comes in momentum's."""
    settings: dict[str, Any] = {"formula": "ravine", "optimizers": ("sgd", "momentum"), "epochs": 30, "seeds": 1}
    made = fl.compare(**settings, trials=10, progress=_interruption(after))
    assert [len(one.rates) for one in made.contenders] == [rates, rates]
    assert (made.trials, made.trial_runs) == (rates, rates)
    assert made.notes[0].startswith(f"Stopped by Ctrl-C: {rates} of 10 rates were tried for each optimizer;")
    assert "Ctrl-C left no time" in made.common_reason


def test_ctrl_c_in_the_sweep_for_the_common_rate_keeps_all_that_was_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_common_rate, "sweep_problem", Mock(side_effect=KeyboardInterrupt))
    made = fl.compare(formula="ravine", optimizers=("sgd", "momentum"), **TINY)
    assert made.notes[0].startswith("Stopped by Ctrl-C: 3 of 3 rates were tried")
    assert "Ctrl-C left no time" in made.common_reason


def test_ctrl_c_before_everybody_had_a_first_round_leaves_nothing() -> None:
    with pytest.raises(KeyboardInterrupt):
        fl.compare(formula="ravine", optimizers=("sgd", "momentum"), **QUICK, progress=_interruption(30))


def _interruption(after: int) -> Callable[[int, int, float], None]:
    """Ctrl-C, once, when so many updates are made."""
    waiting = [True]

    def progress(done: int, total: int, lowest: float) -> None:
        del total, lowest
        if waiting and done > after:
            waiting.clear()
            raise KeyboardInterrupt

    return progress
