"""What only the compiled gauge does: gradients read where they lie, parameters where they have come to lie."""

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from compiled_gauges import gradient_squares, lent, parameters, read, shift
from fallline._recorder import _compiled_gauge
from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge, plain
from fallline._recorder._gauges import gauge_of
from fallline._recorder._host_gauge import HostGauge
from gauge_oracle import by_layer, numbers_of, sums

pytestmark = pytest.mark.skipif(not COMPILED, reason="fallline was installed without a C compiler")


def test_a_gradient_is_read_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = []
    plain_gather = _compiled_gauge._one_pass.gather

    def gather(addresses: list[int], plan: np.ndarray, into: np.ndarray) -> None:
        copied.append(addresses)
        plain_gather(addresses, plan, into)

    monkeypatch.setattr(_compiled_gauge, "_one_pass", type("Heard", (), {**vars(_compiled_gauge._one_pass)}))
    monkeypatch.setattr(_compiled_gauge._one_pass, "gather", staticmethod(gather))
    tensors = parameters()
    _, found = lent(tensors)
    assert found is not None
    np.testing.assert_allclose(found[0], gradient_squares(tensors), rtol=1e-6)
    assert copied == [[tensor.data_ptr() for tensor in tensors]]  # the parameters alone


@pytest.mark.parametrize("change", ["in place", "foreach", "set_", "resize_"])
def test_changed_by_the_optimizer_means_unmeasured_once_and_copied_from_then_on(change: str) -> None:
    tensors = parameters()

    def spoil() -> None:
        gradient = tensors[0].grad
        assert gradient is not None
        match change:
            case "in place":
                gradient.mul_(2)
            case "foreach":
                torch._foreach_mul_([tensor.grad for tensor in tensors], 0.5)
            case "set_":
                gradient.set_(torch.zeros(1))
            case "resize_":
                gradient.resize_(1000, 1000)

    gauge, found = lent(tensors, spoil)
    assert found is None
    assert gauge.finite
    for _ in range(2):
        for tensor in tensors:
            tensor.grad = torch.randn(tensor.shape)
        expected = gradient_squares(tensors)
        found = read(gauge, tensors, lambda: [tensor.grad.zero_() for tensor in tensors])
        assert found is not None
        np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_a_gradient_taken_off_meanwhile_is_still_read() -> None:
    tensors = parameters()
    expected = gradient_squares(tensors)

    def drop() -> None:
        for tensor in tensors:
            tensor.grad = None
        torch.full((3, 4), 1e9)  # what may come to lie there

    gauge, found = lent(tensors, drop)
    assert found is not None
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    assert gauge._lent is None  # nothing is held on to once it was read


def test_a_second_reading_of_one_step_is_none() -> None:
    gauge, found = lent(parameters())
    assert found is not None
    assert gauge.read() is None
    assert CompiledGauge(parameters(), [0, 1, 2]).read() is None


def test_what_is_kept_is_copied_at_once() -> None:
    tensors = parameters()
    gauge = CompiledGauge(tensors, [0, 1, 2], lend=True)
    gauge.remember()
    gauge.consume(None, keep=True)
    consumed = [tensor.grad.clone().numpy() for tensor in tensors]
    shift(tensors)
    for tensor in tensors:
        tensor.grad.zero_()
    assert gauge.read() is not None
    for kept, update, expected in zip(gauge.gradient, gauge.update, consumed, strict=True):
        np.testing.assert_array_equal(kept, expected)
        np.testing.assert_allclose(update, -0.25, rtol=1e-6)


def test_a_scale_makes_a_copy() -> None:
    tensors = parameters()
    gauge = CompiledGauge(tensors, [0, 1, 2], lend=True)
    gauge.remember()
    gauge.consume(torch.tensor([8.0]), keep=False)
    expected = gradient_squares(tensors)
    for tensor in tensors:
        tensor.grad.zero_()  # a fused optimizer writes the unscaled ones there
    np.testing.assert_allclose(by_layer(gauge, gauge.read())[0], np.array(expected) / 64, rtol=1e-6)


def test_optimizers_of_others_get_copies() -> None:
    class Own(torch.optim.SGD):
        pass

    tensors = parameters()
    for optimizer, lends in ((Own(tensors), False), (torch.optim.SGD(tensors), True)):
        gauge = gauge_of(tensors, [0, 1, 2], optimizer)
        assert isinstance(gauge, CompiledGauge)
        assert gauge._lends is lends


# -- parameters that change their place ------------------------------------------------------------------------------


@pytest.mark.parametrize("lend", [True, False])
def test_storage_replaced_within_the_step(lend: bool) -> None:
    """By a hook of the user's after the optimizer's own step: the old storage must not be read any more."""
    tensors = parameters([(1000, 1000), (3,)])
    gauge = CompiledGauge(tensors, [0, 1], lend=lend)
    gauge.remember()
    gauge.consume(None, keep=lend)
    for tensor in tensors:
        tensor.data = tensor.data * 3
    found = by_layer(gauge, gauge.read())
    np.testing.assert_allclose(found[1], 4 * found[2], rtol=1e-5)


def test_another_shape_at_the_same_place_is_not_possible() -> None:
    """The old storage is held until the gauge has seen the new one."""
    tensor = nn.Parameter(torch.ones(1000))
    tensor.grad = torch.ones(1000)
    gauge, _ = lent([tensor])
    old = tensor.data_ptr()
    tensor.data = torch.empty(0)
    others = [torch.ones(1000) for _ in range(50)]
    assert all(other.data_ptr() != old for other in others)
    with pytest.raises(fl.OptionError, match=r"shape \(1000,\), torch.float32 on the cpu, became one of shape \(0,\)"):
        gauge.remember()


def test_memory_format_changed_in_mid_run() -> None:
    tensor = nn.Parameter(torch.randn(2, 3, 4, 4))
    tensor.grad = torch.randn(2, 3, 4, 4)
    gauge, _ = lent([tensor])
    tensor.data = tensor.data.to(memory_format=torch.channels_last)
    tensor.grad = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert not tensor.is_contiguous()
    before, gradient = numbers_of([tensor], [tensor]), numbers_of([tensor.grad], [tensor])
    found = read(gauge, [tensor])
    np.testing.assert_allclose(found, sums(before, gradient, numbers_of([tensor], [tensor]), [0]), rtol=1e-5)


def test_storage_that_was_freed_is_said() -> None:
    tensor = nn.Parameter(torch.ones(10))
    tensor.grad = torch.ones(10)
    gauge = CompiledGauge([tensor], [0])
    gauge.remember()
    gauge.consume(None)
    tensor.untyped_storage().resize_(0)
    with pytest.raises(fl.OptionError, match=r"storage of a parameter of shape \(10,\) was freed"):
        gauge.read()


def test_what_is_plain() -> None:
    assert plain(parameters())
    assert not plain([])
    assert not plain(parameters(dtype=torch.float16))
    assert not plain([*parameters(), *parameters(dtype=torch.float64)])
    assert not plain([nn.Parameter(torch.ones(3, 4).t())])
    assert not plain([torch.ones(1, dtype=torch.complex64).conj().imag])
    assert not plain([torch.ones(2, device="meta")])


def test_without_it_numpy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fallline._recorder._gauges.COMPILED", False)
    assert isinstance(gauge_of(parameters(), [0, 0, 0], torch.optim.SGD(parameters())), HostGauge)
