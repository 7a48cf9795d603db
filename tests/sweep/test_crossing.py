"""Crossings told while runs go on, and what that keeps in memory."""

import tracemalloc

import numpy as np
import pytest

import fallline as fl
from fallline._sweep._crossing import ValleyWatch, crossed_along_steps


def test_crossings_told_step_by_step_are_those_of_all_gradients() -> None:
    """Two stacks one after the other, as rates run that do not go in one batch."""
    paths = np.random.default_rng(0).normal(size=(40, 5, 3))
    gradients = np.random.default_rng(1).normal(size=paths.shape)
    watch = ValleyWatch()
    for rows in (slice(0, 2), slice(2, 5)):
        for step in range(39):
            watch.saw(paths[step, rows], gradients[step, rows], step)
    crossed, tells = watch.crossings(paths[-1], gradients[-1])
    expected, told = crossed_along_steps(paths, gradients)
    assert np.array_equal(crossed, expected)
    assert np.array_equal(tells, told)
    assert 0 < crossed.sum() < crossed.size


def test_gradients_are_not_kept() -> None:
    watch = ValleyWatch()
    stack = np.ones((10, 500))
    tracemalloc.start()
    try:
        for step in range(300):
            watch.saw(stack, stack, step)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 20 * stack.nbytes  # of 300 gradients and as many places


@pytest.mark.parametrize("optimizer", ["SGD", "Rprop"])
def test_both_ways_of_running_tell_crossings(optimizer: str) -> None:
    result = fl.sweep(
        formula="w^4 + b^2", start={"w": 1.0, "b": 0.0}, optimizer=optimizer, learning_rates=[0.01, 0.3], epochs=30
    )
    assert result.crossed is not None
    assert result.crossed.shape == (30, 2)
    assert result.crossed[:, 1].any()
    assert not result.crossed[:5, 0].any()


@pytest.mark.slow
def test_lbfgs_looks_around_and_tells_nothing() -> None:
    result = fl.sweep(formula="w^4 + b^2", optimizer="LBFGS", learning_rates=[0.5, 1.0], epochs=5)
    assert result.crossed is None
    assert result.crosses_valley == (None, None)
