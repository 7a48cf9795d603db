"""Over random programs: a right gradient is never reported, and one wrong operation among right ones always is."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fallline._backprop._check import check_gradients
from fallline._backprop._culprit import WrongEdge
from fallline._backprop._walk import comparable_steps

STEPS: Final[dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "sin": lambda x, _: x.sin(),
    "exp": lambda x, _: (x / (1 + x.abs())).exp(),
    "log": lambda x, _: (x * x + 0.1).log(),
    "relu": lambda x, _: x.relu() + 0.1 * x,
    "abs": lambda x, _: x.abs(),
    "product": lambda x, w: x * w.sum(),
    "matmul": lambda x, w: torch.tanh(x.reshape(-1, 1) @ w.reshape(1, -1)).sum(1),
    "softmax": lambda x, _: x.softmax(0) * 3,
    "power": lambda x, _: x**3 / (1 + x.abs()) ** 2,
    "divide": lambda x, w: x / (2 + w.mean() ** 2),
    "sort": lambda x, _: x.sort().values,
    "max": lambda x, _: x - x.max(),
    "norm": lambda x, _: x / (x.norm() + 0.5),
    "split": lambda x, _: torch.cat(
        [part * (1 + place % 3) for place, part in enumerate(x.split(max(2, len(x) // 8)))]
    ),
    "flip": lambda x, _: torch.stack([x, x.flip(0) * 2]).mean(0),
    "broadcast": lambda x, w: (x.unsqueeze(1) + w.unsqueeze(0)).prod(1).tanh(),
    "stop": lambda x, _: x * x.detach().sigmoid(),
    "indices": lambda x, _: x.cumsum(0)[x.argsort()],
    "norms": lambda x, _: torch.nn.functional.layer_norm(x, x.shape),
    "write": lambda x, _: x.clone().mul_(2).clamp_(-1.5, 1.5) + x,
}


def program(steps: Sequence[str], size: float) -> Callable[[Any], torch.Tensor]:
    def run(leaves: Any) -> torch.Tensor:
        x = leaves["x"]
        for step in steps:
            x = STEPS[step](x, leaves["w"])
        return size * (x * x.sin() + x).mean()

    return run


def leaves_of(seed: int, entries: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "x": torch.randn(entries, generator=generator, dtype=dtype),
        "w": torch.randn(3, generator=generator, dtype=dtype),
    }


def check_of(run: Callable[[Any], torch.Tensor], leaves: dict[str, torch.Tensor]) -> tuple[Any, set[str]]:
    own = {name: leaf.clone().requires_grad_() for name, leaf in leaves.items()}
    nodes = comparable_steps(run(own))
    named: set[str] = set()

    def place(edges: Sequence[WrongEdge]) -> tuple[int, ...]:
        named.update(nodes[each.node].name() for each in edges)
        return tuple(range(len(edges)))

    return check_gradients(run, leaves, {}, None, place), named


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=7),
    size=st.sampled_from([1e-30, 1e-4, 1.0, 1e6, 1e30]),
    entries=st.sampled_from([2, 5, 40]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    seed=st.integers(0, 1000),
)
def test_a_right_gradient_is_never_reported(
    steps: list[str], size: float, entries: int, dtype: torch.dtype, seed: int
) -> None:
    check, named = check_of(program(steps, size), leaves_of(seed, entries, dtype))
    assert not check.wrong, (check, named)
    assert named == set()


@pytest.mark.parametrize("seed", range(6))
def test_right_gradients_of_some_programs(seed: int) -> None:
    names = sorted(STEPS)
    steps = [names[(7 * seed + 3 * place) % len(names)] for place in range(5)]
    check, _ = check_of(program(steps, 1.0), leaves_of(seed, 6, torch.float32))
    assert check.agrees, (steps, check)
    assert {each.name for each in check.inputs} == {"x", "w"}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    before=st.lists(st.sampled_from(["sin", "product", "log", "split", "flip", "exp"]), max_size=4),
    after=st.lists(st.sampled_from(["sin", "product", "log", "split", "flip", "exp"]), max_size=4),
    factor=st.sampled_from([-1.0, 0.0, 0.5, 0.99, 1.001, 3.0]),
    entries=st.sampled_from([4, 30, 1500]),
    seed=st.integers(0, 1000),
)
def test_one_wrong_operation_is_always_named(
    before: list[str], after: list[str], factor: float, entries: int, seed: int
) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x.atan() + x

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * (1 + 1 / (1 + x * x)) * factor

    def run(leaves: Any) -> torch.Tensor:
        x = leaves["x"]
        for step in before:
            x = STEPS[step](x, leaves["w"])
        x = Wrong.apply(x)
        for step in after:
            x = STEPS[step](x, leaves["w"])
        return (x * x.sin() + x).mean()

    leaves = leaves_of(seed, entries, torch.float32)
    assume(abs(float(leaves["w"].sum())) > 0.1)  # else "product" leaves slopes that no difference in float64 can show
    check, named = check_of(run, leaves)
    assert check.wrong
    assert named == {"WrongBackward"}


def test_gradcheck_says_the_same() -> None:
    leaves = leaves_of(1, 5, torch.float64)
    run = program(["sin", "matmul", "norm"], 1.0)
    own = [each.clone().requires_grad_() for each in leaves.values()]
    assert torch.autograd.gradcheck(lambda x, w: run({"x": x, "w": w}), own)
    check, _ = check_of(run, leaves)
    assert check.agrees
    assert max(each.relative_difference for each in check.inputs) < 1e-8
