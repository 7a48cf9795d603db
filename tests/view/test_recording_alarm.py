"""An alarm's story on its page: the words of ``fallline explain``, and as much of the flight as a page can hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fallline as fl
import recordings
from fallline._explain import usual
from fallline._records import Alarm, Flight, Recording
from fallline._view._recording import build_recording_payload
from fallline._view._recording_alarm import MOST_CELLS
from fallline._view._recording_bins import decoded
from fallline._view._recording_layers import ABOVE_CELL, MEASURED


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize("name", ["diverging", "nan_data"])
def test_each_sentence_of_the_page_is_said_in_the_terminal(name: str) -> None:
    recording = recordings.CATALOGUE[name]()
    told = build_recording_payload(recording)["alarms"][0]
    said = str(fl.explain(recording))
    for sentence in [told["title"], *told["sentences"], *told["remedies"]]:
        assert _plain(sentence) in said
    for each in told["evidence"]:
        assert _plain(f"{each['kind'].capitalize()}: {each['label']}. {each['sentence']}") in said
    assert told["words"] == []


def test_the_alarm_tells_its_story() -> None:
    recording = recordings.diverging()
    told = build_recording_payload(recording)["alarms"][0]
    assert [each["kind"] for each in told["evidence"]] == ["found", "found", "not found", "not measured"]
    assert told["remedies"][0].startswith("To try first: ")
    flight, gradient = told["flight"], told["flight"]["quantities"][0]
    kinds = decoded(gradient["flags"], np.uint8).reshape(32, len(flight["labels"]))
    assert flight["labels"][flight["row"]] == "layer4.conv1"
    assert flight["told"][flight["row"]] == "layer4.conv1 (Conv2d)"
    assert kinds[-2].tolist() == [ABOVE_CELL if k == flight["row"] else MEASURED for k in range(len(kinds[0]))]
    kept = recording.alarms[0].flight
    values = kept.gradient_norm
    assert decoded(gradient["usual"])[0] == usual(values[:, 0], kept.measured[:, 0]) == np.median(values[:16, 0])
    assert decoded(gradient["values"]).reshape(kinds.shape)[3, 2] == values[3, 2]


@pytest.mark.parametrize(("first", "shown"), [("parameters", "parameters"), ("update", "update"), ("loss", "gradient")])
def test_the_map_opens_on_what_broke_first(first: str, shown: str) -> None:
    recording = recordings.diverging()
    alarm = replace(recording.alarms[0], first_quantity=first)
    told = build_recording_payload(replace(recording, alarms=(alarm,)))["alarms"][0]
    assert told["flight"]["shown"] == shown
    assert shown in {each["id"] for each in told["flight"]["quantities"]}


def test_where_no_layer_is_named_none_is_marked() -> None:
    payload = build_recording_payload(recordings.nan_data())
    told = payload["alarms"][0]
    assert told["evidence"] == told["remedies"] == []
    assert told["flight"]["row"] is None
    assert np.isnan(decoded(told["flight"]["quantities"][0]["usual"])).all()
    assert payload["layers"] is None or payload["layers"]["row"] is None


def test_layers_are_named_as_in_the_terminal() -> None:
    recording = recordings.well_behaved()
    layers = build_recording_payload(recording)["layers"]
    assert layers["labels"] == ["0 (Linear)", "2 (Linear)", "4 (Linear)"]
    assert layers["told"][0].startswith("0 (Linear, ")


def _with_flight(layers: int, depth: int, alarms: int = 1) -> Recording:
    """The diverging run with as many layers and steps in its flight recorder; layer number k grew k-fold."""
    base = recordings.diverging()
    names = tuple(replace(base.header.layers[0], name=f"blocks.{k}.linear") for k in range(layers))
    growth = np.ones((depth, layers))
    growth[-1] = 1.0 + np.arange(layers)
    first = base.alarms[0]
    flight = Flight(
        first.step - np.arange(depth)[::-1], np.ones(depth), growth, growth, growth,
        np.ones((depth, layers), bool), np.ones(depth, bool),
    )  # fmt: skip
    named = replace(first, first_layer="blocks.1.linear", flight=flight)
    told = tuple(replace(named, step=first.step + k) for k in range(alarms))
    columns = ("step", "gradient_norm", "update_norm", "parameter_norm", "first_order_change", "measured")
    none = replace(base.layers, **{name: getattr(base.layers, name)[:0] for name in columns})
    return replace(base, header=replace(base.header, layers=names), layers=none, alarms=told)


def _told(recording: Recording) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = build_recording_payload(recording)["alarms"]
    return told


@pytest.mark.parametrize(("layers", "depth"), [(1_000, 100), (167, 500)])
def test_of_a_large_flight_the_last_steps_are_kept_and_it_is_said(layers: int, depth: int) -> None:
    recording = _with_flight(layers, depth)
    told = _told(recording)[0]
    kept = MOST_CELLS // (3 * layers)
    steps = decoded(told["flight"]["first"])
    assert (len(steps), steps[-1]) == (kept, recording.alarms[0].step)
    assert len(told["flight"]["labels"]) == layers
    assert told["words"][0] == f"Of the {depth} steps that the flight recorder kept, the last {kept} are drawn."


@pytest.mark.slow
def test_of_very_many_layers_those_that_grew_most_are_kept_and_it_is_said() -> None:
    recording = _with_flight(6_000, 40)
    told = _told(recording)[0]
    labels = told["flight"]["labels"]
    most = MOST_CELLS // (3 * 24)
    assert len(labels) == most
    assert labels[0] == "blocks.1.linear"  # it broke first, though it grew least
    assert labels[-1] == "blocks.5999.linear"
    assert "blocks.3.linear" not in labels
    assert f"Of 6,000 layers the {most:,} that grew most are drawn." in told["words"]
    assert len(decoded(told["flight"]["loss"]["values"])) == 24


def test_alarms_without_room_for_their_flight_say_so() -> None:
    told = _told(_with_flight(500, 100, alarms=4))
    cells = [0 if each["flight"] is None else 3 * 500 * len(decoded(each["flight"]["first"])) for each in told]
    assert cells[0] == 150_000
    assert sum(cells) <= MOST_CELLS
    assert told[-1]["flight"] is None
    assert told[-1]["words"] == [
        "The page has no room for the last 100 steps before this alarm; the run file holds them."
    ]


def test_an_alarm_without_a_flight_has_its_words() -> None:
    recording = recordings.diverging()
    empty: Alarm = replace(recording.alarms[0], flight=_emptied(recording.alarms[0].flight))
    told = _told(replace(recording, alarms=(empty,)))[0]
    assert (told["flight"], told["words"]) == (None, [])
    assert told["sentences"]


def _emptied(flight: Flight) -> Flight:
    return Flight(
        flight.step[:0], flight.loss[:0], flight.gradient_norm[:0], flight.update_norm[:0], flight.parameter_norm[:0],
        flight.measured[:0], flight.loss_measured[:0],
    )  # fmt: skip
