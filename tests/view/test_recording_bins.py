"""Fewer points for a page: nothing extreme, nothing that is not finite and no gap may be lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallline._records import Floats
from fallline._view._recording_bins import (
    ABOVE,
    BREAK,
    FINITE,
    MOST_BREAKS,
    NAN,
    Bins,
    axis_of,
    binned,
    bins_of,
    decoded,
    gaps_of,
)


def _told(values: Floats, bins: Bins) -> dict[str, Floats]:
    told = binned(values, bins)
    return {
        name: decoded(told[name], np.uint8 if name == "flags" else "<f8") for name in told if told[name] is not None
    }


def test_a_spike_and_a_single_nan_survive_a_million_steps() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    values[612_345], values[400_003], values[700_000] = 97.5, np.nan, np.inf
    bins = bins_of(np.arange(len(values)), most=16_000)
    assert len(bins.starts) <= 16_000
    told = _told(values, bins)
    assert told["high"].max() == 97.5
    assert told["low"].min() == np.nanmin(values)
    for place, bit in ((400_003, NAN), (700_000, ABOVE)):
        inside = int(np.searchsorted(bins.starts, place, side="right")) - 1
        assert told["flags"][inside] == FINITE | bit
        assert np.flatnonzero(told["flags"] & bit).tolist() == [inside]


@pytest.mark.slow
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=80),
    st.integers(min_value=1, max_value=30),
)
def test_every_bin_is_its_rows(values: list[float], most: int) -> None:
    column = np.array(values)
    bins = bins_of(np.arange(len(column)), most)
    told = _told(column, bins)
    for k, (start, end) in enumerate(zip(bins.starts, bins.ends, strict=True)):
        rows = column[start : end + 1]
        finite = rows[np.isfinite(rows)]
        flags = int(told["flags"][k])
        assert bool(flags & FINITE) == (len(finite) > 0)
        assert bool(flags & NAN) == bool(np.isnan(rows).any())
        if "finite" in told:
            assert told["finite"][k] == len(finite)
        elif bins.size > 1:
            assert len(finite) == len(rows)
        if len(finite):
            assert told["low"][k] == finite.min()
            assert told.get("high", told["low"])[k] == finite.max()
            assert finite.min() <= told.get("mean", told["low"])[k] <= finite.max()


def test_bins_cover_every_row_once() -> None:
    step = np.arange(50_000)
    bins = bins_of(step, most=4_000, around=(20_000,), gaps=())
    assert bins.starts[0] == 0
    assert (np.diff(bins.starts) > 0).all()
    assert bins.ends[-1] == len(step) - 1
    widths = bins.ends - bins.starts + 1
    assert widths.sum() == len(step)
    assert widths.max() <= bins.size


def test_rows_around_an_alarm_and_at_both_ends_stay_single() -> None:
    step = np.arange(1_000_000)
    bins = bins_of(step, most=16_000, around=(750_123,))
    single = set(bins.starts[bins.ends == bins.starts].tolist())
    for place in (0, 499, 749_900, 750_123, 750_373, 999_999, 999_501):
        assert place in single


def test_a_short_line_is_every_row_as_recorded() -> None:
    values = np.array([0.1, -1e300, np.nan, 5e-324])
    bins = bins_of(np.arange(4), most=2)
    told = binned(values, bins)
    assert told["high"] is None
    assert told["mean"] is None
    assert decoded(told["low"]).tolist() == [0.1, -1e300, 0.0, 5e-324]
    assert decoded(told["flags"], np.uint8).tolist() == [FINITE, FINITE, NAN, FINITE]
    assert axis_of(np.arange(4), bins)["last"] is None


def test_no_bin_spans_a_gap_and_the_line_breaks_there() -> None:
    step = np.concatenate([np.arange(5_000), np.arange(9_000, 14_000)])
    assert gaps_of(step) == [(5_000, 8_999)]
    bins = bins_of(step, most=100, gaps=gaps_of(step))
    assert 5_000 in bins.starts
    flags = _told(np.zeros(len(step)), bins)["flags"]
    assert np.flatnonzero(flags & BREAK).tolist() == [int(np.searchsorted(bins.starts, 5_000))]


def test_regular_intervals_are_no_gaps_and_a_long_silence_is() -> None:
    assert not bins_of(np.arange(0, 400, 4), most=1_000).breaks.any()
    growing = np.unique(np.geomspace(1, 10_000, 60).astype(np.int64))
    assert not bins_of(growing, most=1_000).breaks.any()
    assert not bins_of(np.repeat(np.arange(0, 2_000, 100), 2), most=1_000).breaks.any()
    silent = np.concatenate([np.arange(50), np.arange(500, 550)])
    assert np.flatnonzero(bins_of(silent, most=1_000).breaks).tolist() == [50]


def test_a_record_full_of_gaps_stays_bounded() -> None:
    step = np.arange(0, 30_000, 10)
    step = np.sort(np.concatenate([step, step + 1]))
    assert len(gaps_of(step)) == MOST_BREAKS


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_or_no_rows(rows: int) -> None:
    bins = bins_of(np.arange(rows), most=10, around=(0,), gaps=((5, 6),))
    assert bins.rows == rows
    assert len(decoded(binned(np.ones(rows), bins)["low"])) == rows
    assert len(bins.ends) == rows


def test_the_mean_of_huge_values_is_finite() -> None:
    told = _told(np.full(10, 1.7e308), Bins(np.array([0]), np.zeros(1, bool), 10, 10))
    assert told["mean"].tolist() == [1.7e308]
