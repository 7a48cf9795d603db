"""The gauges of the host find what plain loops find, whatever the parameters are like."""

import threading
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder import _host_gauge
from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge
from fallline._recorder._device_gauge import DeviceGauge
from fallline._recorder._gauges import gauge_of
from fallline._recorder._host_gauge import PIECE, HostGauge
from gauge_oracle import by_layer, numbers_of, step, sums

SHAPES = [(3, 4), (4,), (), (2, 3, 2), (1, 1)]
LAYERS = [1, 1, 0, 2, 0]
OWN = torch.optim.SGD([torch.zeros(1)])
NEEDS_COMPILED = pytest.mark.skipif(not COMPILED, reason="fallline was installed without a C compiler")
EVERY = pytest.mark.parametrize("kind", [pytest.param(CompiledGauge, marks=NEEDS_COMPILED), HostGauge, DeviceGauge])
Kind = Callable[[Sequence[nn.Parameter], Sequence[int]], CompiledGauge | HostGauge | DeviceGauge]


def parameters(shapes: Sequence[tuple[int, ...]] = SHAPES, dtype: torch.dtype = torch.float32) -> list[nn.Parameter]:
    random = torch.Generator().manual_seed(1)
    made = [nn.Parameter(torch.randn(shape, generator=random).to(dtype)) for shape in shapes]
    for tensor in made:
        tensor.grad = torch.randn(tensor.shape, generator=random).to(dtype)
    return made


def move(tensors: Sequence[nn.Parameter], by: float = 0.01) -> None:
    with torch.no_grad():
        for k, tensor in enumerate(tensors):
            tensor.add_(torch.full_like(tensor, by * (k + 1)))
            tensor.mul_(1 - by)


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_sums_are_those_of_plain_loops(kind: Kind, dtype: torch.dtype) -> None:
    if kind is CompiledGauge and dtype == torch.float16:
        pytest.skip("not plain")
    tensors = parameters(dtype=dtype)
    gauge = kind(tensors, LAYERS)
    for _ in range(3):
        found, expected = step(gauge, tensors, LAYERS, lambda: move(tensors))
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype != torch.float64 else 1e-13)
        assert gauge.finite


@EVERY
def test_update_and_gradient_in_the_order_of_the_tensors(kind: Kind) -> None:
    tensors = parameters()
    before = [tensor.detach().clone() for tensor in tensors]
    gauge = kind(tensors, LAYERS)
    step(gauge, tensors, LAYERS, lambda: move(tensors))
    for k, tensor in enumerate(tensors):
        assert tuple(gauge.update[k].shape) == tuple(tensor.shape)
        np.testing.assert_allclose(np.asarray(gauge.update[k]), (tensor - before[k]).detach().numpy(), rtol=1e-6)
        np.testing.assert_array_equal(np.asarray(gauge.gradient[k]), tensor.grad.numpy())


@EVERY
def test_the_gradient_is_the_one_before_the_optimizer_changed_it(kind: Kind) -> None:
    tensors = parameters()

    def spoil() -> None:
        move(tensors)
        for tensor in tensors:
            tensor.grad.zero_()

    found, expected = step(kind(tensors, LAYERS), tensors, LAYERS, spoil)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (found[0] > 0).all()


@EVERY
def test_odd_gradients(kind: Kind) -> None:
    tensors = parameters()
    gauge = kind(tensors, LAYERS)
    step(gauge, tensors, LAYERS, lambda: move(tensors))
    tensors[0].grad = None
    tensors[1].grad = torch.sparse_coo_tensor([[0, 2, 2]], [1.0, 2.0, 3.0], (4,), check_invariants=True)
    tensors[3].grad = (tensors[3] * 2).clone()
    assert tensors[3].grad.requires_grad
    found, expected = step(gauge, tensors, LAYERS, lambda: move(tensors))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert not any(getattr(kept, "requires_grad", False) for kept in gauge.gradient)


@EVERY
def test_a_scaled_gradient_is_divided(kind: Kind) -> None:
    tensors = parameters()
    gauge = kind(tensors, LAYERS)
    gauge.remember()
    gauge.consume(torch.tensor([64.0]))
    move(tensors)
    found = by_layer(gauge, gauge.read())
    _, expected = step(kind(tensors, LAYERS), tensors, LAYERS, lambda: None)
    np.testing.assert_allclose(found[0], expected[0] / 64**2, rtol=1e-5)


@EVERY
@pytest.mark.parametrize("size", [1e30, 1e-21, 1e-30])
def test_squares_that_overflow_or_vanish(kind: Kind, size: float) -> None:
    tensors = parameters()
    for tensor in tensors:
        tensor.data.mul_(size)
        tensor.grad.mul_(size)
    gauge = kind(tensors, LAYERS)

    def double() -> None:
        with torch.no_grad():
            for tensor in tensors:
                tensor.mul_(2)

    found, expected = step(gauge, tensors, LAYERS, double)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert gauge.finite


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_found_and_warns_of_nothing(kind: Kind, value: float) -> None:
    tensors = parameters()
    gauge = kind(tensors, LAYERS)
    gauge.remember()
    tensors[0].grad[0, 0] = value
    gauge.consume(torch.tensor(0.0))
    gauge.consume(None)
    with torch.no_grad():
        tensors[3].fill_(value)
    before = np.geterr()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = by_layer(gauge, gauge.read())
    assert said == []
    assert np.geterr() == before
    assert not gauge.finite
    assert not np.isfinite(found[0, 1])
    assert not np.isfinite(found[1, 2])
    assert np.isfinite(found[2]).all()  # before the update
    assert np.isfinite(found[:, 0]).all()


@EVERY
def test_a_standing_model_costs_no_second_look(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = parameters()
    for tensor in tensors:
        tensor.grad = None
    gauge = kind(tensors, LAYERS)
    monkeypatch.setattr(_host_gauge, "_product", pytest.fail)
    found, expected = step(gauge, tensors, LAYERS, lambda: None)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (found[[0, 1, 3]] == 0).all()


@EVERY
def test_storage_that_is_replaced_in_mid_run(kind: Kind) -> None:
    tensors = parameters()
    gauge = kind(tensors, LAYERS)
    step(gauge, tensors, LAYERS, lambda: move(tensors))

    def replace() -> None:
        for tensor in tensors:
            tensor.data = tensor.data.clone() * 3

    found, expected = step(gauge, tensors, LAYERS, replace)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@EVERY
def test_storage_of_another_kind_is_said(kind: Kind) -> None:
    tensors = parameters()
    gauge = kind(tensors, LAYERS)
    gauge.remember()
    tensors[0].data = tensors[0].data.double()
    with pytest.raises(OptionError, match=r"shape \(3, 4\), torch.float32 on .*cpu, became .* torch.float64"):
        gauge.remember()


@EVERY
def test_strided_parameters(kind: Kind) -> None:
    tensors = [
        nn.Parameter(torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last)),
        nn.Parameter(torch.randn(4, 3).t()),
    ]
    for tensor in tensors:
        tensor.grad = torch.randn_like(tensor)
    assert not any(tensor.is_contiguous() for tensor in tensors)
    found, expected = step(kind(tensors, [0, 1]), tensors, [0, 1], lambda: move(tensors))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("few_pieces", [0, 64])
def test_layers_longer_than_a_piece(few_pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host_gauge, "FEW_PIECES", few_pieces)
    shapes, layers = [(PIECE + 3,), (2, 2), (2, PIECE), (5,)], [2, 0, 1, 2]
    tensors = parameters(shapes)
    gauge = HostGauge(tensors, layers)
    assert len(gauge.layers) == (3 if few_pieces == 0 else 5)
    found, expected = step(gauge, tensors, layers, lambda: move(tensors))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [HostGauge, DeviceGauge])
def test_mixed_dtypes_and_an_empty_tensor(kind: Kind) -> None:
    tensors = [*parameters([(3,), (0,)]), *parameters([(2, 2)], torch.float64)]
    layers = [0, 1, 0]
    found, expected = step(kind(tensors, layers), tensors, layers, lambda: move(tensors))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_which_gauge() -> None:
    host = CompiledGauge if COMPILED else HostGauge
    assert isinstance(gauge_of(parameters([(3, 4), (1,)]), [0, 0], OWN), host)
    assert isinstance(gauge_of(parameters([(3,)], torch.float64), [0], OWN), host)
    assert isinstance(gauge_of(parameters([(3,)], torch.float16), [0], OWN), HostGauge)
    assert isinstance(gauge_of([*parameters([(3,)]), *parameters([(3,)], torch.float64)], [0, 0], OWN), HostGauge)
    assert isinstance(gauge_of([nn.Parameter(torch.zeros(4, 3).t())], [0], OWN), HostGauge)
    assert isinstance(gauge_of(parameters([(3,)], torch.bfloat16), [0], OWN), DeviceGauge)
    assert isinstance(gauge_of([nn.Parameter(torch.zeros(1, dtype=torch.complex64))], [0], OWN), DeviceGauge)
    assert gauge_of([], [], OWN).layers == []


def test_numpy_starts_no_threads_of_its_own() -> None:
    tensors = parameters([(5, PIECE), (300, 300)])
    gauge = HostGauge(tensors, [0, 1])
    before = threading.active_count(), torch.get_num_threads()
    assert max(len(piece.update) for piece in gauge._pieces) <= PIECE
    step_only(gauge, tensors)
    assert (threading.active_count(), torch.get_num_threads()) == before


def step_only(gauge: HostGauge, tensors: Sequence[nn.Parameter]) -> None:
    gauge.remember()
    gauge.consume(None)
    move(tensors)
    gauge.read()


def test_the_oracle_itself() -> None:
    found = sums([[1.0, 2.0], [0.5]], [[3.0, 4.0], [2.0]], [[2.0, 0.0], [1.0]], [1, 0])
    assert found.tolist() == [[4.0, 25.0], [0.25, 5.0], [0.25, 5.0], [1.0, -5.0]]
    assert numbers_of([None], [torch.ones(2)]) == [[0.0, 0.0]]
