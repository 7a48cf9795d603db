"""``examples/digits.py`` does what it says: both networks, once well and once with a rate that explodes."""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import fallline as fl
from cli.shell import ROOT, environment, here

pytestmark = pytest.mark.slow
EPOCHS, STEPS_PER_EPOCH = 15, 12
FLOAT = r"([\d.]+)"


class Trained(NamedTuple):
    """One of the trainings: the line that says how it ended, the share that it reads right, its record."""

    line: str
    accuracy: float
    run: fl.Recording


@pytest.fixture(scope="module", params=["mlp", "cnn"])
def trainings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Trained]]:
    """The folder in which the example ran, and what came of its two trainings of one network."""
    folder = tmp_path_factory.mktemp(request.param)
    script = [sys.executable, "-W", "error", ROOT / "examples" / "digits.py", "--epochs", EPOCHS]
    done = subprocess.run(
        [*map(str, script), "--model", request.param],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    accuracies = [float(one) / 100 for one in re.findall(f"reads {FLOAT}%", done.stdout)]
    runs = [fl.load(path) for path in sorted((folder / "runs").glob("*.db"))]
    lines = done.stderr.splitlines()
    assert len(lines) == len(accuracies) == len(runs) == 2, (done.stdout, done.stderr)
    return folder, [Trained(*one) for one in zip(lines, accuracies, runs, strict=True)]


def test_a_good_rate(trainings: tuple[Path, list[Trained]]) -> None:
    good = trainings[1][0]
    found = re.match(rf"(\d+) steps: loss {FLOAT} to {FLOAT} ", good.line)
    assert found is not None, good.line
    steps, first, last = int(found[1]), float(found[2]), float(found[3])
    assert steps == len(good.run) == EPOCHS * STEPS_PER_EPOCH
    assert last < 0.2 * first
    assert good.accuracy > 0.85
    assert good.run.logged["accuracy"].value.tolist() == pytest.approx([good.accuracy], abs=0.0006)
    assert good.run.summary is not None
    assert good.run.summary.outcome is fl.Outcome.DESCENDING
    assert not good.run.alarms
    assert good.run.batches.reach_measured.any()


def test_a_rate_that_explodes_is_stopped_by_its_alarm(trainings: tuple[Path, list[Trained]]) -> None:
    exploded = trainings[1][1]
    alarm = exploded.run.alarms[0]
    assert exploded.line.startswith(f"Diverged at step {alarm.step}; ")
    assert len(exploded.run) < EPOCHS * STEPS_PER_EPOCH
    assert exploded.run.summary is not None
    assert exploded.run.summary.outcome is fl.Outcome.DIVERGED
    assert exploded.accuracy < 0.5


def test_the_commands_that_it_names(trainings: tuple[Path, list[Trained]]) -> None:
    folder, (_, exploded) = trainings
    listed = here(folder, "runs")
    assert listed.status == 0
    assert len(listed.out.splitlines()) == 3
    explained = here(folder, "explain")
    assert explained.status == 0
    assert f"step {exploded.run.alarms[0].step}" in explained.out
    assert here(folder, "report").status == 0
    assert len(list((folder / "runs").glob("*.html"))) == 1
