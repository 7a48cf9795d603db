"""One run's page: made again only where its file has grown, and never in the writer's way."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
import recordings
from fallline._desk import _run
from fallline._desk._client import Client
from fallline._desk._run import run, run_report
from fallline._desk._run_path import run_path
from fallline._errors import OptionError, RunFileError
from fallline._records import Snapshot
from fallline._store import RecordingWriter
from fallline._view._payload import to_json
from fallline._view._recording import build_recording_payload
from store import recording_samples as samples


def _payload(reply: dict[str, Any]) -> dict[str, Any]:
    payload = reply["payload"]
    assert isinstance(payload, dict)
    return payload


def test_a_recording_has_the_page_of_its_report(tmp_path: Path) -> None:
    samples.make(tmp_path / "0001-net.db")
    reply = run({"name": "0001-net"}, Client(runs=tmp_path))
    payload = _payload(reply)
    loaded = fl.load(tmp_path / "0001-net.db")
    assert isinstance(loaded, fl.Recording)
    assert payload["entry"] == "recording.js"
    assert to_json(payload["picture"]) == to_json(build_recording_payload(loaded))
    assert reply["ask_after"] is None
    about = payload["about"]
    assert (about["kind"], about["outcome"], about["going"], about["snapshots"]) == ("recording", "diverged", False, 2)
    assert about["terminal"] == f"fallline explain 0001-net --folder {tmp_path}"


def test_a_fit_has_the_live_picture_with_its_rates(tmp_path: Path) -> None:
    fl.fit(epochs=3, run=tmp_path / "0001-line.db")
    payload = _payload(run({"name": "0001-line"}, Client(runs=tmp_path)))
    assert (payload["entry"], payload["picture"]["schema"]) == ("render.js", "fallline.view/1")
    assert payload["picture"]["rates"]["own"] is not None


def test_what_has_not_changed_is_not_sent_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.make(tmp_path / "0001-net.db")
    client = Client(runs=tmp_path)
    version = run({"settings": {"name": "0001-net"}}, client)["version"]
    monkeypatch.setattr(_run, "read_recording", None)
    reply = run({"name": "0001-net", "have": version}, client)
    assert reply == {"part": {}, "unchanged": True, "version": version, "ask_after": None}
    assert "payload" in run({"name": "0001-net"}, client)  # a second look from memory


def test_a_growing_run_is_told_as_it_stands_and_ends_once(tmp_path: Path) -> None:
    whole = recordings.diverging()
    assert whole.summary is not None
    client = Client(runs=tmp_path)
    with RecordingWriter.create(tmp_path / "0001-resnet.db", whole.header) as writer:
        writer.append(samples_of(whole, 0, 100))
        writer.commit()
        first = run({"name": 1}, client)
        payload = _payload(first)
        assert payload["about"]["words"] == "Still running"
        assert payload["picture"]["outcome"] is None
        assert payload["picture"]["sentence"].startswith("Still running: step 99, loss ")
        assert "cost of watching" not in {row["label"] for row in payload["picture"]["made"]["rows"]}
        assert first["ask_after"] == 1.0
        writer.append(samples_of(whole, 100, 150))
        writer.commit()  # nobody's reading is in its way
        second = run({"name": 1, "have": first["version"]}, client)
        assert _payload(second)["picture"]["rows"] == 150
        writer.finish(whole.summary)
    last = run({"name": 1, "have": second["version"]}, client)
    assert (_payload(last)["picture"]["outcome"], last["ask_after"]) == ("diverged", None)


def test_reading_leaves_the_version_as_it_is(tmp_path: Path) -> None:
    with RecordingWriter.create(tmp_path / "0001-net.db", samples.header()) as writer:
        writer.append(*samples.all_series(0, 30))
        writer.commit()
        client = Client(runs=tmp_path)
        versions = {run({"name": 1}, Client(runs=tmp_path))["version"] for _ in range(3)} | {
            run({"name": 1}, client)["version"]
        }
        assert len(versions) == 1


def test_a_killed_run_is_asked_about_seldom(tmp_path: Path) -> None:
    samples.make(tmp_path / "0001-net.db", finish=False)
    os.utime(tmp_path / "0001-net.db", (1000, 1000))
    reply = run({"name": 1}, Client(runs=tmp_path))
    assert reply["ask_after"] == 10.0
    assert _payload(reply)["about"]["words"] == "No end was written: killed, or silent"
    assert "has no end" in _payload(reply)["picture"]["sentence"]


def test_a_run_that_falls_silent_is_told_anew(tmp_path: Path) -> None:
    path = samples.make(tmp_path / "0001-net.db", finish=False)
    client = Client(runs=tmp_path)
    first = run({"name": 1}, client)
    kept: Any = client.memory["run:"]
    assert kept["0001-net"].payload["about"]["going"]
    stat = path.stat()
    os.utime(path, ns=(stat.st_mtime_ns - 3600 * 10**9,) * 2)
    second = run({"name": 1, "have": first["version"]}, client)
    assert not _payload(second)["about"]["going"]


def test_broken_files_and_foreign_names_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "0001-text.db").write_text("hello", encoding="utf-8")
    with pytest.raises(RunFileError, match="it is not a run file"):
        run({"name": "0001-text"}, Client(runs=tmp_path))
    for handler in (run, run_report, run_path):
        with pytest.raises(OptionError, match="a name as in the list is needed, without a folder"):
            handler({"name": "../0001-text"}, Client(runs=tmp_path))


def test_the_report_is_the_offline_page(tmp_path: Path) -> None:
    samples.make(tmp_path / "0001-net.db")
    payload = _payload(run_report({"name": "0001-net"}, Client(runs=tmp_path)))
    fl.report(fl.load(tmp_path / "0001-net.db"), tmp_path / "net.html")
    assert payload == {"html": (tmp_path / "net.html").read_text(encoding="utf-8"), "file": "0001-net.html"}


def test_the_path_of_the_snapshots_lies_in_a_plane(tmp_path: Path) -> None:
    points = np.array([[8, 0, 0], [5, 1, 0], [3, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=np.float32)
    with RecordingWriter.create(tmp_path / "0001-net.db", samples.header()) as writer:
        for step, point in zip((-1, 0, 2, 5, 9), points, strict=True):
            values = np.concatenate([point, np.zeros(7, np.float32)]).astype("<f4")
            writer.append(Snapshot(step, np.frombuffer(values.tobytes(), np.uint8)))
        writer.append(samples.steps(0, 10))
        writer.finish(samples.summary())
    told = _payload(run_path({"name": 1}, Client(runs=tmp_path)))
    assert told["steps"] == [-1, 0, 2, 5, 9]
    plane = told["plane"]
    centred = points.astype(float) - points.mean(axis=0)
    spread = np.linalg.svd(points.astype(float), compute_uv=False)
    assert plane["share"] == pytest.approx(1 - plane["away"][2] ** 2 / (centred**2).sum(), abs=0.02)
    assert sum(plane["shares"]) == pytest.approx(plane["share"])
    assert plane["shares"][0] > plane["shares"][1] > 0
    assert np.linalg.norm(np.hypot(*np.array(plane["points"]).T)) == pytest.approx(np.linalg.norm(spread[:2]))
    loss = samples.steps(0, 10).loss
    measured = samples.steps(0, 10).loss_measured
    expected = [float(loss[k]) if k < 10 and measured[k] else None for k in (0, 1, 3, 6, 10)]
    np.testing.assert_equal(told["losses"], expected)
    assert told["command"].startswith("fallline surface mymodule:objective --run 0001-net --folder ")


def test_too_few_snapshots_are_told_and_a_fit_has_its_own_picture(tmp_path: Path) -> None:
    samples.make(tmp_path / "0001-net.db")
    told = _payload(run_path({"name": 1}, Client(runs=tmp_path)))
    assert told["plane"] is None
    assert told["sentences"][0].startswith("2 snapshots of the parameters are in the file: too few")
    fl.fit(epochs=1, run=tmp_path / "0002-line.db")
    with pytest.raises(OptionError, match="is a fit"):
        run_path({"name": 2}, Client(runs=tmp_path))


def samples_of(whole: fl.Recording, first: int, stop: int) -> Any:
    """Some rows of a recording's steps."""
    steps = whole.steps
    return type(steps)(**{name: getattr(steps, name)[first:stop] for name in steps.__dataclass_fields__})
