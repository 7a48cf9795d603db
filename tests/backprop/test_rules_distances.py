"""Distances: their shares in numbers, and their rules carried out as they are written, against autograd."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from aten_operations import operation
from fallline._backprop._rules import local_derivatives
from fallline._records import LocalDerivative

D = torch.float64
DRAWN = torch.Generator().manual_seed(13)


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=D, generator=DRAWN)


ROWS = drawn(4, 3)


def locals_of(fn: Callable[..., Any], named: Mapping[str, Tensor]) -> list[LocalDerivative]:
    one = operation(fn, *named.values(), labels=tuple(named))
    found = [local for local in local_derivatives(one.ran, one.edges) if local is not None]
    assert len(found) == len(named)
    return found


@pytest.mark.parametrize("p", [1, 2, 3, float("inf")])
def test_a_distance_shares_itself(p: float) -> None:
    x, y = ROWS.clone().requires_grad_(), drawn(4, 3).requires_grad_()
    expected = torch.autograd.grad(torch.dist(x, y, p), (x, y))
    found = locals_of(lambda x, y: torch.dist(x, y, p), {"x": x.detach(), "y": y.detach()})
    texts = {1: "sign(x − y)", 2: "(x − y)/‖x − y‖", 3: "sign(x − y)·(|x − y|/‖x − y‖)²"}
    assert found[0].rule == texts.get(int(p) if p < 9 else 9, "sign(x − y) where |x − y| is largest, else 0")
    for local, gradient in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.from_numpy(local.value.numbers.copy()), gradient)


def test_a_broadcast_distance_gets_the_rule_alone() -> None:
    found = locals_of(torch.dist, {"x": ROWS, "y": drawn(3)})
    assert [(local.rule, local.value) for local in found] == [("(x − y)/‖x − y‖", None), ("−(x − y)/‖x − y‖", None)]


def test_pairs_of_rows() -> None:
    x = ROWS.clone().requires_grad_()
    out = torch.pdist(x)
    arrived = drawn(*out.shape)
    (expected,) = torch.autograd.grad(out, x, arrived)
    (local,) = locals_of(torch.pdist, {"x": ROWS})
    assert local.rule == "Σ over the other rows: grad·(row − other row)/distance"
    whole = torch.zeros(4, 4, dtype=D)
    whole[tuple(torch.triu_indices(4, 4, 1))] = arrived / out.detach()
    torch.testing.assert_close(((whole + whole.mT)[..., None] * (ROWS[:, None] - ROWS[None])).sum(1), expected)
