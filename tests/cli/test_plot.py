"""Plots in the terminal: true to the numbers, never failing, at any width, in plain ASCII where need be."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._cli._axis import Axis, tick_labels
from fallline._cli._plot import Band, Mark, Series, line_plot, only_ascii

ANY = st.floats(allow_nan=True, allow_infinity=True)


def curve(x: list[float], y: list[float], marker: str = "●", **more: object) -> Series:
    return Series("curve", marker, np.array(x), np.array(y), **more)


def picture(lines: list[str], left: str = "│") -> list[str]:
    """What stands between the axes, top first."""
    return [line.split(left, 1)[1] for line in lines if left in line]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    points=st.lists(st.tuples(ANY, ANY), max_size=12),
    width=st.integers(0, 90),
    height=st.integers(0, 14),
    log_x=st.booleans(),
    log_y=st.booleans(),
    high=st.none() | ANY,
    ascii_only=st.booleans(),
)
def test_nothing_makes_it_fail_or_too_wide(
    points: list[tuple[float, float]],
    width: int,
    height: int,
    log_x: bool,
    log_y: bool,
    high: float | None,
    ascii_only: bool,
) -> None:
    lines = line_plot(
        [curve([p[0] for p in points], [p[1] for p in points])],
        width=width,
        height=height,
        log_x=log_x,
        log_y=log_y,
        y_high=high,
        x_title="learning rate",
        y_title="loss",
        bands=[Band("just right", 0.1, 1.0, "█", "#")],
        marks=[Mark("recommended", 0.3, "▲", "R")],
        ascii_only=ascii_only,
    )
    assert all(len(line) <= width for line in lines)
    if ascii_only:
        assert all(line.isascii() for line in lines)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("height", [4, 12])
def test_each_point_stands_where_it_belongs(width: int, height: int) -> None:
    x, y = [0.0, 1.0, 2.0, 4.0], [0.0, 5.0, 10.0, 2.5]
    rows = picture(line_plot([curve(x, y, joined=False)], width=width, height=height))
    columns = width - len("10") - 2
    seen = {(k, c) for k, row in enumerate(rows) for c, cell in enumerate(row) if cell == "●"}
    expected = {
        (height - 1 - min(height - 1, int(b * height / 10)), min(columns - 1, int(a * columns / 4)))
        for a, b in zip(x, y, strict=True)
    }
    assert seen == expected


def test_logarithmic_axes_are_even_in_ratios() -> None:
    x, y = np.geomspace(1e-4, 1, 5), np.geomspace(1, 1e4, 5)
    rows = picture(line_plot([curve(list(x), list(y), joined=False)], width=60, height=10, log_x=True, log_y=True))
    columns = [row.index("●") for row in rows if "●" in row]
    assert len(columns) == 5
    gaps = -np.diff(columns)
    assert gaps.max() - gaps.min() <= 1


def test_a_line_joins_points_and_breaks_at_what_is_missing() -> None:
    whole = picture(line_plot([curve([0, 10], [0, 10])], width=40, height=10))
    assert all(row.strip() for row in whole)
    broken = picture(line_plot([curve([0, 5, 10], [0, math.nan, 10])], width=40, height=10))
    assert sum(bool(row.strip(" ✕")) for row in broken) == 2


def test_not_finite_is_marked_at_its_edge_and_explained() -> None:
    lines = line_plot([curve([0, 1, 2, 3, 4], [1, math.nan, math.inf, -math.inf, 2])], width=40, height=6)
    rows = picture(lines)
    assert rows[0].count("✕") == 2
    assert rows[-1].count("↓") == 1
    assert "✕ not finite" in "\n".join(lines)
    assert "not finite" not in "\n".join(line_plot([curve([0, 1], [1, 2])], width=40))


def test_dots_stand_in_their_quarter_of_a_cell() -> None:
    box = [([0, 0], [0, 1]), ([1, 1], [0, 1]), ([0, 1], [0, 0]), ([0, 1], [1, 1])]
    rows = picture(line_plot([curve(x, y, marker="") for x, y in box], width=17, height=3))
    assert rows == ["⡏" + "⠉" * 12 + "⢹", "⡇" + " " * 12 + "⢸", "⣇" + "⣀" * 12 + "⣸"]


@pytest.mark.parametrize("above", [1.2, 1e9])
def test_what_lies_above_a_cut_is_marked_however_little(above: float) -> None:
    rows = picture(line_plot([curve([0, 1, 2], [1, 3 * above, 2])], width=40, y_high=3, y_low=0))
    assert rows[0].count("↑") == 1


def test_a_cut_marks_what_lies_above_it() -> None:
    lines = line_plot([curve([0, 1, 2], [1, 1e300, 2])], width=40, y_high=3)
    assert picture(lines)[0].count("↑") == 1
    assert "above the picture" in "\n".join(lines)
    assert "10³⁰⁰" not in "\n".join(lines)


def test_zero_on_a_logarithmic_axis_is_marked_below() -> None:
    lines = line_plot([curve([1, 2, 3], [0, 1, 10])], width=40, log_y=True)
    assert "↓" in picture(lines)[-1]


def test_bands_lie_beneath_their_part_of_the_axis() -> None:
    bands = [Band("too small", 0, 5, "░", "s"), Band("diverging", 8, 10, "╳", "x")]
    lines = line_plot([curve([0, 10], [0, 1])], width=60, bands=bands)
    strip = next(line for line in lines if "░" in line)[len("1.0") + 2 :]
    columns = 60 - len("1.0") - 2
    assert " too small " in strip
    assert strip.rindex("░") == int(0.5 * columns)
    assert strip.index("╳") == int(0.8 * columns)
    assert "too small" not in lines[-1], "named inside, so not in the legend"
    narrow = line_plot([curve([0, 10], [0, 1])], width=30, bands=bands)
    assert any("╳ diverging" in line for line in narrow)


def test_marks_stand_on_the_axis() -> None:
    lines = line_plot([curve([0, 10], [0, 1])], width=60, marks=[Mark("here", 5, "▲", "^"), Mark("off", 50, "!", "!")])
    floor = next(line for line in lines if "└" in line)
    assert "▲" in floor
    assert "!" not in floor
    assert all("┊" in row or row[27:29].strip() for row in picture(lines))


def test_several_curves_are_named_and_one_is_not() -> None:
    one, two = curve([0, 1], [0, 1]), Series("other", "○", np.array([0.0, 1.0]), np.array([1.0, 0.0]), "o")
    assert "curve" not in "\n".join(line_plot([one], width=60))
    shown = "\n".join(line_plot([one, two], width=60))
    assert "● curve   ○ other" in shown
    long = np.linspace(0, 1, 500)
    crossing = line_plot([Series("a", "●", long, long), Series("b", "○", long, 1 - long)], width=60)
    assert min("".join(crossing).count(marker) for marker in "●○") >= 5


def test_plain_ascii_is_asked_of_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TERM", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("locale.getencoding", lambda: "UTF-8")
    assert not only_ascii()
    monkeypatch.setattr("locale.getencoding", lambda: "ANSI_X3.4-1968")
    monkeypatch.setattr("os.name", "posix")
    assert only_ascii()
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:replace")
    assert not only_ascii()
    monkeypatch.setenv("TERM", "dumb")
    assert only_ascii()
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.delenv("TERM")
    assert only_ascii()
    assert all(line.isascii() for line in line_plot([curve([0, 1e-9], [1, math.nan])], width=50))


@pytest.mark.parametrize(
    ("axis", "most", "ticks"),
    [
        (Axis(0.001, 10.0, log=True), 5, [0.001, 0.01, 0.1, 1.0, 10.0]),
        (Axis(0.001, 10.0, log=True), 2, [0.001, 1.0]),
        (Axis(0.9, 12.0, log=True), 6, [1.0, 2.0, 5.0, 10.0]),
        (Axis(0.0, 200.0), 5, [0.0, 50.0, 100.0, 150.0, 200.0]),
        (Axis(-1.0, 1.0), 5, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (Axis(1e6, 1e6 + 1), 3, [1e6, 1e6 + 0.5, 1e6 + 1]),
    ],
)
def test_ticks_are_round(axis: Axis, most: int, ticks: list[float]) -> None:
    assert axis.ticks(most) == pytest.approx(ticks, rel=1e-12)


@given(low=st.floats(1e-290, 1e290), ratio=st.floats(1.0001, 1e10), log=st.booleans(), most=st.integers(1, 9))
def test_ticks_lie_inside_and_rise(low: float, ratio: float, log: bool, most: int) -> None:
    axis = Axis(low, low * ratio, log=log)
    ticks = axis.ticks(most)
    places = axis.position(ticks)
    assert 1 <= len(ticks) <= max(most, 1)
    assert (places >= -1e-6).all()
    assert (places <= 1 + 1e-6).all()
    assert (np.diff(ticks) > 0).all()
    assert len(set(tick_labels(ticks))) == len(ticks)
