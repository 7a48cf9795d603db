"""Containers come back with the very objects that they held, and nothing is written to without need."""

from collections import OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import torch
from torch import nn

from fallline._undisturbed import Kept
from fallline._undisturbed import _reached as reached
from fallline._undisturbed._reached import Containers


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


def test_attributes_of_modules_come_back_but_for_those_of_every_module() -> None:
    net = nn.Sequential(nn.Linear(1, 1))
    first: Any = net[0]
    first.note = held = [1]
    kept = Containers([net])
    first.note = [2]
    first.added = 3
    held.append(2)
    net.eval()
    weight = first.weight = nn.Parameter(torch.zeros(1, 1))
    kept.put_back()
    assert first.note is held
    assert held == [1]
    assert not hasattr(first, "added")
    assert not net.training
    assert first.weight is weight


def test_generators_are_found_inside() -> None:
    own, legacy, torchs = np.random.default_rng(1), np.random.RandomState(1), torch.Generator()
    net: Any = nn.Linear(1, 1)
    net.drawing = own
    assert Containers([{"a": [legacy, (torchs,)]}, net]).generators in ([legacy, torchs, own], [torchs, legacy, own])


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
