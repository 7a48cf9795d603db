"""The story of an alarm: what broke first, the table of the last steps, the causes."""

import re
from dataclasses import replace

import numpy as np
import pytest

import recordings
from fallline._explain import (
    alarm_line,
    alarm_sentences,
    evidence_sentences,
    explain,
    flight_table,
    news_line,
    number,
    recording_sentences,
)
from fallline._records import Alarm, Cause, Evidence, LayerInfo, Recording, Trigger


def alarmed() -> tuple[Recording, Alarm]:
    recording = recordings.diverging()
    return recording, recording.alarms[0]


def test_what_broke_first_and_how_it_grew() -> None:
    recording, alarm = alarmed()
    assert alarm_sentences(recording, alarm) == [
        "The gradient of layer4.conv1 broke first, at step 4,306; it had become 729 times its recent median.",
        "The last measured reach was 3.1 (too long: past the bottom and higher than it began), 3 steps before, "
        "at step 4,309.",
        "The parameters after step 4,303, from before it broke, are kept in the run file.",
    ]


def test_nothing_is_said_of_what_is_not_known() -> None:
    recording, alarm = alarmed()
    bare = replace(alarm, first_layer=None, first_quantity=None, growth=None, reach=None, snapshot_step=None)
    assert alarm_sentences(recording, bare) == ["What broke first cannot be told from what was recorded."]
    (first, _) = alarm_sentences(recordings.nan_data(), recordings.nan_data().alarms[0])
    assert first == "The loss broke first, at that step."


def test_of_layers_that_broke_at_once_none_is_named() -> None:
    recording, alarm = alarmed()
    gradient = alarm.flight.gradient_norm.copy()
    gradient[-7:] = 50.0
    flight = replace(alarm.flight, gradient_norm=gradient, update_norm=0.05 * gradient)
    several = replace(alarm, flight=flight, first_layer=None, growth=None)
    assert alarm_sentences(recording, several)[0] == (
        "All 7 layers left their range at once, at step 4,306: none of them went first."
    )
    gradient[-7:-2, 5:] = 0.3
    several = replace(several, flight=replace(flight, update_norm=0.05 * gradient))
    assert alarm_sentences(recording, several)[0].startswith("5 of 7 layers left their range at once")


def test_causes_are_found_not_found_or_not_measured() -> None:
    _, alarm = alarmed()
    told = evidence_sentences(alarm)
    assert [one.partition(":")[0] for one in told] == [
        "Found", "Found", "Not measured", "Not found", "To try first",
    ]  # fmt: skip
    assert told[0].endswith(alarm.evidence[0].text)
    assert told[-1] == "To try first: a smaller learning rate and clipping the gradient norm."
    calm = replace(alarm, evidence=(Evidence(Cause.BAD_BATCH, False, "It rose over 8 steps."),))
    assert evidence_sentences(calm) == ["Not found: one bad batch. It rose over 8 steps."]


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_remedy(cause: Cause) -> None:
    _, alarm = alarmed()
    told = evidence_sentences(replace(alarm, evidence=(Evidence(cause, True, "So it is."),)))
    assert re.fullmatch(r"To try first: .+\.", told[-1])


def test_the_table_shows_the_ring() -> None:
    recording, alarm = alarmed()
    title, head, loss, *layers = flight_table(recording, alarm)
    assert title == "loss, and gradient norm of each layer:"
    assert head.split() == ["step", "usual", *(f"{step:,}" for step in range(4307, 4313))]
    assert loss.split()[2:] == [number(float(value), 3) for value in alarm.flight.loss[-6:]]
    (first,) = [line for line in layers if line.startswith(">")]
    cells = first.split()
    assert cells[1] == "layer4.conv1"
    assert cells[2] == number(float(np.median(alarm.flight.gradient_norm[:16, 4])), 3)
    assert cells[3:] == [number(float(value), 3) for value in alarm.flight.gradient_norm[-6:, 4]]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120])
def test_the_table_fits(width: int) -> None:
    recording, alarm = alarmed()
    table = flight_table(recording, alarm, width)
    assert all(len(line) <= max(width, len(table[0])) for line in table)
    assert bool(table) == (width >= 30)
    if table:
        assert table[2].endswith("NaN")


def test_of_many_layers_those_that_grew_most_are_shown() -> None:
    recording, alarm = alarmed()
    names = [f"block{k}.linear" for k in range(300)]
    header = replace(recording.header, layers=tuple(LayerInfo(name, "Linear", 9) for name in names))
    depth = len(alarm.flight.step)
    norms = np.ones((depth, 300))
    norms[-1] = 1 + np.arange(300)
    norms[:, 3] = 1.0
    flight = replace(
        alarm.flight, gradient_norm=norms, update_norm=norms, parameter_norm=norms, measured=np.ones((depth, 300), bool)
    )
    story = replace(alarm, flight=flight, first_layer="block3.linear")
    table = flight_table(replace(recording, header=header), story)
    shown = [line.split()[-8] if not line.startswith(">") else line.split()[1] for line in table[3:-1]]
    assert shown == ["block3.linear", *names[293:]]
    assert table[-1] == "  292 more layers grew less"


def test_the_quantity_that_broke_first_is_the_one_shown() -> None:
    recording, alarm = alarmed()
    table = flight_table(recording, replace(alarm, first_quantity="parameters"))
    assert table[0] == "loss, and parameter norm of each layer:"
    (first,) = [line for line in table if line.startswith(">")]
    assert first.split()[2:] == ["5.00", "5.00", "5.00", "5.00", "5.00", "∞", "∞"]
    loss_first = flight_table(recording, replace(alarm, first_quantity="loss", first_layer=None))
    assert [line.split()[1] for line in loss_first if line.startswith(">")] == ["loss"]


def test_the_story_stands_in_explain() -> None:
    recording, alarm = alarmed()
    explanation = explain(recording)
    assert set(alarm_sentences(recording, alarm)) < set(explanation.sentences)
    assert any(line.startswith("> layer4.conv1") for line in explanation.figures)
    assert "Alarm" not in str(explain(recordings.well_behaved()))


def test_of_many_alarms_the_first_and_the_first_that_broke_are_told() -> None:
    recording, alarm = alarmed()
    early = [
        replace(alarm, step=100 * k, trigger=Trigger.LOSS_OUT_OF_RANGE, first_layer=None, first_quantity="loss")
        for k in range(1, 10)
    ]
    told = recording_sentences(replace(recording, alarms=(*early, alarm)))
    assert "Alarm at step 100: the loss left its recent range." in told
    assert sum(one.startswith("Alarm at step") for one in told) == 7
    assert "3 more alarms." in told
    assert alarm_sentences(recording, alarm)[0] in told


def test_live_lines() -> None:
    recording, alarm = alarmed()
    steps = recordings.well_behaved().steps
    few = type(steps)(**{name: getattr(steps, name)[100:103] for name in steps.__dataclass_fields__})
    assert news_line(recordings.well_behaved().header, few) == (
        f"step 102   loss {number(steps.loss[100:103].mean())} (mean of 3)   rate 0.001   "
        f"gradient {number(steps.gradient_norm[102, 0])}"
    )
    many = type(steps)(**{name: getattr(steps, name)[:150] for name in steps.__dataclass_fields__})
    assert f"loss {number(steps.loss[50:150].mean())} (mean of 100)" in news_line(recording.header, many)
    none = type(steps)(**{name: getattr(steps, name)[:0] for name in steps.__dataclass_fields__})
    assert news_line(recordings.well_behaved().header, none) == ""
    assert "loss NaN" in news_line(recording.header, recording.steps)
    assert alarm_line(alarm) == (
        "ALARM at step 4,312: the loss is not finite; the gradient of layer4.conv1 broke first, at step 4,306"
    )
