"""What is refused before anything runs, in one sentence."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

import fallline as fl
from backprop_graphs import traced

X = torch.tensor([1.0, 2.0])
NESTED = "is a nested tensor, whose rows differ in length"


class ComplexWeight(nn.Module):
    """As in a Fourier layer."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1 + 2j, 3 - 1j]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Σ |w·x|²."""
        made: torch.Tensor = (self.w * x).abs().pow(2).sum()
        return made


def test_a_complex_parameter_is_refused() -> None:
    net = ComplexWeight()
    with pytest.raises(fl.OptionError, match=r"^w is complex: gradients are followed to real numbers alone\. Keep"):
        fl.backprop(net, X)
    assert net.w.grad is None


def test_a_captured_complex_leaf_is_refused() -> None:
    one, other = (torch.tensor([1j, 2], requires_grad=True) for _ in range(2))
    with pytest.raises(fl.OptionError, match=r"^one, other are complex: "):
        fl.backprop(lambda x: (one * other * x).abs().sum(), X)


def test_a_complex_input_alone_is_told_the_same() -> None:
    with pytest.raises(fl.OptionError, match=r"^Nothing .* z is complex: gradients are followed to real numbers"):
        fl.backprop(lambda z: z.abs().sum(), torch.tensor([1j]))


def test_complex_numbers_on_the_way_and_as_constants_are_fine() -> None:
    graph = traced(lambda x: torch.fft.fft(x).abs().pow(2).sum(), X)
    assert graph.gradients["x"].tolist() == [4, 8]
    graph = traced(lambda x, z: (x * z).abs().pow(2).sum(), X, torch.tensor([1j, 2]))
    assert graph.gradients["x"].tolist() == [2, 16]


def nested(layout: torch.layout) -> torch.Tensor:
    made: torch.Tensor = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=layout)
    return made


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_are_refused_wherever_they_come_from(layout: torch.layout) -> None:
    ran = []
    known = nested(layout)

    def pads(a: torch.Tensor) -> torch.Tensor:
        ran.append(1)
        made: torch.Tensor = a.to_padded_tensor(0.0).sum()
        return made

    with pytest.raises(fl.OptionError, match=f"^a {NESTED}"):
        fl.backprop(pads, known)
    with pytest.raises(fl.OptionError, match=f"^a {NESTED}"):
        fl.backprop(lambda a: pads(a[0]), [known])
    with pytest.raises(fl.OptionError, match=f"^known {NESTED}"):
        fl.backprop(lambda x: pads(known) * x.sum(), X)
    assert ran == []
    with pytest.raises(fl.OptionError, match=f"^What the function makes on its way {NESTED}"):
        fl.backprop(lambda x: pads(torch.nested.as_nested_tensor([x, x[:1]], layout=layout)), X)


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("make", [torch.Tensor.to_sparse, torch.Tensor.to_sparse_csr])
def test_a_sparse_input_is_refused_and_a_captured_one_is_used(make: Callable[[torch.Tensor], torch.Tensor]) -> None:
    known = make(torch.eye(2))
    with pytest.raises(fl.OptionError, match=r"^s is a sparse tensor \(sparse_cs?[or]o?\).* Hand in s\.to_dense\(\)"):
        fl.backprop(lambda s, x: (s @ x).sum(), known, torch.ones(2, 1))
    assert traced(lambda x: (known @ x).sum(), torch.ones(2, 1)).gradients["x"].tolist() == [[1], [1]]


def test_tensors_without_numbers_are_refused() -> None:
    with pytest.raises(fl.OptionError, match=r"^x lies on the meta device"):
        fl.backprop(lambda x: x.sum(), torch.zeros(3, device="meta"))


def grows(a: torch.Tensor) -> torch.Tensor:
    return grows(a * 2)


def one(a: torch.Tensor) -> torch.Tensor:
    return a.sum()


def two(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum()


def one_or_two(a: torch.Tensor, b: float = 1.0) -> torch.Tensor:
    return a.sum() * b


def two_or_more(a: torch.Tensor, b: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
    return sum(rest, a * b).sum()


class Called:
    """No signature can be read from its class."""

    def __call__(self, first: torch.Tensor, second: torch.Tensor, *, scale: float) -> torch.Tensor:
        """Product."""
        return (first * second * scale).sum()


backprop: Any = fl.backprop  # whatever its types say


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: backprop(grows, X), "The function's calls lie more than "),
        (lambda: backprop(one, X, X), "one takes 1 input (a), and 2 were handed in."),
        (lambda: backprop(two, X), "two takes 2 inputs (a, b), and 1 was handed in."),
        (lambda: backprop(nn.Linear(2, 1), X, X), "Linear takes 1 input (input), and 2 were handed in."),
        (lambda: backprop(one_or_two, X, X, X), "one_or_two takes at most 2 inputs (a, b), and 3 were"),
        (lambda: backprop(two_or_more, X), "two_or_more takes at least 2 inputs (a, b), and 1 was"),
        (lambda: backprop(Called(), X, X), "Called needs scale by name, and inputs go by position: "),
        (lambda: backprop(nn.Linear(2, 1), X, loss=functional.mse_loss), "loss= is called with one thing alone"),
        (lambda: backprop("x*2", at="x=1"), 'at= takes a dict of names and values, at={"x": [1.0, 2.0]}; this is'),
        (lambda: backprop(one, X, names=[1]), "names= takes a list of names, one for each input"),
        (lambda: backprop(two, X, X, names="ab"), "names= takes a list of names, one for each"),
        (lambda: backprop(one, X, check="no"), "check= is True or False; this is of type str."),
        (lambda: backprop(one, X, jacobian=2), "jacobian= is True or False; this is of type int."),
    ],
)
def test_calls_that_do_not_fit(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(fl.OptionError) as error:
        call()
    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (lambda a, b: (a @ b).sum(), "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x3)"),
        (lambda a, b: (a + b).sum(), "The size of tensor a (2) must match the size of tensor b (4)"),
        (lambda a, b: torch.cat([a, b], dim=1).sum(), "Sizes of tensors must match except in dimension 1"),
        (lambda a, b: a.view(5) + b, "shape '[5]' is invalid for input of size 6"),
        (lambda a, b: a[7] + b, "index 7 is out of bounds for dimension 0 with size 2"),
        (lambda a, b: a.sum(3) + b, "Dimension out of range (expected to be in range of [-2, 1], but got 3)"),
        (
            lambda a, b: functional.cross_entropy(a, b[:, 0].long()),
            "Expected input batch_size (2) to match target batch_size (4).",
        ),
        (lambda a, b: functional.linear(a, b[:, :2]), "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x4)"),
    ],
)
def test_shapes_that_do_not_fit(fn: Callable[..., torch.Tensor], said: str) -> None:
    with pytest.raises(fl.OptionError) as error:
        fl.backprop(fn, torch.ones(2, 3), torch.ones(4, 3))
    assert str(error.value).startswith(f"The shapes do not fit (a (2, 3), b (4, 3)). The function said: {said}")
    assert isinstance(error.value.__cause__, RuntimeError | ValueError | IndexError)


def raises(error: Exception) -> Callable[[torch.Tensor], torch.Tensor]:
    def fn(x: torch.Tensor) -> torch.Tensor:
        raise error

    return fn


@pytest.mark.parametrize(
    "error",
    [RuntimeError("the shape is wrong"), ValueError("size"), TypeError("takes 2 inputs"), IndexError("dimension")],
)
def test_what_somebody_raises_is_their_own(error: Exception) -> None:
    with pytest.raises(type(error)) as seen:
        fl.backprop(raises(error), X)
    assert seen.value is error


def test_errors_of_python_stay_its_own() -> None:
    known = [1, 2]
    with pytest.raises(IndexError, match="list index out of range"):
        fl.backprop(lambda x: x * known[5], X)


def test_a_list_that_holds_itself_is_handed_on() -> None:
    endless: list[Any] = [X]
    endless.append(endless)
    assert traced(lambda x, held: (x * held[0]).sum(), X, endless).gradients["x"].tolist() == [1, 2]


def test_tensors_that_compute_in_a_way_of_their_own_are_refused() -> None:
    with FakeTensorMode():
        fake = torch.ones(2)
    with pytest.raises(fl.OptionError, match=r"^x is a FakeTensor, which computes in a way of its own: use a plain"):
        fl.backprop(lambda x: x.sum(), fake)
    with pytest.raises(fl.OptionError, match=r"^vector is a FakeTensor"):
        fl.backprop(lambda x: x * 2, X, vector=fake)
    with pytest.raises(fl.OptionError, match=r"^x is a FakeTensor"):
        fl.backprop("x.sum()", at={"x": fake})
    with pytest.raises(fl.OptionError, match=r"^The result is a FakeTensor, which computes in a way of"):
        fl.backprop(lambda x: FakeTensorMode().from_tensor(x).sum(), X)


class Named(torch.Tensor):
    """A class of somebody's own with PyTorch's operations."""


def test_subclasses_with_the_usual_operations_are_fine() -> None:
    for given in (X.as_subclass(Named), nn.Parameter(X)):
        assert fl.backprop(lambda x: (x * x).sum(), given, check=False).gradients["x"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (lambda x: x.to("meta").sum(), "The result lies on the meta device"),
        (lambda x: x.to_sparse(), "The result is a sparse tensor (sparse_coo); a backward pass begins at a dense one"),
    ],
)
def test_results_that_nothing_can_begin_at(fn: Callable[[torch.Tensor], torch.Tensor], told: str) -> None:
    with pytest.raises(fl.OptionError) as error:
        fl.backprop(fn, X)
    assert str(error.value).startswith(told)


def test_other_tensors_and_numbers_that_do_not_fit() -> None:
    with pytest.raises(fl.OptionError, match=r"^vector is a nested tensor|^vector lies on the meta"):
        fl.backprop(lambda x: x * 2, X, vector=torch.ones(2, device="meta"))
    with pytest.raises(fl.OptionError, match=r"hand in torch\.tensor\(…\)"):
        fl.backprop(lambda x: x * 2, 10**400)
    with pytest.raises(fl.OptionError, match="The function said: fake_quantize") as error:
        fl.backprop(lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 9), 3)
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_lazy_modules_are_refused_untouched() -> None:
    net = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    with pytest.raises(fl.OptionError, match=r"^Sequential has lazy parameters, whose shapes the first run decides"):
        fl.backprop(net, torch.ones(2, 3))
    assert all(nn.parameter.is_lazy(each) for each in net.parameters())
    net(torch.ones(2, 3))
    assert "0.weight" in fl.backprop(net, torch.ones(2, 3), loss=lambda made: made.sum(), check=False).gradients
