"""Steps back through products of matrices and through convolutions, said with the shapes that were formed."""

from collections.abc import Callable
from typing import Final

from fallline._backprop._rule_kinds import Rules, Slope, Step, Wording
from fallline._backprop._rule_operands import Operands, exactly, plain, shape_text
from fallline._backprop._rule_wording import grouped, transposed

Shape = tuple[int, ...]


def _turned(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if len(shape) > 1 else shape


def _times(call: Operands) -> str:
    """The factor ``alpha=`` before a product, left out where it is 1."""
    scale = call.number("alpha")
    return "" if scale == 1 else f"{grouped(plain(scale))}·"


def _formed(left: Shape, right: Shape, made: Shape, sign: str = "@") -> str:
    return f"{shape_text(left)} {sign} {shape_text(right)} → {shape_text(made)}"


def _to_left(left: str, right: str) -> Step:
    """Of left @ right, to the left one: grad @ rightᵀ."""

    def product(call: Operands) -> str:
        return _formed(_out(call), _turned(call.shape(right)), call.shape(left))

    return Step(lambda call: f"{_times(call)}grad @ {transposed(call.word(right))}", product)


def _to_right(left: str, right: str) -> Step:
    """To the right one: leftᵀ @ grad."""

    def product(call: Operands) -> str:
        return _formed(_turned(call.shape(left)), _out(call), call.shape(right))

    return Step(lambda call: f"{_times(call)}{transposed(call.word(left))} @ grad", product)


def _to_matrix(matrix: str, vector: str) -> Step:
    """Of matrix @ vector, to the matrix: the outer product of grad and vector."""

    def product(call: Operands) -> str:
        return _formed(_out(call), call.shape(vector), call.shape(matrix), "⊗")

    return Step(lambda call: f"{_times(call)}grad ⊗ {grouped(call.word(vector))}", product)


def _out(call: Operands) -> Shape:
    return call.out.shape


def _pair(left: str, right: str) -> dict[str, Step]:
    return {left: _to_left(left, right), right: _to_right(left, right)}


def _matrix_vector(matrix: str, vector: str) -> dict[str, Step]:
    return {matrix: _to_matrix(matrix, vector), vector: _to_right(matrix, vector)}


def _added(scale: str = "beta") -> Slope:
    """What is added to a product, times ``beta=``."""
    return Slope(lambda call: plain(call.number(scale)), lambda call: exactly(call.number(scale)))


def _outer(vector: str, other: str, turned: bool) -> Step:
    def rule(call: Operands) -> str:
        word = grouped(call.word(other))
        return f"{_times(call)}{f'gradᵀ @ {word}' if turned else f'grad @ {word}'}"

    def product(call: Operands) -> str:
        shape = _turned(_out(call)) if turned else _out(call)
        return _formed(shape, call.shape(other), call.shape(vector))

    return Step(rule, product)


def _rows(call: Operands) -> str:
    return f"{shape_text(_out(call))} → {shape_text(call.shape('bias'))}"


def _linear_input(call: Operands) -> str:
    return _formed(_out(call), call.shape("weight"), call.shape("input"))


def _linear_weight(call: Operands) -> str:
    return _formed(_turned(_out(call)), call.shape("input"), call.shape("weight"))


def _convolved(name: str) -> Callable[[Operands], str]:
    """The two shapes and what they made."""

    def product(call: Operands) -> str:
        first, second = (_out(call), call.shape("weight")) if name == "input" else (call.shape("input"), _out(call))
        return _formed(first, second, call.shape(name), "⋆")

    return product


def _input_rule(call: Operands) -> str:
    """A convolution sends grad back through the same weights; a transposed one convolves it with them."""
    weight = grouped(call.word("weight"))
    if call.given("transposed", False):
        return f"grad convolved with {weight}"
    return f"grad spread back through {weight}: each entry times the weights, added where windows overlap"


def _weight_rule(call: Operands) -> str:
    return f"Σ over places: grad there times the window of {call.word('input')} that made it"


def _bias_rule(channels: Wording = "channels") -> Step:
    return Step(f"Σ grad over all but the {channels}", _rows)


_CONVOLUTION: Final = {
    "input": Step(_input_rule, _convolved("input")),
    "weight": Step(_weight_rule, _convolved("weight")),
    "bias": _bias_rule(),
}

PRODUCTS: Final[Rules] = {
    "mm": _pair("self", "mat2"),
    "bmm": _pair("self", "mat2"),
    "mv": _matrix_vector("self", "vec"),
    "addmm": {"self": _added(), **_pair("mat1", "mat2")},
    "baddbmm": {"self": _added(), **_pair("batch1", "batch2")},
    "addbmm": {"self": _added(), **_pair("batch1", "batch2")},
    "addmv": {"self": _added(), **_matrix_vector("mat", "vec")},
    "addr": {"self": _added(), "vec1": _outer("vec1", "vec2", False), "vec2": _outer("vec2", "vec1", True)},
    "linear": {
        "input": Step("grad @ {weight}", _linear_input),
        "weight": Step("gradᵀ @ {input}", _linear_weight),
        "bias": Step("Σ grad over the rows", _rows),
    },
    **dict.fromkeys(
        ("convolution", "_convolution", "convolution_overrideable"),
        _CONVOLUTION,
    ),
}
