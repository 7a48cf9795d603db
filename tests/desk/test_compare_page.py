"""Kind "compare": the numbers of ``fl.compare``, quick answers on the picture that is there, refusals in a sentence."""

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fallline as fl
from fallline._compare import objective_of
from fallline._desk import _compare_page
from fallline._desk._client import Cancelled, Client
from fallline._desk._compare_page import compare
from fallline._desk._compare_settings import read_compare_settings
from fallline._errors import FalllineError, OptionError
from fallline._view import to_json
from fallline._view._comparison import build_comparison_payload

RAVINE = {"formula": "ravine", "epochs": 6, "start": [1.0, 10.0]}


def contenders(**rates: float | None) -> list[dict[str, Any]]:
    return [{"optimizer": name, "learning_rate": rate} for name, rate in rates.items()]


def answer(client: Client | None = None, /, *, detail: str = "full", **settings: Any) -> dict[str, Any]:
    request = {"settings": {**RAVINE, **settings}, "detail": detail}
    return compare(request, Client() if client is None else client)


@pytest.fixture(scope="module")
def tuned() -> tuple[Client, dict[str, Any]]:
    client = Client()
    return client, answer(client, contenders=contenders(sgd=None, adam=None))


def plain(value: object) -> Any:
    return json.loads(to_json(value))


@pytest.mark.slow
def test_all_numbers_are_those_of_the_command_line(tuned: tuple[Client, dict[str, Any]]) -> None:
    made = fl.compare(formula="ravine", epochs=6, start={"w": 1.0, "b": 10.0}, optimizers=("sgd", "adam"))
    expected = plain(build_comparison_payload(made, objective_of(made)))
    found = plain(tuned[1]["payload"])
    assert found.pop("accepts") == ["start"]
    assert found == expected
    assert [row["best"] for row in tuned[1]["tuned"]] == [one.best.rate for one in made.contenders]


@pytest.mark.slow
def test_a_rate_that_is_set_is_the_rate_that_is_run(tuned: tuple[Client, dict[str, Any]]) -> None:
    reply = answer(tuned[0], contenders=contenders(sgd=0.005, adam=None))
    ids = [each["id"] for each in reply["payload"]["settings"]]
    given_rates = reply["payload"]["settings"][2]
    assert ids == ["common", "best", "given"]
    assert reply["payload"]["first"] == 2
    by_hand = [[(1 - 0.5) ** step, 10 * (1 - 0.005) ** step] for step in range(7)]
    np.testing.assert_allclose(given_rates["runs"][0]["parameters"], by_hand, rtol=1e-8)
    assert given_rates["runs"][1] == reply["payload"]["settings"][1]["runs"][1]
    assert "At these rates" in given_rates["verdict"][0]


@pytest.mark.slow
def test_a_quick_answer_is_the_run_of_the_full_one(tuned: tuple[Client, dict[str, Any]]) -> None:
    client, _ = tuned
    given_rates = contenders(sgd=0.004, adam=0.3)
    frame = answer(client, contenders=given_rates)["frame"]
    request = {"settings": {**RAVINE, "contenders": given_rates}, "detail": "draft", "frame": frame, "shown": "given"}
    draft = compare(request, client)
    assert draft["frame"] == frame
    assert "payload" not in draft
    whole = answer(client, contenders=given_rates)["payload"]
    assert plain(draft["part"]["setting"]["runs"]) == plain(whole)["settings"][2]["runs"]


@pytest.mark.slow
def test_a_start_that_is_dragged_is_answered_at_the_rates_tuned_last(tuned: tuple[Client, dict[str, Any]]) -> None:
    client, _ = tuned
    both = contenders(sgd=None, adam=None)
    full = answer(client, contenders=both)
    request = {"settings": {**RAVINE, "start": [-2.0, 3.0], "contenders": both}, "detail": "draft"}
    draft = compare({**request, "frame": full["frame"], "shown": "best"}, client)
    runs = draft["part"]["setting"]["runs"]
    assert draft["part"]["start"]["parameters"] == [-2.0, 3.0]
    assert runs[0]["parameters"][0] == [-2.0, 3.0]
    assert [run["rate"] for run in runs] == [row["best"] for row in full["tuned"]]
    assert "payload" in compare({**request, "frame": "another"}, client)


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        {"epochs": 7},
        {"formula": "(w - 3)^2 + b^2"},
        {"contenders": [{"optimizer": "sgd", "options": {"momentum": 0.5}}, "adam"]},
        {"contenders": contenders(sgd=0.01, rprop=None)},
    ],
)
def test_a_draft_of_another_problem_is_not_drawn_on_the_old_ground(
    tuned: tuple[Client, dict[str, Any]], other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = tuned
    full = answer(client, contenders=contenders(sgd=None, adam=None))  # what the tests before left is another's
    memory = dict(client.memory)
    monkeypatch.setattr(_compare_page, "_full", lambda *_: {"payload": "all of it"})
    usual = {**RAVINE, "contenders": contenders(sgd=None, adam=None)}
    request = {"detail": "draft", "frame": full["frame"], "shown": "best"}
    own = Client(memory=memory)
    assert "part" in compare({**request, "settings": {**usual, "start": [1.0, 9.0]}}, own)
    assert compare({**request, "settings": {**usual, **other}}, own) == {"payload": "all of it"}


@pytest.mark.slow
def test_one_optimizer_at_several_rates() -> None:
    asked = [{"optimizer": "sgd", "learning_rate": rate} for rate in (0.001, 0.01)]
    payload = answer(contenders=asked)["payload"]
    assert [each["id"] for each in payload["settings"]] == ["given"]
    assert [each["label"] for each in payload["contenders"]] == ["SGD (1)", "SGD (2)"]
    assert [run["rate"] for run in payload["settings"][0]["runs"]] == [0.001, 0.01]


def test_the_last_wish_cancels_a_tuning() -> None:
    asked: list[bool] = []
    client = Client(is_cancelled=lambda: asked.append(True) is None and len(asked) > 3)
    with pytest.raises(Cancelled):
        answer(client, contenders=contenders(sgd=None, adam=None))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contenders": [{"optimizer": "sgd", "options": {"momentum": k / 10}} for k in range(7)]}, "6 contenders"),
        ({"contenders": ["adam"]}, "Between 2 and 6"),
        ({"contenders": ["adam", "Adam"]}, "Adam is there twice"),
        ({"contenders": contenders(sgd=0.1) * 2}, "SGD is there twice"),
        ({"contenders": ["sgd", "adamm"]}, "adam"),
        ({"contenders": contenders(sgd=-1.0, adam=None)}, "must be above 0"),
        ({"contenders": [{"optimizer": "sgd", "rate": 1}, "adam"]}, "setting of a contender"),
        ({"contenders": [{"optimizer": "sgd", "options": {"betas": 1}}, "adam"]}, "betas"),
        ({"epochs": 10**7}, "10,000,000 steps"),
        ({"learning_rate": 0.1}, "learning_rate"),
        ({"formula": "w + b"}, "falls for ever"),
        ({"batch_size": 10}, "batch"),
        ({"start": [1.0]}, "start needs 2 numbers"),
        ({"seeds": 6}, "seeds"),
        (
            {"formula": None, "data": {"points": 100}, "batch_size": 1, "epochs": 40, "start": None},
            "would take minutes",
        ),
        (
            {"formula": None, "data": {"points": 10_000}, "loss": "huber", "epochs": 400, "start": None},
            "over 400 steps of 10,000 rows would take minutes",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(
    changes: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_compare_page, "_tuned", None)  # nothing is run before it is refused
    with pytest.raises(OptionError) as caught:
        answer(**changes)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_few_epochs_of_many_batches_are_few_steps() -> None:
    given = {"data": {"points": 1000}, "batch_size": 1}
    assert read_compare_settings({**given, "epochs": 1}).problem.epochs == 1
    with pytest.raises(OptionError, match="200,000 steps"):
        read_compare_settings(given)


def test_another_start_is_tuned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(_compare_page, "_tuned", lambda *given: made.append(given))
    monkeypatch.setattr(_compare_page, "objective_of", lambda *_: None)
    monkeypatch.setattr(_compare_page, "_payload", lambda *_: ({}, {}))
    monkeypatch.setattr(_compare_page, "_tuned_row", lambda *_: {})
    client = Client()
    for start, times in (([1.0, 10.0], 1), ([1.0, 10.0], 1), ([2.0, 10.0], 2)):
        answer(client, start=start)
        assert len(made) == times


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["optimizer", "options", "x"]), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(["contenders", "seeds", "epochs", "start", "formula", "data", "learning_rate", "goal"])


@settings(max_examples=25, deadline=None)
@given(JUNK | st.dictionaries(KEYS, JUNK, max_size=3))
def test_no_message_is_more_than_refused(junk: object) -> None:
    with suppress(FalllineError):
        read_compare_settings(junk)
