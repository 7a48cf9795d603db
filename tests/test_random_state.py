import random
import sys

import numpy as np
import pytest
import torch

from fallline._random_state import put_random_state, random_devices, take_random_state
from same_batch_loops import random_states


def draws() -> list[float]:
    return [torch.rand(1).item(), torch.randn(1).item(), random.gauss(0, 1), np.random.rand(), np.random.randn()]


def test_taking_moves_no_generator() -> None:
    draws()  # half a pair of normal numbers waits in Python's and NumPy's generators
    before = random_states()
    take_random_state()
    assert random_states() == before


def test_what_is_put_back_draws_the_same_again() -> None:
    draws()
    state = take_random_state()
    first = draws()
    draws()
    put_random_state(state)
    assert draws() == first


def test_a_kept_state_is_not_moved_by_later_draws() -> None:
    state = take_random_state()
    first = draws()
    put_random_state(state)
    draws()
    put_random_state(state)
    assert draws() == first


def test_only_devices_have_a_generator_beside_the_host() -> None:
    assert random_devices([torch.zeros(1), torch.zeros(2)]) == ()
    assert random_devices([torch.empty(1, device="meta"), torch.empty(2, device="meta")]) == (torch.device("meta"),)


def test_what_was_never_imported_has_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy.random")
    state = take_random_state()
    assert state.numpy is None
    put_random_state(state)
    assert "numpy.random" not in sys.modules
