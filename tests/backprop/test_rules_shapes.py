"""Rules of what only moves numbers: the words, and the shapes from which and to which."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from aten_operations import operations
from fallline._backprop._rules import local_derivatives

X = torch.arange(12.0).reshape(3, 4)
IMAGE = torch.arange(36.0).reshape(1, 1, 6, 6)
PLACES = torch.tensor([0, 2])

WORDS: dict[str, tuple[Callable[[Tensor], object], Tensor, str, str]] = {
    "view": (lambda x: x.view(12), X, "the same numbers, shaped back to (3, 4)", "(12,) → (3, 4)"),
    "unsqueeze": (lambda x: x.unsqueeze(0), X, "the same numbers, shaped back to (3, 4)", "(1, 3, 4) → (3, 4)"),
    "t": (torch.t, X, "the same numbers, with the dimensions put back in their order", "(4, 3) → (3, 4)"),
    "expand": (lambda x: x.expand(2, 3, 4), X, "Σ grad over the copies", "(2, 3, 4) → (3, 4)"),
    "expand to itself": (
        lambda x: x.expand(3, 4),
        X,
        "the same numbers: nothing was copied",
        "(3, 4) → (3, 4)",
    ),
    "select": (lambda x: x[1], X, "put back at the places taken, 0 elsewhere", "(4,) → (3, 4)"),
    "split": (lambda x: x.split(3), X, "put back at the places taken, 0 elsewhere", "(3, 4) → (3, 4)"),
    "index": (
        lambda x: x[PLACES],
        X,
        "put back at the places taken, added where one was taken twice, 0 elsewhere",
        "(2, 4) → (3, 4)",
    ),
    "tril": (torch.tril, X, "grad on the same triangle, 0 elsewhere", "(3, 4) → (3, 4)"),
    "pad": (lambda x: nn.functional.pad(x, (1, 1)), X, "grad without the padding", "(3, 6) → (3, 4)"),
    "max_pool2d": (
        lambda x: nn.functional.max_pool2d(x, 2),
        IMAGE,
        "to where each window's largest entry was, 0 elsewhere",
        "(1, 1, 3, 3) → (1, 1, 6, 6)",
    ),
    "avg_pool2d": (
        lambda x: nn.functional.avg_pool2d(x, 3),
        IMAGE,
        "each entry's grad/9 to every entry of its window, added where windows overlap",
        "(1, 1, 2, 2) → (1, 1, 6, 6)",
    ),
    "avg_pool2d divisor": (
        lambda x: nn.functional.avg_pool2d(x, 3, divisor_override=2),
        IMAGE,
        "each entry's grad/2 to every entry of its window, added where windows overlap",
        "(1, 1, 2, 2) → (1, 1, 6, 6)",
    ),
    "adaptive_avg_pool2d": (
        lambda x: nn.functional.adaptive_avg_pool2d(x, 2),
        IMAGE,
        "each entry's grad shared equally by its window",
        "(1, 1, 2, 2) → (1, 1, 6, 6)",
    ),
    "embedding": (
        lambda x: nn.functional.embedding(PLACES, x),
        X,
        "Σ grad of all places that took a row, 0 for rows not taken",
        "(2, 4) → (3, 4)",
    ),
    "cumsum": (lambda x: x.cumsum(0), X, "Σ grad from each place on to the end", "(3, 4) → (3, 4)"),
    "sort": (lambda x: x.sort(), X, "put back at the places taken, 0 elsewhere", "(3, 4) → (3, 4)"),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_and_shapes(case: str) -> None:
    fn, operand, rule, product = WORDS[case]
    one = next(each for each in operations(fn, operand) if each.edges)
    (local,) = local_derivatives(one.ran, one.edges)
    assert local is not None
    assert (local.rule, local.product, local.value) == (rule, product, None)


@pytest.mark.parametrize(("fn", "made"), [(torch.cat, "(6, 4)"), (torch.stack, "(2, 3, 4)")])
def test_every_joined_tensor_gets_its_part(fn: Callable[..., Tensor], made: str) -> None:
    (one,) = operations(lambda x, y: fn([x, y]), X, X + 1)
    first, second = local_derivatives(one.ran, (0, 0))
    assert first == second
    assert first is not None
    assert (first.rule, first.product) == ("the part of grad that came from this operand", f"{made} → (3, 4)")


def test_joined_tensors_of_several_shapes() -> None:
    (one,) = operations(lambda x, y: torch.cat([x, y]), X, X[:1].clone())
    (local, _) = local_derivatives(one.ran, (0, 0))
    assert local is not None
    assert local.product == "(4, 4) → its part"


def test_a_recurrent_layer_is_said_in_words() -> None:
    layer = nn.LSTM(3, 2)
    found = [each for each in operations(layer, torch.ones(4, 1, 3)) if each.ran.op == "mkldnn_rnn_layer"]
    for one in found:  # on processors whose kernel it is
        (local,) = local_derivatives(one.ran, one.edges)
        assert local is not None
        assert local.rule.startswith("backpropagation through time")


def test_an_operation_outside_of_the_tables_has_no_local_derivative() -> None:
    (one,) = [each for each in operations(torch.linalg.lu_factor, torch.eye(2)) if each.edges]
    assert local_derivatives(one.ran, one.edges) == [None]


def test_an_operand_outside_of_the_tables_has_none_either() -> None:
    (one,) = operations(lambda x: torch.index_select(x, 0, PLACES), X)
    assert local_derivatives(one.ran, [2]) == [None]
