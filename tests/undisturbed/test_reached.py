"""Containers come back with the very objects that they held, and nothing is written to without need."""

from collections import OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fallline._undisturbed import Kept
from fallline._undisturbed import _reached as reached
from fallline._undisturbed._reached import Containers, Modules


class Counting(list[Any]):
    """Of a class of somebody's own, with an order or rules of its own: left alone."""


def test_every_kind_comes_back_with_the_same_objects_in_the_same_order() -> None:
    inner = [torch.ones(1)]
    ordered = OrderedDict(a=1, b=2)
    by_default: defaultdict[str, list[int]] = defaultdict(list, a=[1])
    recent: deque[Any] = deque([1, inner], maxlen=2)
    named = {1, 2}
    root: dict[str, Any] = {
        "inner": (inner, {"deep": recent}),
        "ordered": ordered,
        "by_default": by_default,
        "named": named,
    }
    kept = Containers([root])
    held = inner[0]
    inner.append(torch.zeros(1))
    inner[0] = torch.ones(1)
    recent.append(5)
    ordered.move_to_end("a")
    by_default["new"].append(3)
    by_default["a"] = []
    named.add(3)
    root["more"] = 1
    kept.put_back()
    assert [id(each) for each in inner] == [id(held)]
    assert (list(recent), recent.maxlen) == ([1, inner], 2)
    assert (list(ordered), dict(by_default), named, list(root)) == (
        ["a", "b"],
        {"a": [1]},
        {1, 2},
        ["inner", "ordered", "by_default", "named"],
    )


def test_what_holds_itself_or_is_somebodys_own_or_too_large_is_passed_by() -> None:
    endless: list[Any] = []
    endless.append(endless)
    own, large = Counting([1]), [0] * (reached.MOST + 1)
    kept = Containers([endless, own, large])
    for each in (endless, own, large):
        each.append(2)
    kept.put_back()
    assert endless == [endless]
    assert (own, large[-1]) == ([1, 2], 2)


def test_all_that_modules_hold_comes_back() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    first: Any = net[0]
    first.note = held = [1]
    first.absent = None
    before = {name: dict(vars(each)) for name, each in net.named_modules()}
    registered = [list(each._parameters) + list(each._modules) for each in net.modules()]
    kept = Modules([net])
    first.note = [2]
    first.added = 3
    held.append(2)
    net.eval()
    first.weight = nn.Parameter(torch.zeros(1, 1))
    first.absent = nn.Parameter(torch.zeros(1))
    net.append(nn.Linear(1, 1))
    first.register_forward_hook(lambda *_: None)
    kept.put_back()
    after = {name: dict(vars(each)) for name, each in net.named_modules()}
    assert [list(each) for each in after.values()] == [list(each) for each in before.values()]
    assert all(after[path][name] is value for path, each in before.items() for name, value in each.items())
    assert [list(each._parameters) + list(each._modules) for each in net.modules()] == registered
    assert held == [1]
    assert not first._forward_hooks


def test_containers_keep_nothing_of_modules() -> None:
    net: Any = nn.Linear(1, 1)
    kept = Containers([[net]])
    net.added = 3
    kept.put_back()
    assert net.added == 3
    assert kept.modules == [net]


def test_however_many_parameters_a_module_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reached, "MOST", 1)
    net: Any = nn.Sequential(nn.Linear(1, 1))
    kept = Modules([net])
    net[0].bias = None
    net[0].added = 3
    kept.put_back()
    assert net[0].bias is not None
    assert not hasattr(net[0], "added")


def test_generators_are_found_inside() -> None:
    own, legacy, torchs = np.random.default_rng(1), np.random.RandomState(1), torch.Generator()
    net: Any = nn.Linear(1, 1)
    net.drawing = own
    assert Containers([{"a": [legacy, (torchs,)]}]).generators in ([legacy, torchs], [torchs, legacy])
    assert Modules([net]).generators == [own]


def test_without_a_run_that_counts_what_changed_stays() -> None:
    held = [1]
    with Kept(()) as kept:
        kept.reached(held)
        held.append(2)
        kept.put_back()
        assert held == [1, 2]
    assert held == [1, 2]


def test_runs_after_the_one_that_counts_begin_where_it_began_and_leave_nothing() -> None:
    held = [1]
    with Kept(()) as kept:
        kept.reached(held)
        held.append(2)
        kept.ran()
        for _ in range(2):
            kept.put_back()
            assert held == [1]
            held.append(3)
    assert held == [1, 2]
