"""Elementwise rules against PyTorch's own Jacobians, differences (gradcheck) and derivatives by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aten_operations import operation, operations
from fallline._backprop._rules import local_derivatives
from rules_as_written import as_written
from sampled import sampled

D = torch.float64
INF, NAN = math.inf, math.nan


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=D)


X, Y, Z = tensor(-1.3, 0.4, 2.2), tensor(0.7, -0.6, 1.9), tensor(1.1, 0.3, -2.0)
POSITIVE, INNER = tensor(0.3, 1.7, 4.0), tensor(-0.7, 0.1, 0.6)
ROW, COLUMN = tensor(0.5, -1.5), tensor(1.2, 0.3, -0.4).reshape(3, 1)
MASK = torch.tensor([True, False, True])

SMOOTH: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "add": (lambda x, y: x + y, (X, Y)),
    "add alpha": (lambda x, y: torch.add(x, y, alpha=2.5), (X, Y)),
    "add number": (lambda x: x + 2, (X,)),
    "add broadcast": (lambda x, y: x + y, (ROW, COLUMN)),
    "add scalar tensor": (lambda x, y: x + y, (X, torch.tensor(2.0, dtype=D))),
    "sub": (lambda x, y: x - y, (X, Y)),
    "sub alpha": (lambda x, y: torch.sub(x, y, alpha=-3), (X, Y)),
    "rsub": (lambda x: 3 - x, (X,)),
    "rsub tensor": (lambda x, y: torch.rsub(x, y, alpha=2), (X, Y)),
    "mul": (lambda x, y: x * y, (X, Y)),
    "mul number": (lambda x: 2.5 * x, (X,)),
    "mul broadcast": (lambda x, y: x * y, (ROW, COLUMN)),
    "div": (lambda x, y: x / y, (X, Y)),
    "div number": (lambda x: x / 4, (X,)),
    "div broadcast": (lambda x, y: x / y, (ROW, COLUMN)),
    "neg": (lambda x: -x, (X,)),
    "reciprocal": (torch.reciprocal, (X,)),
    "pow 2": (lambda x: x**2, (X,)),
    "pow 3": (lambda x: x**3, (X,)),
    "pow 1": (lambda x: x**1, (X,)),
    "pow 0": (lambda x: x**0, (X,)),
    "pow −1.5": (lambda x: x**-1.5, (POSITIVE,)),
    "pow tensors": (lambda x, y: x**y, (POSITIVE, Y)),
    "pow broadcast": (lambda x, y: x**y, (POSITIVE, COLUMN)),
    "pow of a number": (lambda x: 2.0**x, (X,)),
    "square": (torch.square, (X,)),
    "remainder": (torch.remainder, (X, Y)),
    "fmod": (torch.fmod, (X, Y)),
    "maximum": (torch.maximum, (X, Y)),
    "minimum": (torch.minimum, (X, Y)),
    "lerp": (torch.lerp, (X, Y, Z)),
    "lerp number": (lambda x, y: torch.lerp(x, y, 0.3), (X, Y)),
    "addcmul": (lambda x, y, z: torch.addcmul(x, y, z, value=1.5), (X, Y, Z)),
    "addcdiv": (lambda x, y, z: torch.addcdiv(x, y, z, value=-0.5), (X, Y, Z)),
    "hypot": (torch.hypot, (X, Y)),
    "sqrt": (torch.sqrt, (POSITIVE,)),
    "rsqrt": (torch.rsqrt, (POSITIVE,)),
    "exp": (torch.exp, (X,)),
    "exp2": (torch.exp2, (X,)),
    "expm1": (torch.expm1, (X,)),
    "log": (torch.log, (POSITIVE,)),
    "log2": (torch.log2, (POSITIVE,)),
    "log10": (torch.log10, (POSITIVE,)),
    "log1p": (torch.log1p, (POSITIVE,)),
    "sin": (torch.sin, (X,)),
    "cos": (torch.cos, (X,)),
    "tan": (torch.tan, (X,)),
    "asin": (torch.asin, (INNER,)),
    "acos": (torch.acos, (INNER,)),
    "atan": (torch.atan, (X,)),
    "atan2": (torch.atan2, (X, Y)),
    "sinh": (torch.sinh, (X,)),
    "cosh": (torch.cosh, (X,)),
    "tanh": (torch.tanh, (X,)),
    "asinh": (torch.asinh, (X,)),
    "acosh": (torch.acosh, (POSITIVE + 1,)),
    "atanh": (torch.atanh, (INNER,)),
    "sigmoid": (torch.sigmoid, (X,)),
    "erf": (torch.erf, (X,)),
    "erfc": (torch.erfc, (X,)),
    "erfinv": (torch.erfinv, (INNER,)),
    "lgamma": (torch.lgamma, (POSITIVE,)),
    "digamma": (torch.digamma, (POSITIVE,)),
    "sinc": (torch.sinc, (X,)),
    "abs": (torch.abs, (X,)),
    "frac": (torch.frac, (X,)),
    "deg2rad": (torch.deg2rad, (X,)),
    "rad2deg": (torch.rad2deg, (X,)),
    "nan_to_num": (torch.nan_to_num, (X,)),
    "xlogy": (torch.xlogy, (X, POSITIVE)),
    "logaddexp": (torch.logaddexp, (X, Y)),
    "logaddexp2": (torch.logaddexp2, (X, Y)),
    "xlog1py": (torch.special.xlog1py, (X, POSITIVE)),
    "logit": (torch.logit, (INNER**2,)),
    "logit held": (lambda x: torch.logit(x, 0.3), (INNER**2,)),
    "copysign": (torch.copysign, (X, Y)),
    "polygamma": (lambda x: torch.polygamma(2, x), (POSITIVE,)),
    "mvlgamma": (lambda x: torch.mvlgamma(x, 3), (POSITIVE + 2,)),
    "i0": (torch.i0, (X,)),
    "i0e": (torch.special.i0e, (X,)),
    "i1": (torch.special.i1, (X,)),
    "i1e": (torch.special.i1e, (X,)),
    "entr": (torch.special.entr, (POSITIVE,)),
    "erfcx": (torch.special.erfcx, (X,)),
    "ndtri": (torch.special.ndtri, (INNER**2,)),
    "log_ndtr": (torch.special.log_ndtr, (X,)),
    "ldexp": (torch.ldexp, (X, Y)),
    "frexp": (lambda x: torch.frexp(x).mantissa, (X,)),
    "fmax": (torch.fmax, (X, Y)),
    "fmin": (torch.fmin, (X, Y)),
    "rrelu at rest": (lambda x: torch.ops.aten.rrelu_with_noise(x, Y.clone(), 0.1, 0.3), (X,)),
    "floor": (torch.floor, (X,)),
    "ceil": (torch.ceil, (X,)),
    "round": (torch.round, (X,)),
    "trunc": (torch.trunc, (X,)),
    "sign": (torch.sign, (X,)),
    "relu": (torch.relu, (X,)),
    "relu6": (nn.functional.relu6, (3 * X,)),
    "threshold": (lambda x: nn.functional.threshold(x, 0.1, 7.0), (X,)),
    "hardtanh": (lambda x: nn.functional.hardtanh(x, -0.5, 0.5), (X,)),
    "clamp": (lambda x: x.clamp(-1, 1), (X,)),
    "clamp min": (lambda x: x.clamp(min=0.1), (X,)),
    "clamp max": (lambda x: x.clamp(max=0.1), (X,)),
    "clamp tensors": (torch.clamp, (X, tensor(-1.0, 0.5, 0.0), tensor(1.0, 0.8, 0.3))),
    "clamp tensors crossed": (torch.clamp, (X, tensor(1.0, 0.5, 0.0), tensor(-1.0, 0.1, 9.0))),
    "clamp_min": (lambda x: torch.clamp_min(x, 0.2), (X,)),
    "clamp_min tensor": (torch.clamp_min, (X, Y)),
    "clamp_max": (lambda x: torch.clamp_max(x, 0.2), (X,)),
    "clamp_max tensor": (torch.clamp_max, (X, Y)),
    "leaky_relu": (lambda x: nn.functional.leaky_relu(x, 0.2), (X,)),
    "prelu": (torch._prelu_kernel, (X, tensor(0.2, 0.3, 0.4))),
    "elu": (lambda x: nn.functional.elu(x, 1.5), (X,)),
    "selu": (nn.functional.selu, (X,)),
    "celu": (lambda x: nn.functional.celu(x, 1.5), (X,)),
    "gelu": (nn.functional.gelu, (X,)),
    "gelu tanh": (lambda x: nn.functional.gelu(x, approximate="tanh"), (X,)),
    "silu": (nn.functional.silu, (X,)),
    "mish": (nn.functional.mish, (X,)),
    "softplus": (lambda x: nn.functional.softplus(x, 1.5), (X,)),
    "logsigmoid": (nn.functional.logsigmoid, (X,)),
    "hardswish": (nn.functional.hardswish, (2 * X,)),
    "hardsigmoid": (nn.functional.hardsigmoid, (2 * X,)),
    "hardshrink": (nn.functional.hardshrink, (X,)),
    "softshrink": (nn.functional.softshrink, (X,)),
    "where": (lambda x, y: torch.where(MASK, x, y), (X, Y)),
    "where broadcast": (lambda x, y: torch.where(MASK, x, y), (X, COLUMN)),
    "masked_fill": (lambda x: x.masked_fill(MASK, 5.0), (X,)),
    "masked_fill tensor": (lambda x, y: x.masked_fill(MASK, y), (X, torch.tensor(2.0, dtype=D))),
    "gelu of two dimensions": (nn.functional.gelu, (torch.outer(X, Y),)),
    "clone": (torch.clone, (X,)),
}
"""Operation → how it is called, and operands where it is smooth."""

EDGES: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "relu at 0": (torch.relu, (tensor(0.0, -0.0, NAN, INF, -INF),)),
    "relu6 at its bounds": (nn.functional.relu6, (tensor(0.0, 6.0),)),
    "hardtanh at its bounds": (nn.functional.hardtanh, (tensor(-1.0, 1.0),)),
    "threshold at it": (lambda x: nn.functional.threshold(x, 1.0, 7.0), (tensor(1.0, NAN),)),
    "clamp at its bounds": (lambda x: x.clamp(0, 1), (tensor(0.0, 1.0, NAN, 0.5),)),
    "clamp tensors at bounds": (
        torch.clamp,
        (tensor(0.0, 1.0, 1.0, 0.0, 2.0), tensor(0.0, 0.0, 1.0, 1.0, 1.0), tensor(1.0, 1.0, 1.0, 1.0, 1.0)),
    ),
    "clamp_min at it": (torch.clamp_min, (tensor(0.0, 1.0), tensor(0.0, 2.0))),
    "clamp_max at it": (torch.clamp_max, (tensor(0.0, 3.0), tensor(0.0, 2.0))),
    "rsqrt far out": (torch.rsqrt, (tensor(1e-200, 1e200),)),
    "leaky_relu at 0": (lambda x: nn.functional.leaky_relu(x, 0.2), (tensor(0.0, -0.0),)),
    "prelu at 0": (torch._prelu_kernel, (tensor(0.0), tensor(0.25))),
    "elu at 0": (lambda x: nn.functional.elu(x, 2.0), (tensor(0.0),)),
    "hardswish at its bends": (nn.functional.hardswish, (tensor(-3.0, 3.0),)),
    "hardsigmoid at its bends": (nn.functional.hardsigmoid, (tensor(-3.0, 3.0),)),
    "hardshrink at its bends": (nn.functional.hardshrink, (tensor(-0.5, 0.5),)),
    "softshrink at its bends": (nn.functional.softshrink, (tensor(-0.5, 0.5),)),
    "softplus beyond its threshold": (nn.functional.softplus, (tensor(19.0, 20.0, 21.0, 800.0, -800.0),)),
    "selu at 0": (nn.functional.selu, (tensor(0.0),)),
    "celu at 0": (lambda x: nn.functional.celu(x, 2.0), (tensor(0.0),)),
    "abs at 0": (torch.abs, (tensor(0.0, -0.0),)),
    "sign at 0": (torch.sign, (tensor(0.0),)),
    "pow(0, 0)": (torch.pow, (tensor(0.0, 0.0, 2.0, 0.0), tensor(0.0, 2.0, 0.0, -1.0))),
    "0 ** 0": (lambda x: x**0, (tensor(0.0),)),
    "0 ** ½": (lambda x: x**0.5, (tensor(0.0),)),
    "(−2) ** 2": (lambda x, y: x**y, (tensor(-2.0), tensor(2.0))),
    "number 0 to a power": (lambda x: torch.pow(0.0, x), (tensor(0.0, 1.0, 2.0),)),
    "sqrt at 0": (torch.sqrt, (tensor(0.0, -1.0),)),
    "rsqrt at 0": (torch.rsqrt, (tensor(0.0),)),
    "log at 0": (torch.log, (tensor(0.0, -1.0),)),
    "1/0": (torch.reciprocal, (tensor(0.0),)),
    "x/0": (lambda x, y: x / y, (tensor(1.0, 0.0), tensor(0.0, 0.0))),
    "div floor": (lambda x, y: torch.div(x, y, rounding_mode="floor"), (X, Y)),
    "div trunc": (lambda x: torch.div(x, 0.7, rounding_mode="trunc"), (X,)),
    "asin at 1": (torch.asin, (tensor(1.0, -1.0),)),
    "sinc at 0": (torch.sinc, (tensor(0.0),)),
    "xlogy at 0": (torch.xlogy, (tensor(0.0), tensor(0.0))),
    "nan_to_num of NaN": (torch.nan_to_num, (tensor(NAN, 1.0, INF),)),
    "fmax beside NaN": (torch.fmax, (tensor(1.0, NAN, NAN, 2.0), tensor(1.0, 3.0, NAN, NAN))),
    "fmin beside NaN": (torch.fmin, (tensor(1.0, NAN, NAN, 2.0), tensor(1.0, 3.0, NAN, NAN))),
    "logit outside": (torch.logit, (tensor(0.0, 1.0, -0.5, 1.5),)),
    "logit at its bounds": (lambda x: torch.logit(x, 0.25), (tensor(0.25, 0.75, -1.0, 2.0),)),
    "copysign at 0": (torch.copysign, (tensor(0.0, -0.0, 1.0), tensor(1.0, -1.0, -0.0))),
    "i1 at 0": (torch.special.i1, (tensor(0.0),)),
    "i1e at 0": (torch.special.i1e, (tensor(0.0),)),
    "entr at 0": (torch.special.entr, (tensor(0.0, -1.0),)),
    "xlog1py at 0": (torch.special.xlog1py, (tensor(0.0), tensor(-1.0))),
    "angle": (torch.angle, (tensor(-1.0, 0.0, 2.0),)),
    "maximum tie": (torch.maximum, (tensor(1.0, 2.0), tensor(1.0, 3.0))),
    "minimum tie": (torch.minimum, (tensor(1.0, 2.0), tensor(1.0, 3.0))),
    "exp overflow": (torch.exp, (tensor(800.0, -800.0),)),
    "sigmoid far out": (torch.sigmoid, (tensor(30.0, -800.0),)),
    "no entries": (lambda x: x * 2, (torch.zeros(0, dtype=D),)),
    "no dimensions": (lambda x: x * 3, (torch.tensor(2.0, dtype=D),)),
}
"""Corners: the numbers are what PyTorch takes there."""


WITHIN = {"hardsigmoid": 1e-7}
"""PyTorch's own kernel multiplies with 1/6 in float32."""


def slopes(fn: Callable[..., Tensor], *operands: Tensor) -> list[Tensor]:
    """∂output/∂operand of the one operation in ``fn``, by the rules."""
    one = operation(fn, *operands)
    found = local_derivatives(one.ran, one.edges)
    by_place = dict(zip(one.edges, found, strict=True))
    values = []
    for place in sorted(by_place):
        local = by_place[place]
        assert local is not None
        assert local.product is None
        assert local.value is not None
        assert local.value.numbers is not None
        values.append(torch.from_numpy(local.value.numbers.copy()))
    return values


def ordered(fn: Callable[..., Tensor], operands: tuple[Tensor, ...]) -> list[int]:
    """Which operand stands at which of the operation's places: ``rsub`` turns them round."""
    one = operation(fn, *operands)
    return [i for _, i in sorted(zip(one.edges, range(len(operands)), strict=True))]


def jacobian(fn: Callable[..., Tensor], operands: tuple[Tensor, ...], place: int) -> Tensor:
    """∂fn/∂(one operand), [output's shape × operand's shape], row by row by PyTorch's own backward pass."""
    given = [each.clone().requires_grad_(i == place) for i, each in enumerate(operands)]
    out = fn(*given)
    rows = [torch.autograd.grad(entry, given[place], retain_graph=True)[0] for entry in out.reshape(-1)]
    return torch.stack(rows).reshape((*out.shape, *given[place].shape)) if rows else out.new_zeros(0, 0)


@pytest.mark.parametrize("case", [*sampled(SMOOTH, 3), *sampled(EDGES)])
def test_slopes_are_the_diagonal_of_pytorchs_jacobian(case: str) -> None:
    fn, operands = (SMOOTH | EDGES)[case]
    shape = fn(*operands).shape
    for slope, place in zip(slopes(fn, *operands), ordered(fn, operands), strict=True):
        assert slope.shape == shape
        uses = jacobian(lambda x: x.expand(shape), (operands[place],), 0) != 0  # which entry went into which
        entries = slope.reshape((*shape, *[1] * operands[place].dim())).expand(uses.shape)
        whole = jacobian(fn, operands, place)
        within = WITHIN.get(case, 1e-12)
        torch.testing.assert_close(entries[uses], whole[uses], rtol=within, atol=1e-14, equal_nan=True)
        assert not (whole[~uses].abs() > 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("case", SMOOTH)
def test_slopes_agree_with_differences(case: str) -> None:
    """``gradcheck`` of a function whose backward pass is nothing but the rule."""
    fn, operands = SMOOTH[case]
    places = ordered(fn, operands)

    class ByTheRules(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *given: Tensor) -> Tensor:
            ctx.save_for_backward(*given)
            return fn(*given)

        @staticmethod
        def backward(ctx: Any, *arrived: Tensor) -> Any:
            given = ctx.saved_tensors
            found = dict(zip(places, slopes(fn, *(each.detach().clone() for each in given)), strict=True))
            return tuple((arrived[0] * found[i]).sum_to_size(each.shape) for i, each in enumerate(given))

    assert torch.autograd.gradcheck(ByTheRules.apply, [each.clone().requires_grad_() for each in operands])


SENTENCES = {
    "maximum": ["1 where x > y, ½ where they are equal, else 0", "1 where y > x, ½ where they are equal, else 0"],
    "minimum": ["1 where x < y, ½ where they are equal, else 0", "1 where y < x, ½ where they are equal, else 0"],
    "frexp": ["1/2^exponent"],
    "mvlgamma": ["Σ digamma(x + k) for k = 0, −½, …, −1"],
    "hardswish": ["x/3 + ½ where −3 < x < 3, 0 below, 1 above"],
    "nan_to_num": ["1 where x is finite, else 0"],
}
"""Rules that are no formula."""
ROUNDED = {"selu": 1e-5}
"""Rules in which a constant stands with six figures."""


@pytest.mark.parametrize("case", sampled(SMOOTH, 3, 1))
def test_rules_say_what_their_numbers_are(case: str) -> None:
    """Each rule, carried out as it is written, gives the numbers beside it."""
    fn, operands = SMOOTH[case]
    letters = ["x", "y", "z"][: len(operands)]
    one = operation(fn, *operands, labels=letters)
    found = [local for local in local_derivatives(one.ran, one.edges) if local is not None]
    if case in SENTENCES:
        assert [local.rule for local in found] == SENTENCES[case]
        return
    held = {
        name: each.tensor for name, each in zip(one.ran.names, one.ran.arguments, strict=True) if hasattr(each, "shape")
    }
    named = dict(zip(letters, operands, strict=True)) | {"condition": held.get("condition"), "mask": held.get("mask")}
    for local in found:
        value = (
            as_written(local.rule.removesuffix(", 0 at 0").removesuffix(", ½ at 0"), named)
            .expand(local.value.shape)
            .numpy()
        )
        np.testing.assert_allclose(value, local.value.numbers, rtol=ROUNDED.get(case, 1e-12), atol=1e-14)


BY_HAND: dict[str, tuple[Callable[[Tensor], Tensor], float, float]] = {
    "x² at 3": (lambda x: x**2, 3.0, 6.0),
    "x³ at −2": (lambda x: x**3, -2.0, 12.0),
    "1/x at 4": (torch.reciprocal, 4.0, -1 / 16),
    "√x at 9": (torch.sqrt, 9.0, 1 / 6),
    "eˣ at 0": (torch.exp, 0.0, 1.0),
    "2ˣ at 3": (torch.exp2, 3.0, 8 * math.log(2)),
    "ln at 2": (torch.log, 2.0, 0.5),
    "log₁₀ at 1": (torch.log10, 1.0, 1 / math.log(10)),
    "sin at 0": (torch.sin, 0.0, 1.0),
    "sin at π/3": (torch.sin, math.pi / 3, 0.5),
    "cos at π/2": (torch.cos, math.pi / 2, -1.0),
    "tan at π/4": (torch.tan, math.pi / 4, 2.0),
    "arctan at 1": (torch.atan, 1.0, 0.5),
    "arcsin at ½": (torch.asin, 0.5, 2 / math.sqrt(3)),
    "tanh at 0": (torch.tanh, 0.0, 1.0),
    "sinh at 0": (torch.sinh, 0.0, 1.0),
    "σ at 0": (torch.sigmoid, 0.0, 0.25),
    "softplus at 0": (nn.functional.softplus, 0.0, 0.5),
    "silu at 0": (nn.functional.silu, 0.0, 0.5),
    "gelu at 0": (nn.functional.gelu, 0.0, 0.5),
    "erf at 0": (torch.erf, 0.0, 2 / math.sqrt(math.pi)),
    "relu at 2": (torch.relu, 2.0, 1.0),
    "relu at 0": (torch.relu, 0.0, 0.0),
    "|x| at −3": (torch.abs, -3.0, -1.0),
    "|x| at 0": (torch.abs, 0.0, 0.0),
    "√x at 0": (torch.sqrt, 0.0, INF),
    "round at 0.3": (torch.round, 0.3, 0.0),
}


@pytest.mark.parametrize("case", sampled(BY_HAND, 2))
def test_textbook_slopes(case: str) -> None:
    fn, at, expected = BY_HAND[case]
    (slope,) = slopes(fn, tensor(at))
    assert float(slope) == pytest.approx(expected, rel=1e-14, abs=1e-15)


def test_each_factor_of_a_square_gets_the_other() -> None:
    y = torch.tensor([3.6695, 0.2056, 1.9685])
    (one,) = operations(lambda y: y * y, y, labels=["y"])
    assert one.edges == (0, 1)
    locals_ = local_derivatives(one.ran, one.edges)
    for local in locals_:
        assert local is not None
        assert local.rule == "y"
        np.testing.assert_array_equal(local.value.numbers, y.double().numpy())


def test_in_place_operations_have_the_slopes_of_what_they_overwrote() -> None:
    x = tensor(1.0, 2.0)
    one = operation(lambda x: x.mul_(x), x)
    for local in local_derivatives(one.ran, one.edges):
        np.testing.assert_array_equal(local.value.numbers, [1.0, 2.0])


def test_dropout_keeps_a_slope_where_it_kept() -> None:
    x = torch.ones(40, dtype=D)
    one = operation(lambda x: torch.native_dropout(x, 0.2, True), x)
    (local,) = local_derivatives(one.ran, one.edges)
    np.testing.assert_allclose(local.value.numbers, one.ran.outputs[0].tensor.numpy(), rtol=1e-12)
    assert local.rule == "1/0.8 where kept, 0 where dropped"
