"""What only the compiled gauge does: gradients read where they lie, and the sums in C."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

import fallline as fl
from fallline._recorder import _compiled_gauge
from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge, plain
from fallline._recorder._gauges import gauge_of
from fallline._recorder._host_gauge import HostGauge
from gauge_oracle import by_layer, numbers_of, step, sums

pytestmark = pytest.mark.skipif(not COMPILED, reason="fallline was installed without a C compiler")
BLOCK = 256
"""Of _one_pass.c."""
Move = Callable[[], None]


def parameters(
    shapes: Sequence[tuple[int, ...]] = ((3, 4), (4,), ()), dtype: torch.dtype = torch.float32
) -> list[nn.Parameter]:
    random = torch.Generator().manual_seed(1)
    made = [nn.Parameter(torch.randn(shape, generator=random).to(dtype)) for shape in shapes]
    for tensor in made:
        tensor.grad = torch.randn(tensor.shape, generator=random).to(dtype)
    return made


def lent(tensors: Sequence[nn.Parameter], move: Move | None = None) -> tuple[CompiledGauge, np.ndarray | None]:
    """A gauge that may read gradients where they lie, and its reading of one step by one layer a tensor."""
    gauge = CompiledGauge(tensors, range(len(tensors)), lend=True)
    return gauge, read(gauge, tensors, move)


def read(gauge: CompiledGauge, tensors: Sequence[nn.Parameter], move: Move | None = None) -> np.ndarray | None:
    gauge.remember()
    gauge.consume(None, keep=False)
    shift(tensors)
    if move is not None:
        move()
    reading = gauge.read()
    return None if reading is None else by_layer(gauge, reading)


def shift(tensors: Sequence[nn.Parameter]) -> None:
    with torch.no_grad():
        for tensor in tensors:
            tensor.sub_(0.25)


def gradient_squares(tensors: Sequence[nn.Parameter]) -> list[float]:
    return [float(tensor.grad.double().square().sum()) for tensor in tensors if tensor.grad is not None]


# -- gradients read where they lie -----------------------------------------------------------------------------------


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


# -- gradients that are not as their parameters ----------------------------------------------------------------------


def sparse(tensor: nn.Parameter) -> None:
    tensor.grad = torch.sparse_coo_tensor([[0, 2, 2]], [1.0, 2.0, 3.0], (4,), check_invariants=True)


def missing(tensor: nn.Parameter) -> None:
    tensor.grad = None


def strided(tensor: nn.Parameter) -> None:
    tensor.grad = torch.randn(8)[::2]


def spread(tensor: nn.Parameter) -> None:
    tensor.grad = torch.tensor(0.5).expand(4)


def wide(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(4, dtype=torch.float64)


def half(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(4, dtype=torch.bfloat16)


def of_another_shape(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(2, 2)


def of_one_number(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(1)


def in_a_graph(tensor: nn.Parameter) -> None:
    tensor.grad = (tensor * 2).clone()


def of_inference_mode(tensor: nn.Parameter) -> None:
    with torch.inference_mode():
        tensor.grad = torch.randn(4)


def negated(tensor: nn.Parameter) -> None:
    tensor.grad = torch.randn(4, dtype=torch.complex64).conj().imag
    assert tensor.grad.is_neg()


ODD = [
    sparse, missing, strided, spread, wide, half, of_another_shape, of_one_number, in_a_graph, of_inference_mode,
    negated,
]  # fmt: skip


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("odd", ODD)
def test_odd_gradients(odd: Callable[[nn.Parameter], None], keep: bool) -> None:
    tensors = parameters()
    odd(tensors[1])
    gradient = tensors[1].grad
    values = torch.zeros(4) if gradient is None else gradient.detach().to_dense().resolve_neg().double().reshape(-1)
    values = values.expand(4) if values.numel() == 1 else values
    gauge = CompiledGauge(tensors, [0, 1, 2], lend=True)
    gauge.remember()
    gauge.consume(None, keep=keep)
    shift(tensors)
    found = by_layer(gauge, gauge.read())
    assert found[0, 1] == pytest.approx(float(values.square().sum()), rel=1e-6)
    assert found[3, 1] == pytest.approx(-0.25 * float(values.sum()), rel=1e-5, abs=1e-6)


def test_one_number_of_a_conjugate() -> None:
    tensor = nn.Parameter(torch.ones(1))
    tensor.grad = torch.tensor([3.0 - 2.0j]).conj().imag
    assert tensor.grad.is_contiguous()
    assert tensor.grad.is_neg()
    _, found = lent([tensor])
    assert found is not None
    assert found[3, 0] == -0.5


def test_tied_parameters() -> None:
    whole = torch.randn(6)
    tensors = [nn.Parameter(whole[:4]), nn.Parameter(whole[2:])]
    for tensor in tensors:
        tensor.grad = torch.ones(4)
    before = numbers_of(tensors, tensors)
    _, found = lent(tensors)
    expected = sums(before, numbers_of([torch.ones(4)] * 2, tensors), numbers_of(tensors, tensors), [0, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_tensor_may_be_both() -> None:
    tensor = nn.Parameter(torch.ones(300))
    tensor.grad = tensor.data
    gauge = CompiledGauge([tensor], [0])
    found, expected = step(gauge, [tensor], [0], lambda: shift([tensor]))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


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


# -- a real loop -----------------------------------------------------------------------------------------------------


class Greedy(torch.optim.SGD):
    """Changes the gradients it is given, as clipping inside a step does."""

    def step(self, closure: Callable[[], float] | None = None) -> None:
        for group in self.param_groups:
            for tensor in group["params"]:
                tensor.grad.mul_(0.5)
        super().step()


Greedy.__module__ = "torch.optim.greedy"  # as if it were PyTorch's own, and trusted


def recorded(
    run: Path,
    optimizer_of: Callable[..., torch.optim.Optimizer],
    steps: int = 90,
    prepare: Callable[[torch.optim.Optimizer], object] = lambda _: None,
) -> fl.Recording:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optimizer_of(model.parameters(), lr=0.05)
    prepare(optimizer)
    x, y = torch.randn(32, 4), torch.randn(32, 1)
    with fl.watch(model, optimizer, run=run, quiet=True) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss)
    return fl.load(run)


def test_the_same_record_as_by_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = recorded(tmp_path / "compiled.db", torch.optim.AdamW)
    monkeypatch.setattr("fallline._recorder._gauges.COMPILED", False)
    by_numpy = recorded(tmp_path / "numpy.db", torch.optim.AdamW)
    for name in ("gradient_norm", "update_norm", "parameter_norm", "first_order_change"):
        np.testing.assert_allclose(getattr(compiled.steps, name), getattr(by_numpy.steps, name), rtol=1e-4)
    np.testing.assert_allclose(compiled.parts.share, by_numpy.parts.share, rtol=1e-3, atol=1e-6)
    assert compiled.steps.measured.all()


@pytest.mark.parametrize("everywhere", [False, True])
def test_hooks_of_others_may_do_anything(tmp_path: Path, everywhere: bool) -> None:
    """Also what PyTorch does not count: gradients emptied through ``.data``, parameters given new storage."""
    handles = []

    def spoil(optimizer: torch.optim.Optimizer, *_: object) -> None:
        for tensor in optimizer.param_groups[0]["params"]:
            tensor.grad.data.zero_()
            tensor.data = tensor.data.clone()

    def prepare(optimizer: torch.optim.Optimizer) -> None:
        register = register_optimizer_step_post_hook if everywhere else optimizer.register_step_post_hook
        handles.append(register(spoil))

    try:
        spoiled = recorded(tmp_path / "spoiled.db", torch.optim.SGD, prepare=prepare).steps
    finally:
        for handle in handles:
            handle.remove()
    steps = recorded(tmp_path / "run.db", torch.optim.SGD).steps
    assert spoiled.measured.all()
    assert (spoiled.gradient_norm > 0).all()
    for name in ("gradient_norm", "update_norm", "parameter_norm"):
        np.testing.assert_allclose(getattr(spoiled, name), getattr(steps, name), rtol=1e-6)


def test_what_a_closure_evaluates_later_is_not_the_gradient(tmp_path: Path) -> None:
    """Emptied in a way that PyTorch does not count; the recorded one is that of the first evaluation."""
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(32, 4)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    first: list[float] = []

    def closure() -> torch.Tensor:
        for tensor in model.parameters():
            if tensor.grad is not None:
                tensor.grad.data.zero_()
        loss = model(x).square().mean()
        loss.backward()
        norms.append(float(nn.utils.get_total_norm([tensor.grad for tensor in model.parameters()])))
        return loss

    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        for _ in range(20):
            norms: list[float] = []
            optimizer.step(closure)
            first.append(norms[0])
            watch.step()
    np.testing.assert_allclose(fl.load(tmp_path / "run.db").steps.gradient_norm[:, 0], first, rtol=1e-4)


def test_only_one_step_of_a_greedy_optimizer_is_not_measured(tmp_path: Path) -> None:
    steps = recorded(tmp_path / "run.db", Greedy).steps
    assert np.flatnonzero(~steps.measured[:, 0]).size <= 1  # the first ones, whose parts are measured, are copied
    assert (steps.updates == 1).all()
    np.testing.assert_allclose(  # the whole gradient was recorded, but only half of it used
        steps.update_norm[steps.measured], 0.025 * steps.gradient_norm[steps.measured], rtol=1e-4
    )


# -- the sums --------------------------------------------------------------------------------------------------------

SIZES = st.integers(-30, 30).map(lambda power: 10.0**power)


SMALL, ONE = 1e-22, 1.0
"""The square of the first has hardly a digit left in float32."""


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


def test_without_it_numpy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fallline._recorder._gauges.COMPILED", False)
    assert isinstance(gauge_of(parameters(), [0, 0, 0], torch.optim.SGD(parameters())), HostGauge)
