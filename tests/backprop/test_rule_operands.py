"""Operands as rules read them: in float64, up to a thousand entries, or not at all."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from aten_operations import operation
from fallline._backprop._ran import Held, Ran
from fallline._backprop._rules import local_derivatives


def test_low_precision_is_computed_in_float64() -> None:
    x = torch.tensor([0.3], dtype=torch.bfloat16)
    one = operation(torch.exp, x)
    (local,) = local_derivatives(one.ran, one.edges)
    assert local.value.numbers.item() == math.exp(float(x))


def test_integers_and_booleans_may_stand_beside() -> None:
    x, n = torch.tensor([1.5, 2.5]), torch.tensor([3, -2])
    one = operation(lambda x: x * n, x)
    (local,) = local_derivatives(one.ran, one.edges)
    np.testing.assert_array_equal(local.value.numbers, [3.0, -2.0])


@pytest.mark.parametrize("size", [1000, 1001])
def test_numbers_up_to_a_thousand_entries(size: int) -> None:
    one = operation(torch.exp, torch.ones(size))
    (local,) = local_derivatives(one.ran, one.edges)
    assert (local.value is not None) == (size == 1000)
    assert local.rule == "exp(input)"


def test_complex_numbers_get_the_rule_alone() -> None:
    one = operation(torch.exp, torch.ones(2, dtype=torch.complex64))
    (local,) = local_derivatives(one.ran, one.edges)
    assert (local.rule, local.value) == ("grad · conj(exp(input))", None)


def test_a_small_result_of_a_large_mask_gets_the_rule_alone() -> None:
    """An operand that nobody kept is no error."""
    x = torch.ones(2000)
    one = operation(lambda x: torch.maximum(x, torch.zeros(1)), x)
    (local,) = local_derivatives(one.ran, one.edges)
    assert local.value is None


@pytest.mark.parametrize(
    "odd",
    [
        None,
        torch.ones(2).to_sparse(),
        torch.ones(2, device="meta"),
        torch.ones(2, dtype=torch.complex64),
    ],
    ids=["absent", "sparse", "meta", "complex"],
)
def test_an_operand_without_plain_numbers_leaves_the_rule_alone(odd: Tensor | None) -> None:
    held = Held(torch.ones(2), (2,), torch.float32, "x")
    other = odd if odd is None else Held(odd, (2,), odd.dtype, "y")
    (local,) = local_derivatives(Ran("mul", "Tensor", (held, other), ("self", "other"), (held,)), [0])
    assert local is not None
    rule = "None" if odd is None else "grad · conj(y)" if odd.is_complex() else "y"
    assert (local.rule, local.value) == (rule, None)


def test_a_setting_may_be_a_tensor() -> None:
    held = Held(torch.tensor([1.0, 3.0]), (2,), torch.float32, "x")
    bound = Held(torch.tensor(2.0), (), torch.float32, "t")
    (local,) = local_derivatives(
        Ran("threshold", "default", (held, bound, 0), ("self", "threshold", "value"), (held,)), [0]
    )
    assert local is not None
    assert local.rule == "1 where x > t, else 0"
    np.testing.assert_array_equal(local.value.numbers, [0.0, 1.0])
