"""``examples/edge_of_stability.py``: sharpness rises to what the rate allows, and stays; README's numbers are its."""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import fallline as fl
from cli.shell import ROOT, environment, here
from fallline._records import LimitKind

pytestmark = pytest.mark.slow
STEPS, MEASUREMENTS = 1800, 32
LINE = re.compile(
    r"^(SGD|Adam) +rate ([\d.]+) +(\d+)/rate = ([\d,]+) +sharpness +([\d,]+) at first, +([\d,]+) at last: +(\d+)%",
    re.MULTILINE,
)
RATES = [("SGD", 0.02), ("SGD", 0.05), ("SGD", 0.1), ("Adam", 0.0005), ("Adam", 0.001), ("Adam", 0.002)]


class Said(NamedTuple):
    """A line that the example prints."""

    optimizer: str
    rate: float
    numerator: float
    limit: float
    first: float
    last: float
    share: float


def lines(text: str) -> list[Said]:
    found = []
    for name, *numbers, share in LINE.findall(text):
        found.append(Said(name, *(float(one.replace(",", "")) for one in numbers), float(share) / 100))
    return found


class Ran(NamedTuple):
    folder: Path
    out: str
    runs: list[fl.Recording]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The example, with fewer steps and measurements than by itself."""
    folder = tmp_path_factory.mktemp("edge")
    script = [sys.executable, "-W", "error", ROOT / "examples" / "edge_of_stability.py", "--steps", STEPS]
    done = subprocess.run(
        [*map(str, script), "--measurements", str(MEASUREMENTS)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return Ran(folder, done.stdout, [fl.load(path) for path in sorted((folder / "runs").glob("*.db"))])


def test_the_sharpness_rises_to_what_the_rate_allows_and_stays(ran: Ran) -> None:
    said = lines(ran.out)
    assert [(one.optimizer, one.rate) for one in said] == RATES
    for one, run in zip(said, ran.runs, strict=True):
        tracked = run.sharpness
        assert tracked.edge == pytest.approx(np.full(len(tracked), one.numerator / one.rate), rel=1e-6)
        assert one.limit == pytest.approx(one.numerator / one.rate)
        assert one.first < 0.7 * one.limit
        late = tracked.share[3 * len(tracked) // 4 :]
        assert 0.9 < np.median(late) < 1.1
        assert (late > 0.75).all()
        assert (late < 1.25).all()
        assert one.share == pytest.approx(np.median(late), abs=0.006)
        assert run.steps.loss[-1] < 0.05 * run.steps.loss[0]


def test_plain_descent_has_a_provable_limit_and_adam_one_of_its_preconditioner(ran: Ran) -> None:
    for (name, rate), run in zip(RATES, ran.runs, strict=True):
        tracked = run.sharpness
        known = np.flatnonzero(tracked.limit_measured)
        assert len(known) == len(tracked) == MEASUREMENTS
        assert {tracked.kind(row) for row in known} == {LimitKind.PROVABLE if name == "SGD" else LimitKind.FROZEN}
        assert tracked.preconditioned.all() == (name == "Adam")
        assert (2 if name == "SGD" else 38) / rate == pytest.approx(tracked.edge[0], rel=1e-6)
        assert tracked.converged.all()


def test_what_the_readme_shows_is_what_came(ran: Ran) -> None:
    """The last digits belong to the machine: at the edge every rounding is soon magnified."""
    shown = lines((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [(one.optimizer, one.rate) for one in shown] == RATES
    for said, written in zip(lines(ran.out), shown, strict=True):
        assert said[:4] == written[:4]
        assert said.first == pytest.approx(written.first, rel=0.02)
        assert said.last == pytest.approx(written.last, rel=0.1)
        assert said.share == pytest.approx(written.share, abs=0.1)


def test_the_picture_and_the_words(ran: Ran) -> None:
    page = (ran.folder / "edge_of_stability.html").read_text(encoding="utf-8")
    assert "SGD at the edge of stability" in page
    assert "Adam at the edge of stability" in page
    assert (ROOT / "docs" / "images" / "edge_of_stability.png").stat().st_size < 300_000
    told = here(ran.folder, "explain", "runs/0003-sequential.db")
    assert told.status == 0
    assert "the edge of stability" in " ".join(told.out.split())
