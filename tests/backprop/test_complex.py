"""Complex numbers on the way: right gradients agree, wrong ones are named, and rules of steps back are true."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

import fallline as fl
from fallline._backprop._inner import inner
from fallline._backprop._ran import Held, Ran
from fallline._backprop._rules import local_derivatives
from fallline._backprop._rules_complex import SENT

C = torch.complex
X, Y = torch.tensor([0.5, -1.25, 2.0, 0.75]), torch.tensor([1.5, 0.25, -0.5, -2.0])
A, B = torch.tensor([[0.5, -1.0], [2.0, 0.25]]), torch.tensor([[1.5, 0.5], [-0.75, 1.0]])


class Squared(torch.autograd.Function):
    """z², whose step back forgets the conjugate."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        """z²."""
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx: Any, *arrived: torch.Tensor) -> torch.Tensor:
        """2z times what arrived."""
        (z,) = ctx.saved_tensors
        result: torch.Tensor = 2 * z * arrived[0]
        return result


class Conjugated(Squared):
    """The same with its conjugate."""

    @staticmethod
    def backward(ctx: Any, *arrived: torch.Tensor) -> torch.Tensor:
        """2·conj(z) times what arrived."""
        (z,) = ctx.saved_tensors
        result: torch.Tensor = 2 * z.conj() * arrived[0]
        return result


wrong: Callable[[torch.Tensor], torch.Tensor] = Squared.apply
right: Callable[[torch.Tensor], torch.Tensor] = Conjugated.apply


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: (torch.fft.rfft(x) * torch.fft.rfft(x).conj()).real.sum(),
        lambda x: (C(x, 2 * x).conj().imag * x).sum(),
        lambda x: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(x.flip(0)).conj()).pow(2).sum(),
        lambda x: (C(x, x * x).conj().clone() * C(x, x)).imag.sum(),
        lambda x: (C(x, x * x).reshape(2, 2) + C(x, x * x).reshape(2, 2).mH).abs().sum(),
        lambda x: torch.view_as_real(C(x, x * x).conj().resolve_conj()).sum(),
        lambda x: right(C(x, x * x)).abs().sum(),
    ],
    ids=["power", "imaginary part", "correlation", "clone", "adjoint", "resolved", "custom"],
)
@pytest.mark.filterwarnings("error")
def test_lazy_conjugates_are_no_constants(fn: Callable[..., Any]) -> None:
    graph = fl.backprop(fn, X)
    assert graph.check is not None
    assert [each.agrees for each in graph.check.inputs] == [True]
    assert graph.check.remarks == ()
    own = X.clone().requires_grad_()
    fn(own).backward()
    assert own.grad is not None
    assert graph.gradients["x"].tolist() == own.grad.tolist()


def test_what_uses_a_lazy_conjugate_is_shown_and_no_copy() -> None:
    graph = fl.backprop(lambda x, y: (C(x, y) * C(y, x).conj()).real.sum(), X, Y, check=False)
    assert [node.op for node in graph.nodes][2:6] == ["complex", "complex", "conj", "mul"]


def test_a_detached_conjugate_is_held_constant() -> None:
    check = fl.backprop(lambda x: (C(x, x * x) * C(x, x).conj().detach()).abs().sum(), X).check
    assert check is not None
    assert check.agrees
    assert any("was held constant" in each for each in check.remarks)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_a_wrong_complex_step_back_is_named() -> None:
    graph = fl.backprop(lambda x, y: wrong(C(x, y)).abs().sum(), X, Y)
    assert graph.check is not None
    assert graph.check.wrong
    assert [graph.nodes[graph.edges[each].target].op for each in graph.check.wrong_edges] == ["Squared"]


def test_the_inner_product_is_of_the_real_result() -> None:
    assert inner(torch.tensor([1 + 2j, 1j]), torch.tensor([3 + 1j, 2j])) == 7
    assert inner(torch.eye(2).to_sparse(), torch.full((2, 2), 3.0)) == 6


@pytest.mark.parametrize("check", [False, True])
def test_gradients_with_the_negative_bit_are_handed_out(check: bool) -> None:
    def fn(y: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(C(torch.zeros(4), y).conj().resolve_conj()).sum()

    assert fl.backprop(fn, Y, check=check).gradients["y"].tolist() == [-1, -1, -1, -1]


Program = Callable[..., torch.Tensor]
OF_TWO: dict[str, tuple[str, tuple[Any, ...], Program]] = {
    "add": ("other", (1,), torch.add),
    "sub": ("other", (1,), torch.sub),
    "mul": ("other", (), torch.mul),
    "div": ("other", (), torch.div),
    "mm": ("mat2", (), torch.mm),
    "bmm": ("mat2", (), lambda a, b: torch.bmm(a[None], b[None])[0]),
}
OF_ONE: dict[str, Program] = {
    "neg": torch.neg,
    "reciprocal": torch.reciprocal,
    "pow": torch.square,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "abs": torch.abs,
    "angle": torch.angle,
    "clone": torch.clone,
    "_to_copy": lambda a: a.to(torch.complex64),
    "_conj": torch.conj,
    "_conj_physical": torch.conj_physical,
    "conj_physical": torch.conj_physical,
}
OF_PARTS = {"complex", "view_as_real", "view_as_complex"}
REAL, COMPLEX = A, C(A, B)


def _value(text: str, names: dict[str, Any]) -> torch.Tensor:
    """Of a rule as it is written, read as Python."""
    told = text.partition(",")[0].replace("·", "*").replace("−", "-").replace("²", "**2").replace("ᴴ", ".mH")
    told = re.sub(r"\|(\w+)\|", r"\1.abs()", told).replace("ᵀ", ".mT")
    own = {each: getattr(torch, each) for each in ("conj", "exp", "sin", "cos")}
    found: torch.Tensor = eval(told, {}, {**own, "Re": torch.real, "i": 1j, **names})  # noqa: S307 - this test's own text
    return found


def _held(tensor: torch.Tensor, label: str) -> Held:
    return Held(tensor.detach(), tuple(tensor.shape), tensor.dtype, label)


MORE: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {"pow": (("exponent",), (2,))}


def _compare(op: str, program: Program, names: tuple[str, ...], given: list[torch.Tensor], *more: Any) -> None:
    own = [each.clone().requires_grad_() for each in given]
    made = program(*own)
    grad = (C(B, A.flip(0)) if made.is_complex() else B).reshape(made.shape)
    sent = torch.autograd.grad(made, own, grad)
    labels = ["a", "b"][: len(own)]
    held = tuple(_held(each, label) for each, label in zip(own, labels, strict=True))
    found = local_derivatives(Ran(op, "", (*held, *more), names, (_held(made, "out"),)), list(range(len(own))))
    values = dict(zip(labels, given, strict=True)) | {"grad": grad}
    for told, expected in zip(found, sent, strict=True):
        assert told is not None
        assert torch.allclose(_value(told.rule, values), expected, rtol=1e-5, atol=1e-6), told.rule
        assert _value(told.rule, values).dtype == expected.dtype


@pytest.mark.parametrize("op", OF_TWO)
def test_what_is_said_to_go_back_to_two_is_what_pytorch_sends(op: str) -> None:
    name, more, program = OF_TWO[op]
    names = ("self", name, "alpha")[: 2 + len(more)]
    _compare(op, program, names, [COMPLEX, COMPLEX.flip(1)], *more)
    if op not in ("mm", "bmm"):  # PyTorch takes no two kinds
        _compare(op, program, names, [COMPLEX, REAL], *more)
        _compare(op, program, names, [REAL, COMPLEX], *more)


@pytest.mark.parametrize("op", OF_ONE)
def test_what_is_said_to_go_back_to_one_is_what_pytorch_sends(op: str) -> None:
    names, more = MORE.get(op, ((), ()))
    _compare(op, OF_ONE[op], ("self", *names), [COMPLEX], *more)


def test_a_real_number_that_became_complex_gets_the_real_part() -> None:
    _compare("_to_copy", OF_ONE["_to_copy"], ("self",), [REAL])


def test_every_rule_of_complex_numbers_is_tried() -> None:
    assert OF_TWO.keys() | OF_ONE.keys() | OF_PARTS == set(SENT)


def test_what_is_weighed_or_rounded_has_no_rule() -> None:
    held, names = (_held(COMPLEX, "a"), _held(COMPLEX, "b")), ("self", "other", "alpha")
    for op in ("add", "sub"):
        assert local_derivatives(Ran(op, "", (*held, 2), names, (held[0],)), [0, 1])[1] is None


def test_parts_are_put_together_and_taken_apart() -> None:
    graph = fl.backprop(lambda x, y: (torch.view_as_real(C(x, y)) * torch.eye(2)[0]).sum(), X, Y, check=False)
    rules = [each.local.rule for each in graph.edges if each.local is not None]
    assert rules[:3] == ["Re(grad)", "Im(grad)", "grad's two columns as real and imaginary part"]


@pytest.mark.parametrize("op", ["tan", "sqrt", "tanh", "sgn"])
def test_no_rule_is_told_where_the_one_of_real_numbers_is_false(op: str) -> None:
    graph = fl.backprop(lambda x, y: getattr(C(x, y), op)().abs().sum(), X, Y, check=False)
    node = next(each.id for each in graph.nodes if each.op == op)
    assert [each.local for each in graph.edges if each.target == node] == [None]
    assert f"No rule is told for complex numbers of {op}." in graph.remarks
