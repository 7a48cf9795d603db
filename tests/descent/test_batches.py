"""What an epoch consists of."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fallline._descent import Batches


def batches_of(rows: int, size: int | None, seed: int = 0) -> Batches:
    return Batches(
        torch.arange(float(rows)).view(rows, 1), torch.arange(float(rows)).view(rows, 1), size=size, seed=seed
    )


@pytest.mark.slow
@given(rows=st.integers(1, 40), size=st.integers(1, 50), epoch=st.integers(0, 5), seed=st.integers(-(2**63), 2**63 - 1))
def test_every_row_once_an_epoch_and_the_same_when_asked_again(rows: int, size: int, epoch: int, seed: int) -> None:
    batches = batches_of(rows, size, seed)
    indices = batches.indices(epoch)
    assert len(indices) == batches.per_epoch == -(-rows // min(size, rows))
    assert sorted(torch.cat(indices).tolist()) == list(range(rows))
    assert all(len(part) == batches.size for part in indices[:-1])
    assert [part.tolist() for part in batches_of(rows, size, seed).indices(epoch)] == [p.tolist() for p in indices]
    shown = list(batches.epoch(epoch))
    assert [features[:, 0].tolist() for features, _ in shown] == [[float(k) for k in part] for part in indices]
    assert all(torch.equal(features, target) for features, target in shown)


def test_epochs_and_seeds_differ() -> None:
    orders = {
        tuple(torch.cat(batches_of(50, 5, seed).indices(epoch)).tolist()) for seed in range(4) for epoch in range(4)
    }
    assert len(orders) == 16


def test_the_global_random_state_is_untouched() -> None:
    before = torch.random.get_rng_state()
    list(batches_of(20, 3).epoch(1))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("size", [None, 10, 11])
def test_full_batch_is_the_table_itself(size: int | None) -> None:
    batches = batches_of(10, size)
    assert batches.full
    ((features, target),) = batches.epoch(4)
    assert features is batches.features
    assert target is batches.target
