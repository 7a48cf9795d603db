"""Pictures of a spectrum and of a rate beside its limit."""

from dataclasses import replace

import numpy as np
import pytest

import fallline as fl
import recordings
from fallline._records import LimitKind, Sharpness, SharpnessSeries, Spectrum, StabilityLimit


def ends(largest: list[float], smallest: list[float], error: float = 0.01) -> Spectrum:
    k = len(largest)
    vectors, errors = np.eye(k), np.full(k, error)
    return Spectrum(np.array(largest), np.array(smallest), vectors, vectors, errors, errors, 9, True)


def limit(sharpness: float, share: float = 1.0) -> StabilityLimit:
    found = Sharpness(sharpness, 0.0, 5, np.ones(1), True, False)
    return StabilityLimit(2 / (share * sharpness), LimitKind.PROVABLE, found, "Because.")


NONE = StabilityLimit(None, None, None, "No limit is known.")


def test_each_sign_has_its_own_shape() -> None:
    figure = fl.figures.spectrum(ends([4.0, 1.0], [-2.0, 0.005]))
    shown = {one.name: one for one in figure.data if one.name}
    assert {name: one.marker.symbol for name, one in shown.items()} == {
        "curves upwards": "circle", "curves downwards": "diamond", "0 within its error": "circle-open",
    }  # fmt: skip
    assert list(shown["curves upwards"].y) == [4.0, 1.0]
    assert list(shown["curves downwards"].y) == [-2.0]
    assert list(shown["curves upwards"].error_y.array) == [0.01, 0.01]
    assert max(shown["curves upwards"].x) < min(shown["0 within its error"].x) < min(shown["curves downwards"].x)


def test_many_eigenvalues_keep_their_numbers_in_the_hover_text() -> None:
    figure = fl.figures.spectrum(ends([float(k) for k in range(30, 0, -1)], [0.5] * 30))
    (dots,) = [one for one in figure.data if one.name == "curves upwards"]
    assert dots.text is None
    assert len(dots.customdata) == 60
    assert len(figure.layout.xaxis.tickvals) == 4


def test_a_course_is_the_share_of_the_limit_and_the_sharpness() -> None:
    figure = fl.figures.stability([limit(1.0), limit(2.0), limit(4.0)], 0.5, steps=[0, 10, 20])
    share, sharpness, edge = figure.data
    assert list(share.x) == [0, 10, 20]
    assert list(share.y) == [0.25, 0.5, 1.0]
    assert list(sharpness.y) == [1.0, 2.0, 4.0]
    assert list(edge.y) == [4.0, 4.0]
    assert edge.name == "the limit is the rate at 4.000"


def test_several_runs_have_their_own_rates() -> None:
    courses = {"slow": [limit(1.0), limit(1.0)], "fast": [limit(1.0), limit(1.0)]}
    figure = fl.figures.stability(courses, {"slow": 0.1, "fast": 1.0})
    ends_at = {one.name: one.y[-1] for one in figure.data if one.name in courses and one.yaxis == "y"}
    assert ends_at == {"slow": 0.05, "fast": 0.5}
    looks = {(one.line.color, one.marker.symbol) for one in figure.data if one.name in courses and one.yaxis == "y"}
    assert len(looks) == 2


def tracked(*sharpness: float, provable: bool = True, known: bool = True) -> fl.Recording:
    """A recording with these, at a rate of 0.1 whose limit is 2 over them."""
    value = np.array(sharpness)
    count, flags = len(value), np.ones(len(value), np.bool_)
    series = SharpnessSeries(
        10 * np.arange(count), value, value, np.ones(count, np.int64), ~flags if provable else flags, flags,
        np.full(count, 0.1), 2 / value, flags if provable else ~flags, flags if known else ~flags,
    )  # fmt: skip
    return replace(recordings.plain_descent(), sharpness=series)


def test_recordings_bring_their_own_rates_and_steps() -> None:
    figure = fl.figures.stability({"one": tracked(5.0, 20.0), "two": tracked(10.0, 30.0)})
    drawn = [one for one in figure.data if one.name in ("one", "two")]
    assert [list(one.x) for one in drawn] == [[0, 10]] * 4
    assert [list(one.y) for one in drawn] == [[0.25, 1.0], [5.0, 20.0], [0.5, 1.5], [10.0, 30.0]]
    levels = [one for one in figure.layout.annotations if one.yref == "y2"]
    assert [(one.y, one.text) for one in levels] == [(20.0, "20")] * 2
    assert "P⁻¹H" in fl.figures.stability(tracked(5.0, provable=False)).layout.yaxis2.title.text
    assert "no limit was measured" in fl.figures.stability(tracked(5.0, known=False)).layout.title.subtitle.text


def test_a_share_that_is_infinite_does_not_take_the_axis_with_it() -> None:
    assert fl.figures.stability(tracked(5.0, np.inf)).layout.yaxis.range == (0, 1.25)


def test_a_measurement_without_a_limit_is_left_out_and_counted() -> None:
    figure = fl.figures.stability([NONE, limit(1.0)], 0.5)
    assert list(figure.data[0].x) == [1]
    assert "(1 without a limit left out)" in figure.layout.title.subtitle.text
    empty = fl.figures.stability([NONE], 0.5)
    assert "no limit was measured" in empty.layout.title.subtitle.text


def test_the_dial_points_at_the_share() -> None:
    figure = fl.figures.stability(limit(1.0), 3.0)
    pointer = figure.data[-1]
    assert list(pointer.x) == [1.5]
    assert figure.layout.xaxis.range[1] > 1.5
    assert "150 % of the limit" in pointer.text[0]
    assert not fl.figures.stability(NONE, 0.5).data


@pytest.mark.parametrize(
    ("measured", "rate", "steps"),
    [
        (3, 0.1, None),
        ([limit(1.0), 3], 0.1, None),
        ([limit(1.0)], [0.1, 0.2], None),
        ([limit(1.0)], 0.1, [0, 1]),
        ({"a": [limit(1.0)]}, {"b": 0.1}, None),
        ({}, 0.1, None),
        (limit(1.0), -0.1, None),
        (limit(1.0), [0.1], None),
        (limit(1.0), None, None),
        ([limit(1.0)], None, None),
        (recordings.plain_descent(), None, None),
        (tracked(5.0), 0.1, None),
        ({"a": tracked(5.0)}, {"a": 0.1}, None),
        (tracked(5.0), None, [0]),
    ],
)
def test_what_does_not_fit_together_is_refused(measured: object, rate: object, steps: object) -> None:
    with pytest.raises(fl.OptionError):
        fl.figures.stability(measured, rate, steps=steps)
