"""docs/semantics.md#recent-range"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from fallline._recorder._recent_range import IN_A_ROW, REFRESH, WINDOW, RecentRange

Shape = Callable[[np.random.Generator, int], np.ndarray]


def outliers(rng: np.random.Generator, T: int) -> np.ndarray:
    return (1 + 0.05 * rng.normal(size=T)) * np.where(rng.random(T) < 0.01, 5, 1)


def drifting(rng: np.random.Generator, T: int) -> np.ndarray:
    """Neighbours alike: a slow wave around 1."""
    noise, made = rng.normal(size=T), np.zeros(T)
    for t in range(1, T):
        made[t] = 0.99 * made[t - 1] + 0.14 * noise[t]
    return 1 + 0.3 * made


WELL_BEHAVED: Mapping[str, Shape] = {
    "gaussian": lambda rng, T: 1 + 0.1 * rng.normal(size=T),
    "wide gaussian": lambda rng, T: np.abs(1 + 0.4 * rng.normal(size=T)),
    "lognormal": lambda rng, T: np.exp(rng.normal(size=T)),
    "heavy lognormal": lambda rng, T: np.exp(1.5 * rng.normal(size=T)),
    "student t3": lambda rng, T: np.abs(1 + 0.1 * rng.standard_t(3, size=T)),
    "one in a hundred 5 x": outliers,
    "near 0": lambda rng, T: np.abs(1e-9 * rng.normal(size=T)),
    "from 1 to near 0": lambda rng, T: np.exp(-np.arange(T) / 20) + np.abs(1e-9 * rng.normal(size=T)),
    "over six decades": lambda rng, T: 10 ** (-6 * np.arange(T) / T) * np.exp(0.5 * rng.normal(size=T)),
    "negative": lambda rng, T: -5 + rng.normal(size=T),
    "around 0": lambda rng, T: rng.normal(size=T),
    "drifting": drifting,
    "sawtooth": lambda rng, T: 1 + 0.3 * (np.arange(T) % 500) / 500 + 0.05 * rng.normal(size=T),
    "constant": lambda rng, T: np.full(T, rng.random()),
    "rounding": lambda rng, T: 1e-14 * rng.integers(0, 4, size=T),
}


def leavings(losses: np.ndarray) -> list[int]:
    """The steps at which the range is left, until it is left no more than 20 times."""
    usual, found = RecentRange(), []
    for step, loss in enumerate(losses.tolist()):
        if usual.left_by(loss):
            found.append(step)
            usual.begin_anew([loss] * WINDOW)
    return found


@pytest.mark.parametrize("shape", WELL_BEHAVED)
def test_well_behaved_noise_is_in_range(shape: str) -> None:
    assert leavings(WELL_BEHAVED[shape](np.random.default_rng(0), 10_000)) == []


@pytest.mark.slow
def test_false_alarms_are_rare() -> None:
    """The rate that docs/semantics.md#recent-range states: at most one in ten million steps of these shapes."""
    alarms, steps = 0, 0
    for seed in range(7):
        for shape in WELL_BEHAVED.values():
            losses = shape(np.random.default_rng(seed), 100_000)
            alarms += len(leavings(losses))
            steps += len(losses)
    assert steps > 10_000_000
    assert alarms <= 1


@pytest.mark.parametrize("factor", [1.03, 1.1, 1.5, 4.0, 100.0])
@pytest.mark.parametrize("calm", [0, 1, 7, 300])
def test_growth_leaves_the_range_long_before_overflow(factor: float, calm: int) -> None:
    growth = factor ** np.arange(int(80 / np.log10(factor)))
    noise = np.exp(0.1 * np.random.default_rng(1).normal(size=calm + len(growth)))
    losses = np.concatenate([np.ones(calm), growth]) * noise
    left = leavings(losses)[0]
    assert left >= calm
    assert losses[left] < max(2e2 * factor ** (IN_A_ROW + 1), 1.1e3 * factor)  # float32 ends at 3e38
    assert left - calm <= max(IN_A_ROW + 1, np.log(200) / np.log(factor) + IN_A_ROW)


def test_growth_after_a_descent() -> None:
    losses = np.concatenate([100 * np.exp(-np.arange(2000) / 200), 100 * np.exp(-10) * 1.3 ** np.arange(200)])
    left = leavings(losses)[0]
    assert 2000 < left < 2030
    assert losses[left] < 100  # it is called before all that was gained is lost


def test_one_outlier_is_no_alarm_but_a_giant_is() -> None:
    usual = RecentRange()
    for loss in 1 + 0.1 * np.random.default_rng(0).normal(size=500):
        assert not usual.left_by(float(loss))
    assert usual.ceiling < 10 < usual.far < 1000
    assert not usual.left_by(10.0)
    assert usual.wary
    assert not usual.left_by(1.0)
    assert not usual.wary
    assert usual.left_by(1000.0)


def test_five_in_a_row() -> None:
    usual = RecentRange()
    assert not any(usual.left_by(1.0) for _ in range(200))
    assert [usual.left_by(3.1) for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]


def test_four_in_a_row_and_one_back() -> None:
    usual = RecentRange()
    assert not any(usual.left_by(1.0) for _ in range(200))
    assert not any(usual.left_by(loss) for _ in range(10) for loss in (3.1,) * (IN_A_ROW - 1) + (1.0,))


def test_before_a_range_is_known_only_a_thousand_times_the_first_is_out() -> None:
    usual = RecentRange()
    assert [usual.left_by(loss) for loss in (2.0, 1900.0, 2100.0)] == [False, False, True]


def test_a_first_loss_of_zero_says_nothing() -> None:
    usual = RecentRange()
    assert not any(usual.left_by(loss) for loss in (0.0, 3.0, -2.0, 1.0, 2.5, 0.5, 2.9, 1.5))


def test_a_larger_rate_may_lift_the_loss_up_to_its_start() -> None:
    usual = RecentRange()
    assert not any(usual.left_by(float(loss)) for loss in np.exp(-np.arange(1000) / 100))
    before = usual.ceiling
    assert usual.allow_the_start()
    assert before < usual.ceiling <= 1
    assert not usual.allow_the_start()
    assert not any(usual.left_by(0.5) for _ in range(REFRESH + 20))
    assert usual.ceiling == 1.5  # three times the new level


def test_slow_growth_ends_at_a_hundred_times_the_start() -> None:
    losses = 1.004 ** np.arange(3000)
    left = leavings(losses)[0]
    assert 90 < losses[left] / np.median(losses[:32]) < 120


def taken(*levels: tuple[float, int]) -> tuple[RecentRange, list[bool]]:
    """A range after so many losses of each level."""
    usual = RecentRange()
    return usual, [usual.left_by(loss) for loss, times in levels for _ in range(times)]


def test_near_zero_a_thousandth_of_the_start_is_nothing() -> None:
    assert not any(taken((1.0, 40), (1e-9, 4000), (3e-3, 10))[1])
    assert any(taken((1.0, 40), (1e-9, 4000), (6e-3, 10))[1])


def test_the_first_losses_may_rise_more() -> None:
    assert not any(taken((1.0, 9), (8.0, 5))[1])
    assert any(taken((1.0, 9), (10.0, 5))[1])
    assert any(taken((1.0, 200), (8.0, 5))[1])


def test_what_was_ordinary_a_while_ago_is_remembered() -> None:
    assert not any(taken((5.0, 192), (1.0, 150), (3.9, 6))[1])
    assert any(taken((5.0, 192), (1.0, 1000), (3.9, 6))[1])


def test_after_a_rise_of_the_rate_only_new_losses_count() -> None:
    usual, _ = taken((1.0, 40), (0.001, 500))
    assert usual.allow_the_start()
    assert not any(usual.left_by(loss) for _ in range(REFRESH // 2) for loss in (0.4, 0.6))
    assert usual.median == 0.6
