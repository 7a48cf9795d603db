"""The schedule of step counts; docs/semantics.md#when-it-measures."""

from hypothesis import given
from hypothesis import strategies as st

from fallline._recorder._schedule import DENSITY, WIDEST, interval, is_due


def test_the_first_steps_all_then_so_many_a_doubling() -> None:
    due = [step for step in range(4096) if is_due(step)]
    assert due[: 2 * DENSITY] == list(range(2 * DENSITY))
    for power in range(5, 12):
        assert sum(2**power <= step < 2 ** (power + 1) for step in due) == DENSITY
    assert len(due) == 2 * DENSITY + 7 * DENSITY


def test_no_gap_is_longer_than_the_widest() -> None:
    assert interval(10**9) == WIDEST
    assert [step for step in range(10**6, 10**6 + 3 * WIDEST) if is_due(step)] == [
        1000448,
        1001472,
        1002496,
    ]


@given(st.integers(0, 10**7), st.sampled_from([4, 8, 16]))
def test_steps_due_at_a_lower_density_are_due_at_a_higher(step: int, density: int) -> None:
    assert not is_due(step, density=density) or is_due(step, density=2 * density)
    assert interval(step, density) & (interval(step, density) - 1) == 0


def test_every() -> None:
    assert [step for step in range(7) if is_due(step, every=3)] == [0, 3, 6]
