"""The page and the server read the same settings, and the page and the widget make the same settings of a wish."""

import json
from typing import Any

import pytest

from fallline import OptionError
from fallline._desk import _settings
from fallline._desk._settings import Settings, read_settings
from fallline._widget._wishes import with_wish
from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser

FILE = {"kind": "upload", "table": "t"}
MOST, SETTING = _settings.LARGEST_NUMBER, _settings.LARGEST_SETTING
BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "data.slope": ([-SETTING, 0, SETTING], [-1.01 * SETTING, "1", 1.01 * SETTING]),
    "data.intercept": ([-SETTING, SETTING], [-1.01 * SETTING, None]),
    "data.noise": ([0, SETTING], [-1e-9, 1.01 * SETTING]),
    "data.points": ([2, _settings.MOST_POINTS], [1, 2.5, _settings.MOST_POINTS + 1]),
    "data.outliers": ([0, 99], [-1, 0.5]),
    "epochs": ([1, 100_000], [0, 1.5, "3"]),
    "seed": ([0, 2**32, _settings.LARGEST_SEED], [-1, 0.5, _settings.LARGEST_SEED * 2]),
    "batch_size": ([1, 20_000, 10**9, None], [0, 1.5, 10**9 + 1]),
    "learning_rate": ([1e-30, 9e29, None], [0, -1, MOST, "0.1"]),
    "rate_changes": (
        [[], [[0, 0.1]], [[_settings.MOST_STEPS, 9e29]], [[1, 0.1]] * _settings.MOST_CHANGES],
        [
            [[-1, 0.1]], [[0.5, 0.1]], [[1, 0]], [[1, -0.1]], [[1, MOST]], [[1]], [[_settings.MOST_STEPS + 1, 0.1]],
            [[1, 0.1]] * (_settings.MOST_CHANGES + 1), 3,
        ],
    ),
    "start": ([None, [MOST, -1]], [[2 * MOST], ["1"], [0] * (_settings.MOST_PARAMETERS + 1), 3]),
    "edits": (
        [[], [[0, 1, 2], [None, 3.5, 4]], [[1, None, None]], [[0, 1, 1]] * 1_000],
        [[[0, 1]], [[None, None, None]], [[0.5, 1, 1]], [[-1, 1, 1]], [[0, 1, None]], [[0, 1, 1]] * 1_001],
    ),
    "loss": (["mse", "mae", "huber", "bce", "MAE"], ["mze", 3]),
    "standardise": ([True, False, None], [1, "yes"]),
    "optimizer": (["SGD", "Adam"], [3, "a" * 101]),
    "data": (
        [
            FILE, {**FILE, "drop_missing": False}, {**FILE, "target": None, "features": None},
            {**FILE, "target": "y", "features": ["x"]}, {"kind": "points", "x": [1, 2], "y": [1, -MOST]},
        ],
        [
            {**FILE, "drop_missing": "no"}, {**FILE, "target": 3}, {**FILE, "features": "x"}, {"kind": "other"},
            {**FILE, "table": "t" * 201}, {"kind": "points", "x": [1, "a"], "y": [1, 2]}, {"slop": 1},
            {**FILE, "features": ["x"] * (_settings.MOST_PARAMETERS + 1)}, {**FILE, "target": "y" * 1_001},
        ],
    ),
}  # fmt: skip
WISHES: list[dict[str, Any]] = [
    {"learning_rate": 0.02},
    {"bend": [40, 0.2]},
    {"bend": [5, 0.1]},
    {"bend": [10, 0.02]},
    {"move_point": [3, 1.0, 2.0]},
    {"move_point": [3, 1.0, 2.5]},
    {"add_point": [5.0, 50.5]},
    {"add_point": [5.0, 50.5]},
    {"move_point": [3, 1.0, 3.5]},
    {"remove_point": 3},
    {"move_point": [3, 1.0, 4.5]},
    {"start": [0.0, 1.0]},
    {"bend": [7, 0.3], "learning_rate": 0.5},
    {"bend": [0, 0.25]},
    {"learning_rate": None},
    {"start": None},
    {"other": 1},
]


def _state(name: str, value: object) -> dict[str, Any]:
    group, _, inner = name.partition(".")
    return {group: {inner: value} if inner else value}


def _is_read(state: dict[str, Any]) -> bool:
    try:
        read_settings(state)
    except OptionError:
        return False
    return True


@pytest.fixture(scope="module")
def cases() -> list[tuple[dict[str, Any], bool]]:
    return [
        (_state(name, value), sound)
        for name, both in BOUNDS.items()
        for sound, values in zip((True, False), both, strict=True)
        for value in values
    ]


def test_what_the_page_takes_the_server_takes(
    open_studio: OpenStudio, cases: list[tuple[dict[str, Any], bool]]
) -> None:
    assert {name.partition(".")[0] for name in BOUNDS} >= set(_settings.NAMES) - {"formula", "optimizer_options"}
    page = open_studio("#/runs").page
    told = page.evaluate(
        """async (states) => {
          const { readSettings } = await import("/static/settings.js");
          return states.map((state) => readSettings("neuron", state));
        }""",
        [state for state, _ in cases],
    )
    for (state, sound), one in zip(cases, told, strict=True):
        shown = json.dumps(state)[:100]
        assert _is_read(state) is sound, shown
        assert (one["problems"] == []) is sound, (shown, one["problems"])
        if sound:
            assert read_settings(one["settings"]) == read_settings(state), shown
        else:
            assert _is_read(one["settings"]) or "data" in state, shown


def test_what_nobody_set_is_the_same_on_both_sides(open_studio: OpenStudio) -> None:
    page = open_studio("#/runs").page
    usual = page.evaluate("""async () => (await import("/static/settings.js")).defaults""")
    assert read_settings(usual["neuron"]) == Settings()
    assert set(usual["neuron"]) == set(_settings.NAMES) - {"formula"}
    assert read_settings(usual["formulas"]) == read_settings({"formula": "parabola"})


def test_a_wish_makes_the_same_settings_on_the_page_and_in_a_notebook(open_studio: OpenStudio) -> None:
    page = open_studio("#/runs").page
    made = page.evaluate(
        """async (wishes) => {
          const { defaults, withWish } = await import("/static/settings.js");
          let settings = defaults.neuron;
          return wishes.map((wish) => (settings = withWish(settings, wish)));
        }""",
        WISHES,
    )
    settings: dict[str, Any] = {}
    for wish, page_s in zip(WISHES, made, strict=True):
        settings = with_wish(settings, wish)
        assert read_settings(settings) == read_settings(page_s), wish
        assert settings.items() <= page_s.items(), wish
