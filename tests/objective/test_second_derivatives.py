"""docs/semantics.md#objective: models whose second derivatives PyTorch has only in its plain kernels, or not at all."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from fallline._curvature import sharpness
from fallline._errors import FalllineWarning, OptionError
from fallline._objective import Objective
from fallline._objective._own_steps import own_steps

X = torch.randn(9, 3, 4, generator=torch.Generator().manual_seed(0))
Y = torch.randint(0, 3, (9,), generator=torch.Generator().manual_seed(1))


class Attention(nn.Module):
    """By PyTorch's own function, or spelled out."""

    def __init__(self, *, spelled: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.outer, self.spelled = nn.Linear(4, 12), nn.Linear(4, 3), spelled

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.inner(x).chunk(3, -1)
        if self.spelled:
            mixed = torch.softmax(query @ key.transpose(1, 2) / 2, -1) @ value
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.outer(mixed).mean(1)


def encoder() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(12, 3))


def switches() -> list[bool]:
    cuda = torch.backends.cuda
    return [
        torch.backends.mha.get_fastpath_enabled(),
        cuda.flash_sdp_enabled(),
        cuda.mem_efficient_sdp_enabled(),
        cuda.math_sdp_enabled(),
        cuda.cudnn_sdp_enabled(),
    ]


def test_attention_has_the_curvature_of_attention_spelled_out() -> None:
    """In float32, where the flash kernel is taken otherwise."""
    both = [Objective(Attention(spelled=spelled), nn.CrossEntropyLoss(), (X, Y)) for spelled in (False, True)]
    way = np.random.default_rng(0).normal(size=both[0].parameter_count)
    found, expected = (each.hvp(each.parameters, way)[0] for each in both)
    assert np.abs(expected).max() > 0.01
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_transformer_layer_and_the_switches_of_pytorch_stay() -> None:
    torch.backends.mha.set_fastpath_enabled(True)  # as PyTorch begins: what an earlier test left would hide this one
    before = switches()
    objective = Objective(encoder(), nn.CrossEntropyLoss(), (X, Y))
    at = objective.parameters
    way = np.random.default_rng(0).normal(size=len(at))
    found = objective.products(at, dtype=torch.float64).times(torch.from_numpy(way)).numpy()
    ahead, behind = (_wide_gradient(at + 1e-5 * sign * way) for sign in (1, -1))
    assert found == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-7)
    objective.loss(np.tile(at, (20, 1)))  # a stack, without gradients: the fast path of a layer would warn here
    assert switches() == before
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        inside = switches()
        objective.hvp(at, way)
        assert switches() == inside


def _wide_gradient(at: np.ndarray) -> np.ndarray:
    return Objective(encoder().double(), nn.CrossEntropyLoss(), (X.double(), Y)).gradient(at)[0]


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bag, self.outer = nn.EmbeddingBag(5, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.bag(x))


def test_an_operation_without_a_second_derivative_is_named() -> None:
    words = torch.randint(0, 5, (9, 2), generator=torch.Generator().manual_seed(2))
    objective = Objective(Bag(), nn.CrossEntropyLoss(), (words, Y))
    assert np.isfinite(objective.gradient(objective.parameters)).all()
    for curved in (sharpness, lambda each: each.hessian(each.parameters)):
        with pytest.raises(OptionError, match="knows no second derivative of _embedding_bag_backward"):
            curved(objective)


class Right(torch.autograd.Function):
    """max(0, x)², its step back in operations that PyTorch can differentiate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0) ** 2

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * slope * x.clamp(min=0)


class Once(Right):
    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * slope * x.clamp(min=0)


class Detached(Right):
    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * slope * x.detach().clamp(min=0)


class Narrow(Right):
    """In half precision inside: differences of its gradient tell nothing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x.bfloat16().clamp(min=0) ** 2).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * slope * x.bfloat16().clamp(min=0).to(slope.dtype)


class Own(nn.Module):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.outer, self.function = nn.Linear(4, 6), nn.Linear(6, 3), function

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.outer(self.function.apply(self.inner(x[:, 0])))
        return found


@pytest.mark.parametrize("function", [Once, Detached])
def test_a_step_back_that_cannot_be_differentiated_is_refused(function: type[torch.autograd.Function]) -> None:
    objective = Objective(Own(function), nn.CrossEntropyLoss(), (X, Y))
    for _ in range(2):  # asked again it is no better
        with pytest.raises(OptionError, match=rf"steps back of its own \({function.__name__}\)"):
            sharpness(objective)


def test_a_step_back_that_can_is_looked_at_once() -> None:
    objective = Objective(Own(Right), nn.CrossEntropyLoss(), (X, Y))
    assert objective._own_steps.unknown
    found = sharpness(objective).value
    assert not objective._own_steps.unknown
    matrix = objective.hessian(objective.parameters)
    assert found == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-3)


def test_where_differences_tell_nothing_that_is_said() -> None:
    objective = Objective(Own(Narrow), nn.CrossEntropyLoss(), (X, Y))
    with pytest.warns(FalllineWarning, match=r"steps back of its own \(Narrow\).*could not be checked"):
        objective.products(objective.parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        objective.products(objective.parameters)


def test_a_model_without_one_does_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = Objective(Attention(spelled=True), nn.CrossEntropyLoss(), (X, Y))
    monkeypatch.setattr(objective._own_steps, "_session", None)
    objective.products(objective.parameters)
    assert not objective._own_steps.unknown


def test_own_steps_are_found_behind_others() -> None:
    x = torch.ones(3, requires_grad=True)
    assert own_steps(Right.apply(x.exp()).sum() + x.sum()) == {"Right"}
    assert own_steps((x.exp() * x).sum()) == set()


class Tangent(nn.Module):
    """Its output and how it changes with the input, by forward-mode AD."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), norm, nn.Linear(5, 3)).double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, slope = torch.func.jvp(self.layers, (x,), (torch.ones_like(x),))
        return value + slope


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # PyTorch's own, in its forward-mode AD
def test_forward_mode_ad_is_looked_at_once_and_refused_where_pytorch_is_wrong() -> None:
    x = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    right, wrong = (Objective(Tangent(norm), nn.MSELoss(), (x, x[:, :3])) for norm in (nn.Identity(), nn.LayerNorm(5)))
    right.products(right.parameters)
    with pytest.raises(OptionError, match=r"forward-mode AD \(torch.func.jvp, jacfwd\).* layer norm"):
        wrong.products(wrong.parameters)
