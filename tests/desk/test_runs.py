"""The list of runs: what it says of each file, and how little it reads for that."""

import os
from pathlib import Path
from typing import Any

import pytest

import fallline as fl
from fallline._desk import _runs
from fallline._desk._client import Client
from fallline._desk._runs import runs
from fallline._view._payload import to_json
from store import recording_samples as samples


def _rows(client: Client, **request: Any) -> dict[str, dict[str, Any]]:
    payload: Any = runs(request, client)["payload"]
    return {row["name"]: row for row in payload["rows"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fl.fit(epochs=3, run=tmp_path / "0001-line.db")
    samples.make(tmp_path / "0002-net.db")
    samples.make(tmp_path / "0003-open.db", finish=False)
    (tmp_path / "0004-claimed.db").touch()
    (tmp_path / "0005-cut.db").write_bytes((tmp_path / "0002-net.db").read_bytes()[:5000])
    (tmp_path / "0006-text.db").write_text("hello", encoding="utf-8")
    return tmp_path


def test_each_file_has_its_line(folder: Path) -> None:
    rows = _rows(Client(runs=folder))
    line, net = rows["0001-line"], rows["0002-net"]
    assert (line["kind"], line["words"], line["model"], line["optimizer"]) == (
        "fit",
        "Descending",
        "neuron, y of x",
        "SGD",
    )
    assert (line["steps"], line["loss"]) == (3, fl.load(folder / "0001-line.db").summary.last_loss)
    assert (net["kind"], net["outcome"], net["steps"]) == ("recording", "diverged", 30)
    assert net["words"] == "Diverged; 1 alarm"
    assert (net["model"], net["optimizer"], net["learning_rate"]) == ("Net, 10 parameters", "SGD + Adam", 0.1)
    assert rows["0003-open"]["words"] == "Still running; 1 alarm"
    assert rows["0004-claimed"]["words"] == "Empty"
    for name in ("0005-cut", "0006-text"):
        assert rows[name]["words"] == "Cannot be read"
        assert rows[name]["problem"].startswith(f"The run file {name}.db cannot be read: ")
    assert "Infinity" in to_json({"rows": list(rows.values())})


def test_a_silent_run_without_an_end_is_not_called_running(folder: Path) -> None:
    for path in folder.iterdir():
        os.utime(path, (1000, 1000))
    row = _rows(Client(runs=folder))["0003-open"]
    assert (row["going"], row["words"]) == (False, "No end was written: killed, or silent; 1 alarm")


def test_where_a_fit_diverged_is_told(tmp_path: Path) -> None:
    made = fl.fit(epochs=90, learning_rate=0.05, run=tmp_path / "0001-line.db")
    first = made.columns.first_not_finite
    assert _rows(Client(runs=tmp_path))["0001-line"]["words"] == f"Diverged: not finite from step {first}"


def test_only_what_has_changed_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(runs=folder)
    version = runs({}, client)["version"]
    read: list[str] = []
    once = _runs.read_row
    monkeypatch.setattr(_runs, "read_row", lambda file: read.append(file.name) or once(file))
    assert runs({"have": version}, client) == {"part": {}, "unchanged": True, "version": version}
    assert read == []
    (folder / "0001-line.db").unlink()
    fl.fit(epochs=4, run=folder / "0001-line.db")
    again = runs({"have": version}, client)
    assert read == ["0001-line"]
    assert again["version"] != version
    assert _rows(client)["0001-line"]["steps"] == 4


def test_no_folder_is_an_empty_list(tmp_path: Path) -> None:
    payload = runs({}, Client(runs=tmp_path / "none"))["payload"]
    assert payload == {"folder": str(tmp_path / "none"), "there": False, "rows": [], "unread": 0, "older": 0}


def test_many_files_are_told_as_they_are_read_the_newest_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(folder / "0001-line.db", (10**10, 10**10))
    monkeypatch.setattr(_runs, "READING_SECONDS", -1.0)
    client = Client(runs=folder)
    payload: Any = runs({}, client)["payload"]
    assert (payload["rows"], payload["unread"]) == ([], 6)
    monkeypatch.setattr(_runs, "READING_SECONDS", 60.0)
    payload = runs({}, client)["payload"]
    assert (payload["rows"][0]["name"], payload["unread"]) == ("0001-line", 0)
