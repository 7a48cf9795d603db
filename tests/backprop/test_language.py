"""What a program that is typed means: statements, signs, indices, constants and what the names are told as."""

import pytest
import torch
from torch import Tensor

from fallline._backprop._language import MOST_STATEMENTS, read_program
from fallline._backprop._language_values import parse_at, tensors_at
from sampled import sampled

TEXTBOOK = "y = x + 2; z = y*y*2; z.mean()"


def value(text: str, at: str) -> Tensor:
    """The result at typed values, in float64."""
    program = read_program(text)
    return program(tensors_at(program, parse_at([at]), torch.float64))


def test_the_textbook_program() -> None:
    program = read_program(TEXTBOOK)
    x = torch.tensor([1.6695, -1.7944, -0.0315], requires_grad=True)
    told: dict[str, Tensor] = {}
    result = program({"x": x}, told.__setitem__)
    result.backward()
    assert (program.inputs, program.assigned, program.integer_inputs) == (("x",), ("y", "z"), frozenset())
    assert result.item() == pytest.approx(11.588, abs=5e-4)
    assert x.grad is not None
    assert x.grad.tolist() == pytest.approx([4.8927, 0.2741, 2.6247], abs=5e-5)
    assert torch.equal(told["y"], x + 2)
    assert torch.equal(told["z"], (x + 2) * (x + 2) * 2)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    sampled([
        ("x + 1 - 2", "x=3", 2.0),
        ("(x − 3)²", "x=5", 4.0),
        ("x^2", "x=3", 9.0),
        ("x⁻¹", "x=4", 0.25),
        ("-x^2", "x=3", -9.0),
        ("2^x^2", "x=3", 512.0),
        ("+x - -x", "x=3", 6.0),
        ("1/x", "x=4", 0.25),
        ("2 - x", "x=4", -2.0),
        ("3×x÷2·x", "x=2", 6.0),
        ("π*x", "x=1", torch.pi),
        ("e*x", "x=1", 2.718281828459045),
        ("x + sqrt(4) + (2).exp()*0", "x=1", 3.0),
        ("x > 2", "x=1,2,3", [0.0, 0.0, 1.0]),
        ("x ≥ 2", "x=1,2,3", [0.0, 1.0, 1.0]),
        ("2 != x", "x=1,2,3", [1.0, 0.0, 1.0]),
        ("sum(x > 1)/2", "x=1,2,3", 1.0),
        ("x > 1e300", "x=1,nan,inf", [0.0, 0.0, 1.0]),
        ("(0 < x)*(x < 3)", "x=-1,2,4", [0.0, 1.0, 0.0]),
        ("m = x > 0; n = m; where(n, x, −x)", "x=-1,2", [1.0, 2.0]),
        ("m = (x == 2); where(m, 7, m)", "x=-1,2", [0.0, 7.0]),
        ("where(x > 0, 1, 2)", "x=-1,2", [2.0, 1.0]),
        ("x*sqrt(-1)", "x=1", torch.nan),
        ("x.add(2).mul(3).sub(1).div(2).pow(2)", "x=1", 16.0),
        ("pow(x, 3)", "x=2", 8.0),
        ("x[0]", "x=5,6", 5.0),
        ("x[-1]", "x=5,6", 6.0),
        ("x[1:3]", "x=5,6,7,8", [6.0, 7.0]),
        ("x[::2]", "x=5,6,7,8", [5.0, 7.0]),
        ("W[0, 1]", "W=[[1,2],[3,4]]", 2.0),
        ("W[:, 1]", "W=[[1,2],[3,4]]", [2.0, 4.0]),
        ("W[1]", "W=[[1,2],[3,4]]", [3.0, 4.0]),
        ("W @ x", "W=[[1,2],[3,4]]; x=1,1", [3.0, 7.0]),
        ("x @ W", "W=[[1,2],[3,4]]; x=1,1", [4.0, 6.0]),
        ("W.T @ x", "W=[[1,2],[3,4]]; x=1,0", [1.0, 2.0]),
        ("Wᵀ @ x", "W=[[1,2],[3,4]]; x=1,0", [1.0, 2.0]),
        ("W.t()[0]", "W=[[1,2],[3,4]]", [1.0, 3.0]),
        ("x * [1, −2]", "x=3,4", [3.0, -8.0]),
        ("[[1, 2], [3, 4]] @ x", "x=1,1", [3.0, 7.0]),
        ("[1/2, 2^3] + x", "x=0", [0.5, 8.0]),
        ("x + y", "x=[[1],[2]]; y=10,20", [[11.0, 21.0], [12.0, 22.0]]),
        ("y = x; y = y*2; y + x", "x=3", 9.0),
        ("y = x*x\nz = y + 1\n\nz", "x=3", 10.0),
        ("y = x*x;;  z = y + 1;", "x=3", 10.0),
        ("y = (x +\n   1)\r\ny*2", "x=3", 8.0),
        ("a = 2; a*x", "x=3", 6.0),
        ("torch.exp(x) - x.exp() + F.relu(x) - torch.nn.functional.relu(x) + nn.functional.relu(x)", "x=3", 3.0),
        ("θ + 𝜋*0 + ｗ", "θ=1; w=2", 3.0),
        ("t*2 + T", "t=1; T=2", 4.0),
        ("x.T", "x=1,2", [1.0, 2.0]),
        ("max(W, dim=1, keepdim=True)", "W=[[1,2],[4,3]]", [[2.0], [4.0]]),
        ("x.reshape(-1, 2) + x.reshape([2, -1]) - x.reshape((2, 2))", "x=1,2,3,4", [[1.0, 2.0], [3.0, 4.0]]),
        ("cross_entropy(x, 1)", "x=0,0", 0.6931471805599453),
        ("cross_entropy(x, [1, 0])", "x=[[0,0],[0,0]]", 0.6931471805599453),
        ("cross_entropy(x, [0.5, 0.5])", "x=0,0", 0.6931471805599453),
        ("cross_entropy(x, t, reduction=sum)", "x=[[0,0],[0,0]]; t=0,1", 1.3862943611198906),
        ("""mse_loss(x, [1, 2], reduction="none")""", "x=2,4", [1.0, 4.0]),
    ]),
)  # fmt: skip
def test_what_is_typed_means(text: str, at: str, expected: object) -> None:
    torch.testing.assert_close(
        value(text, at), torch.tensor(expected, dtype=torch.float64), rtol=1e-14, atol=0, equal_nan=True
    )


@pytest.mark.parametrize(
    ("text", "inputs", "classes"),
    [
        ("b*a + c", ("b", "a", "c"), set()),
        ("y = a.exp() @ b; c + y", ("a", "b", "c"), set()),
        ("z = W @ x; cross_entropy(z, t)", ("W", "x", "t"), {"t"}),
        ("cross_entropy(z, t) + z.cross_entropy(u) + F.cross_entropy(z, target=t)", ("z", "t", "u"), {"t", "u"}),
        ("p = softmax(q); cross_entropy(z, p)", ("q", "z"), set()),
        ("mse_loss(a, target=b)", ("a", "b"), set()),
        ("clamp(x, 0, pi)", ("x",), set()),
    ],
)
def test_inputs_in_order_of_appearance(text: str, inputs: tuple[str, ...], classes: set[str]) -> None:
    program = read_program(text)
    assert (program.inputs, set(program.integer_inputs)) == (inputs, classes)


def test_names_are_told_once_and_constants_by_their_text() -> None:
    told: list[tuple[str, Tensor]] = []
    x = torch.tensor([1.0, 2.0])
    result = read_program("a = x; b = 2; y = 1/x; y = y*[3, 4]; w = y; w + b")(
        {"x": x}, lambda *each: told.append(each)
    )
    assert [name for name, _ in told] == ["1", "y", "[3, 4]", "y"]
    assert torch.equal(result, torch.tensor([5.0, 4.0]))


def test_one_over_x_is_one_operation() -> None:
    x = torch.tensor([2.0], requires_grad=True)
    for text, name in (("1/x", "DivBackward0"), ("1 - x", "SubBackward0"), ("x*x*2", "MulBackward0")):
        assert type(read_program(text)({"x": x}).grad_fn).__name__ == name


def test_constants_take_the_dtype_of_the_inputs() -> None:
    for dtype in (torch.float32, torch.float64):
        assert read_program("x*[1, 2] + maximum(x, 0)")({"x": torch.ones(2, dtype=dtype)}).dtype == dtype


def test_a_result_without_inputs_is_a_tensor_all_the_same() -> None:
    assert torch.equal(read_program("y = x; 3")({"x": torch.ones(2)}), torch.tensor(3.0))


def test_long_is_not_deep() -> None:
    assert value("+".join(["x"] * 500), "x=1") == 500
    assert value(";".join(["y = x"] + ["y = y + 1"] * (MOST_STATEMENTS - 1)), "x=1") == MOST_STATEMENTS
    assert value("(" * 50 + "x" + ")" * 50, "x=1") == 1
    assert value("x" + ".abs()" * 50, "x=-1") == 1


def test_a_nan_goes_through() -> None:
    assert value("log(x)", "x=-1,1").isnan().tolist() == [True, False]
    assert value("x*2", "x=nan,inf,-inf").tolist()[1:] == [torch.inf, -torch.inf]


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ("a = x*2; y = x+1; y.sum()", ["a"]),
        ("a = x*2; b = a*3; y = x; y", ["a", "b"]),
        ("y = x + 2; z = y*y*2; z.mean()", []),
        ("y = x; y = y*2; y", []),
        ("y = x*2; y = 3; y*x", []),
        ("y = x", []),
        ("a = x*2; y = x.exp()", ["a"]),
        ("a = 2; x.add(1)", ["a"]),
        ("a = x*2; stack([x, x])[0]", ["a"]),
    ],
)
def test_what_is_assigned_for_nothing(text: str, idle: list[str]) -> None:
    assert read_program(text).idle() == idle
