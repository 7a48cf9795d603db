"""What a person may type as a formula, and that nothing of it is ever run as Python."""

import builtins
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fallline._errors import OptionError
from fallline._formulas._expression import MOST_CHARACTERS, MOST_NESTING, read_expression


def value(text: str, *at: float) -> float:
    """The formula at one point."""
    return float(read_expression(text)(torch.tensor(at, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("(w - 3)^2", (5.0,), 4.0),
        ("(w - 3)**2", (5.0,), 4.0),
        ("(w − 3)²", (5.0,), 4.0),
        ("w³·2", (2.0,), 16.0),
        ("w¹⁰", (2.0,), 1024.0),
        ("3×w÷2", (4.0,), 6.0),
        ("-w^2", (3.0,), -9.0),
        ("+w - -w", (3.0,), 6.0),
        ("2^w^2", (3.0,), 512.0),
        ("w/2/2", (8.0,), 2.0),
        ("w - 1 - 1", (8.0,), 6.0),
        ("1e-3*w", (2.0,), 0.002),
        ("π*w + e", (1.0,), math.pi + math.e),
        ("sqrt(w) + abs(-w) + exp(0)", (4.0,), 7.0),
        (
            "log(w) + sin(w) + cos(w) + tan(w) + tanh(w)",
            (1.0,),
            0 + math.sin(1) + math.cos(1) + math.tan(1) + math.tanh(1),
        ),
        ("  w + 1\n", (1.0,), 2.0),
        ("𝜋*w^2", (1.0,), math.pi),
        ("𝐰 + ｗ²", (3.0,), 12.0),
        ("w２", (1.0,), 1.0),
        ("θ*2", (1.5,), 3.0),
        ("4 - w + 0*w", (1.0,), 3.0),
        ("sqrt(4) + 0*w", (1.0,), 2.0),
        ("2^w", (3.0,), 8.0),
        ("w^b", (2.0, 5.0), 32.0),
        ("a + 10*b + 100*c", (1.0, 2.0, 3.0), 321.0),
    ],
)
def test_arithmetic(text: str, at: tuple[float, ...], expected: float) -> None:
    assert value(text, *at) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("text", ["(w - 3)^2 # + 5*b^2", "w^2 #", "w^2 ＃ b", "w^2\n+ b^2", "w^2\r# b", "w\u2028+ 1"])
def test_nothing_that_is_typed_is_dropped(text: str) -> None:
    with pytest.raises(OptionError, match=r"comment|lines"):
        read_expression(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("(w - 3)^2", ("w",)),
        ("b + w", ("w", "b")),
        ("x*y + x", ("x", "y")),
        ("y*x", ("y", "x")),
        ("b + a", ("b", "a")),
        ("c + b + a + w", ("c", "a", "w", "b")),
        ("sin(u) + pi*v + e", ("u", "v")),
    ],
)
def test_parameters_in_order_of_appearance_and_w_before_b(text: str, names: tuple[str, ...]) -> None:
    assert read_expression(text).parameter_names == names


@pytest.mark.parametrize(
    ("text", "degree"),
    [("w", 1), ("w^2", 2), ("w*b", 2), ("(w + b)^3", 3), ("w/2", 1), ("2/w", None), ("sin(w)", None), ("w + sin(1)", 1),
     ("w^0.5", None), ("w^-1", None), ("w^b", None), ("2^3*w", 1), ("(w^2)^2", 4), ("abs(w)", None)],
)  # fmt: skip
def test_degrees(text: str, degree: int | None) -> None:
    assert read_expression(text).degree == degree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The formula is empty"),
        ("   ", "The formula is empty"),
        ("3 + 4", "has no parameter to descend in"),
        ("2w", r"write a product with its sign, 2\*w"),
        ("3(w + 1)", r"write a product with its sign, 3\*"),
        ("w(w + 1)", r'no function "w" in a formula.*write w\*'),
        ("y = w^2", "without an equals sign"),
        ("w == 3", "is not arithmetic"),
        ("w < 3", "is not arithmetic"),
        ("w if w else 1", "is not arithmetic"),
        ("lambda: w", "is not arithmetic"),
        ("(w := 3)", "is not arithmetic"),
        ("w.real", "is not arithmetic"),
        ("w[0]", "is not arithmetic"),
        ("[w]", "is not arithmetic"),
        ("w, b", "is not arithmetic"),
        ("{w: 1}", "is not arithmetic"),
        ("f'{w}'", "is not arithmetic"),
        ("not w", "is not arithmetic"),
        ("~w", "is not arithmetic"),
        ("w // 2", "is not arithmetic"),
        ("w % 2", "is not arithmetic"),
        ("w @ b", "is not arithmetic"),
        ("w << 2", "is not arithmetic"),
        ("'w'", "holds 'w', which is no number"),
        ("w + True", "holds True, which is no number"),
        ("w + 2j", "holds 2j, which is no number"),
        ("None*w", "holds None, which is no number"),
        ("...", "holds Ellipsis, which is no number"),
        ("w + sin", '"sin" is a function'),
        ("sin(w, b)", "sin takes one value"),
        ("sin()", "sin takes one value"),
        ("sin(x=w)", "sin takes one value"),
        ("sin(*w)", "sin takes one value"),
        ("coss(w)", 'no function "coss".*Did you mean "cos"'),
        ("eval(w)", 'no function "eval"'),
        ("__import__('os').system('true')", "is not arithmetic"),
        ("__import__('os')", 'no function "__import__"'),
        ("().__class__", "is not arithmetic"),
        ("__debug__ + w", "cannot be a parameter"),
        ("loss^2", 'cannot be a parameter: "loss" is a column of every record'),
        ("slope_w^2", "cannot be a parameter"),
        ("1e999*w", "too large"),
        ("9" * 400 + "*w", "too large"),
        ("w +", "cannot be read"),
        ("(w", "cannot be read"),
        ("w\x00", "cannot be read"),
        ("(" * 500 + "w" + ")" * 500, "cannot be read"),
        ("-" * 1500 + "w", "nested more than"),
        ("sin(" * 90 + "w" + ")" * 90, "nested more than"),
        ("+".join(["w"] * 1500), "characters; at most"),
        ("+".join(f"x{k}" for k in range(11)), "names 11 parameters"),
    ],
)
def test_what_is_no_formula_gets_one_clear_sentence(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        read_expression(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(OptionError, match="given as text"):
        read_expression(3)


def test_towers_of_powers_do_not_hang() -> None:
    assert value("9**9**9**9 + w", 1.0) == math.inf
    assert value("w^9^9^9", 2.0) == math.inf
    assert value("0^0 + w - w", 1.0) == 1.0
    assert math.isnan(value("log(-1) + w", 1.0))
    assert value("1/0 + w", 1.0) == math.inf


def test_long_is_not_deep() -> None:
    assert value("+".join(["w"] * 500), 2.0) == 1000.0
    assert value("(" * (MOST_NESTING - 1) + "w" + ")" * (MOST_NESTING - 1), 2.0) == 2.0
    assert len("+".join(["w"] * 500)) < MOST_CHARACTERS


TOKENS = (
    *("w", "b", "2", "0.5", "1e3", "pi", "e", "sin", "log("),
    *("+", "-", "*", "/", "**", "^", "(", ")", "²", "−", ","),
    *("=", "'", "[", "]", "{", "}", ".", ":", ";", "#", "_", "\\", "\x00", " ", "\n"),
    *("lambda", "if", "for", "in", "not"),
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(TOKENS), max_size=20).map("".join), st.text(max_size=40)))
@example("1_0w")
@example("2or w")
@example("w if")
@example("\ud800w")
@example("ｗ^2")
@example("w#comment")
@example("١+w")
def test_whatever_is_typed_is_a_formula_or_one_sentence(text: str) -> None:
    try:
        expression = read_expression(text)
    except OptionError:
        return
    at = torch.full((2, len(expression.parameter_names)), 1.5, dtype=torch.float64, requires_grad=True)
    values = expression(at)
    assert values.shape == (2,)
    assert values.dtype == torch.float64


def test_nothing_is_evaluated_or_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """ast.parse compiles to a tree only; eval, exec and a compilation to code would be refused here."""
    real = builtins.compile

    def only_trees(source: object, filename: str, mode: str, flags: int = 0, *args: object, **more: object) -> object:
        assert flags & 0x400, "PyCF_ONLY_AST"
        return real(source, filename, mode, flags, *args, **more)

    def refuse(*args: object) -> None:
        raise AssertionError("evaluated as Python")

    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, refuse)
    monkeypatch.setattr(builtins, "compile", only_trees)
    for text in ("(w - 3)^2", "sin(w)*2^b"):
        read_expression(text)
    for text in ("__import__('os').system('exit 1')", "open('x')", "(lambda: w)()"):
        with pytest.raises(OptionError):
            read_expression(text)
