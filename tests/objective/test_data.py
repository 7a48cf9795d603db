"""docs/semantics.md#objective: loaders, data that change, and what is refused."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from fallline._errors import DataError, OptionError
from fallline._objective import HessianProducts, Objective
from fallline._objective._batches import read_batch
from fallline._objective._fingerprint import fingerprint

X = torch.randn(23, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.randn(23, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
SMALL = 400
"""Bytes, of which half are for data: less than one batch."""


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 1).double()


def seen(batches: list[tuple[torch.Tensor, torch.Tensor]]) -> int:
    return sum(fingerprint(read_batch(batch)) for batch in batches) % 2**64


@pytest.mark.slow
@settings(max_examples=30)
@given(ends=st.sets(st.integers(1, 22)), seed=st.integers(0, 99))
def test_a_fingerprint_is_of_rows_in_any_order_and_split(ends: set[int], seed: int) -> None:
    order = torch.randperm(23, generator=torch.Generator().manual_seed(seed))
    rows = torch.tensor_split(order, sorted(ends))
    assert seen([(X[some], Y[some]) for some in rows]) == seen([(X, Y)])


@pytest.mark.slow
@settings(max_examples=30)
@given(row=st.integers(0, 22), column=st.integers(0, 2))
def test_a_fingerprint_sees_one_bit_and_rows_that_traded_entries(row: int, column: int) -> None:
    changed = X.clone()
    changed[row, column] = torch.nextafter(changed[row, column], torch.tensor(9.0, dtype=torch.float64))
    assert seen([(changed, Y)]) != seen([(X, Y)])
    traded, other = X.clone(), (row + 1) % 23
    traded[[row, other], column] = X[[other, row], column]
    assert seen([(traded, Y)]) != seen([(X, Y)])
    targets = Y.clone()
    targets[[row, other]] = Y[[other, row]]
    assert seen([(X, targets)]) != seen([(X, Y)])
    first = X[:, :1].clone()
    assert seen([(first, Y)]) != seen([(Y, first)])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.bool, torch.uint8, torch.int64])
def test_a_fingerprint_of_every_dtype(dtype: torch.dtype) -> None:
    plain = (100 * X).to(dtype)
    other = plain.clone()
    other[3, 1] = not other[3, 1] if dtype is torch.bool else other[3, 1] + 1
    assert seen([(plain, Y)]) != seen([(other, Y)])


@pytest.mark.parametrize("memory", ["1 GB", SMALL])
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_loader_gives_the_numbers_of_the_pair(memory: str | int, shuffle: bool) -> None:
    whole = Objective(model(), nn.MSELoss(), (X, Y))
    loader = DataLoader(TensorDataset(X, Y), batch_size=5, shuffle=shuffle)
    objective = Objective(model(), nn.MSELoss(), loader, memory=memory)
    at, way = whole.parameters, np.arange(4.0)
    assert (objective.rows, objective.batches) == (23, 5)
    assert any("reads them anew" in note for note in objective.notes) == (memory == SMALL)
    assert objective.loss([at, at + 1]) == pytest.approx(whole.loss([at, at + 1]), rel=1e-12)
    assert objective.gradient(at) == pytest.approx(whole.gradient(at), rel=1e-12)
    products = objective.products(at)
    for _ in range(2):
        assert products.times(torch.from_numpy(way)).numpy() == pytest.approx(whole.hessian(at) @ way, rel=1e-12)
    assert products.count == 2
    assert products.loss == pytest.approx(whole.loss(at)[0], rel=1e-12)
    assert products.gradient == pytest.approx(whole.gradient(at)[0], rel=1e-12)
    assert products.complete == bool(products._kept) == (memory == "1 GB")


def test_graphs_are_kept_all_or_none() -> None:
    halves = [(X[:11], Y[:11]), (X[11:], Y[11:])]
    objective = Objective(model(), nn.MSELoss(), halves)
    at = torch.from_numpy(objective.parameters)
    for memory in range(0, 4000, 100):
        products = HessianProducts(at, objective._like, objective._passes.session, memory)
        assert len(products._kept) == (2 if products.complete else 0)
    assert products.complete


class Augmented:
    """Other noise at each pass, from pass ``since`` on, out of a source that nobody can put back."""

    def __init__(self, since: int) -> None:
        self.since, self.passes = since, itertools.count(1)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        made = next(self.passes)
        yield X + (made if made >= self.since else 0), Y


@pytest.mark.parametrize("memory", ["1 GB", SMALL])
def test_data_that_change_between_passes_are_refused(memory: str | int) -> None:
    with pytest.raises(DataError, match="The data changed between two passes"):
        Objective(model(), nn.MSELoss(), Augmented(2), memory=memory)


def test_streamed_data_are_watched_at_every_pass() -> None:
    objective = Objective(model(), nn.MSELoss(), Augmented(4), memory=SMALL)
    objective.loss(objective.parameters)
    with pytest.raises(DataError, match="The data changed between two passes"):
        objective.loss(objective.parameters)


def test_what_is_kept_is_a_copy() -> None:
    data = (X.clone(), Y.clone())
    objective = Objective(model(), nn.MSELoss(), data)
    before = objective.loss(objective.parameters)
    data[0].zero_()
    assert np.array_equal(objective.loss(objective.parameters), before)


def of_ones_own(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (output - target).square().mean()


class Reused:
    """A loader that fills the same memory at each batch."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        x, y = torch.empty(1, 3, dtype=torch.float64), torch.empty(1, 1, dtype=torch.float64)
        for row in range(23):
            yield x.copy_(X[row : row + 1]), y.copy_(Y[row : row + 1])


def test_a_loader_may_fill_the_same_memory_again() -> None:
    whole = Objective(model(), nn.MSELoss(), (X, Y))
    for memory in ("1 GB", 40):
        reused = Objective(model(), of_ones_own, Reused(), memory=memory)
        assert reused.loss(whole.parameters) == pytest.approx(whole.loss(whole.parameters), rel=1e-12)


def test_a_large_batch_is_taken_in_pieces() -> None:
    whole = Objective(model(), nn.MSELoss(), (X, Y))
    module, rows = model(), []
    pieces = Objective(module, nn.MSELoss(), (X, Y), memory=1600)
    module.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    at = whole.parameters
    pieces.loss(at)
    assert sum(rows) == 23
    assert max(rows) <= pieces._passes.largest < 23
    assert pieces.loss(at) == pytest.approx(whole.loss(at), rel=1e-12)
    assert pieces.gradient(at) == pytest.approx(whole.gradient(at), rel=1e-12)
    assert pieces.products(at).times(torch.arange(4.0).double()).numpy() == pytest.approx(
        whole.hessian(at) @ np.arange(4.0), rel=1e-12
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "not one batch came"),
        (DataLoader(TensorDataset(X[:0], Y[:0]), batch_size=3), "not one batch came"),
        ((X[:0], Y[:0]), "the batches have no rows"),
        (TensorDataset(X, Y), "A dataset has single rows: give a loader"),
        (iter([(X, Y)]), "can be read only once"),
        (X, "not a Tensor"),
        (3, "not a int"),
        ((X.numpy(), Y.numpy()), r"these are arrays. Give \(torch.as_tensor\(input\)"),
        ((X, X, Y), "here are 3 things, the first a tensor"),
        ([(X, X, Y)], "here is 3 things"),
        ([X], "here are 1 things"),
        ([(3, Y)], "needs a tensor with rows"),
    ],
)
def test_data_that_are_none(data: object, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Objective(model(), nn.MSELoss(), data)


class Pairs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 1).double()

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.layer(first), self.layer(second)


def of_both(output: tuple[torch.Tensor, ...], target: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return of_ones_own(output[0], target[0]) + of_ones_own(output[1], target[1].reshape(-1, 1))


def test_several_inputs_with_several_targets() -> None:
    single = Y[:, 0]
    pair = Objective(Pairs(), of_both, ((X, 2 * X), (Y, single)))  # no second batch: other dimensions than 2·X
    listed = Objective(Pairs(), of_both, [((X, 2 * X), (Y, single))])
    assert (pair.rows, pair.batches) == (listed.rows, listed.batches) == (23, 1)
    assert pair.loss(pair.parameters) == listed.loss(listed.parameters)
    three = Objective(Pairs(), lambda out, y: of_both(out, y[:2]), ((X, 2 * X), (Y, Y, Y)))
    assert (three.rows, three.batches) == (23, 1)


def test_two_batches_and_what_may_be_either() -> None:
    two = Objective(model(), nn.MSELoss(), [(X, Y), (2 * X, Y)])
    assert (two.rows, two.batches) == (46, 2)
    unequal = Objective(model(), nn.MSELoss(), ((X, Y), (X[:5], Y[:5])))  # of other rows, so these are no pair
    assert (unequal.rows, unequal.batches) == (28, 2)
    with pytest.raises(DataError, match=r"Are they two batches.*Or two inputs with two targets"):
        Objective(model(), nn.MSELoss(), ((X, Y), (2 * X, Y)))


@pytest.mark.parametrize("memory", ["much", "-1 GB", 0, "3 XB", True, float("nan")])
def test_a_memory_that_is_none(memory: object) -> None:
    with pytest.raises(OptionError, match="memory"):
        Objective(model(), nn.MSELoss(), (X, Y), memory=memory)
