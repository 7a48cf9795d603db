"""Slopes of arithmetic: sums, products, quotients, powers, and choosing between two values."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rules, Slope, constant
from fallline._backprop._rule_operands import NotKeptError, Operands, exactly, plain, power
from fallline._backprop._rule_wording import filled, grouped, minus


def _weight(call: Operands, name: str = "alpha", sign: int = 1) -> float:
    return sign * call.number(name)


def _exponent(call: Operands) -> float | None:
    """The exponent where it is a Python number."""
    given = call.given("exponent")
    return given if isinstance(given, (int, float)) and not isinstance(given, bool) else None


def _power_rule(call: Operands) -> str:
    """n·xⁿ⁻¹."""
    base, exponent = grouped(call.word("self")), _exponent(call)
    if exponent is None:
        return filled("{exponent}·{self}^({exponent} − 1)", call.word)
    if exponent in (0, 1):
        return plain(exponent)
    return f"{plain(exponent)}·{power(base, exponent - 1)}"


def _power_slope(call: Operands) -> Tensor:
    """n·xⁿ⁻¹, and 0 for n = 0, at x = 0 as well: a constant."""
    base, exponent = call["self"], call["exponent"]
    return torch.where(exponent == 0, 0.0, exponent * base ** (exponent - 1))


def _exponent_slope(call: Operands) -> Tensor:
    """xⁿ·log(x), and 0 where x is 0 and n is not negative: 0ⁿ stays as it is on that side."""
    base, exponent = call["self"], call["exponent"]
    return torch.where((base == 0) & (exponent >= 0), 0.0, base**exponent * base.log())


def _exponent_rule(call: Operands) -> str:
    """Where 0 is raised to a power, log(0) is no part of what PyTorch computes."""
    if call.word("self") == "0":
        return "0"
    rule = filled("{self}^{exponent}·log({self})", call.word)
    try:
        of_zero = bool(((call["self"] == 0) & (call["exponent"] >= 0)).any())
    except NotKeptError:
        return rule
    return f"{rule}, but 0 where {call.word('self')} is 0" if of_zero else rule


def _rounds(call: Operands) -> bool:
    return call.given("rounding_mode") is not None


def _dividend_rule(call: Operands) -> str:
    if _rounds(call):
        return "0"
    return "1" if call.word("other") == "1" else filled("1/{other}", call.word)


def _dividend_slope(call: Operands) -> Tensor:
    return torch.zeros_like(call["other"]) if _rounds(call) else 1 / call["other"]


def _divisor_rule(call: Operands) -> str:
    if _rounds(call):
        return "0"
    return minus(call.word("self")) if call.word("other") == "1" else filled("−{self}/{other}²", call.word)


def _divisor_slope(call: Operands) -> Tensor:
    return torch.zeros_like(call["other"]) if _rounds(call) else -call["self"] / call["other"] ** 2


def _larger(call: Operands) -> Tensor:
    """1 for the larger one, half of it for each of two that are the same."""
    left, right = call["self"], call["other"]
    return torch.where(left == right, 0.5, torch.where(left < right, 0.0, 1.0))


def _smaller(call: Operands) -> Tensor:
    left, right = call["self"], call["other"]
    return torch.where(left == right, 0.5, torch.where(left > right, 0.0, 1.0))


def _remainder_slope(call: Operands) -> Tensor:
    return -torch.div(call["self"], call["other"], rounding_mode="floor")


def _fmod_slope(call: Operands) -> Tensor:
    return -torch.div(call["self"], call["other"], rounding_mode="trunc")


def _hypotenuse_share(name: str) -> Slope:
    return Slope(f"{{{name}}}/√({{self}}² + {{other}}²)", lambda call: call[name] / call["self"].hypot(call["other"]))


def _scaled_rule(template: str, sign: str = "") -> Callable[[Operands], str]:
    """A rule times the operation's ``value=``, which is left out where it is 1."""

    def rule(call: Operands) -> str:
        scale = call.number("value")
        text = filled(template, call.word)
        if scale == 1:
            return sign + text
        if text.startswith("1/"):
            return f"{plain(scale)}{text[1:]}"
        return f"{sign}{grouped(plain(scale))}·{text}" if sign else f"{plain(scale)}·{text}"

    return rule


ARITHMETIC: Final[Rules] = {
    "add": {
        "self": constant("1", 1),
        "other": Slope(lambda call: plain(_weight(call)), lambda call: exactly(_weight(call))),
    },
    "sub": {
        "self": constant("1", 1),
        "other": Slope(lambda call: plain(_weight(call, sign=-1)), lambda call: exactly(_weight(call, sign=-1))),
    },
    "rsub": {
        "self": Slope(lambda call: plain(_weight(call, sign=-1)), lambda call: exactly(_weight(call, sign=-1))),
        "other": constant("1", 1),
    },
    "mul": {
        "self": Slope("{other}", lambda call: call["other"]),
        "other": Slope("{self}", lambda call: call["self"]),
    },
    "div": {
        "self": Slope(_dividend_rule, _dividend_slope),
        "other": Slope(_divisor_rule, _divisor_slope),
    },
    "neg": {"self": constant("−1", -1)},
    "reciprocal": {"self": Slope("−1/{self}²", lambda call: -1 / call["self"] ** 2)},
    "pow": {
        "self": Slope(_power_rule, _power_slope),
        "exponent": Slope(_exponent_rule, _exponent_slope),
    },
    "remainder": {
        "self": constant("1", 1),
        "other": Slope("−floor({self}/{other})", _remainder_slope),
    },
    "fmod": {
        "self": constant("1", 1),
        "other": Slope("−trunc({self}/{other})", _fmod_slope),
    },
    "maximum": {
        "self": Slope("1 where {self} > {other}, ½ where they are equal, else 0", _larger),
        "other": Slope("1 where {other} > {self}, ½ where they are equal, else 0", lambda call: 1 - _larger(call)),
    },
    "minimum": {
        "self": Slope("1 where {self} < {other}, ½ where they are equal, else 0", _smaller),
        "other": Slope("1 where {other} < {self}, ½ where they are equal, else 0", lambda call: 1 - _smaller(call)),
    },
    "lerp": {
        "self": Slope("1 − {weight}", lambda call: 1 - call["weight"]),
        "end": Slope("{weight}", lambda call: call["weight"]),
        "weight": Slope("{end} − {self}", lambda call: call["end"] - call["self"]),
    },
    "addcmul": {
        "self": constant("1", 1),
        "tensor1": Slope(_scaled_rule("{tensor2}"), lambda call: call.number("value") * call["tensor2"]),
        "tensor2": Slope(_scaled_rule("{tensor1}"), lambda call: call.number("value") * call["tensor1"]),
    },
    "addcdiv": {
        "self": constant("1", 1),
        "tensor1": Slope(_scaled_rule("1/{tensor2}"), lambda call: call.number("value") / call["tensor2"]),
        "tensor2": Slope(
            _scaled_rule("{tensor1}/{tensor2}²", "−"),
            lambda call: -call.number("value") * call["tensor1"] / call["tensor2"] ** 2,
        ),
    },
    "hypot": {"self": _hypotenuse_share("self"), "other": _hypotenuse_share("other")},
}
