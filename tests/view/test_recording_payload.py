"""The payload of a recording's page (docs/payload-recording.md), and the page itself."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordings
from fallline._errors import RunFileError
from fallline._explain import instruments, outcome_line, recording_paragraphs
from fallline._recorder import summarised_recording
from fallline._records import Event, EventKind, Recording, StepSeries, UserSeries
from fallline._report import recording_report, report
from fallline._view._module import module_source, stylesheet
from fallline._view._payload import to_json
from fallline._view._recording import build_recording_payload
from fallline._view._recording_bins import FINITE, decoded
from fallline._view._recording_charts import MOST_LOGGED
from fallline._view._recording_layers import ABOVE_CELL, MISSING


def _chart(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return next(chart for chart in payload["charts"] if chart["id"] == name)


def _line(payload: dict[str, Any], name: str, index: int = 0) -> tuple[list[float], list[float], list[int]]:
    line = _chart(payload, name)["lines"][index]
    steps = decoded(payload["axes"][line["axis"]]["first"])
    return steps.tolist(), decoded(line["low"]).tolist(), decoded(line["flags"], np.uint8).tolist()


@pytest.mark.parametrize("name", list(recordings.CATALOGUE))
def test_every_recording_has_a_page_and_json_reads_it(name: str) -> None:
    recording = recordings.CATALOGUE[name]()
    payload = build_recording_payload(recording)
    told = json.loads(to_json(payload))
    assert told["schema"] == "fallline.recording-view/1"
    assert told["rows"] == len(recording)
    assert (told["range"] is None) == (len(recording) == 0)
    for chart in told["charts"]:
        for line in chart["lines"]:
            bins = len(decoded(payload["axes"][line["axis"]]["first"]))
            assert bins == len(decoded(line["low"])) == len(decoded(line["flags"], np.uint8)) > 0


def test_numbers_are_the_record_s() -> None:
    recording = recordings.diverging()
    payload = build_recording_payload(recording)
    steps, low, flags = _line(payload, "loss")
    known = np.isfinite(recording.steps.loss)
    assert steps == recording.steps.step.tolist()
    assert [value for value, flag in zip(low, flags, strict=True) if flag & FINITE] == recording.steps.loss[
        known
    ].tolist()
    assert _chart(payload, "loss")["lines"][0]["first_not_finite"] == 4312
    assert _line(payload, "ratio")[1][100] == float(recording.steps.update_ratio[100, 0])
    assert _line(payload, "cosine")[1][100] == float(recording.steps.downhill_cosine[100, 0])
    assert _line(payload, "reach")[1] == recording.batches.reach[recording.batches.reach_measured].tolist()
    assert recording.summary is not None
    assert payload["sentence"] == recording.summary.line


def test_what_was_not_measured_has_no_chart_and_no_value() -> None:
    assert "reach" not in {chart["id"] for chart in build_recording_payload(recordings.without_closure())["charts"]}
    payload = build_recording_payload(recordings.accumulating())
    steps, _, flags = _line(payload, "gradient")
    assert steps == list(range(3, 400, 4))
    assert set(flags) == {FINITE}
    assert payload["words"] == []
    assert any(
        "1 call in 4 carried an update" in sentence for paragraph in payload["paragraphs"] for sentence in paragraph
    )


def test_equal_learning_rates_are_one_line_and_different_ones_are_named() -> None:
    assert [line["name"] for line in _chart(build_recording_payload(recordings.well_behaved()), "rate")["lines"]] == [
        "learning rate"
    ]
    names = [line["name"] for line in _chart(build_recording_payload(recordings.gan()), "rate")["lines"]]
    assert names == ["Adam", "RMSprop"]


def test_many_different_rates_are_counted_not_dropped_silently() -> None:
    recording = recordings.plain_descent()
    steps = replace(recording.steps, learning_rate=np.tile(np.arange(1.0, 31.0), (len(recording), 1)))
    header = replace(recording.header, groups=recording.header.groups * 30)
    payload = build_recording_payload(replace(recording, steps=steps, header=header))
    assert len(_chart(payload, "rate")["lines"]) == 12
    assert "Of 30 different learning rates the first 12 are drawn." in payload["words"]


def test_a_gap_and_events_are_marked() -> None:
    payload = build_recording_payload(recordings.gap())
    assert payload["gaps"] == [[500, 899]]
    assert payload["marks"] == [
        {"step": 500, "kind": "gap", "sentence": "Steps 500 to 899 were not written: the disk was full."}
    ]
    alarms = build_recording_payload(recordings.diverging())["marks"]
    assert [mark["kind"] for mark in alarms] == ["alarm"]  # the event of the same alarm is not told twice


def test_a_layer_s_highest_and_what_is_not_finite_survive() -> None:
    recording = recordings.well_behaved()
    series = recording.layers
    norms, measured = series.gradient_norm.copy(), series.measured.copy()
    norms[7, 1], norms[9, 2], measured[11, 0] = 1e9, np.inf, False
    told = build_recording_payload(replace(recording, layers=replace(series, gradient_norm=norms, measured=measured)))
    layers = told["layers"]
    shape = (len(series), len(layers["labels"]))
    flags = decoded(layers["quantities"][0]["flags"], np.uint8).reshape(shape)
    values = decoded(layers["quantities"][0]["values"]).reshape(shape)
    assert (values[7, 1], flags[9, 2], flags[11, 0]) == (1e9, ABOVE_CELL, MISSING)


def test_a_column_of_many_measurements_shows_their_highest() -> None:
    recording = recordings.well_behaved()
    rows = 6_000
    wide = {
        name: np.tile(getattr(recording.layers, name)[:1], (rows, 1))
        for name in ("gradient_norm", "update_norm", "parameter_norm", "first_order_change", "measured")
    }
    wide["gradient_norm"][4_321, 1] = 1e9
    layers = build_recording_payload(
        replace(recording, layers=replace(recording.layers, step=np.arange(rows), **wide))
    )["layers"]
    first, last = decoded(layers["first"]), decoded(layers["last"])
    column = int(np.flatnonzero((first <= 4_321) & (last >= 4_321))[0])
    assert layers["size"] == 4
    values = decoded(layers["quantities"][0]["values"]).reshape(len(first), -1)
    assert np.flatnonzero(values[:, 1] == 1e9).tolist() == [column]


def test_two_optimizers_have_a_line_each() -> None:
    recording = recordings.gan()
    payload = build_recording_payload(recording)
    for name, values in (("gradient", recording.steps.gradient_norm), ("ratio", recording.steps.update_ratio)):
        for o in (0, 1):
            rows = recording.steps.measured[:, o]
            steps, low, _ = _line(payload, name, o)
            assert steps == recording.steps.step[rows].tolist()
            assert low == values[rows, o].tolist()


def test_a_recording_that_was_killed_says_so() -> None:
    recording = summarised_recording(recordings.killed())  # as fl.load gives it
    payload = build_recording_payload(recording)
    assert recording.summary is not None
    assert (payload["outcome"], payload["sentence"]) == ("interrupted", recording.summary.line)
    assert payload["made"]["costs"] is None
    assert "cost of watching" not in {fact["label"] for fact in payload["facts"]}
    bare = build_recording_payload(recordings.killed())
    assert (bare["outcome"], bare["sentence"]) == (None, outcome_line(recordings.killed()))


def test_the_words_are_those_of_explain() -> None:
    recording = recordings.well_behaved()
    payload = build_recording_payload(recording)
    told = [[sentence.replace("\u00a0", " ") for sentence in each] for each in payload["paragraphs"]]
    assert told == recording_paragraphs(recording)
    assert len(told) > 3


def test_a_note_is_told_once() -> None:
    recording = recordings.plain_descent()
    notes = tuple(f"Note {k}." for k in range(9))
    payload = build_recording_payload(replace(recording, header=replace(recording.header, notes=notes)))
    said = [*(each for paragraph in payload["paragraphs"] for each in paragraph), *payload["made"]["sentences"]]
    assert sorted(note for note in said if note in notes) == list(notes)


def test_single_measurements_are_not_joined() -> None:
    joined = {chart["id"]: chart["joined"] for chart in build_recording_payload(recordings.well_behaved())["charts"]}
    assert {name for name, line in joined.items() if not line} == {"reach", "change", "curvature", "turn", "effective"}
    assert joined["loss"]
    assert joined["logged-0"]


def test_one_rule_says_where_the_loss_is_logarithmic() -> None:
    recording = recordings.plain_descent()
    for top in (9.0, 20.0):
        loss = np.linspace(top, 1.0, len(recording))
        changed = replace(recording, steps=replace(recording.steps, loss=loss))
        drawn = _chart(build_recording_payload(changed), "loss")["log"]
        assert drawn == next(each.logarithmic for each in instruments(changed)) == (top > 10)


def test_many_logged_numbers_are_counted_not_dropped_silently() -> None:
    recording = recordings.plain_descent()
    one = UserSeries(np.array([1, 2]), np.array([0.5, 0.25]))
    payload = build_recording_payload(replace(recording, logged={f"number {k}": one for k in range(60)}))
    assert sum(chart["id"].startswith("logged") for chart in payload["charts"]) == MOST_LOGGED
    assert f"Of 60 logged numbers the first {MOST_LOGGED} are drawn." in payload["words"]


def million(layers: int = 3) -> Recording:
    """A million steps of the well-behaved loop, a spike and a NaN among them, every line full."""
    base = recordings.well_behaved()
    rng, rows = np.random.default_rng(0), 1_000_000
    loss = np.exp(rng.normal(size=rows))
    loss[612_345], loss[400_003] = 1e6, np.nan
    column = np.exp(rng.normal(size=(rows, 1)))
    steps = StepSeries(
        np.arange(rows), np.arange(rows) * 1e-3, loss, np.ones(rows, bool), np.hstack([column, 2 * column]),
        np.ones((rows, 1), np.int64), column, 0.1 * column, 10 * column, -0.01 * column**2, np.ones((rows, 1), bool),
    )  # fmt: skip
    event = Event(300_000, EventKind.RESUMED, "Resumed at step 300,000.")
    return replace(base, steps=steps, logged={f"n{k}": UserSeries(steps.step, loss) for k in range(6)}, events=(event,))


@pytest.mark.slow
def test_a_million_steps_stay_under_ten_megabytes(tmp_path: Path) -> None:
    recording = million()
    recording_report(recording, tmp_path / "million.html")
    assert (tmp_path / "million.html").stat().st_size < 10_000_000
    payload = build_recording_payload(recording)
    line = _chart(payload, "loss")["lines"][0]
    assert decoded(line["high"]).max() == line["highest"] == 1e6
    assert line["first_not_finite"] == 400_003
    assert "bins of" in payload["words"][0]


@pytest.mark.slow
def test_hundreds_of_layers_stay_small(tmp_path: Path) -> None:
    base = recordings.well_behaved()
    names = tuple(replace(base.header.layers[0], name=f"blocks.{k}.attention") for k in range(800))
    wide = {
        name: np.tile(getattr(base.layers, name)[:, :1], (40, 800))
        for name in ("gradient_norm", "update_norm", "parameter_norm", "first_order_change", "measured")
    }
    layers = replace(base.layers, step=np.arange(40 * len(base.layers)), **wide)
    recording = replace(base, header=replace(base.header, layers=names), layers=layers)
    recording_report(recording, tmp_path / "deep.html")
    assert (tmp_path / "deep.html").stat().st_size < 4_000_000


def test_the_page_is_one_whole_file(tmp_path: Path) -> None:
    recording = recordings.diverging()
    recording_report(recording, tmp_path / "one.html")
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert "<title>resnet · fallline</title>" in page
    inside = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1])["outcome"] == "diverged"
    report(recording, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="cannot be written"):
        report(recordings.plain_descent(), tmp_path / "gone" / "x.html")


def test_the_page_s_script_and_style_keep_the_house_s_rules_and_their_weight() -> None:
    source, style = module_source("recording.js"), stylesheet("recording.js")
    assert re.findall(r"^(?:import|export)\b.*", source, re.MULTILINE) == ["export { render };"]
    for word in (
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "eval(",
        "innerHTML",
        "new Function",
        "import(",
        "createPlayer",
    ):
        assert word not in source, word
    assert "url(" not in style
    assert len(source.encode()) + len(style.encode()) < 120_000
