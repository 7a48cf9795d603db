"""Whatever is typed is a program or one sentence, and nothing of Python's can be reached by it."""

import builtins

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fallline._backprop._language import read_program
from fallline._backprop._language_functions import FUNCTIONS
from fallline._backprop._language_nodes import OPERATORS
from fallline._errors import OptionError

TOKENS = (
    *("x", "y", "W", "t", "a", "2", "0.5", "1e3", "-1", "pi", "e", "9", "True", "None", "nan"),
    *("+", "-", "*", "/", "**", "^", "@", "²", "−", "ᵀ", ".T", "(", ")", "[", "]", ",", ":", "=", ";", "\n", " "),
    *(f"{name}(" for name in (*FUNCTIONS, *OPERATORS)),
    *(f".{name}(" for name in ("sum", "mean", "reshape", "exp", "max", "t", "matmul", "pow")),
    *("dim=", "reduction=", "keepdim=True", "'sum'", "torch.", "F.", "[0]", "[1:]", "[:, 0]", "[[1, 2], [3, 4]]"),
    *("lambda", "if", "for", "in", "not", "__class__", "'", "{", "}", ".", "#", "_", "\\", "\x00", ":=", "==", ">"),
    *("<", "<=", "≥", "!=", "x > 0", "where(x < 0, "),
)
PROGRAMS = (
    "m = x > 0; where(m, x^2, -x).sum() + ((x < 1)*x).mean() - nll_loss(log_softmax(W, 1), t)",
    "y = x + 2; z = y*y*2; z.mean()",
    "h = tanh(W @ x + a); softmax(h, dim=0)[0] / h.norm()",
    "cross_entropy(W.T @ W, t, reduction='none').sum()",
    "stack([x, x*2], dim=1).reshape(-1, 2).var(dim=0, correction=0)",
    "clamp(cat([x, 1/x]), min=-1, max=2).prod() + F.mse_loss(x, [1, 2])",
    "log_softmax(W.transpose(0, 1), 1).max(dim=1, keepdim=True) - unsqueeze(x, 1)^3",
)
VALUES = (
    torch.tensor(1.5),
    torch.tensor([0.5, -2.0]),
    torch.tensor([[0.5, -2.0], [3.0, float("nan")]]),
    torch.zeros(2, 1, 3),
)


def is_a_program_or_one_sentence(text: str, values: list[torch.Tensor]) -> None:
    """Read, run and differentiate; nothing but an OptionError may come out."""
    said = ""
    try:
        program = read_program(text)
        named: dict[str, torch.Tensor] = {}
        for place, name in enumerate(program.inputs):
            value = values[place % len(values)]
            named[name] = torch.tensor([0, 1]) if name in program.integer_inputs else value.clone().requires_grad_()
        result = program(named)
        if result.requires_grad:
            result.sum().backward()
    except OptionError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said.encode("utf-8")) < 1_000


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A program with pieces cut out, doubled and put in."""
    text = draw(st.sampled_from(PROGRAMS))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 5)))
        text = text[:begin] + draw(st.sampled_from(("", *TOKENS, text[begin:end] * 2))) + text[end:]
    return text


TEXTS = st.one_of(
    st.lists(st.sampled_from(TOKENS), max_size=25).map("".join),
    st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join),
    st.text(max_size=40),
    mutated(),
)
SHAPES = st.lists(st.sampled_from(VALUES), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(TEXTS, SHAPES)
@example("1_0x", [VALUES[0]])
@example("x if", [VALUES[0]])
@example("max(x)", [VALUES[3]])
@example("x[0] @ x", [VALUES[1]])
def test_any_text_is_a_program_or_one_sentence(text: str, values: list[torch.Tensor]) -> None:
    is_a_program_or_one_sentence(text, values)


@pytest.mark.slow
@settings(max_examples=1_500, deadline=None)
@given(TEXTS, SHAPES)
def test_very_many_texts_are_programs_or_one_sentence(text: str, values: list[torch.Tensor]) -> None:
    is_a_program_or_one_sentence(text, values)


@st.composite
def well_formed(draw: st.DrawFn, depth: int = 0) -> str:
    """An expression that can be read, of values that may not fit together."""
    if depth > 3 or draw(st.booleans()):
        return draw(st.sampled_from(("x", "y", "W", "2", "0.5", "[1, 2]", "[[1, 2], [3, 4]]", "pi")))
    inner = well_formed(depth + 1)
    name = draw(st.sampled_from(tuple(name for name in FUNCTIONS if name != "t")))
    dim = draw(st.sampled_from(("", "", ", 0", ", 1", ", dim=-1", ", -2")))
    kind = draw(st.integers(0, 6))
    if kind >= 5:
        held = f"{draw(inner)} {draw(st.sampled_from(('<', '>', '<=', '>=', '==', '!=', '≥')))} {draw(inner)}"
        return f"({held})" if kind == 5 else f"where({held}, {draw(inner)}, {draw(inner)})"
    if kind == 0:
        return f"({draw(inner)} {draw(st.sampled_from('+-*/^@'))} {draw(inner)})"
    if kind in (1, 2):
        return f"{name}({draw(inner)}{dim})" if kind == 1 else f"{name}({draw(inner)}, {draw(inner)})"
    if kind == 3:
        return f"{draw(st.sampled_from(('stack', 'cat')))}([{draw(inner)}, {draw(inner)}]{dim})"
    return (
        f"({draw(inner)}){draw(st.sampled_from(('[0]', '[-1]', '[0:1]', '[:, 0]', '.T', '.reshape(-1, 2)', '.t()')))}"
    )


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(well_formed(), SHAPES)
def test_values_that_do_not_fit_never_speak_in_pytorchs_words(text: str, values: list[torch.Tensor]) -> None:
    is_a_program_or_one_sentence(text, values)


@pytest.mark.slow
@settings(max_examples=1_500, deadline=None)
@given(well_formed(), SHAPES)
def test_very_many_values_that_do_not_fit(text: str, values: list[torch.Tensor]) -> None:
    is_a_program_or_one_sentence(text, values)


def test_nothing_of_pythons_is_called() -> None:
    for name in {*dir(builtins)} - {*FUNCTIONS, *OPERATORS}:
        for text in (f"{name}(x)", f"x.{name}(2)", f"torch.{name}(x)"):
            with pytest.raises(OptionError):
                read_program(text)


def test_nothing_of_a_tensor_is_reached_but_the_functions() -> None:
    for name in {*dir(torch.Tensor)} - {*FUNCTIONS, *OPERATORS, "T"}:
        for text in (f"x.{name}", f"x.{name}()"):
            with pytest.raises(OptionError):
                read_program(text)
