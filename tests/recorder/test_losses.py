"""docs/semantics.md#outcome-of-a-loop: what is kept of the losses."""

import numpy as np
import pytest

from fallline._recorder._losses import BLOCKS, WIDEST, Losses, window_before, window_of


@pytest.mark.parametrize("T", [1, 5, 127, 128, 1000, 40_000])
def test_the_course_is_means_of_equally_many(T: int) -> None:
    losses = np.random.default_rng(0).normal(size=T)
    course = Losses.of(losses)
    size = 1
    while T // size >= BLOCKS:
        size *= 2
    whole = T // size
    np.testing.assert_allclose(course.course, losses[: whole * size].reshape(whole, size).mean(axis=1), atol=1e-14)
    assert whole >= min(T, BLOCKS // 2)


def test_both_ends() -> None:
    course = Losses.of(np.arange(1000.0))
    assert (course.first, course.last, course.best, course.count) == (0, 999, 0, 1000)
    np.testing.assert_array_equal(course.head(3), [0, 1, 2])
    np.testing.assert_array_equal(course.tail(3), [997, 998, 999])
    assert len(course.head(500)) == len(course.tail(500)) == WIDEST


@pytest.mark.parametrize(("T", "window"), [(0, 1), (19, 1), (40, 2), (2000, 100), (10**5, 100)])
def test_the_window_is_a_twentieth(T: int, window: int) -> None:
    assert window_of(T) == window
    assert window_before(T, T) == window


def test_no_mean_at_the_start_goes_over_an_early_explosion() -> None:
    assert [window_before(2000, calm) for calm in (0, 3, 60, 399, 400, 2000)] == [1, 1, 3, 19, 100, 100]


def test_not_finite_losses_are_data_but_no_best() -> None:
    course = Losses.of(np.array([np.nan, 3.0, -np.inf, 2.0, np.inf]))
    assert np.isnan(course.first)
    assert course.last == np.inf
    assert course.best == 2
    np.testing.assert_array_equal(course.course, [3, 2])


def test_nothing() -> None:
    course = Losses()
    assert (course.first, course.last, course.best) == (None, None, None)


def test_the_highest_finite_loss() -> None:
    assert Losses.of(np.array([2.0, 7.0, np.inf, np.nan, 3.0])).highest == 7.0
    assert Losses.of(np.array([np.nan])).highest is None
