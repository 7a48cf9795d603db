"""Steps back of operations on complex numbers: few, with the conjugates in their places, and none where that is unsure.

PyTorch's gradient of z = x + iy is ∂result/∂x + i · ∂result/∂y. So a function with the derivative f′(z) sends back
grad · conj(f′(z)), a product of matrices grad @ rightᴴ, and a real operand gets the real part of that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_kinds import Rule, from_to
from fallline._backprop._rule_operands import Operands, plain, power, tensors_of
from fallline._backprop._rule_wording import filled, grouped
from fallline._backprop._rules_reductions import REDUCTIONS
from fallline._backprop._rules_shapes import SHAPES
from fallline._backprop._words import listed
from fallline._records import GraphEdge, GraphNode, LocalDerivative

Text = Callable[[Operands], str | None]
ADJOINT: Final = "ᴴ"


@dataclass(frozen=True)
class Sent:
    """What goes back, with ``grad`` for what arrived; None where nobody says it."""

    text: Text
    real: bool = False
    """It is of real numbers as it stands."""

    def local(self, call: Operands, name: str) -> LocalDerivative | None:
        """Of a real operand the real part."""
        text = self.text(call)
        if text is None:
            return None
        part = call.out.dtype.is_complex and not self.real and not is_complex(call.given(name))
        return LocalDerivative(f"Re({text})" if part else text, product=from_to(call, name))


@dataclass(frozen=True)
class Linear:
    """A rule with real coefficients: the same for complex numbers, where operand and result are both complex."""

    rule: Rule

    def local(self, call: Operands, name: str) -> LocalDerivative | None:
        """Of real operands nothing."""
        every = [each.dtype.is_complex for each in tensors_of(call.given(name))]
        return self.rule.local(call, name) if call.out.dtype.is_complex and all(every) else None


def on_complex(ran: Ran) -> bool:
    """Whether any of the operation's tensors or numbers is complex."""
    return any(is_complex(each) for given in (*ran.arguments, ran.outputs) for each in _each(given))


def is_complex(given: object) -> bool:
    """Of one argument."""
    return given.dtype.is_complex if isinstance(given, Held) else isinstance(given, complex)


def _each(given: object) -> tuple[object, ...]:
    return given if isinstance(given, tuple) else (given,)


def _said(template: str, *, real: bool = False) -> Sent:
    return Sent(lambda call: filled(template, call.word), real)


def _conj(call: Operands, name: str) -> str:
    word = call.word(name)
    return f"conj({word})" if is_complex(call.given(name)) else grouped(word)


def _adjoint(call: Operands, name: str) -> str:
    return grouped(call.word(name)) + (ADJOINT if is_complex(call.given(name)) else "ᵀ")


def _unweighed(call: Operands, text: str) -> str | None:
    return text if call.given("alpha", 1) == 1 else None


def _dividend(call: Operands) -> str | None:
    return None if call.has("rounding_mode") else f"grad/{_conj(call, 'other')}"


def _divisor(call: Operands) -> str | None:
    if call.has("rounding_mode"):
        return None
    return f"−grad · conj({filled('{self}/{other}²', call.word)})"


def _powered(call: Operands) -> str | None:
    exponent = call.given("exponent")
    usual = isinstance(exponent, (int, float)) and exponent not in (0, 1)
    return f"grad · conj({plain(exponent)}·{power(grouped(call.word('self')), exponent - 1)})" if usual else None


def _product(left: str, right: str) -> Mapping[str, Sent]:
    return {
        left: Sent(lambda call: f"grad @ {_adjoint(call, right)}"),
        right: Sent(lambda call: f"{_adjoint(call, left)} @ grad"),
    }


SENT: Final[Mapping[str, Mapping[str, Sent]]] = {
    "add": {
        "self": _said("grad"),
        "other": Sent(lambda call: _unweighed(call, "grad")),
    },
    "sub": {
        "self": _said("grad"),
        "other": Sent(lambda call: _unweighed(call, "−grad")),
    },
    "neg": {"self": _said("−grad")},
    "clone": {"self": _said("grad")},
    "_to_copy": {"self": _said("grad")},
    "mul": {
        "self": Sent(lambda call: f"grad · {_conj(call, 'other')}"),
        "other": Sent(lambda call: f"grad · {_conj(call, 'self')}"),
    },
    "div": {"self": Sent(_dividend), "other": Sent(_divisor)},
    "pow": {"self": Sent(_powered)},
    "reciprocal": {"self": _said("−grad · conj(1/{self}²)")},
    "exp": {"self": _said("grad · conj(exp({self}))")},
    "log": {"self": _said("grad/conj({self})")},
    "sin": {"self": _said("grad · conj(cos({self}))")},
    "cos": {"self": _said("−grad · conj(sin({self}))")},
    "abs": {"self": _said("grad · {self}/|{self}|, 0 where it is 0")},
    "angle": {"self": _said("grad · i · {self}/|{self}|²")},
    "complex": {"real": _said("Re(grad)", real=True), "imag": _said("Im(grad)", real=True)},
    **{op: {"self": _said("conj(grad)")} for op in ("_conj", "_conj_physical", "conj_physical")},
    "view_as_real": {"self": _said("grad's two columns as real and imaginary part")},
    "view_as_complex": {"self": _said("real and imaginary part of grad as two columns")},
    "mm": _product("self", "mat2"),
    "bmm": _product("self", "mat2"),
}
LINEAR: Final = frozenset(
    (
        "sum",
        "mean",
        "view",
        "_unsafe_view",
        "_reshape_alias",
        "squeeze",
        "unsqueeze",
        "t",
        "transpose",
        "permute",
        "expand",
        "repeat",
        "select",
        "slice",
        "diagonal",
        "split",
        "split_with_sizes",
        "unbind",
        "index",
        "index_select",
        "gather",
        "take",
        "triu",
        "tril",
        "flip",
        "roll",
        "constant_pad_nd",
        "cat",
        "stack",
    )
)
"""Operations that rearrange, copy or add up: their rules are those of real numbers."""


@cache
def complex_rules() -> Mapping[str, Mapping[str, Sent | Linear]]:
    """Operation → operand → rule, where any of its tensors is complex."""
    known = {op: operands for op, operands in (*SHAPES.items(), *REDUCTIONS.items()) if op in LINEAR}
    linear = {op: {name: Linear(rule) for name, rule in operands.items()} for op, operands in known.items()}
    return MappingProxyType({**linear, **SENT})


def without_rule(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> list[str]:
    """The sentence about operations on complex numbers of which no rule is told; none where there are none."""
    of = {node.id: node for node in nodes}
    silent = [each for each in edges if each.local is None and each.gradient is not None]
    ops = dict.fromkeys(
        of[edge.target].op for edge in silent if any(_shows_complex(of[each]) for each in (edge.source, edge.target))
    )
    return [f"No rule is told for complex numbers of {listed(list(ops))}."] if ops else []


def _shows_complex(node: GraphNode) -> bool:
    return node.value is not None and node.value.dtype.startswith("complex")
