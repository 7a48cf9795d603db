"""Splitting the updates of odd tensors. docs/semantics.md#parts-of-an-update-effective-step-snapshots"""

from pathlib import Path

import pytest
import torch
from torch import nn

from fallline._recorder import watch
from fallline._store import read_recording


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_sparse_embedding(tmp_path: Path, momentum: float) -> None:
    """A sparse momentum is not made dense, so that tensor's update is unattributed; the other tensor's is not."""
    torch.manual_seed(0)
    table, out = nn.Embedding(10, 3, sparse=True), nn.Linear(3, 1)
    model = nn.Sequential(table, out)
    optimizer = torch.optim.SGD([table.weight, out.weight], lr=0.1, momentum=momentum)
    with watch(model, optimizer, run=tmp_path / "a.db", quiet=True) as watching:
        for _ in range(5):
            optimizer.zero_grad()
            loss = model(torch.arange(3)).square().mean()
            loss.backward()
            optimizer.step()
            watching.step(loss)
    recording = read_recording(tmp_path / "a.db")
    assert not [event for event in recording.events if "could not be measured" in event.text]
    assert recording.parts.measured.tolist() == [[True]] * 5
    shares = recording.parts.share[:, 0]
    assert shares.sum(axis=1) == pytest.approx([1.0] * 5, rel=1e-5)
    unattributed = recording.parts.norm[:, 0, 4] / recording.parts.norm[:, 0].max(axis=1)
    assert ((unattributed > 0.1) == (momentum > 0)).all()
