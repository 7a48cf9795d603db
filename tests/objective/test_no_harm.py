"""docs/semantics.md#objective: everything of the user's is bit for bit as before."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, TensorDataset, default_collate

from fallline._errors import DataError, OptionError
from fallline._objective import Objective

WIDE = torch.float64
X = torch.randn(12, 4, dtype=WIDE, generator=torch.Generator().manual_seed(0))
Y = torch.randint(0, 3, (12,), generator=torch.Generator().manual_seed(1))


def network(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), *layers, nn.Linear(5, 3)).double()


class Writing(nn.Module):
    """Writes to a buffer and draws random numbers in every forward pass, to no effect."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.inner = network(nn.BatchNorm1d(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        torch.rand(3), random.random(), np.random.rand()
        return self.inner(x)


def state(model: nn.Module, generator: torch.Generator) -> list[bytes]:
    """Everything, bit by bit."""
    tensors = [*model.state_dict().values(), *(one.grad for one in model.parameters() if one.grad is not None)]
    randoms = [torch.get_rng_state(), generator.get_state()]
    return [
        *(one.detach().numpy().tobytes() for one in (*tensors, *randoms)),
        repr([(name, each.training) for name, each in model.named_modules()]).encode(),
        repr([one.requires_grad for one in model.parameters()]).encode(),
        repr(random.getstate()).encode(),
        repr(np.random.get_state()).encode(),
        repr([id(one) for one in (*model.parameters(), *model.buffers())]).encode(),
        repr([one._version for one in (*model.parameters(), *model.buffers())]).encode(),
        repr([len(each._forward_pre_hooks) for each in model.modules()]).encode(),
    ]


class Counting(nn.Module):
    """Its output depends on how often it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=WIDE))
        self.inner = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.calls * self.inner(x)


def test_every_forward_pass_in_train_mode_begins_from_the_same_buffers() -> None:
    model = Counting()
    objective = Objective(model, nn.CrossEntropyLoss(), [(X[:5], Y[:5]), (X[5:], Y[5:])], mode="train")
    assert objective.loss([objective.parameters] * 3) == pytest.approx(
        [float(functional.cross_entropy(model.inner(X), Y).detach())] * 3, rel=1e-14
    )


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_no_harm(mode: Any) -> None:
    model = Writing()
    model.inner[0].eval()  # a mixed mode stays mixed
    functional.cross_entropy(model(X), Y).backward()
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(X, Y), batch_size=12 if mode == "train" else 5, shuffle=True, generator=generator)
    before = state(model, generator)
    for memory in ("1 GB", 300):
        objective = Objective(model, nn.CrossEntropyLoss(), loader, mode=mode, memory=memory)
        assert state(model, generator) == before
        at = objective.parameters
        objective.loss([at] * 7)
        objective.gradient([at] * 7)
        objective.change(at, at + 1e-9)
        objective.hvp(at, at)
        products = objective.products(at, dtype=torch.float64)
        products.times(torch.ones(objective.parameter_count))
        assert state(model, generator) == before
    with torch.inference_mode():
        objective.loss(at)
        objective.gradient(at)
        objective.hvp(at, at)
        objective.change(at, at + 1e-9)
        Objective(model, nn.CrossEntropyLoss(), (X, Y), mode=mode).gradient(at)
    with torch.no_grad():
        objective.hvp(at, at)
    assert state(model, generator) == before


def test_a_graph_survives_what_the_user_does_next() -> None:
    model = network(nn.BatchNorm1d(5))
    objective = Objective(model, nn.CrossEntropyLoss(), (X, Y))
    products = objective.products(objective.parameters)
    before = products.times(torch.ones(objective.parameter_count, dtype=WIDE))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    functional.cross_entropy(model(X), Y).backward()
    optimizer.step()
    assert torch.equal(products.times(torch.ones(objective.parameter_count, dtype=WIDE)), before)


def test_a_failing_model_leaves_all_as_it_was() -> None:
    class Failing(Writing):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            super().forward(x)
            raise KeyError("no")

    model = Failing()
    before = state(model, torch.Generator())
    with pytest.raises(OptionError, match=r"cannot be evaluated on a batch: KeyError 'no'\."):
        Objective(model, nn.CrossEntropyLoss(), (X, Y))
    assert state(model, torch.Generator()) == before


class Drawing:
    """A sampler with generators of its own, under names of its own, that counts its epochs."""

    def __init__(self, *, refused: bool = False) -> None:
        self.rng, self.gen = np.random.default_rng(0), torch.Generator().manual_seed(0)
        self.inside = {"python": [random.Random(0), np.random.RandomState(0)], "epochs": 0}
        self.epoch, self.refused = 0, refused

    def __len__(self) -> int:
        return len(X) - 2 * self.refused

    def __iter__(self) -> Iterator[int]:
        self.epoch, self.begun = self.epoch + 1, True
        self.inside["epochs"] += 1
        self.inside["python"][0].random(), self.inside["python"][1].rand(), torch.rand(1, generator=self.gen)
        return iter(self.rng.permutation(len(X)).tolist()[: len(self)])

    def state(self) -> str:
        python, legacy = self.inside["python"]
        drawn = (self.rng.bit_generator.state, self.gen.get_state().tolist(), python.getstate(), legacy.get_state())
        return repr((drawn, sorted(vars(self)), self.epoch, self.inside["epochs"]))


@pytest.mark.parametrize("place", ["sampler", "batch_sampler", "dataset", "collate_fn"])
@pytest.mark.parametrize("memory", ["1 GB", 300])
def test_what_a_loader_draws_and_counts_is_put_back(place: str, memory: str | float) -> None:
    drawing = Drawing()

    class Rows(TensorDataset):
        transforms: Any = None

        def __getitem__(self, index: int) -> Any:
            list(drawing) if self.transforms else None
            return super().__getitem__(index)

    rows = Rows(X, Y)
    rows.transforms = partial(max, [[drawing]]) if place == "dataset" else None

    def collate(given: Any) -> Any:
        list(drawing)
        return default_collate(given)

    batches = BatchSampler(drawing, 5, drop_last=False)
    loader: Any = {
        "sampler": lambda: DataLoader(rows, 5, sampler=drawing),
        "batch_sampler": lambda: DataLoader(rows, batch_sampler=batches),
        "dataset": lambda: DataLoader(rows, 5),
        "collate_fn": lambda: DataLoader(rows, 5, collate_fn=collate),
    }[place]()
    before = drawing.state()
    objective = Objective(network(), nn.CrossEntropyLoss(), loader, memory=memory)
    assert drawing.state() == before
    objective.loss(objective.parameters)
    assert drawing.state() == before
    list(loader)
    assert drawing.state() != before


def test_a_refused_loader_is_as_before() -> None:
    drawing = Drawing(refused=True)
    before = drawing.state()
    with pytest.raises(DataError, match="changed between two passes"):
        Objective(network(), nn.CrossEntropyLoss(), DataLoader(TensorDataset(X, Y), 5, sampler=drawing))
    assert drawing.state() == before
