"""Nothing that is replaced for the check is replaced where somebody else could see it; names do not hide each other."""

import random
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import leaf, traced
from fallline._backprop._torch_private import custom_functions_get

X = torch.tensor([1.0, 2.0, 3.0])


class Wrong(torch.autograd.Function):
    """Doubles; its step back says that it triples."""

    @staticmethod
    def forward(_ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Twice x."""
        return x * 2

    @staticmethod
    def backward(_ctx: Any, *arrived: torch.Tensor) -> torch.Tensor:
        """Not the derivative."""
        return arrived[0] * 3


class Right(Wrong):
    """The same with its own step back."""

    @staticmethod
    def backward(_ctx: Any, *arrived: torch.Tensor) -> torch.Tensor:
        """The derivative."""
        return arrived[0] * 2


class Drawing(torch.autograd.Function):
    """Its step back draws random numbers."""

    @staticmethod
    def forward(_ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """x."""
        return x.clone()

    @staticmethod
    def backward(_ctx: Any, *arrived: torch.Tensor) -> torch.Tensor:
        """Times random numbers."""
        return arrived[0] * torch.rand_like(arrived[0])


wrong: Callable[[torch.Tensor], torch.Tensor] = Wrong.apply  # taken before anything could be put in its place
right: Callable[[torch.Tensor], torch.Tensor] = Right.apply
drawing: Callable[[torch.Tensor], torch.Tensor] = Drawing.apply
MODULE_WIDE = nn.Parameter(torch.ones(3))


class Clash(nn.Module):
    """Has a parameter with the name of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.full((3,), 5.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product, whose step back to the input is wrong."""
        return (wrong(x) * self.x).sum()


def test_a_parameter_with_the_name_of_an_input_hides_nothing() -> None:
    graph = fl.backprop(Clash(), X)
    assert {name: each.tolist() for name, each in graph.gradients.items()} == {
        "x": [15, 15, 15],
        "x (parameter)": [2, 4, 6],
    }
    assert graph.check is not None
    assert {each.name: each.agrees for each in graph.check.inputs} == {"x": False, "x (parameter)": True}


@pytest.mark.slow
def test_a_custom_function_of_a_captured_parameter_is_compared() -> None:
    """PyTorch tells no mode of it: its arguments are replaced in another way."""
    captured = nn.Parameter(torch.ones(3))
    check = fl.backprop(lambda x: (x * wrong(captured)).sum(), X).check
    assert check is not None
    assert {each.name: each.agrees for each in check.inputs} == {"x": True, "captured": False}
    check = fl.backprop(lambda x: (x * right(captured)).sum(), X).check
    assert check is not None
    assert {each.name: each.agrees for each in check.inputs} == {"x": True, "captured": True}
    check = fl.backprop(lambda x: (x * wrong(MODULE_WIDE)).sum(), X).check
    assert check is not None
    assert {each.name: each.agrees for each in check.inputs} == {"x": True, "MODULE_WIDE": False}
    assert "apply" not in vars(torch.autograd.Function.__mro__[1])


class Meantime:
    """What another thread saw; no module, since of those nothing stays."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.dtypes: set[torch.dtype] = set()


class Meanwhile(nn.Module):
    """Another thread runs somebody's function in the middle of every forward pass."""

    def __init__(self, others: Callable[[], Any]) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.others = others
        self.seen = Meantime()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of the squares."""
        other = threading.Thread(target=self._run)
        other.start()
        other.join()
        return self.linear(x).pow(2).sum()

    def _run(self) -> None:
        try:
            self.seen.dtypes.add(self.others().dtype)
        except RuntimeError as error:
            self.seen.errors.append(error)


def test_another_thread_uses_the_same_parameters_meanwhile() -> None:
    scale = torch.ones(2, requires_grad=True)
    net = Meanwhile(lambda: wrong(net.linear(X) * scale * MODULE_WIDE.sum()))
    check = fl.backprop(lambda x: net(x) * scale.sum() * MODULE_WIDE.sum(), X).check
    assert check is not None
    assert {each.name for each in check.inputs} == {"x", "net.linear.weight", "net.linear.bias", "scale", "MODULE_WIDE"}
    assert check.agrees
    assert net.seen.errors == []
    assert net.seen.dtypes == {torch.float32}


@pytest.mark.slow
def test_two_calls_on_one_module_run_one_after_the_other() -> None:
    torch.manual_seed(0)
    net, rows = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)), torch.randn(4, 3)
    before = {name: each.clone() for name, each in net.state_dict().items()}
    agreed: list[bool] = []

    def one() -> None:
        check = fl.backprop(net, rows, loss=lambda made: made.pow(3).sum()).check
        agreed.append(check is not None and check.agrees and bool(check.inputs))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert agreed == [True, True]
    assert all(torch.equal(each, before[name]) for name, each in net.state_dict().items())


@pytest.mark.parametrize("check", [False, True])
def test_a_generator_of_the_users_own_is_put_back(check: bool) -> None:
    own = torch.Generator().manual_seed(3)
    before = own.get_state()
    graph = fl.backprop(lambda x: (x * torch.rand(3, generator=own)).sum(), X, check=check)
    assert torch.equal(own.get_state(), before)
    assert graph.gradients["x"].tolist() == torch.rand(3, generator=own).tolist()
    assert graph.check is None or graph.check.agrees


def test_a_graph_that_began_before_is_not_compared() -> None:
    begun = leaf(1.0, 2.0, 3.0)
    before = wrong(begun)
    check = fl.backprop(lambda a: (a * before).sum(), X).check
    assert check is not None
    assert [each.name for each in check.inputs] == ["a"]
    assert check.remarks[0].endswith("only what runs inside of it can be run again.")
    assert "not compared. Its graph began before this call" in check.remarks[0]


@pytest.mark.parametrize(
    "fn", [lambda x: x.mul_(2).sum(), lambda x: nn.functional.relu(x, inplace=True).sum(), lambda x: x[1:].zero_()]
)
def test_writing_to_an_input_is_one_sentence(fn: Callable[..., Any]) -> None:
    with pytest.raises(fl.OptionError, match=r"writes in place .* Write to a copy, x\.clone\(\)"):
        fl.backprop(fn, X)


def test_tensors_inside_a_list_are_said_to_be_constants() -> None:
    with pytest.raises(fl.OptionError, match="Tensors inside a list, tuple or dict are constants"):
        fl.backprop(lambda each: (each[0] * each[1]).sum(), [X, X])
    graph = traced(lambda x, each: (x * each[0]).sum(), X, [X])
    assert any("constants" in each for each in graph.remarks)
    assert not traced(lambda x, sizes: (x * sizes[0]).sum(), X, [3]).remarks


linear = nn.Linear(3, 3)


def test_an_attribute_of_the_name_of_a_bystander_is_no_use_of_it() -> None:
    assert not traced(lambda x: nn.functional.linear(x, x.detach()[None]).sum(), X).remarks
    assert "linear.weight" in traced(lambda x: linear(x).sum(), X).gradients


def test_the_jacobian_draws_no_random_number_before_the_gradient() -> None:
    found = []
    for jacobian in (False, True):
        torch.manual_seed(0)
        graph = traced(lambda x: drawing(x) * 2, X, vector=torch.ones(3), jacobian=jacobian)
        found.append(graph.gradients["x"].tolist())
    assert found[0] == found[1]


def test_a_large_jacobian_is_refused_before_the_check() -> None:
    calls = []

    def fn(x: torch.Tensor) -> torch.Tensor:
        calls.append(x)
        return x * 2

    with pytest.raises(fl.OptionError, match="at most 10,000"):
        fl.backprop(fn, torch.ones(101), vector=torch.ones(101), jacobian=True)
    assert len(calls) == 1


class Remembering(nn.Module):
    """Keeps a tensor that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1)
        self.last = torch.zeros(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        self.last = self.linear(x)
        return self.last.sum()


def test_a_tensor_that_a_module_keeps_is_put_back() -> None:
    net = Remembering()
    last = net.last
    fl.backprop(net, X)
    assert net.last is last
    assert last.dtype is torch.float32


def test_somebody_elses_way_to_apply_custom_functions_is_called_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    base: Any = torch.autograd.Function.__mro__[1]
    seen: list[int] = []

    def apply(cls: type, *args: Any) -> Any:
        seen.append(1)
        return super(base, cls).apply(*args)

    theirs: Any = classmethod(apply)
    monkeypatch.setattr(base, "apply", theirs, raising=False)
    check = fl.backprop(lambda x: right(x).sum(), X).check
    assert check is not None
    assert check.agrees
    assert check.evaluations is not None
    assert len(seen) > check.evaluations
    assert vars(base)["apply"] is theirs


def test_what_is_put_in_its_place_meanwhile_stays() -> None:
    base: Any = torch.autograd.Function.__mro__[1]
    with custom_functions_get(lambda each: each * 5):
        ours = vars(base)["apply"]
        theirs = classmethod(lambda cls, *args: ours.__get__(None, cls)(*args))
        base.apply = theirs
        assert right(X).tolist() == [10, 20, 30]
    try:
        assert vars(base)["apply"] is theirs
        assert right(X).tolist() == [2, 4, 6]
    finally:
        del base.apply


class KeepingAll(nn.Module):
    """Keeps what it saw, in every way there is."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1)
        self.seen: list[torch.Tensor] = []
        self.by_name: dict[str, list[torch.Tensor]] = {"h": []}
        self.drawn = np.random.default_rng(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A number that depends on how often it ran."""
        made = self.linear(x)
        self.seen.append(made)
        self.by_name["h"] += [made.detach()]
        self.last = made
        result: torch.Tensor = made.pow(2).sum() * len(self.seen) * self.drawn.random()
        return result


def test_what_a_module_remembers_is_as_before() -> None:
    net = KeepingAll()
    before, held = net.drawn.bit_generator.state, (net.seen, net.by_name["h"])
    check = fl.backprop(net, X).check
    assert check is not None
    assert check.agrees
    assert (net.seen is held[0], net.by_name["h"] is held[1], *held) == (True, True, [], [])
    assert not hasattr(net, "last")
    assert net.drawn.bit_generator.state == before


def test_captured_containers_are_as_one_run_left_them() -> None:
    held, log, names, given = {"h": torch.zeros(3)}, deque([0], maxlen=3), {"one"}, [1.0]

    def fn(x: torch.Tensor, numbers: list[float]) -> torch.Tensor:
        held["h"] = held["h"] + x.detach()
        log.append(len(log))
        names.add(f"{len(names)}")
        numbers[0] *= 2
        return (x * held["h"] * len(names) * numbers[0]).sum()

    graph = fl.backprop(fn, X, given, jacobian=True)
    assert graph.check is not None
    assert graph.check.agrees
    assert held["h"].dtype is torch.float32
    assert (held["h"].tolist(), list(log), names, given) == ([1, 2, 3], [0, 1], {"one", "1"}, [2])


@pytest.mark.parametrize(
    "own",
    [np.random.default_rng(3), np.random.RandomState(3), random.Random(3)],
    ids=lambda each: type(each).__name__,
)
def test_generators_of_numpy_and_python_are_put_back(own: Any) -> None:
    def draw() -> float:
        return float(own.uniform(0, 1))

    def fn(x: torch.Tensor, generators: dict[str, Any]) -> torch.Tensor:
        return (x * (own.uniform(0, 1) + generators["own"].uniform(0, 1))).sum()

    check = fl.backprop(fn, X, {"own": own}).check
    assert check is not None
    assert check.agrees
    first, known = draw(), type(own)(np.random.PCG64(3)) if isinstance(own, np.random.Generator) else type(own)(3)
    assert first == known.uniform(0, 1)


def test_a_function_that_calls_backprop_itself_does_not_wait_for_itself() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        inner = fl.backprop(lambda y: (y * y).sum(), x.detach(), check=False).gradients["y"]
        return (x * torch.from_numpy(inner.copy())).sum()

    assert traced(fn, X).gradients["x"].tolist() == [2, 4, 6]
