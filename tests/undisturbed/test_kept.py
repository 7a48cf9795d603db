"""Bit for bit as before, whatever ran inside, and however it ended."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fallline._undisturbed import Kept, copy_bits
from fallline._undisturbed import _torch_private as private
from same_batch_loops import bits, everything, random_states


class Owner(nn.Module):
    """Holds one of each: parameters, buffers, an absent buffer, a tensor of its own, a table that rescales itself."""

    counted: torch.Tensor
    absent: torch.Tensor | None

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.table = nn.Embedding(4, 3, max_norm=0.1)
        self.register_buffer("counted", torch.tensor([-0.0, torch.nan]))
        self.register_buffer("absent", None)
        self.register_buffer("seen", torch.ones(1).expand(3))
        self.last = torch.zeros(1)
        self.linear.weight.grad = torch.ones(3, 3)


def count(owner: Owner) -> None:
    owner.counted.add_(1)


def replace_buffer(owner: Owner) -> None:
    owner.counted = owner.counted + 1


def fill_buffer(owner: Owner) -> None:
    owner.absent = torch.ones(1)


def remove_buffer(owner: Owner) -> None:
    del owner.counted


def add_buffer(owner: Owner) -> None:
    owner.register_buffer("another", torch.ones(1))


def replace_parameter(owner: Owner) -> None:
    owner.linear.weight = nn.Parameter(torch.zeros(3, 3))


def remove_parameter(owner: Owner) -> None:
    del owner.linear.bias


def remember(owner: Owner) -> None:
    owner.last = owner.linear(torch.ones(1, 3))


def forget(owner: Owner) -> None:
    del owner.last


def switch(owner: Owner) -> None:
    owner.norm.eval()


def freeze(owner: Owner) -> None:
    owner.linear.bias.requires_grad_(False)


def go_backward(owner: Owner) -> None:
    owner.zero_grad()
    owner.norm(owner.linear(torch.randn(4, 3))).square().sum().backward()


def look_up(owner: Owner) -> None:
    owner.table(torch.tensor([1, 2]))


def draw(owner: Owner) -> None:
    torch.rand(1)
    random.random()
    np.random.rand()


CHANGES = (
    count,
    replace_buffer,
    fill_buffer,
    remove_buffer,
    add_buffer,
    replace_parameter,
    remove_parameter,
    remember,
    forget,
    switch,
    freeze,
    go_backward,
    look_up,
    draw,
)


def state(owner: Owner) -> list[Any]:
    """Bits, identities, counts of changes, gradients, modes, generators, and which names there are in which order."""
    held = [(list(each._buffers), list(each._parameters)) for each in owner.modules()]
    return [*everything(owner), held, id(vars(owner).get("last"))]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_change_is_seen_and_put_back(change: Callable[[Owner], None]) -> None:
    owner = Owner()
    before = state(owner)
    with Kept(()) as kept:
        kept.module(owner)
        change(owner)
        assert state(owner) != before
        kept.put_back()
        change(owner)
    assert state(owner) == before


@pytest.mark.parametrize("error", [KeyError("mine"), KeyboardInterrupt()])
def test_also_where_the_body_raises(error: BaseException) -> None:
    owner = Owner()
    before = state(owner)
    with pytest.raises(type(error)):
        run_and_raise(owner, error)
    assert state(owner) == before


def run_and_raise(owner: Owner, error: BaseException) -> None:
    with Kept(()) as kept:
        kept.module(owner)
        for change in (count, remember, go_backward, look_up, draw, switch, freeze, remove_buffer, remove_parameter):
            change(owner)
        raise error


def test_what_cannot_be_copied_back_costs_nothing_else() -> None:
    owner = Owner()
    gradient, drawn = owner.linear.weight.grad, random_states()
    with pytest.raises(RuntimeError, match="size"):
        run_and_resize(owner)
    assert owner.linear.weight.grad is gradient
    assert random_states() == drawn


def run_and_resize(owner: Owner) -> None:
    with Kept(()) as kept:
        kept.module(owner)
        go_backward(owner)
        owner.counted.resize_(5)


def test_values_alone_leave_gradients_and_generators() -> None:
    owner = Owner()
    with Kept(()) as kept:
        kept.module(owner)
        count(owner)
        go_backward(owner)
        gradient, drawn = owner.linear.bias.grad, torch.get_rng_state()
        kept.put_values()
        assert bits(owner.counted) == bits(Owner().counted)
        assert owner.linear.bias.grad is gradient
        torch.manual_seed(1)
        kept.put_values()
        assert not torch.equal(torch.get_rng_state(), drawn)


def test_of_parts_that_overlap_the_earliest_contents_come_back() -> None:
    whole = torch.arange(4.0)
    with Kept(()) as kept:
        kept.contents([whole[1:]])
        whole[1:] += 10
        kept.contents([whole])
        whole[:2] += 10
    assert whole.tolist() == [0, 1, 2, 3]
    assert whole._version == 0


def test_contents_are_those_of_the_first_time() -> None:
    tensor = torch.zeros(2)
    with Kept(()) as kept:
        for _ in range(2):
            kept.contents([tensor, tensor])
            tensor += 1
    assert tensor.tolist() == [0, 0]


def test_what_nobody_can_write_to_is_not_written_to() -> None:
    """One number that is seen many times: PyTorch refuses to copy into it."""
    tensors = [torch.ones(1).expand(3), torch.eye(2).to_sparse(), torch.empty(2, device="meta")]
    with Kept(()) as kept:
        kept.contents(tensors)
    assert [each._version for each in tensors] == [0, 0, 0]


def test_tensors_that_are_put_back_by_somebody_else_are_left() -> None:
    owner = Owner()
    with Kept((), apart=[owner.counted, owner.table.weight]) as kept:
        kept.module(owner)
        count(owner)
        look_up(owner)
        changed = bits(owner.counted), bits(owner.table.weight)
    assert (bits(owner.counted), bits(owner.table.weight)) == changed


def test_what_was_made_in_inference_mode_is_put_back() -> None:
    with torch.inference_mode():
        tensor = torch.zeros(2)
        with Kept(()) as kept:
            kept.contents([tensor])
            tensor += 1
    assert tensor.tolist() == [0, 0]


def test_a_generator_of_ones_own_is_put_back() -> None:
    own = torch.Generator().manual_seed(3)
    before = own.get_state()
    with Kept(()) as kept:
        for _ in range(2):
            kept.generator(own)
            torch.rand(1, generator=own)
    assert torch.equal(own.get_state(), before)


@pytest.mark.parametrize("together", [True, False])
def test_contents_are_copied_bit_for_bit(monkeypatch: pytest.MonkeyPatch, together: bool) -> None:
    if not together:
        monkeypatch.delattr(torch, "_foreach_copy_")
    into, source = [torch.zeros(2), torch.zeros(3)], [torch.ones(2), torch.tensor([-0.0, 1.0, torch.nan])]
    copy_bits(into, source)
    assert list(map(bits, into)) == list(map(bits, source))


def test_hooks_are_told_apart() -> None:
    weight = nn.Parameter(torch.ones(1))
    assert not private.gradient_hooks_of(weight)
    weight.register_hook(lambda gradient: gradient)
    assert len(private.gradient_hooks_of(weight)) == 1
    assert not private.accumulation_hooks_of(weight)
    weight.register_post_accumulate_grad_hook(lambda _: None)
    assert len(private.accumulation_hooks_of(weight)) == 1
