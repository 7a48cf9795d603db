"""However small ``memory=`` is: a run on a disk that is in order is whole, or the record says what is missing."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import fallline as fl
from fallline._records import EventKind, Recording


def neuron(path: Path, memory: int, steps: int) -> Recording:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    x = torch.ones(8, 1)
    with fl.watch(model, optimizer, run=path, memory=memory, quiet=True) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss)
    return fl.load(path)


@pytest.mark.slow
@pytest.mark.parametrize("memory", [2_000_000, pytest.param(4_000_000, marks=pytest.mark.slow)])
def test_no_step_of_a_run_is_lost(memory: int, tmp_path: Path) -> None:
    found = neuron(tmp_path / "a.db", memory, 4000)
    assert (len(found), found.summary.steps) == (4000, 4000)
    assert found.events == ()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::fallline.FalllineWarning")
def test_without_any_memory_every_lost_step_is_marked(tmp_path: Path) -> None:
    found = neuron(tmp_path / "a.db", 0, 3000)
    assert found.summary.steps == len(found)
    missing = 0
    for event in found.events:
        if event.kind is EventKind.GAP:
            which = [int(one.replace(",", "")) for one in re.findall(r"[\d,]+", event.text.partition(" missing")[0])]
            missing += which[-1] - which[0] + 1
    assert len(found) + missing == 3000


@pytest.mark.slow
def test_large_snapshots_leave_the_rows_alone(tmp_path: Path) -> None:
    """Twenty of a megabyte, where an eighth of the memory is for what waits."""
    model = nn.Linear(500, 500)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    x = torch.ones(1, 500)
    with fl.watch(model, optimizer, run=tmp_path / "a.db", memory=40_000_000, snapshots=10**9, quiet=True) as watch:
        for _ in range(20):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss)
    found = fl.load(tmp_path / "a.db")
    assert len(found) == 20
    assert found.events == ()
    assert len(found.snapshots) > 3
