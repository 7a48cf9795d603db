"""docs/semantics.md#objective: a mean over batches of any size is the mean over all rows."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from fallline._errors import DataError, OptionError
from fallline._objective import Objective

ROWS = 13
CLASSES = 3
WEIGHTS = torch.tensor([1.0, 7.0, 0.25], dtype=torch.float64)


def network(seed: int = 0, outputs: int = CLASSES) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, outputs)).double()


def features(rows: int = ROWS) -> torch.Tensor:
    return torch.randn(rows, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def classes(ignored: tuple[int, ...] = ()) -> torch.Tensor:
    target = torch.arange(ROWS) % CLASSES
    target[list(ignored)] = -100
    return target


def numbers() -> torch.Tensor:
    return torch.randn(ROWS, CLASSES, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def masked(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean over the numbers that are there."""
    there = torch.isfinite(target)
    return (output - target.nan_to_num())[there].square().mean()


def cross_entropy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """A loss that is not known by its name."""
    return functional.cross_entropy(output, target)


def mean_squares(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """A loss that is not known by its name."""
    return (output - target).square().mean()


def with_holes() -> torch.Tensor:
    target = numbers()
    target[[1, 2, 2, 7], [0, 1, 2, 0]] = torch.nan
    return target


LOSSES: dict[str, tuple[Callable[..., Any], torch.Tensor, str]] = {
    "mean squares": (nn.MSELoss(), numbers(), "elements"),
    "Huber as a function": (functional.huber_loss, numbers(), "elements"),
    "cross-entropy": (nn.CrossEntropyLoss(), classes(), "targets that are not ignored"),
    "ignored": (nn.CrossEntropyLoss(), classes((0, 1, 2, 8)), "targets that are not ignored"),
    "other index": (nn.CrossEntropyLoss(ignore_index=1), classes(), "targets that are not ignored"),
    "class weights": (nn.CrossEntropyLoss(weight=WEIGHTS), classes((4, 5)), "class weights of the targets"),
    "smoothed": (nn.CrossEntropyLoss(weight=WEIGHTS, label_smoothing=0.2), classes(), "class weights of the targets"),
    "probabilities": (nn.CrossEntropyLoss(weight=WEIGHTS), numbers().softmax(1), "class weights of the targets"),
    "partial": (partial(functional.cross_entropy, weight=WEIGHTS), classes((3,)), "class weights of the targets"),
    "of one's own": (lambda out, y: (out - y).abs().sum(1).mean(), numbers(), "rows"),
    "of one's own, ignored": (cross_entropy, classes((0, 9)), "targets that are not"),
    "of one's own, masked": (masked, with_holes(), "targets that are not NaN"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_denominator_of_a_loss_is_found(name: str) -> None:
    loss_fn, target, over = LOSSES[name]
    batches = [(features()[:4], target[:4]), (features()[4:], target[4:])]
    model = network()
    objective = Objective(model, loss_fn, batches)
    assert over in repr(objective)
    whole = float(loss_fn(model(features()), target).detach())
    assert objective.loss(objective.parameters)[0] == pytest.approx(whole, rel=1e-13)


@pytest.mark.slow
@settings(deadline=None, max_examples=12)
@given(name=st.sampled_from(list(LOSSES)), ends=st.sets(st.integers(1, ROWS - 1)), seed=st.integers(0, 99))
def test_batches_of_any_size_and_order_give_the_same_numbers(name: str, ends: set[int], seed: int) -> None:
    loss_fn, target, _ = LOSSES[name]
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(seed))
    rows = torch.tensor_split(order, sorted(ends))
    whole = Objective(network(), loss_fn, (features(), target))
    parts = Objective(network(), loss_fn, [(features()[some], target[some]) for some in rows])
    at = whole.parameters
    ways = np.random.default_rng(seed).normal(size=(2, at.size))
    assert parts.loss(at) == pytest.approx(whole.loss(at), rel=1e-12)
    assert parts.gradient(at) == pytest.approx(whole.gradient(at), rel=1e-12, abs=1e-13)
    assert parts.hvp(at, ways) == pytest.approx(whole.hvp(at, ways), rel=1e-12, abs=1e-12)


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(scale=st.floats(1e-3, 1e3))
def test_scaling_the_loss_scales_everything(scale: float) -> None:
    plain = Objective(network(), nn.MSELoss(), (features(), numbers()))
    scaled = Objective(network(), lambda out, y: scale * functional.mse_loss(out, y), (features(), numbers()))
    at = plain.parameters
    assert scaled.loss(at) == pytest.approx(scale * plain.loss(at), rel=1e-12)
    assert scaled.gradient(at) == pytest.approx(scale * plain.gradient(at), rel=1e-11, abs=1e-12 * scale)
    assert scaled.hessian(at) == pytest.approx(scale * plain.hessian(at), rel=1e-11, abs=1e-11 * scale)


def test_a_batch_in_which_nothing_counts_adds_nothing() -> None:
    """Its own mean is NaN."""
    target = classes((0, 1, 2, 3))
    parts = Objective(network(), nn.CrossEntropyLoss(), [(features()[:4], target[:4]), (features()[4:], target[4:])])
    rest = Objective(network(), nn.CrossEntropyLoss(), (features()[4:], target[4:]))
    at = rest.parameters
    assert parts.loss(at) == pytest.approx(rest.loss(at), rel=1e-14)
    assert parts.hvp(at, at) == pytest.approx(rest.hvp(at, at), rel=1e-13, abs=1e-14)


def test_an_untrained_head_of_zeros_tells_nothing_and_is_looked_at_nearby() -> None:
    model = network()
    nn.init.zeros_(model[2].weight)
    nn.init.zeros_(model[2].bias)
    target = classes((0, 1, 2, 8))
    objective = Objective(model, cross_entropy, (features(), target))
    assert "not ignored" in repr(objective)


def test_rows_of_one_are_joined_for_the_check() -> None:
    singles = [(features()[i : i + 1], numbers()[i : i + 1]) for i in range(ROWS)]
    with pytest.raises(OptionError, match="is a sum over the rows"):
        Objective(network(), lambda out, y: (out - y).square().sum(), singles)
    whole = Objective(network(), nn.MSELoss(), (features(), numbers()))
    assert Objective(network(), nn.MSELoss(), singles).loss(whole.parameters) == pytest.approx(
        whole.loss(whole.parameters), rel=1e-13
    )


@pytest.mark.parametrize("data", ["pair", "batches"])
def test_a_sum_is_refused(data: str) -> None:
    pair = features(), numbers()
    given = pair if data == "pair" else [(pair[0][:5], pair[1][:5]), (pair[0][5:], pair[1][5:])]
    with pytest.raises(OptionError, match="is a sum over the rows, not a mean"):
        Objective(network(), lambda out, y: (out - y).square().sum(), given)
    with pytest.raises(OptionError, match=r"no mean \(reduction='sum'\)"):
        Objective(network(), nn.MSELoss(reduction="sum"), given)
    with pytest.raises(OptionError, match=r"no mean \(reduction='sum'\)"):
        Objective(network(), partial(functional.mse_loss, reduction="sum"), given)
    with pytest.raises(OptionError, match=r"shape \(13, 3\)|shape \(5, 3\)|shape \(1, 3\)|shape \(4, 3\)"):
        Objective(network(), lambda out, y: (out - y).square(), given)


def contrast(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Each row against all others of its batch."""
    return functional.cross_entropy(output @ target.T, torch.arange(len(output)))


def test_a_loss_between_rows_is_refused_and_taken_with_a_denominator_of_ones_own() -> None:
    pair = features(), numbers()
    halves = [(pair[0][:5], pair[1][:5]), (pair[0][5:], pair[1][5:])]
    with pytest.raises(OptionError, match=r"denominator=callable\(batch\)"):
        Objective(network(), contrast, halves)
    given = Objective(network(), contrast, halves, denominator=lambda batch: len(batch[1]))
    losses = [float(contrast(network()(x), y).detach()) for x, y in halves]
    assert given.loss(given.parameters)[0] == pytest.approx((5 * losses[0] + 8 * losses[1]) / ROWS, rel=1e-13)
    assert any("belongs to this split" in note for note in given.notes)
    rows = Objective(network(), nn.MSELoss(), halves, denominator=lambda batch: len(batch[1]))
    assert not rows.notes


def test_a_denominator_that_cannot_be_told_is_asked_for() -> None:
    """Sequences of two lengths: per row and per place are the same inside of each batch."""
    batches = [(torch.randn(4, length, 2).double(), torch.randn(4, length, 3).double()) for length in (2, 5)]
    with pytest.raises(OptionError, match="cannot be told from its values: rows or elements"):
        Objective(network(), mean_squares, batches)
    known = Objective(network(), nn.MSELoss(), batches)
    assert "elements" in repr(known)


def test_no_target_that_counts_is_refused() -> None:
    with pytest.raises(DataError, match="No target counts"):
        Objective(network(), nn.CrossEntropyLoss(), (features(), torch.full((ROWS,), -100)))


def test_a_long_batch_is_checked_where_the_rules_differ() -> None:
    target = torch.arange(900) % CLASSES
    target[800:] = -100
    objective = Objective(network(), cross_entropy, (features(900), target))
    assert "not ignored" in repr(objective)
