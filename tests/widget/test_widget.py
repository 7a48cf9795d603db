"""The picture in a notebook cell, by its model: wishes in, payloads out, as the studio answers them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._widget._wishes import with_wish

pytest.importorskip("anywidget")
FEW: dict[str, Any] = {"epochs": 20}


@pytest.fixture(scope="module")
def picture() -> Any:
    return fl.live(**FEW)


def test_it_opens_with_the_run_that_fit_makes(picture: Any) -> None:
    run = fl.fit(learning_rate=picture.payload["rate"]["value"], **FEW)
    assert picture.payload["frames"]["loss"] == run.columns.loss.tolist()
    assert picture.fault == ""


def test_a_rate_that_is_dragged_is_run_and_at_rest_told_in_full(picture: Any) -> None:
    picture.wish = {"learning_rate": 0.02, "settled": False}
    drafted = picture.part["frames"]["loss"]
    picture.wish = {"learning_rate": 0.02, "settled": True}
    run = fl.fit(learning_rate=0.02, **FEW)
    assert picture.part["frames"]["loss"] == run.columns.loss.tolist()
    assert drafted[0] == pytest.approx(run.columns.loss[0], rel=1e-6)
    assert picture.settings["learning_rate"] == 0.02
    assert "0.02" in picture.python


def test_what_cannot_be_run_is_said_and_changes_nothing(picture: Any) -> None:
    before = picture.settings
    picture.wish = {"learning_rate": -1.0, "settled": True}
    assert "learning rate" in picture.fault
    assert picture.settings == before
    picture.wish = {"learning_rate": 0.01, "settled": True}
    assert picture.fault == ""


def test_a_run_that_passes_every_number_arrives_in_words(picture: Any) -> None:
    picture.wish = {"learning_rate": 1e6, "settled": True}
    assert picture.part["outcome"] == "diverged"


def test_settings_that_cannot_be_are_refused_in_the_cell() -> None:
    with pytest.raises(fl.OptionError, match="learning_rate"):
        fl.live(learning_rte=0.1)


@pytest.mark.parametrize("kind", ["file", "arrays"])
def test_data_of_ones_own(kind: str, tmp_path: Path) -> None:
    x = np.linspace(0.0, 3.0, 12)
    y = 0.1 + x * x
    file = tmp_path / "square.csv"
    file.write_text("x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist(), strict=True)))
    shown = fl.live(file if kind == "file" else (x, y), learning_rate=0.1, **FEW)
    run = fl.fit(file if kind == "file" else (x, y), learning_rate=0.1, **FEW)
    assert shown.payload["frames"]["loss"] == run.columns.loss.tolist()


def test_wishes_become_settings() -> None:
    settings: dict[str, Any] = {}
    for wish in (
        {"move_point": [3, 1.0, 2.0]},
        {"move_point": [3, 1.0, 2.5]},
        {"add_point": [5.0, 50.0]},
        {"remove_point": 7},
        {"start": [0.0, 1.0]},
    ):
        settings = with_wish(settings, wish)
    assert settings == {"edits": [[3, 1.0, 2.5], [None, 5.0, 50.0], [7, None, None]], "start": [0.0, 1.0]}
