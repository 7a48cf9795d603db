"""Rules of linear algebra and of distances: carried out as they are written they give autograd's gradients."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from aten_operations import operations
from fallline._backprop._rules import local_derivatives
from fallline._records import LocalDerivative
from sampled import sampled

D = torch.float64
DRAWN = torch.Generator().manual_seed(11)
T = torch.linalg


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=D, generator=DRAWN)


A = drawn(3, 3) + 3 * torch.eye(3, dtype=D)
B, V, TALL, WIDE, ROWS, OTHERS = drawn(3, 2), drawn(3), drawn(4, 3), drawn(2, 4), drawn(4, 3), drawn(2, 3)
SPREAD = A @ A.mT + torch.diag(torch.tensor([1.0, 3.0, 8.0], dtype=D))
LOWER = T.cholesky(SPREAD)


def inv(m: Tensor) -> Tensor:
    return T.inv(m)


def phi(m: Tensor) -> Tensor:
    """The lower triangle with half its diagonal, and its mirror image, halved."""
    t = m.tril() - m.diagonal().diag() / 2
    return (t + t.mT) / 2


Formula = Callable[[Any], Tensor]
"""Of what arrived, what came out, and the operands by their letters."""

WRITTEN: dict[str, tuple[Callable[..., Tensor], dict[str, Tensor], list[tuple[str, Formula]]]] = {
    "det": (torch.det, {"A": A}, [("grad·det(A)·A⁻ᵀ", lambda m: m.g * T.det(m.A) * inv(m.A).mT)]),
    "slogdet": (
        lambda a: torch.slogdet(a).logabsdet,
        {"A": A},
        [("(grad of log|det|)·A⁻ᵀ; the sign is level", lambda m: m.g * inv(m.A).mT)],
    ),
    "inv": (
        torch.linalg.inv,
        {"A": A},
        [("−A⁻ᵀ @ grad @ A⁻ᵀ", lambda m: -inv(m.A).mT @ m.g @ inv(m.A).mT)],
    ),
    "solve": (
        torch.linalg.solve,
        {"A": A, "B": B},
        [
            ("−(A⁻ᵀ @ grad) @ Xᵀ, X the solution", lambda m: -(inv(m.A).mT @ m.g) @ m.out.mT),
            ("A⁻ᵀ @ grad", lambda m: inv(m.A).mT @ m.g),
        ],
    ),
    "solve vector": (
        torch.linalg.solve,
        {"A": A, "B": V},
        [
            ("−(A⁻ᵀ @ grad) ⊗ X, X the solution", lambda m: -torch.outer(inv(m.A).mT @ m.g, m.out)),
            ("A⁻ᵀ @ grad", lambda m: inv(m.A).mT @ m.g),
        ],
    ),
    "solve from the right": (
        lambda a, b: torch.linalg.solve(a, b, left=False),
        {"A": A, "B": TALL},
        [
            ("−Xᵀ @ (grad @ A⁻ᵀ), X the solution", lambda m: -m.out.mT @ (m.g @ inv(m.A).mT)),
            ("grad @ A⁻ᵀ", lambda m: m.g @ inv(m.A).mT),
        ],
    ),
    "solve_triangular": (
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=True),
        {"A": A.triu(), "B": B},
        [
            (
                "the upper triangle of −(A⁻ᵀ @ grad) @ Xᵀ, X the solution",
                lambda m: (-(inv(m.A).mT @ m.g) @ m.out.mT).triu(),
            ),
            ("A⁻ᵀ @ grad", lambda m: inv(m.A).mT @ m.g),
        ],
    ),
    "solve_triangular unit": (
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=False, left=False, unitriangular=True),
        {"A": A.tril(-1) + torch.eye(3, dtype=D), "B": TALL},
        [
            (
                "the lower triangle without its diagonal of −Xᵀ @ (grad @ A⁻ᵀ), X the solution",
                lambda m: (-m.out.mT @ (m.g @ inv(m.A).mT)).tril(-1),
            ),
            ("grad @ A⁻ᵀ", lambda m: m.g @ inv(m.A).mT),
        ],
    ),
    "cholesky": (
        torch.linalg.cholesky,
        {"A": SPREAD},
        [
            (
                "L⁻ᵀ @ ½(T + Tᵀ) @ L⁻¹, T the lower triangle of Lᵀ @ grad with half its diagonal, L the result",
                lambda m: inv(m.out).mT @ phi(m.out.mT @ m.g) @ inv(m.out),
            )
        ],
    ),
    "cholesky upper": (
        lambda a: torch.linalg.cholesky(a, upper=True),
        {"A": SPREAD},
        [
            (
                "L⁻ᵀ @ ½(T + Tᵀ) @ L⁻¹, T the lower triangle of Lᵀ @ gradᵀ with half its diagonal, "
                "L the result turned over",
                lambda m: inv(m.out) @ phi(m.out @ m.g.mT) @ inv(m.out).mT,
            )
        ],
    ),
    "cholesky_inverse": (
        torch.cholesky_inverse,
        {"L": LOWER},
        [("−out @ (grad + gradᵀ) @ out @ L", lambda m: -m.out @ (m.g + m.g.mT) @ m.out @ m.L)],
    ),
    "cholesky_inverse upper": (
        lambda u: torch.cholesky_inverse(u, upper=True),
        {"U": LOWER.mT.contiguous()},
        [("−U @ out @ (grad + gradᵀ) @ out", lambda m: -m.U @ m.out @ (m.g + m.g.mT) @ m.out)],
    ),
    "cholesky_solve": (
        torch.cholesky_solve,
        {"B": B, "L": LOWER},
        [
            ("(L @ Lᵀ)⁻¹ @ grad", lambda m: inv(m.L @ m.L.mT) @ m.g),
            (
                "−(S + Sᵀ) @ L, S = A⁻¹ @ grad @ outᵀ, A = L @ Lᵀ",
                lambda m: -twice(inv(m.L @ m.L.mT) @ m.g @ m.out.mT) @ m.L,
            ),
        ],
    ),
    "pinv": (
        torch.linalg.pinv,
        {"A": TALL},
        [
            (
                "−Pᵀ @ grad @ Pᵀ + (I − A @ P) @ gradᵀ @ P @ Pᵀ + Pᵀ @ P @ gradᵀ @ (I − P @ A), P the pseudo-inverse",
                lambda m: (
                    -m.out.mT @ m.g @ m.out.mT
                    + (torch.eye(4, dtype=D) - m.A @ m.out) @ m.g.mT @ m.out @ m.out.mT
                    + m.out.mT @ m.out @ m.g.mT @ (torch.eye(3, dtype=D) - m.out @ m.A)
                ),
            )
        ],
    ),
    "matrix_exp": (
        torch.linalg.matrix_exp,
        {"A": A / 3},
        [
            (
                "the upper right block of exp([[Aᵀ, grad], [0, Aᵀ]])",
                lambda m: torch.linalg.matrix_exp(
                    torch.cat([torch.cat([m.A.mT, m.g], 1), torch.cat([torch.zeros_like(m.g), m.A.mT], 1)])
                )[:3, 3:],
            )
        ],
    ),
    "cross": (
        torch.linalg.cross,
        {"a": ROWS, "b": drawn(4, 3)},
        [
            ("b × grad", lambda m: T.cross(m.b, m.g)),
            ("grad × a", lambda m: T.cross(m.g, m.a)),
        ],
    ),
    "cdist": (
        torch.cdist,
        {"a": ROWS, "b": OTHERS},
        [
            ("Σ over the rows of b: grad·(a − b)/distance", lambda m: away(m, m.g / m.out).sum(1)),
            ("Σ over the rows of a: grad·(b − a)/distance", lambda m: -away(m, m.g / m.out).sum(0)),
        ],
    ),
    "cdist 1": (
        lambda a, b: torch.cdist(a, b, 1),
        {"a": ROWS, "b": OTHERS},
        [
            (
                "Σ over the rows of b: grad·sign(a − b)",
                lambda m: (m.g[..., None] * away(m, torch.ones_like(m.g)).sign()).sum(1),
            ),
            (
                "Σ over the rows of a: grad·sign(b − a)",
                lambda m: -(m.g[..., None] * away(m, torch.ones_like(m.g)).sign()).sum(0),
            ),
        ],
    ),
    "cdist 3": (
        lambda a, b: torch.cdist(a, b, 3),
        {"a": ROWS, "b": OTHERS},
        [
            (
                "Σ over the rows of b: grad·sign(a − b)·(|a − b|/distance)²",
                lambda m: (m.g[..., None] * away(m, torch.ones_like(m.g)).sign() * (away(m, 1 / m.out).abs()) ** 2).sum(
                    1
                ),
            ),
            (
                "Σ over the rows of a: grad·sign(b − a)·(|b − a|/distance)²",
                lambda m: (
                    -(m.g[..., None] * away(m, torch.ones_like(m.g)).sign() * (away(m, 1 / m.out).abs()) ** 2).sum(0)
                ),
            ),
        ],
    ),
    "renorm": (
        lambda a: torch.renorm(a, 2, 0, 1.0),
        {"a": ROWS},
        [
            (
                "grad where ‖s‖ ≤ 1, else 1/‖s‖·(grad − s/‖s‖·Σ grad·s/‖s‖), s a slice of a",
                lambda m: scaled_down(m.g, m.a, 2),
            )
        ],
    ),
    "renorm 3": (
        lambda a: torch.renorm(a, 3, 0, 1.0),
        {"a": ROWS},
        [
            (
                "grad where ‖s‖ ≤ 1, else 1/‖s‖·(grad − sign(s)·(|s|/‖s‖)²·Σ grad·s/‖s‖), s a slice of a",
                lambda m: scaled_down(m.g, m.a, 3),
            )
        ],
    ),
}


WITHIN = {"renorm": 1e-6, "renorm 3": 1e-6}
"""PyTorch divides by the norm and 1e-7 more."""


def twice(s: Tensor) -> Tensor:
    return s + s.mT


def away(m: Any, factor: Tensor) -> Tensor:
    """[rows of a × rows of b × entries]"""
    return (m.a[:, None] - m.b[None]) * factor[..., None]


def scaled_down(g: Tensor, s: Tensor, order: int) -> Tensor:
    size = s.norm(order, dim=1, keepdim=True)
    slope = s.sign() * (s.abs() / size) ** (order - 1)
    return torch.where(size <= 1, g, (g - slope * (g * s).sum(1, keepdim=True) / size) / size)


def locals_of(fn: Callable[..., Any], named: Mapping[str, Tensor]) -> list[LocalDerivative]:
    one = next(each for each in operations(fn, *named.values(), labels=tuple(named)) if each.edges)
    found = dict(zip(one.edges, local_derivatives(one.ran, one.edges), strict=True))
    order = [found[place] for place in one.edges]
    assert all(local is not None for local in order)
    return [local for local in order if local is not None]


@pytest.mark.parametrize("case", sampled(WRITTEN, 2))
def test_rules_carried_out_as_written_give_the_gradients(case: str) -> None:
    fn, named, written = WRITTEN[case]
    given = [each.clone().requires_grad_() for each in named.values()]
    out = fn(*given)
    arrived = drawn(*out.shape)
    expected = torch.autograd.grad(out, given, arrived)
    for local, (rule, formula), gradient in zip(locals_of(fn, named), written, expected, strict=True):
        assert local.rule == rule
        assert local.value is None
        assert local.product is not None
        assert local.product.endswith(f"→ {tuple(gradient.shape)}")
        torch.testing.assert_close(
            formula(SimpleNamespace(g=arrived, out=out.detach(), **named)),
            gradient,
            rtol=1e-9,
            atol=WITHIN.get(case, 1e-11),
        )


def test_eigenvalues_and_eigenvectors_as_written() -> None:
    spread = SPREAD.clone().requires_grad_()
    values, vectors = T.eigh(spread)
    arrived, v = drawn(3), vectors.detach()
    (local,) = locals_of(lambda a: T.eigh(a)[1], {"A": SPREAD})
    assert local.rule == (
        "V @ (diag(gλ) + K) @ Vᵀ, Kᵢⱼ = ½(Mᵢⱼ − Mⱼᵢ)/(λⱼ − λᵢ), 0 on the diagonal, M = Vᵀ @ gV; "
        "gλ, gV the gradients of the two"
    )
    fixed = drawn(3)
    reached = (
        vectors @ arrived.diag() @ vectors.mT * fixed.outer(fixed)
    ).sum() + values @ fixed  # any sign of a vector
    g_values, g_vectors = torch.autograd.grad(reached, (values, vectors), retain_graph=True)
    (expected,) = torch.autograd.grad(reached, spread)
    lam = values.detach()
    m = v.mT @ g_vectors
    apart = (lam[None] - lam[:, None]).fill_diagonal_(torch.inf)
    torch.testing.assert_close(v @ (g_values.diag() + (m - m.mT) / (2 * apart)) @ v.mT, expected)


def test_singular_values_and_vectors_as_written() -> None:
    tall = TALL.clone().requires_grad_()
    u, s, vh = T.svd(tall, full_matrices=False)
    arrived = drawn(3)
    (local,) = locals_of(lambda a: T.svd(a, full_matrices=False)[1], {"A": TALL})
    assert local.rule == (
        "(U @ (K(Uᵀ @ gU)·s + sᵀ·K(Vᵀ @ gV) + diag(gs)) + (I − U @ Uᵀ) @ gU/s) @ Vᵀ + (U/s) @ gVᵀ @ (I − V @ Vᵀ), "
        "K(M)ᵢⱼ = (Mᵢⱼ − Mⱼᵢ)/(sⱼ² − sᵢ²), 0 on the diagonal; gU, gs, gV the gradients of the three"
    )
    fixed = drawn(4, 3)
    reached = ((u @ arrived.diag() @ vh) * fixed).sum() + s @ arrived
    gu, gs, gvh = torch.autograd.grad(reached, (u, s, vh), retain_graph=True)
    (expected,) = torch.autograd.grad(reached, tall)
    u, s, v, gv = u.detach(), s.detach(), vh.detach().mT, gvh.mT
    apart = (s[None] ** 2 - s[:, None] ** 2).fill_diagonal_(torch.inf)

    def k(m: Tensor) -> Tensor:
        return (m - m.mT) / apart

    inner = k(u.mT @ gu) * s + s[:, None] * k(v.mT @ gv) + gs.diag()
    left = (u @ inner + (torch.eye(4, dtype=D) - u @ u.mT) @ gu / s) @ v.mT
    torch.testing.assert_close(left + (u / s) @ gv.mT @ (torch.eye(3, dtype=D) - v @ v.mT), expected)


@pytest.mark.parametrize("wide", [False, True])
def test_qr_as_written(wide: bool) -> None:
    """Of a wide matrix with a surplus Y: R = [R₁, W], Y = Q @ W."""
    a = (WIDE if wide else TALL).clone().requires_grad_()
    q, r = T.qr(a)
    gq, gr = drawn(*q.shape), drawn(*r.shape)
    (expected,) = torch.autograd.grad((q, r), a, (gq, gr))
    (local,) = locals_of(lambda a: T.qr(a)[0], {"A": a.detach()})
    square = (
        "(gQ + Q @ (T + Tᵀ − diag(T))) @ R⁻ᵀ, T the upper triangle of gR @ Rᵀ − Qᵀ @ gQ; "
        "gQ, gR the gradients of the two"
    )
    more = "with gQ + Y @ gWᵀ for gQ, R = [R₁, W] and input = [X, Y]: to Y goes Q @ gW, to X "
    assert local.rule == (more if wide else "") + square
    q, r = q.detach(), r.detach()
    rows = q.shape[1]
    surplus, g_surplus = a.detach()[:, rows:], gr[:, rows:]
    r, gr, gq = r[:, :rows], gr[:, :rows], gq + surplus @ g_surplus.mT
    t = (gr @ r.mT - q.mT @ gq).triu()
    square_part = (gq + q @ (t + t.mT - t.diagonal().diag())) @ T.inv(r).mT
    torch.testing.assert_close(torch.cat([square_part, q @ g_surplus], 1), expected)


def test_a_product_of_three_gives_each_the_others() -> None:
    left, weight, right = drawn(4, 2), drawn(5, 2, 3), drawn(4, 3)
    operands = {"a": left, "W": weight, "b": right}
    bilinear = torch.nn.functional.bilinear
    one = next(each for each in operations(bilinear, left, right, weight) if each.ran.op == "_trilinear")
    given = [each.clone().requires_grad_() for each in operands.values()]
    arrived = drawn(4, 5)
    expected = torch.autograd.grad(bilinear(given[0], given[2], given[1]), given, arrived)
    for local in local_derivatives(one.ran, one.edges):
        assert local is not None
        assert local.rule == "Σ grad·the two other factors, over what this one has not"
    named = ("nk,oij,nj->ni", "nk,ni,nj->kij", "nk,oij,ni->nj")
    for text, gradient, (x, y) in zip(named, expected, ((weight, right), (left, right), (weight, left)), strict=True):
        torch.testing.assert_close(torch.einsum(text.replace("o", "k"), arrived, x, y), gradient)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_a_trace_takes_the_diagonal(shape: tuple[int, int]) -> None:
    m = drawn(*shape).requires_grad_()
    (expected,) = torch.autograd.grad(m.trace(), m)
    (local,) = locals_of(torch.trace, {"A": m.detach()})
    assert local.rule == "1 on the diagonal, else 0"
    torch.testing.assert_close(torch.from_numpy(local.value.numbers.copy()), expected)
