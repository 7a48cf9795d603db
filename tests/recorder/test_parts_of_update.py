"""What updates are made of, against loops written out, `_parts.parts_of`, and the real optimizers.

docs/semantics.md#parts-of-an-update-effective-step-snapshots
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fallline._parts import parts_of
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._parts_of_update import FORMULAS, SUMS, Stretch
from fallline._recorder._split_update import UpdateSplitter

STEPS = 8
RATE = 0.03
OPTIM = torch.optim
CASES: Mapping[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "SGD": (OPTIM.SGD, {}),
    "SGD momentum": (OPTIM.SGD, {"momentum": 0.9}),
    "SGD all": (OPTIM.SGD, {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1}),
    "SGD Nesterov": (OPTIM.SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "Adam": (OPTIM.Adam, {}),
    "Adam decay": (OPTIM.Adam, {"weight_decay": 0.1, "betas": (0.7, 0.9), "eps": 1e-3}),
    "Adam decoupled": (OPTIM.Adam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "AdamW": (OPTIM.AdamW, {}),
    "AdamW no decay": (OPTIM.AdamW, {"weight_decay": 0.0}),
    "RMSprop": (OPTIM.RMSprop, {}),
    "RMSprop decay": (OPTIM.RMSprop, {"weight_decay": 0.1, "alpha": 0.8}),
    "AMSGrad": (OPTIM.AdamW, {"amsgrad": True}),
    "RMSprop centered": (OPTIM.RMSprop, {"centered": True}),
    "RMSprop momentum": (OPTIM.RMSprop, {"momentum": 0.7, "weight_decay": 0.1, "centered": True}),
    "NAdam": (OPTIM.NAdam, {}),
    "NAdam decay": (OPTIM.NAdam, {"weight_decay": 0.1, "momentum_decay": 0.1}),
    "NAdam decoupled": (OPTIM.NAdam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "RAdam": (OPTIM.RAdam, {}),
    "RAdam decay": (OPTIM.RAdam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "RAdam never rectified": (OPTIM.RAdam, {"betas": (0.9, 0.5)}),
    "Adamax": (OPTIM.Adamax, {"weight_decay": 0.1}),
    "Adagrad": (OPTIM.Adagrad, {"weight_decay": 0.1, "lr_decay": 0.2, "initial_accumulator_value": 0.3}),
    "Adadelta": (OPTIM.Adadelta, {"weight_decay": 0.1, "lr": 1.0}),
}
LIKE_NEURON = [
    "SGD", "SGD momentum", "SGD all", "SGD Nesterov", "Adam", "Adam decay", "Adam decoupled", "AdamW",
    "AdamW no decay", "RMSprop", "RMSprop decay",
]  # fmt: skip
"""What `_parts.parts_of` knows, in the same words; AMSGrad it knows from PyTorch's running maximum too."""


@dataclass
class History:
    """One run: what the splitter said after each step, and the run itself."""

    sums: list[np.ndarray] = field(default_factory=list)
    gradients: list[np.ndarray] = field(default_factory=list)
    trajectory: list[np.ndarray] = field(default_factory=list)
    optimizer: Any = None

    def norms(self, step: int) -> np.ndarray:
        return np.sqrt(self.sums[step].sum(axis=0)[:5])

    def products(self, step: int) -> np.ndarray:
        return np.asarray(self.sums[step].sum(axis=0)[5:10])


class TensorGauge:
    """A gauge as a device has it: tensors."""

    def __init__(self, tensors: Sequence[nn.Parameter]) -> None:
        self.tensors, self.gradient, self.update = tensors, [], []

    def remember(self) -> None:
        self.before = [tensor.detach().clone() for tensor in self.tensors]

    def consume(self, scale: None) -> None:
        assert scale is None
        self.gradient = [
            torch.zeros_like(each) if each.grad is None else each.grad.detach().to_dense().clone()
            for each in self.tensors
        ]

    def read(self) -> None:
        self.update = [now.detach() - then for now, then in zip(self.tensors, self.before, strict=True)]


def flat(tensors: Sequence[torch.Tensor | None]) -> np.ndarray:
    dense = [torch.zeros(0) if each is None else each.detach().to_dense() for each in tensors]
    real = [torch.view_as_real(each) if each.is_complex() else each for each in dense]
    return torch.cat([each.reshape(-1).double() for each in real]).numpy()


def run(
    optimizer_class: type[torch.optim.Optimizer],
    options: Mapping[str, Any],
    *,
    dtype: torch.dtype = torch.float64,
    gauge: Callable[[Sequence[nn.Parameter]], Any] = lambda tensors: HostGauge(tensors, [0] * len(tensors)),
    steps: int = STEPS,
    scale: float = 1.0,
) -> History:
    """Two tensors under changing gradients."""
    generator = torch.Generator().manual_seed(3)
    tensors = [nn.Parameter(torch.randn(shape, generator=generator).to(dtype)) for shape in ((3, 4), (5,))]
    optimizer = optimizer_class(tensors, **{"lr": RATE, **options})
    held = gauge(tensors)
    splitter = UpdateSplitter(optimizer, tensors, held)
    history = History(optimizer=optimizer, trajectory=[flat(tensors)])
    for _ in range(steps):
        for tensor in tensors:
            tensor.grad = scale * (tensor.detach() + torch.randn(tensor.shape, generator=generator).to(dtype))
        held.remember()
        held.consume(None)
        history.gradients.append(flat([tensor.grad for tensor in tensors]))
        optimizer.step()
        held.read()
        history.sums.append(np.asarray(splitter.split(), dtype=np.float64))
        history.trajectory.append(flat(tensors))
    return history


@pytest.mark.parametrize("name", CASES)
def test_every_part_is_accounted_for(name: str) -> None:
    history = run(*CASES[name])
    for step in range(STEPS):
        update = history.trajectory[step + 1] - history.trajectory[step]
        assert history.norms(step)[4] < 1e-12 * max(np.linalg.norm(update), history.norms(step).max())
        assert history.products(step).sum() == pytest.approx(update @ update, rel=1e-12)
        assert history.sums[step].sum(axis=0)[10] == pytest.approx(update @ update, rel=1e-12)


@pytest.mark.parametrize("name", LIKE_NEURON)
def test_as_a_recorded_neuron_run_has_it(name: str) -> None:
    optimizer_class, options = CASES[name]
    history = run(optimizer_class, options)
    trajectory = np.array(history.trajectory)
    rates = np.full(STEPS, RATE)
    known = parts_of(optimizer_class.__name__, options, trajectory, np.array(history.gradients), rates)
    assert known is not None
    changes = {part.name: part.change for part in known}
    assert_parts_are(history, [changes.get(part) for part in ("gradient", "momentum", "preconditioning", "decay")])


def assert_parts_are(history: History, expected: Sequence[np.ndarray | None], within: float = 1e-9) -> None:
    for step in range(STEPS):
        update = history.trajectory[step + 1] - history.trajectory[step]
        for k, part in enumerate(expected):
            change = np.zeros_like(update) if part is None else part[step]
            assert history.norms(step)[k] == pytest.approx(np.linalg.norm(change), rel=within, abs=1e-15)
            assert history.products(step)[k] == pytest.approx(change @ update, rel=within, abs=1e-15)


def replayed(name: str, history: History) -> list[np.ndarray]:
    """Gradient, momentum, preconditioning, decay [T, P] by a loop over the history."""
    options = history.optimizer.param_groups[0]
    rate, delta = options["lr"], options["weight_decay"]
    zero = np.zeros_like(history.gradients[0])
    mean, square, buffer, grad_mean, moved = zero, zero, zero, zero, zero
    largest, product = zero, 1.0
    if name == "Adagrad":
        square = zero + options["initial_accumulator_value"]
    rows = []
    for k, (g, theta) in enumerate(zip(history.gradients, history.trajectory, strict=False)):
        t = k + 1
        decoupled = options.get("decoupled_weight_decay", False)
        u = g if decoupled else g + delta * theta
        if name in {"NAdam", "RAdam", "AMSGrad", "Adamax"}:
            first, second = options["betas"]
            mean = first * mean + (1 - first) * u
            square = second * square + (1 - second) * u**2
        momentum, preconditioning = zero, zero
        if name == "AMSGrad":
            largest = np.maximum(largest, square)
            m = mean / (1 - first**t)
            scale = 1 / (np.sqrt(largest / (1 - second**t)) + options["eps"])
            momentum, preconditioning = m - u, (scale - 1) * m
        elif name == "NAdam":
            now, then = (first * (1 - 0.5 * 0.96 ** (n * options["momentum_decay"])) for n in (t, t + 1))
            product *= now
            m = (1 - now) / (1 - product) * u + then / (1 - product * then) * mean
            scale = 1 / (np.sqrt(square / (1 - second**t)) + options["eps"])
            momentum, preconditioning = m - u, (scale - 1) * m
        elif name == "RAdam":
            end = 2 / (1 - second) - 1
            length = end - 2 * t * second**t / (1 - second**t)
            m, scale = mean / (1 - first**t), 1.0
            if length > 5:
                r = math.sqrt((length - 4) * (length - 2) * end / ((end - 4) * (end - 2) * length))
                scale = r * math.sqrt(1 - second**t) / (np.sqrt(square) + options["eps"])
            momentum, preconditioning = m - u, (scale - 1) * m
        elif name == "Adamax":
            largest = np.maximum(second * largest, np.abs(u) + options["eps"])
            m = mean / (1 - first**t)
            momentum, preconditioning = m - u, (1 / largest - 1) * m
        elif name == "RMSprop":
            alpha = options["alpha"]
            square = alpha * square + (1 - alpha) * u**2
            grad_mean = alpha * grad_mean + (1 - alpha) * u
            scale = 1 / (np.sqrt(square - grad_mean**2) + options["eps"])
            preconditioning = (scale - 1) * u
            if options["momentum"] > 0:
                buffer = options["momentum"] * buffer + scale * u
                momentum = buffer - scale * u
        elif name == "Adagrad":
            square = square + u**2
            rate = options["lr"] / (1 + k * options["lr_decay"])
            preconditioning = (1 / (np.sqrt(square) + options["eps"]) - 1) * u
        elif name == "Adadelta":
            rho, eps = options["rho"], options["eps"]
            square = rho * square + (1 - rho) * u**2
            scale = np.sqrt(moved + eps) / np.sqrt(square + eps)
            moved = rho * moved + (1 - rho) * (scale * u) ** 2
            preconditioning = (scale - 1) * u
        rows.append([-rate * part for part in (g, momentum, preconditioning, delta * theta)])
    return [np.array(part) for part in zip(*rows, strict=True)]


@pytest.mark.parametrize("name", [name for name in CASES if name not in LIKE_NEURON])
def test_as_a_loop_written_out(name: str) -> None:
    history = run(*CASES[name])
    kind = name.split(maxsplit=1)[0]
    within = 1e-6 if kind == "NAdam" else 1e-9  # PyTorch keeps its product of momenta in float32
    assert_parts_are(history, replayed(kind, history), within)


@pytest.mark.parametrize("name", CASES)
def test_tensors_as_arrays(name: str) -> None:
    """On a device: the same numbers, and every scalar may be a tensor."""
    for here, there in zip(run(*CASES[name]).sums, run(*CASES[name], gauge=TensorGauge).sums, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_numbers_left_on_the_device(name: str) -> None:
    history = run(*CASES[name])
    group = history.optimizer.param_groups[0]
    tensor = group["params"][0]
    state = history.optimizer.state[tensor]
    options = {key: value for key, value in group.items() if key != "params"}
    scalars = {key: value for key, value in state.items() if key in ("step", "mu_product")}
    arrays = {key: value for key, value in state.items() if value is not None and key not in scalars}
    g, update = torch.full_like(tensor, 0.3), torch.full_like(tensor, -0.01)
    formula = FORMULAS[type(history.optimizer)]
    plain = Stretch(g, update, tensor.detach(), arrays, {key: value.item() for key, value in scalars.items()}, options)
    moved = Stretch(
        g,
        update,
        tensor.detach(),
        arrays,
        {key: value.double() for key, value in scalars.items()},
        {**options, "lr": torch.tensor(options["lr"], dtype=torch.float64)},
    )
    for here, there in zip(formula(plain), formula(moved), strict=True):
        if here is not None:
            torch.testing.assert_close(torch.as_tensor(there), torch.as_tensor(here, dtype=torch.float64))


@pytest.mark.parametrize("variant", [{"foreach": True}, {"foreach": False}, {"fused": True}])
@pytest.mark.parametrize("optimizer_class", [OPTIM.SGD, OPTIM.AdamW])
def test_variants_of_one_optimizer(optimizer_class: type[torch.optim.Optimizer], variant: dict[str, bool]) -> None:
    options = {"weight_decay": 0.1, **({"momentum": 0.9} if optimizer_class is OPTIM.SGD else {})}
    history = run(optimizer_class, {**options, **variant})
    for step in range(STEPS):
        assert history.norms(step)[4] < 1e-12 * history.norms(step).max()


def test_rate_as_a_tensor() -> None:
    history = run(OPTIM.AdamW, {"lr": torch.tensor(RATE, dtype=torch.float64), "foreach": False})
    assert history.norms(STEPS - 1)[4] < 1e-12 * history.norms(STEPS - 1).max()


@pytest.mark.parametrize(
    ("dtype", "gauge", "tolerance"),
    [
        (torch.float32, lambda tensors: HostGauge(tensors, [0, 1]), 1e-4),
        (torch.bfloat16, TensorGauge, 0.3),
        (torch.complex128, TensorGauge, 1e-12),
    ],
)
def test_rounding_of_the_parameters_is_what_is_unattributed(
    dtype: torch.dtype, gauge: Callable[[Sequence[nn.Parameter]], Any], tolerance: float
) -> None:
    history = run(OPTIM.AdamW, {}, dtype=dtype, gauge=gauge)
    for step in range(STEPS):
        norms = history.norms(step)
        assert norms[4] < tolerance * norms.max()
        assert history.products(step).sum() == pytest.approx(history.sums[step].sum(axis=0)[10], rel=1e-5)


@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_squares_that_float32_cannot_hold(scale: float) -> None:
    history = run(OPTIM.SGD, {"lr": 1.0}, dtype=torch.float32, scale=scale)
    assert history.norms(0)[0] == pytest.approx(np.linalg.norm(history.gradients[0]), rel=1e-6)


def test_nan_is_a_measurement() -> None:
    history = run(OPTIM.Adam, {}, scale=math.nan, steps=1)
    assert np.isnan(history.norms(0)[:2]).all()


def all_unattributed(history: History) -> bool:
    update = history.trajectory[-1] - history.trajectory[-2]
    norms = history.norms(-1)
    return not norms[:4].any() and norms[4] == pytest.approx(np.linalg.norm(update))


class OwnAdam(OPTIM.Adam):
    """Might do anything."""


@pytest.mark.parametrize(
    ("optimizer_class", "options"),
    [
        (OwnAdam, {}),
        (OPTIM.SGD, {"maximize": True}),
        (OPTIM.Rprop, {}),
        (OPTIM.ASGD, {}),
        (OPTIM.Adadelta, {"rho": 0.0}),
    ],
)
def test_what_is_not_known_is_not_guessed(
    optimizer_class: type[torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    assert all_unattributed(run(optimizer_class, options))


def one_step(tensors: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, gauge: Any | None = None) -> np.ndarray:
    held = HostGauge(tensors, list(range(len(tensors)))) if gauge is None else gauge
    splitter = UpdateSplitter(optimizer, tensors, held)
    held.remember()
    held.consume(None)
    optimizer.step()
    held.read()
    return np.asarray(splitter.split())


def test_a_parameter_without_a_gradient_has_no_parts() -> None:
    """Its buffer still holds a momentum that moved nothing."""
    tensors = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]
    optimizer = OPTIM.SGD(tensors, lr=0.1, momentum=0.9)
    for tensor in tensors:
        tensor.grad = torch.ones_like(tensor)
    one_step(tensors, optimizer)
    tensors[1].grad = None
    sums = one_step(tensors, optimizer)
    assert sums[0, 1] > 0
    assert not sums[1].any()


def test_sparse_gradients() -> None:
    for optimizer_class in (OPTIM.SGD, OPTIM.Adagrad):
        table = nn.Embedding(6, 2, sparse=True)
        with torch.sparse.check_sparse_tensor_invariants():
            table(torch.tensor([1, 4, 1])).square().sum().backward()
            sums = one_step([table.weight], optimizer_class([table.weight], lr=0.1))[0]
        assert sums[0] > 0
        assert sums[4] < 1e-12 * sums[10]


def test_groups_have_options_of_their_own() -> None:
    tensors = [nn.Parameter(torch.full((2,), 2.0, dtype=torch.float64)) for _ in range(2)]
    optimizer = OPTIM.SGD([{"params": tensors[:1]}, {"params": tensors[1:], "lr": 0.5, "weight_decay": 0.1}], lr=0.1)
    for tensor in tensors:
        tensor.grad = torch.ones_like(tensor)
    sums = one_step(tensors, optimizer)
    np.testing.assert_allclose(sums[:, 0], [2 * 0.1**2, 2 * 0.5**2])
    np.testing.assert_allclose(sums[:, 3], [0, 2 * (0.5 * 0.1 * 2) ** 2])


def test_stretches_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(*CASES["AdamW"]).sums[-1], run(*CASES["AdamW"], gauge=TensorGauge).sums[-1]
    for length in ("HOST_STRETCH", "CPU_TENSOR_STRETCH"):
        monkeypatch.setattr(f"fallline._recorder._split_update.{length}", 5)
    np.testing.assert_allclose(run(*CASES["AdamW"]).sums[-1], whole[0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(run(*CASES["AdamW"], gauge=TensorGauge).sums[-1], whole[1], rtol=1e-12, atol=1e-15)


def test_nothing_is_changed() -> None:
    """Not even an entry of the state for a parameter that has none yet."""
    tensors = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]
    optimizer = OPTIM.Adam(tensors, lr=0.1)
    tensors[0].grad = torch.ones(3)
    gauge = HostGauge(tensors, [0, 1])
    splitter = UpdateSplitter(optimizer, tensors, gauge)
    gauge.remember()
    gauge.consume(None)
    optimizer.step()
    gauge.read()
    state = {key: value.clone() for key, value in optimizer.state[tensors[0]].items()}
    values = [tensor.detach().clone() for tensor in tensors]
    assert splitter.split().shape == (2, SUMS)
    assert list(optimizer.state) == tensors[:1]
    assert all(torch.equal(optimizer.state[tensors[0]][key], value) for key, value in state.items())
    assert all(map(torch.equal, tensors, values))
    assert torch.equal(tensors[0].grad, torch.ones(3))
