"""Watched loops on the command line: explain, one step, live, the list, the export."""

import io
import subprocess
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import fallline as fl
import recordings
from cli.shell import Cli, Done, command, environment
from fallline._cli import _show_recording
from fallline._cli._screen import Screen
from fallline._explain import explain, number
from fallline._recorder import summarised_recording
from fallline._records import Logged, Recording
from fallline._store import RecordingWriter


def store(path: Path, recording: Recording) -> None:
    """Write a recording of the catalogue as a watch would."""
    path.parent.mkdir(exist_ok=True)
    with RecordingWriter.create(path, recording.header) as writer:
        own = [
            Logged(name, int(step), float(value))
            for name, one in recording.logged.items()
            for step, value in zip(one.step, one.value, strict=True)
        ]
        series = (recording.steps, recording.layers, recording.batches, recording.parts, recording.effective)
        writer.append(*series, recording.sharpness, *own, *recording.events, *recording.alarms)
        writer.commit()
        if recording.summary is not None:
            writer.finish(recording.summary)


@pytest.fixture
def stored(folder: Path) -> Callable[[str], None]:
    """``stored("diverging")``: ``runs/0001-diverging.db``."""
    return lambda name: store(folder / "runs" / f"0001-{name}.db", recordings.CATALOGUE[name]())


def words(done: Done) -> str:
    assert (done.status, done.err) == (0, "")
    return " ".join(done.out.split())


@pytest.mark.parametrize("name", ["killed", "diverging"])
def test_the_terminal_says_what_explain_says(cli: Cli, stored: Callable[[str], None], name: str) -> None:
    stored(name)
    told = words(cli("explain"))
    for sentence in explain(summarised_recording(recordings.CATALOGUE[name]())).sentences:
        assert " ".join(sentence.split()) in told


def test_what_broke_stands_last() -> None:
    lines = shown(recordings.diverging(), 80).splitlines()
    places = [next(k for k, line in enumerate(lines) if line.startswith(begins)) for begins in (
        "Diverged at", "The loss began", "loss, mean of", "gradient norm", "update-to-parameter", "reach",
        "Alarm at step", "> layer4.conv1", "Found: step past", "To try first",
    )]  # fmt: skip
    assert places == sorted(places)
    assert places[-1] == len(lines) - 1


def shown(recording: Recording, width: int) -> str:
    out = io.StringIO()
    _show_recording.show_recording(Screen(out, io.StringIO(), width), recording)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", ["well_behaved", "diverging", "gan", "nan_data", "empty"])
def test_it_fits_the_terminal(name: str, width: int) -> None:
    lines = shown(recordings.CATALOGUE[name](), width).splitlines()
    assert max(map(len, lines)) <= min(width, 100)


def test_plain_ascii_where_the_terminal_knows_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out = shown(recordings.gan(), 80)
    plots = out[out.index("loss, mean of") :]
    assert plots.isascii()
    assert "o Adam   ^ RMSprop" in plots


def test_curves_show_what_broke_and_a_gap_stays_open() -> None:
    assert "▲ alarm   ✕ not finite" in shown(recordings.diverging(), 80)
    recording = recordings.gap()
    for lines in _show_recording.plots(recording, 80):
        floor = next(k for k, line in enumerate(lines) if "└" in line)
        begin = lines[floor].index("└") + 1
        wide = len(lines[floor]) - begin
        middle = range(begin + int(0.3 * wide), begin + int(0.4 * wide))  # steps 600 to 800 of 2,000
        assert all(line[k : k + 1].strip() == "" for line in lines[1:floor] for k in middle)


def test_one_point_is_no_curve() -> None:
    """Its axis would run from step −1 to 1."""
    recording = recordings.well_behaved()
    one = replace(recording, batches=replace(recording.batches, **{
        name: values[:1] for name, values in vars(recording.batches).items()
    }))  # fmt: skip
    titles = [lines[0] for lines in _show_recording.plots(one, 80)]
    assert any("loss" in title for title in titles)
    assert not any("reach" in title for title in titles)


def test_a_long_curve_keeps_its_extremes() -> None:
    rng = np.random.default_rng(0)
    value = rng.normal(size=100_000)
    value[[70, 5_000, 99_000]] = 80.0, np.nan, -90.0
    step, kept = _show_recording.thinned(np.arange(100_000), value, 160)
    assert len(step) <= 4 * 160 + 2
    assert {70, 5_000, 99_000} <= set(step.tolist())
    np.testing.assert_array_equal(kept, value[step])


def test_one_step(cli: Cli, stored: Callable[[str], None]) -> None:
    stored("well_behaved")
    recording = recordings.well_behaved()
    done = cli("explain", "--step", 300)
    assert done.out.startswith(f"Step 300 of digits, loss {number(recording.steps.loss[300])}\n\n")
    for sentence in explain(recording, 300).sentences:
        assert sentence in words(done)
    assert "0 (Linear)" in done.out
    assert words(cli("explain", "--step", -1)) == words(cli("explain", "--step", 1999))
    assert "recording has steps 0 to 1,999" in cli("explain", "--step", 5000).sentence


def part_of(recording: Recording, first: int, last: int) -> Any:
    steps = recording.steps
    rows = (steps.step >= first) & (steps.step < last)
    return replace(steps, **{field.name: getattr(steps, field.name)[rows] for field in fields(steps)})


def test_live_until_the_end_is_written(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recordings.diverging()
    assert whole.summary is not None
    (folder / "runs").mkdir()
    writer = RecordingWriter.create(folder / "runs" / "0001-live.db", whole.header)
    writer.append(part_of(whole, 0, 1000))
    writer.commit()
    ahead = iter([(1000, 1000), (1000, 2500), (2500, 4313)])

    def meanwhile(seconds: float) -> None:
        first, last = next(ahead)
        writer.append(part_of(whole, first, last), *(whole.alarms if last == 2500 else ()))
        writer.commit()
        if last == 4313:
            writer.finish(whole.summary)

    monkeypatch.setattr(_show_recording.time, "sleep", meanwhile)
    lines = cli("explain", "--follow").out.splitlines()
    assert [line.partition("   ")[0] for line in (*lines[:2], lines[4])] == ["step 999", "step 2,499", "step 4,312"]
    assert lines[1] == (
        f"step 2,499   loss {number(whole.steps.loss[2400:2500].mean())} (mean of 100)   rate 0.5   "
        f"gradient {number(whole.steps.gradient_norm[2499, 0])}"
    )
    assert lines[2].startswith("ALARM at step 4,312: the loss is not finite")
    assert sum("ALARM" in line for line in lines) == 1
    assert any(line.startswith("Diverged at step 4,312") for line in lines)


def test_live_gives_up_where_nothing_is_written(
    cli: Cli, stored: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored("killed")
    monkeypatch.setattr(_show_recording, "GIVE_UP_SECONDS", 0.0)
    done = cli("explain", "--follow")
    assert done.status == 0
    assert "Nothing was written for 0 seconds" in done.err
    assert done.out.startswith("step 699   loss ")
    ended = " ".join(done.out.split())
    assert "The record has no end (its process is at work, or was killed) after 700 steps: loss 2.115 to" in ended


def test_a_slow_loop_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(_show_recording.time, "monotonic", lambda: now)
    steps = recordings.without_closure().steps
    following = _show_recording.Following()
    assert following.patience == _show_recording.FIRST_SECONDS
    following.hear(replace(steps, seconds=0.01 * (1 + np.arange(len(steps)))))
    assert following.patience == _show_recording.GIVE_UP_SECONDS
    slow = replace(part_of(recordings.without_closure(), 0, 3), seconds=20.0 + np.array([30.0, 60.0, 95.0]))
    now = 190.0
    following.hear(slow)
    assert following.patience == _show_recording.PATIENCE * 90.0
    now = 190.0 + 440.0
    assert not following.silent
    now = 190.0 + 460.0
    assert following.silent


def test_the_list_has_loops_and_neurons(cli: Cli, folder: Path) -> None:
    for k, name in enumerate(("well_behaved", "diverging", "gan", "killed")):
        long = "a-name-as-long-as-a-name-can-be-in-here" if name == "gan" else name
        store(folder / "runs" / f"{k + 1:04d}-{long}.db", recordings.CATALOGUE[name]())
    fl.fit(epochs=2, learning_rate=0.01, run=folder / "runs" / "0005-line.db")
    lines = cli("runs").out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[-1] for line in lines[1:]] == [
        "descending", "diverged", "stalled", "unfinished", "descending",
    ]  # fmt: skip
    assert lines[2].split()[-4:] == ["0.5", "4,313", "NaN", "diverged"]
    assert "Adam + RMSprop" in lines[3]
    rows = cli("runs", "--json").json["runs"]
    assert [row["name"] for row in rows] == ["digits", "resnet", "gan", "digits", "line"]
    assert [row["kind"] for row in rows] == ["loop", "loop", "loop", "loop", "neuron"]


def test_a_list_that_would_be_too_wide_has_shorter_names(cli: Cli, folder: Path) -> None:
    recording = recordings.gan()
    header = replace(recording.header, optimizers=("MyVeryOwnOptimizerOfAllThings", "AndAnotherOneOfMine"))
    store(folder / "runs" / "0001-a-name-as-long-as-a-name-can-be-in-a-folder.db", replace(recording, header=header))
    head, row = cli("runs").out.splitlines()
    assert len(row) <= 100
    assert row.startswith("0001-a-name-as-long")
    assert "  MyVeryOwnOptimizerOf…  " in row
    assert head.index("outcome") == row.index("stalled")


def test_export(cli: Cli, stored: Callable[[str], None]) -> None:
    stored("accumulating")
    assert cli("export", "--csv").out == "runs/0001-accumulating.csv\n"
    frame = polars.read_csv("runs/0001-accumulating.csv")
    assert len(frame) == 400
    np.testing.assert_allclose(frame["loss"].to_numpy(), recordings.accumulating().steps.loss)


def test_report(cli: Cli, stored: Callable[[str], None]) -> None:
    stored("diverging")
    assert cli("report").out == "runs/0001-diverging.html\n"
    page = Path("runs/0001-diverging.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "layer4.conv1" in page


@pytest.mark.slow
def test_a_reader_that_leaves_early(folder: Path, stored: Callable[[str], None]) -> None:
    stored("well_behaved")
    with subprocess.Popen(
        command("explain"), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"digits\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
