"""The payload follows docs/payload.md: the record unchanged, all columns of one length, JSON that a page can hold."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fallline._desk._client import Client
from fallline._desk._neuron import neuron
from fallline._report import report_page
from fallline._view._payload import build_payload, to_json
from view.payload_runs import TEXT, descend, logistic, parabola, textbook
from view.sweeps import made_sweep

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "payload.md"


@pytest.fixture(scope="module")
def payload() -> dict[str, Any]:
    return build_payload(*textbook(), TEXT)


def three_features(steps: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(50, 3)) @ [[1.0, 0.7, 0.0], [0.0, 1.0, 0.2], [0.0, 0.0, 1.0]]
    target = features @ [1.0, -2.0, 0.5] + 3.0 + 0.1 * rng.normal(size=50)
    return descend(features, target, start=(0.1, 0.2, 0.3, 0.4), rate=0.1, steps=steps)


def test_every_key_of_the_document_is_there_and_no_other(payload: dict[str, Any]) -> None:
    ours = DOCUMENT.read_text(encoding="utf-8").split("## Of a path over a surface")[0]  # that: test_surface_page.py
    blocks = ours.split("```jsonc")[1:]
    code = re.sub(r"//.*", "", "".join(block.split("```")[0] for block in blocks))
    in_comments = {"matrix", "origin"}
    run, quadratic = textbook()
    swept = build_payload(run, quadratic, TEXT, made_sweep(run, quadratic))
    shadows = build_payload(*three_features(), TEXT, made_sweep(*three_features()))
    curve = build_payload(*parabola(), TEXT)
    asked = neuron({"settings": {"epochs": 5, "rate_changes": [[2, 0.02]]}}, Client())["payload"]
    of_saved_pages = {"opens_at"}  # tests/desk/test_page.py
    assert (
        set(re.findall(r'"(\w+)":', code)) | in_comments
        == keys([payload, swept, shadows, curve, asked]) | of_saved_pages
    )


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys(item)}
    if isinstance(value, list):
        return {key for item in value for key in keys(item)}
    return set()


def test_every_column_of_the_frames_has_one_entry_per_frame(payload: dict[str, Any]) -> None:
    columns = {name: column for name, column in payload["frames"].items() if column is not None}
    assert {len(column) for column in columns.values()} == {200}
    assert payload["frames"]["parts_uv"] is None
    assert {len(line) for line in columns["slice"]} == {len(payload["slice_t"])} == {41}


def test_the_numbers_of_the_frames_are_the_record_exactly(payload: dict[str, Any]) -> None:
    run, _ = textbook()
    frames, columns = payload["frames"], run.columns
    for name in (
        "learning_rate",
        "loss",
        "first_order_change",
        "real_change",
        "reach",
        "full_loss",
        "gradient",
    ):
        assert frames[name] == getattr(columns, name).tolist(), name
    assert frames["end"] == columns.parameters.tolist()
    assert frames["start"] == [list(run.header.start), *columns.parameters[:-1].tolist()]
    assert frames["end_uv"] == frames["end"]
    assert frames["start_uv"] == frames["start"]
    assert (frames["slice_promised"], frames["slice_came"], frames["slice_reach"]) == (
        frames["first_order_change"],
        frames["real_change"],
        frames["reach"],
    )


def test_the_textbook_numbers(payload: dict[str, Any]) -> None:
    assert payload["optimum"]["parameters"] == pytest.approx([2.0, 1.0], abs=0.1)
    assert payload["floor"] == {"loss": payload["optimum"]["loss"], "kind": "optimum"}
    assert payload["rate"]["limit"] == pytest.approx(0.0292, abs=1e-4)
    assert payload["rate"]["crossing"] == pytest.approx(0.0146, abs=1e-4)
    assert payload["frames"]["reach"][0] == pytest.approx(0.69, abs=0.01)
    assert payload["plane"]["kind"] == "parameters"
    assert payload["first_not_finite"] is None


def test_the_slice_meets_the_step_at_zero_and_one(payload: dict[str, Any]) -> None:
    run, quadratic = textbook()
    at = {t: k for k, t in enumerate(payload["slice_t"])}
    starts = np.concatenate([[run.header.start], run.columns.parameters[:-1]])
    losses = np.array(payload["frames"]["slice"])
    spread = np.ptp(losses, axis=1)
    zero = next(k for t, k in at.items() if abs(t) < 0.038)
    along = starts + payload["slice_t"][zero] * (run.columns.parameters - starts)
    assert np.all(np.abs(losses[:, zero] - quadratic.loss(along)) <= 1e-5 * spread)


def test_the_ghost_went_the_other_way(payload: dict[str, Any]) -> None:
    frames = payload["frames"]
    start, ghost, gradient = (np.array(frames[name][0]) for name in ("start", "ghost_uv", "gradient"))
    assert ghost == pytest.approx(start + 0.01 * gradient)
    assert frames["ghost_loss"][0] > frames["loss"][0]


def test_gradient_uv_is_a_direction(payload: dict[str, Any]) -> None:
    arrows, slopes = np.array(payload["frames"]["gradient_uv"]), np.array(payload["frames"]["gradient"])
    assert np.allclose(np.linalg.norm(arrows, axis=1), 1.0)
    assert np.allclose(arrows[:, 0] * slopes[:, 1], arrows[:, 1] * slopes[:, 0])
    assert (np.sign(arrows) == np.sign(slopes)).all()


def test_the_textbook_payload_is_small(payload: dict[str, Any]) -> None:
    assert len(to_json(payload).encode()) < 700_000


def test_the_line_through_the_data_is_the_model(payload: dict[str, Any]) -> None:
    data, frames = payload["data"], payload["frames"]
    assert (data["kind"], data["curve_x"], data["rows"], len(data["x"])) == ("line", [0.0, 10.0], 100, 100)
    w, b = frames["end"][7]
    assert frames["curve_end"][7] == pytest.approx([b, 10 * w + b], rel=1e-5)
    assert frames["curve_start"][8] == frames["curve_end"][7]
    w, b = payload["optimum"]["parameters"]
    assert data["best"] == pytest.approx([b, 10 * w + b], rel=1e-5)


def test_standardised_features_are_drawn_in_table_units() -> None:
    run, quadratic = textbook(steps=3)
    scaling = replace(run.header.scaling, shift=(100.0,), scale=(4.0,))
    payload = build_payload(replace(run, header=replace(run.header, scaling=scaling)), quadratic, TEXT)
    assert payload["data"]["curve_x"] == [100.0, 140.0]
    assert payload["data"]["x"][0] == 100.0
    w, b = run.columns.parameters[2]
    assert payload["frames"]["curve_end"][2] == pytest.approx([b, 10 * w + b], rel=1e-5)  # at x = 0 and 10


def test_several_features_lie_off_a_plane_and_show_parity() -> None:
    run, quadratic = three_features()
    payload = build_payload(run, quadratic, TEXT)
    frames, data = payload["frames"], payload["data"]
    assert payload["plane"]["kind"] == "path"
    assert 0.5 < payload["plane"]["explained_variance"] < 1.0
    assert max(frames["distance"]) > 1e-3
    assert all(plane != true for plane, true in zip(frames["plane_loss"], frames["full_loss"], strict=True))
    spread = run.header.start_loss - payload["floor"]["loss"]
    true, shadow = np.array(frames["full_loss"]), np.array(frames["plane_loss"])
    assert np.allclose(frames["off_plane"], np.abs(true - shadow) / spread)
    assert payload["plane"]["minimum_uv"] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert (data["kind"], data["curve_x"], data["x"]) == ("parity", None, data["y"])
    assert len(frames["curve_end"][0]) == len(data["x"]) == 50
    predicted = run.sample.features @ run.columns.parameters[-1][:-1] + run.columns.parameters[-1][-1]
    assert frames["curve_end"][-1] == pytest.approx(predicted, rel=1e-5)


@pytest.mark.slow
def test_a_logistic_neuron_has_a_curve_and_no_optimum() -> None:
    payload = build_payload(*logistic(), TEXT)
    assert payload["optimum"] is None
    assert payload["floor"]["kind"] == "lowest seen"
    assert payload["floor"]["loss"] == min(payload["frames"]["full_loss"])
    assert payload["data"]["kind"] == "logistic"
    assert len(payload["data"]["curve_x"]) == len(payload["frames"]["curve_end"][0]) == 61
    assert payload["data"]["best"] is None
    assert all(0 <= value <= 1 for value in payload["frames"]["curve_end"][-1])
    assert payload["rate"]["limit"] is None
    json.loads(to_json(payload))


def test_mini_batches_have_all_rows_losses_of_their_own() -> None:
    run, quadratic = textbook(batch=16, steps=40)
    frames = build_payload(run, quadratic, TEXT)["frames"]
    assert [k for k, loss in enumerate(frames["full_loss"]) if loss is not None] == [6, 13, 20, 27, 34]
    assert frames["off_plane"][0] is None
    before, after = quadratic.loss(frames["start"]), quadratic.loss(frames["end"])
    assert np.allclose(frames["slice_came"], after - before, atol=1e-12)
    assert frames["slice_came"] != frames["real_change"]
    update = np.array(frames["end"]) - frames["start"]
    assert np.allclose(frames["slice_promised"], (quadratic.gradient(frames["start"]) * update).sum(axis=1))
    defined = np.array([reach is not None for reach in frames["slice_reach"]])
    assert np.array_equal(defined, np.array(frames["slice_promised"]) < 0)


def test_a_run_that_was_killed_has_no_summary() -> None:
    run, quadratic = textbook(steps=5)
    payload = build_payload(replace(run, summary=None), quadratic, TEXT)
    assert payload["outcome"] == "interrupted"
    assert payload["rate"] == {"value": 0.01, "limit": None, "share": None, "crossing": None, "kind": ""}


def test_momentum_has_no_crossing_rate() -> None:
    run, quadratic = textbook(steps=5)
    header = replace(run.header, optimizer_options={"momentum": 0.9})
    assert build_payload(replace(run, header=header), quadratic, TEXT)["rate"]["crossing"] is None


def test_json_spells_what_json_lacks() -> None:
    payload = {
        "a": [float("nan"), float("inf"), -float("inf"), None, 0.1],
        "b": {"c": 1e300},
        "d": "NaN stays",
    }
    text = to_json(payload)
    assert json.loads(text) == {
        "a": ["NaN", "Infinity", "-Infinity", None, 0.1],
        "b": {"c": 1e300},
        "d": "NaN stays",
    }


def test_words_of_text_stay_where_numbers_become_words() -> None:
    payload = {"NaN": [float("nan")], "said": 'it is "NaN, or -Infinity: \\', "n": [1.5, -float("inf")]}
    text = to_json(payload)
    assert text.count('"NaN"') == 2  # the key, and the number
    assert json.loads(text) == {"NaN": ["NaN"], "said": payload["said"], "n": [1.5, "-Infinity"]}


def test_json_is_safe_inside_a_page() -> None:
    words = "</script><!-- \u2028 \u2029 − é"
    text = to_json({"title": words})
    page = report_page(text, "line")
    shown = page[page.index('id="payload">') + len('id="payload">') :].split("</script>")[0]
    assert not set("<\u2028\u2029") & set(shown)
    assert json.loads(shown)["title"] == words


def test_json_keeps_every_digit(payload: dict[str, Any]) -> None:
    assert json.loads(to_json(payload))["frames"]["loss"] == payload["frames"]["loss"]


def test_the_sentences_come_from_explain_unless_told() -> None:
    from fallline import _explain as explain

    run, quadratic = textbook(steps=4)
    payload = build_payload(run, quadratic)
    assert payload["verdict"] == explain.verdict(run)
    assert payload["frames"]["sentences"][2] == explain.step_sentences(run, 2)
    assert payload["frames"]["beats"][3] == explain.step_beats(run, 3)
    assert len(payload["frames"]["beats"][0]) == 4
