"""_one_pass.c: the sums of any numbers at any address, and arguments that do not fit."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from compiled_gauges import lent, parameters, shift
from fallline._recorder import _compiled_gauge
from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge
from gauge_oracle import step

pytestmark = pytest.mark.skipif(not COMPILED, reason="fallline was installed without a C compiler")
BLOCK = 256
"""Of _one_pass.c."""
SIZES = st.integers(-30, 30).map(lambda power: 10.0**power)


SMALL, ONE = 1e-22, 1.0
"""The square of the first has hardly a digit left in float32."""


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@example(BLOCK, (SMALL, ONE, ONE), True, torch.float32, 0)
@example(BLOCK, (ONE, SMALL, ONE), True, torch.float32, 0)
@example(BLOCK, (SMALL, ONE, SMALL), True, torch.float32, 0)
@example(BLOCK, (1e18, ONE, ONE), True, torch.float32, 0)
@given(
    length=st.sampled_from([0, 1, 3, 4, 8, 255, 256, 257, 3 * BLOCK + 5]),
    sizes=st.tuples(SIZES, SIZES, SIZES),
    one_size=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 1 << 20),
)
def test_sums_of_any_length_and_size(
    length: int, sizes: tuple[float, float, float], one_size: bool, dtype: torch.dtype, seed: int
) -> None:
    random = np.random.default_rng(seed)

    def numbers(size: float) -> torch.Tensor:
        made = random.normal(size=length) * size
        if not one_size:
            made *= 10.0 ** random.integers(-8, 1, length)
            made[random.random(length) < 0.3] = 0.0
        return torch.from_numpy(made).to(dtype)

    tensors = [nn.Parameter(numbers(sizes[0])), nn.Parameter(torch.ones(2, dtype=dtype))]
    tensors[0].grad, tensors[1].grad = numbers(sizes[1]), torch.ones(2, dtype=dtype)
    new = numbers(sizes[2])

    def move() -> None:
        with torch.no_grad():
            tensors[0].copy_(new)

    gauge = CompiledGauge(tensors, [0, 1])
    found, expected = step(gauge, tensors, [0, 1], move)
    rtol = 3e-6 if dtype == torch.float32 else 1e-13
    np.testing.assert_allclose(found[:3], expected[:3], rtol=rtol)
    lengths = np.sqrt(expected[0] * expected[1])
    assert (np.abs(found[3] - expected[3]) <= rtol * lengths).all()
    assert gauge.finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 255, 256, 600])
def test_one_number_of_many_that_is_not_finite(value: float, place: int) -> None:
    tensors = parameters([(601,), (300,)])
    tensors[0].grad[place] = value
    gauge, found = lent(tensors)
    assert found is not None
    assert not gauge.finite
    assert not np.isfinite(found[0, 0])
    assert np.isfinite(found[1:3]).all()
    assert np.isfinite(found[:, 1]).all()


def test_layers_of_several_tensors_add_up() -> None:
    tensors = parameters([(300,), (2, 2), (256,), (1,)])
    gauge = CompiledGauge(tensors, [5, 2, 5, 2])
    assert gauge.layers == [2, 5]
    found, expected = step(gauge, tensors, [5, 2, 5, 2], lambda: shift(tensors))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_at_an_odd_address() -> None:
    raw = bytearray(np.arange(601, dtype=np.float32).tobytes() + bytes(8))
    misplaced = np.frombuffer(b"\0" + bytes(raw[:-1]), dtype=np.uint8)[1:]
    where, plan = misplaced.ctypes.data, np.array([[601, 0]], dtype=np.int64)
    assert where % 4 != 0
    kept = np.zeros(601, dtype=np.float32)
    found = _compiled_gauge._one_pass.update_sums([where], [where], plan, kept, 1)
    assert found == pytest.approx([float(np.square(np.arange(601.0)).sum())] * 2 + [0.0] + found[3:])
    np.testing.assert_array_equal(kept, np.arange(601, dtype=np.float32))


PLAN = np.array([[2, 0], [1, 1]], dtype=np.int64)
KEPT = np.zeros(3, dtype=np.float32)
HERE = KEPT.ctypes.data
WRONG = [
    (([HERE], [HERE, HERE], PLAN, KEPT, 2), ValueError),
    (([HERE], [HERE], PLAN, KEPT, 1), ValueError),
    (([HERE, HERE], [HERE], PLAN, KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT[:2], 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, np.zeros(4, np.float32), 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT.astype(np.int32), 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT.astype(np.float16), 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, np.zeros(6, np.float32)[::2], 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, bytes(12), 2), BufferError),
    (([HERE, HERE], [HERE, HERE], PLAN, [0.0] * 3, 2), TypeError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT, 1), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT, 3), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT, -1), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT, 1 << 80), OverflowError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT, None), TypeError),
    (([HERE, HERE], [HERE, HERE], PLAN.astype(np.int32), KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN.view(np.float64), KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN.astype(">i8"), KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], np.array([2, 0, 1, 1, 7]), KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], PLAN[:1], KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], np.array([[-1, 0], [4, 1]]), KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], np.array([[2, 0], [1, -1]]), KEPT, 2), ValueError),
    (([HERE, HERE], [HERE, HERE], np.array([[1 << 62, 0], [1 << 62, 1]]), KEPT, 2), ValueError),
    (([HERE, 0], [HERE, HERE], PLAN, KEPT, 2), ValueError),
    (([HERE, "there"], [HERE, HERE], PLAN, KEPT, 2), TypeError),
    (([HERE, HERE], [HERE, 0.5], PLAN, KEPT, 2), TypeError),
    (([HERE, 1 << 80], [HERE, HERE], PLAN, KEPT, 2), OverflowError),
    (((HERE, HERE), [HERE, HERE], PLAN, KEPT, 2), TypeError),
    (([HERE, HERE], [HERE, HERE], PLAN, KEPT), TypeError),
    ((), TypeError),
]


@pytest.mark.parametrize(("arguments", "error"), WRONG)
def test_wrong_arguments_are_refused(arguments: tuple[object, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        _compiled_gauge._one_pass.update_sums(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([HERE], PLAN, KEPT), ValueError),
        (([HERE, HERE], PLAN, KEPT[:2]), ValueError),
        (([HERE, HERE], PLAN, KEPT.astype(np.int64)), ValueError),
        (([HERE, HERE], np.array([[-1, 0], [4, 0]]), KEPT), ValueError),
        (([HERE, HERE], PLAN.view(np.float64), KEPT), ValueError),
        (([HERE, None], PLAN, KEPT), TypeError),
        ((None, PLAN, KEPT), TypeError),
        (([HERE, HERE], None, KEPT), TypeError),
        ((), TypeError),
    ],
)
def test_wrong_arguments_to_gather_are_refused(arguments: tuple[object, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        _compiled_gauge._one_pass.gather(*arguments)


def test_right_arguments_are_taken() -> None:
    """So that each of the wrong ones above is refused for what is wrong with it."""
    other = np.ones(3, dtype=np.float32)
    here = other.ctypes.data
    kept = np.zeros(3, dtype=np.float32)
    _compiled_gauge._one_pass.gather([here, 0], PLAN, kept)
    assert kept.tolist() == [1.0, 1.0, 0.0]
    assert _compiled_gauge._one_pass.update_sums([here, here], [0, here], PLAN, kept, 2) == [0, 1, 0, 1, 2, 0, 0, 1]
    assert kept.tolist() == [0.0, 0.0, 1.0]
    assert _compiled_gauge._one_pass.update_sums([], [], np.zeros((0, 2), np.int64), kept[:0], 0) == []


def test_buffers_are_let_go() -> None:
    kept = bytearray(12)
    for view in (memoryview(kept).cast("f"), memoryview(kept).cast("i")):
        for arguments in (([HERE, HERE], [0, 0], PLAN, view, 2), ([HERE, "no"], [0, 0], PLAN, view, 2)):
            try:
                _compiled_gauge._one_pass.update_sums(*arguments)
            except (ValueError, TypeError):
                continue
        view.release()
    kept.append(0)  # refused while somebody still has it
