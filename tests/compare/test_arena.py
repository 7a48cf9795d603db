"""Runs at several rates from several starts, each of them the run that it is said to be."""

import numpy as np
import pytest

import fallline as fl
from cases import SEVERAL, TILTED
from fallline._compare import _arena
from fallline._compare._arena import Arena
from fallline._compare._contenders import Entry
from fallline._compare._own_arena import OwnArena
from fallline._problem import given_problem

SGD, ADAM = Entry("sgd", "SGD", "SGD", {}), Entry("adam", "Adam", "Adam", {})
RATES = (0.01, 0.1)


@pytest.mark.parametrize("entry", [SGD, ADAM], ids=["SGD", "Adam"])
def test_every_rate_and_seed_is_a_run_of_its_own(entry: Entry) -> None:
    problem = given_problem(SEVERAL.data)
    arena = Arena(problem, epochs=9, batch_size=None)
    starts = np.array([problem.starting_point(None, seed=seed) for seed in (3, 5, 8)])
    flown = arena.run(entry, RATES, starts, (3, 5, 8))
    assert flown.losses.shape == (2, 3, 10)
    assert flown.losses[:, :, 0] == pytest.approx(np.tile(problem.objective.loss(starts), (2, 1)))
    for b, rate in enumerate(RATES):
        for k, start in enumerate(starts):
            alone = arena.run(entry, [rate], start[None], (0,))
            assert flown.losses[b, k] == pytest.approx(alone.losses[0, 0], rel=1e-12)
            assert flown.ends[b, k] == pytest.approx(alone.path[-1], rel=1e-12)


def test_with_mini_batches_every_seed_sees_its_own() -> None:
    problem = given_problem(TILTED.data)
    arena = Arena(problem, epochs=4, batch_size=5)
    seeds = (2, 7)
    starts = np.array([problem.starting_point(None, seed=seed) for seed in seeds])
    flown = arena.run(SGD, RATES, starts, seeds)
    for b, rate in enumerate(RATES):
        for k, seed in enumerate(seeds):
            run = fl.fit(TILTED.data, learning_rate=rate, batch_size=5, epochs=4, seed=seed)
            assert flown.ends[b, k] == pytest.approx(run.trajectory[-1], rel=1e-5)
            losses = run.columns.full_loss[run.columns.full_loss_measured]
            assert flown.losses[b, k, 1:] == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("kind", [Arena, OwnArena])
def test_what_memory_cannot_hold_at_once_runs_in_parts(kind: type[Arena], monkeypatch: pytest.MonkeyPatch) -> None:
    problem = given_problem(SEVERAL.data)
    arena = kind(problem, epochs=9, batch_size=None)
    starts = np.array([problem.starting_point(None, seed=seed) for seed in range(3)])
    whole = arena.run(ADAM, RATES, starts, (0, 1, 2))
    sizes = []
    made = kind.fly
    monkeypatch.setattr(kind, "fly", lambda self, *given: sizes.append(len(given[1])) or made(self, *given))
    monkeypatch.setattr(_arena, "MOST_KEPT", 2 * 10 * 4)  # two runs
    parts = arena.run(ADAM, RATES, starts, (0, 1, 2))
    assert set(sizes[:-1]) == {2}
    assert sum(sizes) == 3 * len(RATES)
    assert parts.losses.tobytes() == whole.losses.tobytes()
    assert parts.ends.tobytes() == whole.ends.tobytes()
    assert parts.path.tobytes() == whole.path.tobytes()
