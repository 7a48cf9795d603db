"""Steps back that are no derivative on purpose: not accused, said on the node, and all else is compared still."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import embedding as looked_up

import fallline as fl

SCALES = torch.tensor([0.1, 0.05, 0.2])
TAKEN = torch.tensor([[1, 1, 0, 3]])


def bent(out: torch.Tensor) -> torch.Tensor:
    return out.sum() + (out**3).sum()


def embedding(**settings: Any) -> nn.Module:
    made = nn.Embedding(5, 2, **settings)
    with torch.no_grad():
        made.weight.copy_(torch.linspace(-1, 1.3, 10).reshape(5, 2))
    return nn.Sequential(made, nn.Tanh())


@pytest.mark.parametrize(
    ("settings", "rule", "note"),
    [
        (
            {"padding_idx": 0},
            "Σ grad of all places that took a row, 0 for rows not taken and for row 0 (padding)",
            "Row 0",
        ),
        (
            {"scale_grad_by_freq": True},
            "Σ grad of all places that took a row, scaled by frequency (scale_grad_by_freq), 0 for rows not taken",
            "scale_grad_by_freq",
        ),
        ({"max_norm": 0.5}, "Σ grad of all places that took a row, 0 for rows not taken", "embedding_renorm_"),
        ({}, "Σ grad of all places that took a row, 0 for rows not taken", None),
    ],
)
def test_an_embedding_is_not_accused_of_what_it_was_asked_for(
    settings: dict[str, Any], rule: str, note: str | None
) -> None:
    graph = fl.backprop(embedding(**settings), TAKEN, loss=bent)
    assert graph.check is not None
    assert graph.check.agrees
    assert not graph.check.wrong
    assert graph.edges[0].local is not None
    assert graph.edges[0].local.rule == rule
    assert [each.startswith(note or "-") for each in graph.remarks] == [True] * (note is not None)


def test_padding_in_a_bag_is_a_derivative() -> None:
    bag = nn.EmbeddingBag(5, 2, padding_idx=1, mode="sum")
    graph = fl.backprop(lambda: bent(bag(TAKEN)))
    assert graph.check is not None
    assert graph.check.agrees
    assert graph.remarks == ()


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_a_bag_that_scales_by_frequency_is_not_accused(mode: str) -> None:
    """Row 0 is taken three times, and the CPU divides rows 1 and 3 by its count in place of theirs."""
    bag = nn.EmbeddingBag(5, 2, mode=mode, scale_grad_by_freq=True)
    graph = fl.backprop(lambda: bent(bag(torch.tensor([[0, 0, 0, 1, 3]]))))
    assert graph.check is not None
    assert graph.check.agrees
    assert graph.check.remarks == ()
    assert [remark for remark in graph.remarks if "other counts than their own" in remark]


class Doubled(torch.autograd.Function):
    """Its step back forgets the factor."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - as PyTorch calls it
        return gradient


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"padding_idx": 0}, {"scale_grad_by_freq": True}])
def test_what_is_wrong_beside_it_is_found(settings: dict[str, Any]) -> None:
    table = torch.linspace(-1, 1.3, 10).reshape(5, 2)
    graph = fl.backprop(lambda w: bent(Doubled.apply(looked_up(TAKEN, w * 3, **settings))), table)
    assert graph.check is not None
    assert graph.check.wrong
    assert [graph.nodes[graph.edges[place].target].op for place in graph.check.wrong_edges] == ["Doubled"]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"padding_idx": 0}, {"scale_grad_by_freq": True}])
def test_a_table_that_is_used_elsewhere_is_compared_there(settings: dict[str, Any]) -> None:
    table = torch.linspace(-1, 1.3, 10).reshape(5, 2)
    right = fl.backprop(lambda w: bent(looked_up(TAKEN, w.sin(), **settings)) + bent(w), table)
    wrong = fl.backprop(lambda w: bent(looked_up(TAKEN, w.sin(), **settings)) + bent(Doubled.apply(w)), table)
    assert right.check is not None
    assert wrong.check is not None
    assert right.check.agrees
    assert right.check.inputs[0].entries == 10
    assert wrong.check.wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    "quantise",
    [
        lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -10, 10),
        lambda x: torch.fake_quantize_per_tensor_affine(x.sin() * 3, 0.1, 0, -10, 10),
        lambda x: torch.fake_quantize_per_channel_affine(x, SCALES, torch.zeros(3, dtype=torch.int32), 0, -10, 10),
        lambda x: torch.fake_quantize_per_channel_affine(x, SCALES, torch.zeros(3), 0, -10, 10),
    ],
)
def test_fake_quantisation_is_not_accused(quantise: Callable[[torch.Tensor], torch.Tensor]) -> None:
    x = torch.tensor([0.33, 0.71, -5.0])
    right = fl.backprop(lambda x: bent(quantise(x)), x)
    wrong = fl.backprop(lambda x: bent(Doubled.apply(quantise(x))), x)
    assert right.check is not None
    assert wrong.check is not None
    assert right.check.agrees
    assert len(right.remarks) == 1
    assert "on purpose" in right.remarks[0]
    assert wrong.check.wrong


def test_torchs_own_rounding_is_no_fake_quantisation() -> None:
    graph = fl.backprop(lambda x: bent(x.round() + x), torch.tensor([0.33, 0.71]))
    assert graph.remarks == ()


def test_fake_quantisation_that_learns_says_what_it_does() -> None:
    scale, zero = torch.tensor([0.1]), torch.tensor([0.0])
    graph = fl.backprop(
        lambda x, s: bent(torch._fake_quantize_learnable_per_tensor_affine(x, s, zero, -10, 10, 1.0)),
        torch.tensor([0.33, 0.71]),
        scale,
    )
    assert graph.check is not None
    assert not graph.check.wrong
    assert any("straight through" in remark for remark in graph.remarks)


def ctc(log_probs: torch.Tensor, lengths: Any) -> torch.Tensor:
    targets = torch.tensor([[1, 2], [2, 0]])
    known = type(lengths)((2, 1)) if isinstance(lengths, tuple) else torch.tensor([2, 1])
    return torch.nn.functional.ctc_loss(log_probs, targets, lengths, known, reduction="none").sum()


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [torch.tensor([5, 3]), (5, 3)])
def test_ctc_loss_of_log_probabilities_is_not_accused(lengths: Any) -> None:
    given = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    for log_probs in (given.log_softmax(2), given):
        graph = fl.backprop(lambda each: ctc(each.sin(), lengths), log_probs)
        assert graph.check is not None
        assert graph.check.agrees
        assert any(each.startswith("ctc_loss is of what log_softmax gives.") for each in graph.remarks)
    wrong = fl.backprop(lambda each: ctc(Doubled.apply(each).log_softmax(2), lengths), given).check
    assert wrong is not None
    assert wrong.wrong
