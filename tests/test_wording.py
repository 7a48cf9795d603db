"""Numbers in words, from the one place that writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallline._explain._numbers import as_number
from fallline._wording import count, not_finite, percent, percent_below, written


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50 %"), (0.99, "99 %"), (0.9999, "99.99 %"), (0.99999, "99.999 %"), (0.999999, "99.9999 %"),
        (0.9999999, "99.99999 %"), (0.999999999, "99.9999999 %"), (0.9999995, "99.99995 %"), (0.9946, "99.46 %"),
        (1.0, "100 %"), (1.00001, "100.001 %"), (1.25, "125 %"), (-0.25, "−25 %"),
        (0.0, "0 %"),
    ],
)  # fmt: skip
def test_a_goal_is_written_as_it_was_given(share: float, text: str) -> None:
    assert percent(share) == text


@given(st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]), st.floats(1e-9, 0.02))
def test_a_share_below_another_is_written_below_it(bound: float, missing: float) -> None:
    told, goal = (text.removesuffix(" %") for text in (percent_below(bound - missing, bound), percent(bound)))
    assert as_number(told) < as_number(goal)
    assert as_number(told) <= 100 * (bound - missing) + 0.5, "rounded as a percentage is, or down"


@given(st.floats(0.5, 1 - 1e-12))
def test_a_share_short_of_all_is_neither_all_nor_more_than_it_is(share: float) -> None:
    shown = as_number(percent(share).removesuffix(" %"))
    assert shown < 100
    if share > 0.99:
        assert shown <= 100 * share + 1e-9
        assert 100 - shown <= 2 * (100 - 100 * share) + 1e-9, "what is missing is not made twice as much"


def test_rates_counts_and_what_is_no_number() -> None:
    assert [written(value) for value in (23_630.0, 0.0100, 2.5e-7)] == ["23,630", "0.01", "2.5×10⁻⁷"]
    assert [count(value, "learning rate") for value in (1, 49)] == ["1 learning rate", "49 learning rates"]
    assert [not_finite(value) for value in (float("inf"), float("-inf"))] == ["infinite", "minus infinity"]
