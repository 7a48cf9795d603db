"""A neuron's random start is torch.nn.Linear's own, and nobody else's business."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from fallline._problem._start import starting_neuron

NAMES = ("w_a", "w_b", "b")


def numbers(seed: int) -> list[float]:
    model = starting_neuron(NAMES, None, seed=seed, dtype="float32", drawn=50)
    return [*model.weight.detach()[0].tolist(), model.bias.item()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_start_is_that_of_a_script(dtype: torch.dtype) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        torch.randn(50, 1, dtype=torch.float32)
        own = torch.nn.Linear(2, 1, dtype=dtype)
    model = starting_neuron(NAMES, None, seed=7, dtype=str(dtype).removeprefix("torch."), drawn=50)
    assert torch.equal(model.weight, own.weight)
    assert torch.equal(model.bias, own.bias)


def test_the_programs_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    numbers(3)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.slow
def test_threads_do_not_meet_in_one_stream() -> None:
    alone = [numbers(seed) for seed in range(5)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(numbers, [place % 5 for place in range(200)]))
    finally:
        sys.setswitchinterval(interval)
    assert found == [alone[place % 5] for place in range(200)]
