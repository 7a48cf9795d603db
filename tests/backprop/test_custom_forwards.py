"""What an ``autograd.Function`` makes inside of its forward moves with its operands; what it only got does not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import fallline as fl
from fallline._records import Backprop, GradientCheck
from sampled import sampled

X = torch.tensor([1.0, 2.0, -0.5])
Forward = Callable[[torch.Tensor], torch.Tensor]


def checked(fn: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> GradientCheck:
    check = fl.backprop(fn, *inputs).check
    assert check is not None
    return check


def cube_made(forward: Forward, factor: float = 3.0) -> Callable[..., torch.Tensor]:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * factor * x * x

    return Cube.apply


OUTSIDE = {
    "copied": lambda x: torch.from_numpy(x.detach().numpy() ** 3).clone(),
    "multiplied": lambda x: torch.from_numpy(x.detach().numpy() ** 3) * 1.0,
    "converted": lambda x: torch.from_numpy(x.detach().numpy() ** 3).float(),
    "new_tensor": lambda x: x.new_tensor(x.detach().numpy() ** 3).add(0),
    "numbers": lambda x: torch.tensor([each**3 for each in x.tolist()]) * 1.0,
    "data": lambda x: x.data**3,
    "a view": lambda x: x.view(-1) ** 3,
    "two steps": lambda x: x * torch.from_numpy((x * x).detach().numpy()),
}


@pytest.mark.parametrize("case", sampled(OUTSIDE))
def test_numbers_that_leave_pytorch_inside_of_a_forward_move(case: str) -> None:
    forward = OUTSIDE[case]
    assert checked(lambda x: cube_made(forward)(x).sum(), X).agrees
    assert checked(lambda x: cube_made(forward)(x.sin()).sum(), X).agrees
    assert checked(lambda x: cube_made(forward, 2.0)(x).sum(), X).wrong


class Product(torch.autograd.Function):
    """x · c, c a constant."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(c)
        return x * c

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return gradient * ctx.saved_tensors[0], None


DETACHED = {
    "detach": lambda x: x.detach(),
    "data": lambda x: x.data,
    "numpy": lambda x: torch.from_numpy(x.detach().numpy() ** 2),
    "computed": lambda x: x.detach().sin() * 2,
    "a mask": lambda x: (x > 0).float(),
}


@pytest.mark.parametrize("case", sampled(DETACHED))
def test_what_a_function_was_handed_without_a_gradient_is_held(case: str) -> None:
    constant = DETACHED[case]
    assert checked(lambda x: Product.apply(x, constant(x)).sum(), X).agrees
    assert checked(lambda x: (Product.apply(x, constant(x)).detach() * x).sum(), X).agrees


def test_a_detached_tensor_that_the_forward_knows_by_name_is_held() -> None:
    def scaled(x: torch.Tensor) -> torch.Tensor:
        size = x.detach().norm()

        class Scaled(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
                return x / size

            @staticmethod
            def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
                return gradient / size

        return Scaled.apply(x).sin().sum()

    assert checked(scaled, X).agrees


def sinh_made(*, right: bool, attributes: bool = False) -> Callable[..., torch.Tensor]:
    """Its step back uses what the forward computed; only ``right`` it computes that anew, of the operand."""

    class Sinh(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            a, b = x.exp(), (-x).exp()
            if attributes:
                ctx.a, ctx.b = a, b
            else:
                ctx.save_for_backward(x if right else a, b)
            return (a - b) / 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            first, b = (ctx.a, ctx.b) if attributes else ctx.saved_tensors
            return gradient * first.cosh() if right else gradient * (first + b) / 2

    return Sinh.apply


def slope(fn: Callable[..., torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(fn(x).sum(), x, create_graph=True)[0]


@pytest.mark.slow
@pytest.mark.parametrize("attributes", [False, True])
def test_a_second_derivative_through_what_a_forward_kept_is_wrong(attributes: bool) -> None:
    sinh = sinh_made(right=False, attributes=attributes)
    for fn in (lambda x: slope(sinh, x).pow(2).sum() + x.sum(), lambda x: (slope(sinh, x).view(-1) * x).sum()):
        check = checked(fn, X)
        assert check.wrong
        assert check.wrong_edges == ()  # neither + nor · is at fault
        assert "What the forward of Sinh kept" in check.remarks[-1]


def test_a_second_derivative_through_the_operand_is_right() -> None:
    assert checked(lambda x: slope(sinh_made(right=True), x).pow(2).sum() + x.sum(), X).agrees


@pytest.mark.slow
def test_what_the_user_cut_off_is_held_though_a_forward_kept_it() -> None:
    sinh = sinh_made(right=False)
    assert checked(lambda x: sinh(x).sum(), X).agrees
    assert checked(lambda x: (slope(sinh, x).detach() * x).sum(), X).agrees
    assert checked(lambda x: (x / slope(sinh, x).sum().item()).sum(), X).agrees
    assert checked(lambda x: (torch.autograd.grad(sinh(x).sum(), x)[0] * x).sum(), X).agrees
    assert checked(lambda x: (sinh(x).detach() * x + sinh(x).data * x).sum(), X).agrees


def with_weight(weight: torch.Tensor, *, detached: bool = False) -> Callable[..., torch.Tensor]:
    """x @ weightᵀ, which is no argument."""

    class Unseen(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
            return x @ (weight.detach() if detached else weight).t()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
            return gradient @ weight

    return Unseen.apply


class Holder(torch.nn.Module):
    def __init__(self, *, detached: bool = False) -> None:
        super().__init__()
        self.lin = torch.nn.Linear(3, 2, bias=False)
        self.detached = detached

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return with_weight(self.lin.weight, detached=self.detached)(x)


def passed(module: torch.nn.Module, dtype: torch.dtype) -> Backprop:
    return fl.backprop(module.to(dtype), X.to(dtype)[None], loss=lambda out: out.pow(2).sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_parameter_that_a_function_used_without_getting_it(dtype: torch.dtype) -> None:
    graph = passed(Holder(), dtype)
    assert graph.remarks == (
        "lin.weight reaches the result through Unseen, an autograd.Function that used it without getting it as an "
        "argument: no gradient comes back.",
    )
    assert graph.check is not None
    assert {each.name: each.agrees for each in graph.check.inputs} == {"x": True, "lin.weight": False}
    assert graph.check.remarks == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_parameter_that_is_detached_there_is_meant_so(dtype: torch.dtype) -> None:
    graph = passed(Holder(detached=True), dtype)
    assert graph.remarks == (
        "lin.weight reaches the result only where no gradient comes back (detach, no_grad, a comparison).",
    )
    assert graph.check is not None
    assert graph.check.agrees


def test_a_tensor_outside_of_modules_that_a_function_used_without_getting_it() -> None:
    weight = torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    graph = fl.backprop(lambda x: with_weight(weight)(x).pow(2).sum(), X[None])
    assert len(graph.remarks) == 1
    assert graph.remarks[0].startswith("weight reaches the result through Unseen")
    assert graph.check is not None
    assert graph.check.wrong


class Square(torch.autograd.Function):
    """Its step back forgets the 2."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * ctx.saved_tensors[0]


LOW: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "half": lambda x: Square.apply(x.half()).sum(),
    "bfloat16": lambda x: Square.apply(x.bfloat16()).sum(),
    "in the middle": lambda x: (Square.apply(x.half().sin()).float() * x).sum(),
    "before more": lambda x: Square.apply(x.half()).float().exp().sum(),
}


@pytest.mark.parametrize("case", sampled(LOW))
def test_in_low_precision_the_wrong_step_is_named(case: str) -> None:
    graph = fl.backprop(LOW[case], X)
    assert graph.check is not None
    assert graph.check.wrong
    assert [graph.nodes[graph.edges[place].target].op for place in graph.check.wrong_edges] == ["Square"]
