"""How numbers are written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.written import holds_as_written, unit
from fallline._explain._numbers import (
    as_number,
    count,
    difference,
    in_brackets,
    listed,
    number,
    percent,
    place,
    places,
    rough,
    short,
    signed,
    spelled,
)


def read(text: str) -> float:
    """A written number back as a float."""
    return as_number(text.replace("∞", "inf"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (145.1808, "145.2"), (-168.4123, "−168.4"), (0.0, "0"), (-0.0, "0"), (1.0, "1.000"), (2.5e-5, "2.5×10⁻⁵"),
        (0.00012345, "0.0001234"), (999_950.0, "1×10⁶"), (99_995.0, "100,000"), (123456.0, "123,500"),
        (1e-300, "1×10⁻³⁰⁰"), (5e-324, "4.941×10⁻³²⁴"), (float("inf"), "∞"), (float("-inf"), "−∞"),
        (float("nan"), "NaN"),
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
    assert read(short(value)) == read(number(value, 6))
    assert read(signed(value)) == read(number(value))
    assert signed(value).startswith("+") == (value > 0)
    assert in_brackets(value).startswith("(") == (value < 0)


@given(st.floats(-1e6, 1e6), st.one_of(st.floats(-1e6, 1e6), st.floats(-1e-3, 1e-3)))
def test_two_places_can_be_told_apart_and_are_the_values(before: float, change: float) -> None:
    after = before + change
    texts = places(before, after)
    for text, value in zip(texts, (before, after), strict=True):
        assert read(text) == pytest.approx(
            value, abs=1.001 * unit(text) / 2 + 5.1e-4 * abs(value) * (abs(value) >= 1e3)
        )
    assert (texts[0] == texts[1]) == (before == after)


@pytest.mark.slow
@given(
    before=st.floats(-1e7, 1e7),
    rate=st.floats(1e-7, 10),
    slope=st.one_of(st.floats(-1e6, 1e6), st.floats(-1e-9, 1e-9)),
    noise=st.sampled_from([0.0, 0.0, 1e-7, -1e-3, 0.5]),
)
def test_an_equation_holds_as_it_is_written_or_says_that_it_does_not(
    before: float, rate: float, slope: float, noise: float
) -> None:
    after = (before - rate * slope) * (1 + noise)
    written = difference(before, rate, slope, after)
    assert holds_as_written(written) or "≈" in written, written


@pytest.mark.parametrize(
    ("before", "rate", "slope", "after"),
    [
        (1e-13, 0.01, 0.0, 5e-13),  # both are far below any fixed number of decimals
        (1.0, 0.1, 5.0, 0.51),
        (0.4, 1.0, 0.0, 0.0),
    ],
)
def test_what_the_written_numbers_do_not_give_is_not_called_equal(
    before: float, rate: float, slope: float, after: float
) -> None:
    written = difference(before, rate, slope, after)
    assert "≈" in written
    assert "=" not in written


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ((0.0, 0.01, -3e-6, 3e-8), "0 − 0.01 × (−3×10⁻⁶) = 3×10⁻⁸"),
        ((4e7, 0.5, 2e7, 3e7), "4×10⁷ − 0.5 × 2×10⁷ = 3×10⁷"),
        ((1.0, 0.1, 5.0, 0.5), "1.0000 − 0.1 × 5.000 = 0.5000"),
    ],
)
def test_equations_of_any_size(numbers: tuple[float, float, float, float], written: str) -> None:
    assert difference(*numbers) == written
    assert holds_as_written(written)


@pytest.mark.parametrize(
    "numbers", [(math.nan, 0.1, 1.0, 1.0), (1.0, 0.1, math.inf, -math.inf), (1.0, 0.1, 1.0, math.nan)]
)
def test_nothing_equals_what_is_not_finite(numbers: tuple[float, float, float, float]) -> None:
    assert "≈" in difference(*numbers)


@pytest.mark.parametrize(("text", "value"), [("−1,395.5", -1395.5), ("2.5×10⁻⁵", 2.5e-5), ("−4×10¹²", -4e12)])
def test_numbers_are_read_back(text: str, value: float) -> None:
    assert as_number(text) == value
    assert math.isnan(as_number("about three"))


@given(st.floats(0, 0.9999999))
def test_a_share_under_one_is_never_written_as_all_of_it(share: float) -> None:
    assert percent(share) != "100 %"
    assert read(percent(share).removesuffix(" %")) == pytest.approx(100 * share, rel=0.5, abs=0.06)


def test_shares_over_one() -> None:
    assert percent(1.003) == "100.3 %"
    assert percent(1.00001) == "100.001 %"
    assert percent(1.06) == "106 %"
    assert percent(34.25) == "3,425 %"
    assert percent(float("inf")) == "∞ %"
    assert percent(float("nan")) == "NaN %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(8_302_114, "8.3 million"), (999_600, "1 million"), (137.8, "138"), (2.19, "2.2"), (1e24, "1×10²⁴")],
)
def test_rough_numbers(value: float, text: str) -> None:
    assert rough(value) == text


@given(st.floats(1, 100, exclude_min=True))
def test_a_share_over_one_is_never_written_as_all_of_it(share: float) -> None:
    assert percent(share) != "100 %"
    assert read(percent(share).removesuffix(" %")) > 100


def test_counts_and_lists() -> None:
    assert (count(1, "epoch"), count(2, "batch"), count(1_000_000)) == ("1 epoch", "2 batches", "1,000,000")
    assert (spelled(0), spelled(10), spelled(11), spelled(1234)) == ("no", "ten", "11", "1,234")
    assert listed(["a"]) == "a"
