"""Operations that read one triangle of a matrix: not accused of a gradient in both; what is wrong is found."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import linalg

import fallline as fl

RANDOM = torch.tensor([[0.9, -0.4, 0.3], [0.2, 1.1, -0.7], [-0.5, 0.6, 0.8]], dtype=torch.float64)
SYMMETRIC = RANDOM @ RANDOM.T + 3 * torch.eye(3, dtype=torch.float64)
LOWER = linalg.cholesky(SYMMETRIC)
RIGHT = torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.3, 0.7]], dtype=torch.float64)

OF_SYMMETRIC: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "cholesky": linalg.cholesky,
    "upper": lambda a: linalg.cholesky(a, upper=True),
    "cholesky_ex": lambda a: linalg.cholesky_ex(a)[0],
    "eigvalsh": linalg.eigvalsh,
    "eigh": lambda a: linalg.eigh(a, UPLO="U")[1].abs(),
}
OF_FACTOR: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "cholesky_inverse": torch.cholesky_inverse,
    "cholesky_solve": lambda factor: torch.cholesky_solve(RIGHT, factor),
}


def bent(out: torch.Tensor) -> torch.Tensor:
    return (out * torch.linspace(1, 2, out.numel(), dtype=out.dtype).reshape(out.shape)).sum() + (out**3).sum()


class Doubled(torch.autograd.Function):
    """Its step back forgets the factor."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
        return gradient


@pytest.mark.parametrize("of", OF_SYMMETRIC)
@pytest.mark.parametrize("beside", [0.0, 0.2])
def test_half_a_gradient_in_either_triangle_is_on_purpose(of: str, beside: float) -> None:
    graph = fl.backprop(lambda a: bent(OF_SYMMETRIC[of](a)), SYMMETRIC + beside * RANDOM)
    assert graph.check is not None
    assert graph.check.agrees
    assert graph.check.inputs[0].entries == 9
    assert graph.check.remarks == ()
    assert any("on purpose" in remark for remark in graph.remarks)


@pytest.mark.parametrize("of", OF_FACTOR)
def test_a_factor_with_zeros_in_the_other_triangle(of: str) -> None:
    graph = fl.backprop(lambda factor: bent(OF_FACTOR[of](factor)), LOWER)
    assert graph.check is not None
    assert graph.check.agrees
    assert any("on purpose" in remark for remark in graph.remarks)


def test_a_factor_that_is_upper() -> None:
    graph = fl.backprop(lambda u: bent(torch.cholesky_solve(RIGHT, u, upper=True)), LOWER.T.contiguous())
    assert graph.check is not None
    assert graph.check.agrees
    assert any("Lᵀ·L" in remark for remark in graph.remarks)


@pytest.mark.slow
def test_a_factor_that_is_none_has_a_wrong_gradient() -> None:
    graph = fl.backprop(lambda factor: bent(torch.cholesky_inverse(factor)), LOWER + 0.5)
    assert graph.check is not None
    assert graph.check.wrong
    assert [graph.nodes[graph.edges[place].target].op for place in graph.check.wrong_edges] == ["cholesky_inverse"]


@pytest.mark.parametrize("hermitian", [True, False])
def test_a_pseudo_inverse(hermitian: bool) -> None:
    graph = fl.backprop(lambda a: bent(linalg.pinv(a, hermitian=hermitian)), SYMMETRIC)
    assert graph.check is not None
    assert graph.check.agrees
    assert bool(graph.remarks) == hermitian


@pytest.mark.slow
@pytest.mark.parametrize("of", ["cholesky", "eigvalsh"])
def test_a_wrong_step_back_through_it_is_found(of: str) -> None:
    before = fl.backprop(lambda a: bent(OF_SYMMETRIC[of](Doubled.apply(a))), SYMMETRIC)
    behind = fl.backprop(lambda a: bent(Doubled.apply(OF_SYMMETRIC[of](a))), SYMMETRIC)
    for graph in (before, behind):
        assert graph.check is not None
        assert [graph.nodes[graph.edges[place].target].op for place in graph.check.wrong_edges] == ["Doubled"]


IMAGINARY = RANDOM.T @ RANDOM - RANDOM
SPREAD = torch.diag(torch.tensor([6.0, 7.0, 9.0], dtype=torch.float64))
OF_HERMITIAN: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    **{of: OF_SYMMETRIC[of] for of in ("upper", "eigvalsh", "eigh")},
    "cholesky_inverse": lambda z: torch.cholesky_inverse(linalg.cholesky(z)),
    "upper cholesky_solve": lambda z: torch.cholesky_solve(RIGHT + 0j, linalg.cholesky(z, upper=True), upper=True),
    "pinv": lambda z: linalg.pinv(z, hermitian=True),
}


def hermitian(real: torch.Tensor, imaginary: torch.Tensor) -> torch.Tensor:
    z = torch.complex(real, imaginary)
    return z + z.mH + SPREAD[: len(z), : len(z)]


def bent_parts(out: torch.Tensor) -> torch.Tensor:
    return bent(torch.view_as_real(out)) if out.is_complex() else bent(out)


@pytest.mark.parametrize("of", OF_HERMITIAN)
def test_of_a_hermitian_matrix_the_mirror_image_is_conjugate(of: str) -> None:
    graph = fl.backprop(lambda a, b: bent_parts(OF_HERMITIAN[of](hermitian(a, b))), RANDOM, IMAGINARY)
    assert graph.check is not None
    assert graph.check.agrees
    assert [each.entries for each in graph.check.inputs] == [9, 9]
    assert all("symmetric" not in remark for remark in graph.remarks)


@pytest.mark.parametrize(
    "around",
    [
        pytest.param(lambda z: linalg.eigvalsh(Doubled.apply(z)).pow(3).sum(), id="before"),
        pytest.param(lambda z: bent_parts(Doubled.apply(linalg.cholesky(z))), id="behind", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_step_back_around_a_hermitian_one_is_found(around: Callable[[torch.Tensor], torch.Tensor]) -> None:
    graph = fl.backprop(lambda a, b: around(hermitian(a, b)), RANDOM[:2, :2], IMAGINARY[:2, :2])
    assert graph.check is not None
    assert {graph.nodes[graph.edges[place].target].op for place in graph.check.wrong_edges} == {"Doubled"}


def test_a_complex_pseudo_inverse_has_its_own_numbers() -> None:
    """Made of operations that use lazy conjugates below autograd, which no mode may get between."""

    def inverse(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(linalg.pinv(torch.complex(a, b))).pow(2).sum()

    graph = fl.backprop(inverse, RANDOM, IMAGINARY)
    assert graph.nodes[graph.result].value is not None
    assert graph.nodes[graph.result].value.numbers == pytest.approx(float(inverse(RANDOM, IMAGINARY)))
    assert graph.check is not None
    assert graph.check.agrees


def test_a_complex_constant_goes_to_double_precision_with_the_rest() -> None:
    right = torch.complex(RIGHT, RIGHT.flip(0)).to(torch.complex64)
    x = RANDOM.to(torch.float32)
    check = fl.backprop(lambda a, b: (torch.complex(a, b) @ right).abs().sum(), x, x.T.contiguous()).check
    assert check is not None
    assert check.agrees


@pytest.mark.slow
def test_a_normal_distribution_of_a_covariance() -> None:
    def density(covariance: torch.Tensor) -> torch.Tensor:
        normal = torch.distributions.MultivariateNormal(torch.zeros(3, dtype=torch.float64), covariance)
        return normal.log_prob(RIGHT[:, 0])

    check = fl.backprop(density, SYMMETRIC).check
    assert check is not None
    assert check.agrees
