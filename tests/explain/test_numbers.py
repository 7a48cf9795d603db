"""How numbers are written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallline._explain._numbers import count, in_brackets, listed, number, percent, place, rough, short, signed, spelled


def read(text: str) -> float:
    """A written number back as a float."""
    return float(text.replace("−", "-").replace("∞", "inf").replace(",", ""))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (145.1808, "145.2"), (-168.4123, "−168.4"), (0.0, "0"), (-0.0, "0"), (1.0, "1.000"), (2.5e-5, "2.5e−5"),
        (0.00012345, "0.0001234"), (999_950.0, "1e6"), (99_995.0, "100,000"), (123456.0, "123,500"),
        (1e-300, "1e−300"), (5e-324, "4.941e−324"), (float("inf"), "∞"), (float("-inf"), "−∞"), (float("nan"), "NaN"),
    ],
)  # fmt: skip
def test_four_significant_figures_and_a_true_minus(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(allow_nan=False))
def test_a_written_number_is_the_number_to_four_figures(value: float) -> None:
    text = number(value)
    assert "-" not in text
    if math.isinf(value) or value == 0:
        assert read(text) == value
    elif abs(value) < 1e308:
        assert read(text) == pytest.approx(value, rel=5.1e-4, abs=5e-324)
        assert (read(text) < 0) == (value < 0)


@given(st.floats(allow_nan=False, min_value=-1e300, max_value=1e300))
def test_places_and_signs_and_short_ones(value: float) -> None:
    assert read(place(value)) == pytest.approx(value, abs=max(5.1e-5, 5.1e-4 * abs(value)))
    assert read(short(value)) == read(number(value))
    assert read(signed(value)) == read(number(value))
    assert signed(value).startswith("+") == (value > 0)
    assert in_brackets(value).startswith("(") == (value < 0)


@given(st.floats(0, 0.9999999))
def test_a_share_under_one_is_never_written_as_all_of_it(share: float) -> None:
    assert percent(share) != "100 %"
    assert read(percent(share).removesuffix(" %")) == pytest.approx(100 * share, rel=0.5, abs=0.06)


def test_shares_over_one() -> None:
    assert percent(1.06) == "106 %"
    assert percent(34.25) == "3,425 %"
    assert percent(float("inf")) == "∞ %"
    assert percent(float("nan")) == "NaN %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(8_302_114, "8.3 million"), (999_600, "1 million"), (137.8, "138"), (2.19, "2.2"), (1e24, "1e24")],
)
def test_rough_numbers(value: float, text: str) -> None:
    assert rough(value) == text


def test_counts_and_lists() -> None:
    assert (count(1, "epoch"), count(2, "batch"), count(1_000_000)) == ("1 epoch", "2 batches", "1,000,000")
    assert (spelled(0), spelled(10), spelled(11), spelled(1234)) == ("no", "ten", "11", "1,234")
    assert listed(["a"]) == "a"
