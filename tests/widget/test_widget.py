"""The picture in a notebook cell, by its model: wishes in, payloads out, as the studio answers them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._desk._client import Client
from fallline._desk._python import python
from fallline._desk._settings import read_settings
from fallline._desk._study import Studies
from fallline._widget._live import _kept
from fallline._widget._wishes import with_wish

pytest.importorskip("anywidget")
FEW: dict[str, Any] = {"epochs": 20}


@pytest.fixture(scope="module")
def picture() -> Any:
    return fl.live(**FEW)


def shown(picture: Any) -> dict[str, Any]:
    """What was answered last: all of the picture, where another one was shown before, or a part of it."""
    answers = [picture.payload, picture.part or {}]
    return max(answers, key=lambda answer: answer.get("answer", 0))  # type: ignore[no-any-return]  # a trait


def test_it_opens_with_the_run_that_fit_makes() -> None:
    picture = fl.live(**FEW)
    run = fl.fit(learning_rate=picture.payload["rate"]["value"], **FEW)
    assert picture.payload["frames"]["loss"] == run.columns.loss.tolist()
    assert picture.fault == ""


def test_a_rate_that_is_dragged_is_run_and_at_rest_told_in_full(picture: Any) -> None:
    picture.wish = {"learning_rate": 0.02, "settled": False}
    drafted = shown(picture)["frames"]["loss"]
    picture.wish = {"learning_rate": 0.02, "settled": True}
    run = fl.fit(learning_rate=0.02, **FEW)
    assert shown(picture)["frames"]["loss"] == run.columns.loss.tolist()
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
    assert shown(picture)["outcome"] == "diverged"


def test_settings_that_cannot_be_are_refused_in_the_cell() -> None:
    with pytest.raises(fl.OptionError, match="learning_rate"):
        fl.live(learning_rte=0.1)


@pytest.mark.parametrize("names", [("0", "1"), (" x ", "y\n"), ("a,b", '"')])
def test_columns_of_any_name(names: tuple[str, str]) -> None:
    data, client = {names[0]: [1.0, 2.0, 4.0], names[1]: [1.0, 2.5, 7.0]}, Client()
    settings = {"data": _kept(client, data, None, None, drop_missing=False), "learning_rate": 0.1, "epochs": 3}
    problem = Studies().study(read_settings(settings), client).problem
    assert problem.origin.source_hash == fl.read_table(data).source_hash
    written = python({"settings": settings}, client)["payload"]
    assert isinstance(written, dict)
    assert f"fl.read_table(data, target={names[1]!r}, features=[{names[0]!r}])  # data is yours" in written["text"]


@pytest.mark.parametrize("kind", ["file", "arrays"])
def test_data_of_ones_own(kind: str, tmp_path: Path) -> None:
    x = np.linspace(0.0, 3.0, 12)
    y = 0.1 + x * x
    file = tmp_path / "square.csv"
    file.write_text("x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist(), strict=True)))
    shown = fl.live(file if kind == "file" else (x, y), learning_rate=0.1, **FEW)
    assert (repr(str(file)) in shown.python) is (kind == "file")
    run = fl.fit(file if kind == "file" else (x, y), learning_rate=0.1, **FEW)
    assert shown.payload["frames"]["loss"] == run.columns.loss.tolist()


def test_settings_that_are_set_are_run_and_others_refused() -> None:
    picture = fl.live(learning_rate=0.01, **FEW)
    picture.settings = {**FEW, "learning_rate": 0.02}
    assert shown(picture)["rate"]["value"] == 0.02
    for wrong in ({"edits": 5}, {"rate_changes": [[1]]}, {"formula": "w +"}):
        with pytest.raises(fl.OptionError):
            picture.settings = wrong
        assert picture.settings == {**FEW, "learning_rate": 0.02}


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


def test_an_answer_equal_to_one_before_is_sent_again() -> None:
    picture = fl.live(learning_rate=0.01, **FEW)
    heard: list[str] = []
    picture.observe(lambda change: heard.append(change["name"]), names=["payload", "part"])
    picture.wish = {"start": [0.0, 0.0], "settled": True, "number": 1}
    before = picture.payload
    picture.wish = {"move_point": [3, 1.0, 30.0], "settled": False, "number": 2}  # another ground is drawn
    picture.settings = {**picture.settings, "edits": []}
    picture.wish = {"start": [0.0, 0.0], "settled": True, "number": 3}
    assert {**picture.payload, "answer": 0} == {**before, "answer": 0}
    assert heard == ["payload", "part", "payload", "part"]  # settings that are set are answered, too


def test_equal_wishes_that_are_numbered_are_two(picture: Any) -> None:
    before = len(picture.settings.get("edits", []))
    for number in (101, 102):
        picture.wish = {"add_point": [5.0, 5.0], "settled": True, "number": number}
    assert picture.settings["edits"][before:] == [[None, 5.0, 5.0]] * 2
    picture.settings = {key: value for key, value in picture.settings.items() if key != "edits"}


@pytest.mark.parametrize(
    "wish",
    [
        {"bend": [1]}, {"bend": 3}, {"bend": ["1", 0.1]}, {"bend": [0.5, 0.1]}, {"bend": None}, {"bend": [3, None]},
        {"move_point": 3}, {"move_point": [1, 2]}, {"add_point": None}, {"remove_point": [1]}, {"start": "w"},
    ],
)  # fmt: skip
def test_a_wish_that_is_none_is_a_sentence(picture: Any, wish: dict[str, Any]) -> None:
    before = picture.settings
    picture.wish = {**wish, "settled": True}
    assert picture.fault
    assert picture.settings == before
    assert with_wish({"edits": None, "rate_changes": None}, {"add_point": [1, 2]})["edits"] == [[None, 1, 2]]


def test_another_rate_before_the_first_step_is_the_rate() -> None:
    picture = fl.live(learning_rate=0.01, **FEW)
    picture.wish = {"bend": [0, 0.02], "settled": True}
    assert picture.settings["learning_rate"] == 0.02
    assert picture.part["rate"]["value"] == 0.02
    assert picture.part["rate"]["changes"] == []


def test_equal_wishes_from_python_are_two(picture: Any) -> None:
    before = len(picture.settings.get("edits") or [])
    for _ in range(2):
        picture.wish = {"add_point": [5.0, 5.0], "settled": True}
    assert len(picture.settings["edits"]) == before + 2
    picture.wish = None
    assert len(picture.settings["edits"]) == before + 2


def test_outside_of_a_notebook_it_says_what_it_needs(picture: Any) -> None:
    assert repr(picture).startswith("A live picture, which needs a notebook. Elsewhere: `fallline studio`")
    assert len(repr(picture)) <= 110  # what a notebook's own text keeps
