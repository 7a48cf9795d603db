"""Do no harm: whatever a ramp is given, and however it ends, all is bit for bit as before."""

import itertools
import random
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import fallline as fl
from fallline._errors import DataError, OptionError
from fallline._ramp import ramp
from fallline._ramp._twin import Rates, twin_of
from ramp.cases import bits, case, program, rates


def ramped(one: Any, *seeds: int) -> Any:
    return ramp(one.model, one.loss_fn, one.loader, one.optimizer, rates=rates(20), seeds=seeds or (0,))


@pytest.mark.parametrize("name", ["SGD", "Adam", "groups"])
def test_all_is_as_before_and_training_goes_on_the_same(name: str) -> None:
    one, other = case(name), case(name)
    rest = other.train(3)
    after = program(other)
    one = case(name)
    before = program(one)
    found = ramped(one)
    assert program(one) == before
    assert len(found.passes) == 1
    assert one.train(3) == rest
    assert program(one)["model"] == after["model"]
    assert program(one)["state"] == after["state"]


@pytest.mark.slow
def test_the_ramp_itself_trains() -> None:
    """Or all of the above would hold of a ramp that does nothing."""
    found = ramped(case(), 0, 1)
    losses = found.passes[0].losses
    assert len(set(losses.tolist())) == len(losses)
    assert not np.array_equal(losses, found.passes[1].losses)


@pytest.mark.parametrize(
    ("error", "when"),
    [
        (ValueError, 0),
        (ValueError, 7),
        (RuntimeError, 1),
        (RuntimeError, 45),
        (KeyboardInterrupt, 60),
        (ValueError, 90),
    ],
)
def test_an_exception_leaves_all_as_before(error: type[BaseException], when: int) -> None:
    one = case()
    calls = itertools.count()
    plain = one.loss_fn

    def loss_fn(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if next(calls) == when:
            random.random()
            raise error("on purpose")
        return plain(output, target)

    before = program(one)
    with pytest.raises(error, match="on purpose"):
        ramp(one.model, loss_fn, one.loader, one.optimizer, rates=rates(20), seeds=(0, 1, 2))
    assert program(one) == before


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """It raises, also where the tests themselves were started so that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_between_any_two_lines_leaves_all_as_before() -> None:
    one = case()
    before = program(one)
    calls = itertools.count()

    def hit(*_: object) -> None:
        if next(calls) == 40:
            signal.raise_signal(signal.SIGINT)

    with one.model[1].register_forward_hook(hit), pytest.raises(KeyboardInterrupt):
        ramped(one)
    assert program(one) == before


def test_a_users_iterator_in_the_middle_goes_on_where_it_was() -> None:
    one, other = case(steps=0), case(steps=0)
    mine, theirs = iter(one.loader), iter(other.loader)
    next(mine), next(theirs)
    ramped(one)
    for (features, _), (expected, _) in zip(mine, theirs, strict=True):
        assert torch.equal(features, expected)


@pytest.mark.slow
def test_workers_that_stay_go_on_where_they_were() -> None:
    one = case(steps=0)
    loader: Any = DataLoader(TensorDataset(torch.arange(24.0).view(8, 3), torch.ones(8, 1)), 2, num_workers=1)
    staying: Any = DataLoader(loader.dataset, 2, num_workers=1, persistent_workers=True)
    mine = iter(staying)
    next(mine)
    ramp(one.model, one.loss_fn, staying, one.optimizer, rates=rates(20), seeds=(0,))
    assert [features[0, 0].item() for features, _ in mine] == [6.0, 12.0, 18.0]
    assert staying._iterator is mine


def test_counters_and_generators_of_a_loader_of_ones_own_are_put_back() -> None:
    class Own:
        def __init__(self) -> None:
            self.epoch = 0
            self.numbers = np.random.default_rng(5)
            self.python = random.Random(5)

        def __iter__(self) -> Iterator[Any]:
            self.epoch += 1
            self.seen = True
            for _ in range(3):
                x = torch.tensor(self.numbers.normal(size=(4, 3)), dtype=torch.float32) + self.python.random()
                yield x, x.sum(1, keepdim=True)

    one, loader = case(), Own()
    before = (dict(vars(loader)), repr(loader.numbers.bit_generator.state), loader.python.getstate())
    ramp(one.model, one.loss_fn, loader, one.optimizer, rates=rates(20), seeds=(0,))
    assert (dict(vars(loader)), repr(loader.numbers.bit_generator.state), loader.python.getstate()) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transform", "augment"])
def test_generators_inside_of_transforms_are_put_back_and_begin_with_the_seed(name: str) -> None:
    class Jitter:
        def __init__(self) -> None:
            self.rng = np.random.default_rng(0)

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return x + 0.1 * float(self.rng.normal())

    class Compose:
        def __init__(self, transforms: list[Any]) -> None:
            self.transforms = transforms

    class Rows(TensorDataset):
        def __getitem__(self, index: int) -> Any:
            x, y = super().__getitem__(index)
            return getattr(self, name).transforms[0](x), y

    one, jitter = case(), Jitter()
    rows = Rows(torch.ones(16, 3), torch.ones(16, 1))
    setattr(rows, name, Compose([jitter]))
    before = repr(jitter.rng.bit_generator.state)
    first, again = (
        ramp(one.model, one.loss_fn, DataLoader(rows, 4), one.optimizer, rates=rates(20), seeds=(0,)) for _ in range(2)
    )
    assert repr(jitter.rng.bit_generator.state) == before
    assert np.array_equal(first.passes[0].losses, again.passes[0].losses)


def test_what_can_be_read_only_once_is_refused_and_not_touched() -> None:
    one = case()
    once = ((torch.ones(2, 3), torch.ones(2, 1)) for _ in range(3))
    with pytest.raises(DataError, match="only once"):
        fl.sweep(one.model, one.loss_fn, once, optimizer=one.optimizer, method="ramp")
    assert len(list(once)) == 3

    class Drained:
        def __init__(self) -> None:
            self.parts = iter([(torch.ones(2, 3), torch.ones(2, 1))] * 3)

        def __iter__(self) -> Iterator[Any]:
            return self.parts

    before = program(one)
    with pytest.raises(DataError, match=r"only once|not one batch"):
        ramp(one.model, one.loss_fn, Drained(), one.optimizer)
    assert program(one) == before


def test_the_twin_shares_parameters_and_nothing_else() -> None:
    one = case("Adam")
    twin = twin_of(one.optimizer)
    assert [id(each) for each in twin.param_groups[0]["params"]] == [id(each) for each in one.model.parameters()]
    state, own = bits(twin.state_dict()), bits(one.optimizer.state_dict())
    assert state == own
    for parameter, kept in one.optimizer.state.items():
        assert twin.state[parameter]["exp_avg"] is not kept["exp_avg"]
    assert vars(twin).get("step") is None  # the scheduler's counting step stays behind


@pytest.mark.slow
def test_hooks_of_the_users_optimizer_do_not_run() -> None:
    one = case()
    calls: list[int] = []
    one.optimizer.register_step_post_hook(lambda *_: calls.append(1))
    ramped(one)
    assert calls == []


def test_groups_keep_the_ratios_of_their_rates() -> None:
    weight = [nn.Parameter(torch.ones(1)) for _ in range(3)]
    groups = [{"params": [weight[0]], "lr": 0.1}, {"params": [weight[1]], "lr": 0.01}, {"params": [weight[2]]}]
    own = torch.optim.SGD(groups, lr=0.2)
    twin = twin_of(own)
    Rates(own).set(twin, 1.0)
    assert [group["lr"] for group in twin.param_groups] == pytest.approx([1.0, 0.1, 2.0])
    assert [group["lr"] for group in own.param_groups] == [0.1, 0.01, 0.2]
    as_tensors = torch.optim.Adam([{"params": [weight[0]]}, {"params": [weight[1]], "lr": 0.01}], lr=torch.tensor(0.1))
    twin = twin_of(as_tensors)
    Rates(as_tensors).set(twin, 1.0)
    assert [float(group["lr"]) for group in twin.param_groups] == pytest.approx([1.0, 0.1])
    assert float(as_tensors.param_groups[0]["lr"]) == pytest.approx(0.1)


def test_a_warm_up_that_stands_at_0_keeps_the_ratios_it_has_in_mind() -> None:
    weight = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    own = torch.optim.SGD([{"params": [weight[0]], "lr": 0.2}, {"params": [weight[1]], "lr": 0.1}])
    torch.optim.lr_scheduler.LambdaLR(own, lambda step: step / 10)
    assert own.param_groups[0]["lr"] == 0
    assert Rates(own).ratios == [1.0, 0.5]


@pytest.mark.slow
@pytest.mark.parametrize("draw", [random.random, np.random.random])
def test_random_numbers_of_python_and_numpy_are_those_of_the_seed(draw: Any) -> None:
    """Augmentation that draws from them: another curve for each seed, the same one for the same seed."""
    one = case()
    loader = DataLoader(
        one.loader.dataset,
        8,
        collate_fn=lambda rows: (torch.stack([row[0] for row in rows]) + draw(), torch.stack([row[1] for row in rows])),
    )
    found = [ramp(one.model, one.loss_fn, loader, one.optimizer, rates=rates(20), seeds=(0,)) for _ in range(2)]
    assert np.array_equal(found[0].passes[0].losses, found[1].passes[0].losses)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "SGD"}, "its own optimizer"),
        ({"loader": None}, "its loader"),
        ({"method": "rampe"}, 'Did you mean "ramp"'),
        ({"goal": 0.5}, "neither a goal nor epochs"),
        ({"batch_size": 4}, "speaks of a table"),
        ({"learning_rates": [0.1, 0.2]}, "at least 20"),
        ({"loss_fn": lambda output, _: output}, "one number"),
        ({"loss_fn": lambda _, target: target.mean()}, "nothing is trained"),
    ],
)
def test_bad_settings_get_a_sentence_and_nothing_is_changed(change: dict[str, Any], words: str) -> None:
    one = case()
    given: dict[str, Any] = {"loss_fn": one.loss_fn, "loader": one.loader, "optimizer": one.optimizer, "method": "ramp"}
    before = program(one)
    with pytest.raises(OptionError, match=words):
        fl.sweep(one.model, **(given | change))
    assert program(one) == before


def test_what_cannot_be_put_back_is_refused() -> None:
    one = case()
    weight = next(one.model.parameters())
    handle = weight.register_post_accumulate_grad_hook(lambda _: None)
    with pytest.raises(OptionError, match="hook that runs once it has its gradient"):
        ramped(one)
    handle.remove()
    with pytest.raises(OptionError, match="LBFGS"):
        ramp(one.model, one.loss_fn, one.loader, torch.optim.LBFGS(one.model.parameters()))
    other = nn.Linear(1, 1)
    with pytest.raises(OptionError, match="holds no parameter of this model"):
        ramp(one.model, one.loss_fn, one.loader, torch.optim.SGD(other.parameters(), lr=0.1))
