"""A tensor as numbers: all of a small one, a summary of a large one, exact enough for five digits."""

import math

import numpy as np
import pytest
import torch

from fallline._backprop._values import KEPT, joined, summed_up, value_of


def test_a_small_tensor_is_kept_number_by_number_and_cannot_be_written() -> None:
    tensor = torch.tensor([[3.0, -4.0]])
    value = value_of(tensor)
    tensor.zero_()
    assert value.numbers is not None
    assert value.numbers.tolist() == [[3.0, -4.0]]
    assert (value.least, value.greatest, value.mean, value.norm) == (-4.0, 3.0, -0.5, 5.0)
    assert (value.shape, value.dtype, value.not_finite) == ((1, 2), "float32", 0)
    with pytest.raises(ValueError, match="read-only"):
        value.numbers[0, 0] = 1.0


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(64, 33, 3, 3, generator=torch.Generator().manual_seed(1)),
        torch.randn(16, 32, 9, 9, generator=torch.Generator().manual_seed(2)).to(memory_format=torch.channels_last),
        torch.randn(100, 90, generator=torch.Generator().manual_seed(3))[:, ::2],
        torch.randn(5001, generator=torch.Generator().manual_seed(4)) * 1e-22,
        torch.randn(5001, generator=torch.Generator().manual_seed(5)) * 1e30,
        torch.randn(60, 1, generator=torch.Generator().manual_seed(6)).expand(60, 100),
        torch.randn(3000, generator=torch.Generator().manual_seed(7)).to(torch.bfloat16),
        torch.arange(2000),
        torch.arange(2000) % 3 == 0,
    ],
)
def test_the_summary_of_a_large_tensor_is_that_of_its_numbers(tensor: torch.Tensor) -> None:
    value, exact = value_of(tensor), tensor.to(torch.float64).numpy()
    assert value.numbers is None
    assert value.shape == tuple(tensor.shape)
    assert (value.least, value.greatest) == (exact.min(), exact.max())
    assert value.norm == pytest.approx(np.linalg.norm(exact), rel=3e-6)
    assert value.mean == pytest.approx(exact.mean(), abs=1e-6 * np.abs(exact).mean())


@pytest.mark.parametrize("size", [4, KEPT + 1])
def test_the_summary_is_of_the_finite_entries(size: int) -> None:
    tensor = torch.full((size,), 2.0)
    tensor[0], tensor[1] = math.nan, -math.inf
    value = value_of(tensor)
    assert value.not_finite == 2
    assert (value.least, value.greatest, value.mean) == (2.0, 2.0, 2.0)
    assert value.norm == pytest.approx(2 * math.sqrt(size - 2))


@pytest.mark.parametrize("size", [3, KEPT + 1])
def test_nothing_finite_has_no_summary(size: int) -> None:
    value = value_of(torch.full((size,), math.inf))
    assert value.not_finite == size
    assert all(math.isnan(each) for each in (value.least, value.greatest, value.mean, value.norm))


@pytest.mark.parametrize("size", [2, KEPT + 1])
def test_numbers_whose_squares_have_no_float64_have_a_norm(size: int) -> None:
    assert value_of(torch.full((size,), 1e300, dtype=torch.float64)).norm == pytest.approx(1e300 * math.sqrt(size))
    assert value_of(torch.full((size,), 1e-300, dtype=torch.float64)).norm == pytest.approx(1e-300 * math.sqrt(size))


def test_other_kinds_of_tensors() -> None:
    assert value_of(torch.tensor([3 + 4j])).numbers == pytest.approx([5.0])
    assert value_of(torch.eye(2).to_sparse()).norm == pytest.approx(math.sqrt(2))
    assert value_of(torch.zeros(0)).not_finite == 0
    assert value_of(torch.zeros(3, device="meta")).numbers is None
    assert value_of(torch.tensor(7)).numbers == 7.0


@pytest.mark.parametrize("sizes", [(3, 2), (KEPT, 5)])
def test_several_outputs_are_one_end_to_end(sizes: tuple[int, int]) -> None:
    parts = [torch.linspace(-1, 2, size) for size in sizes]
    whole, each = value_of(torch.cat(parts)), joined([value_of(part) for part in parts])
    assert (each.shape, each.least, each.greatest) == (whole.shape, whole.least, whole.greatest)
    assert each.mean == pytest.approx(whole.mean)
    assert each.norm == pytest.approx(whole.norm)
    assert (each.numbers is None) == (whole.numbers is None)


def test_complex_numbers_keep_their_parts() -> None:
    z = torch.tensor([3 - 4j, 2j])
    seen = value_of(z)
    assert seen.numbers is not None
    assert seen.parts is not None
    assert seen.numbers.tolist() == [5.0, 2.0]
    assert [part.tolist() for part in seen.parts] == [[3.0, 0.0], [-4.0, 2.0]]
    assert value_of(z.conj()).parts[1].tolist() == [4.0, -2.0]  # type: ignore[index]  # just asked
    assert value_of(torch.ones(2)).parts is None
    assert value_of(torch.ones(1001, dtype=torch.complex64)).parts is None


def test_complex_numbers_add_up_by_their_parts() -> None:
    one, other = value_of(torch.tensor([3 - 4j])), value_of(torch.tensor([-3 + 3j]))
    whole, both = summed_up([one, other]), joined([one, other])
    assert whole is not None
    assert whole.numbers is not None
    assert whole.parts is not None
    assert both.parts is not None
    assert (whole.numbers.tolist(), [part.tolist() for part in whole.parts]) == ([1.0], [[0.0], [-1.0]])
    assert [part.tolist() for part in both.parts] == [[3.0, -3.0], [-4.0, 3.0]]
