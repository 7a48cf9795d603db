"""What an operation computed, as a person writes it: ``y · y``, ``x @ Wᵀ + b``, ``mean(z, dim=1)``."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_operands import Operands, plain, power, shape_text, tensors_of
from fallline._backprop._rule_wording import filled, grouped, transposed
from fallline._wording import MINUS

UNNAMED: Final = "…"
MOST_LISTED: Final = 4
"""Operands of one list that are written out."""
TO_THE_END: Final = 2**62
"""From here on the end of a slice is no place but "to the end"."""

SHORT: Final[Mapping[str, str]] = {
    "rsub": "sub",
    "mm": "matmul",
    "bmm": "matmul",
    "mv": "matmul",
    "addmm": "linear",
    "addmv": "linear",
    "baddbmm": "linear",
    "convolution": "conv2d",
    "cudnn_convolution": "conv2d",
    "mkldnn_convolution": "conv2d",
    "t": "transpose",
    "_unsafe_view": "view",
    "_reshape_alias": "reshape",
    "split_with_sizes": "split",
    "unsafe_split": "split",
    "unsafe_split_with_sizes": "split",
    "_to_copy": "to",
    "lift_fresh": "clone",
    "linalg_vector_norm": "norm",
    "nll_loss2d_forward": "nll_loss",
    "log_sigmoid_forward": "logsigmoid",
    "_native_batch_norm_legit": "batch_norm",
    "_native_batch_norm_legit_no_training": "batch_norm",
    "_batch_norm_with_update": "batch_norm",
    "_batch_norm_no_update": "batch_norm",
    "_fused_rms_norm": "rms_norm",
    "_safe_softmax": "softmax",
    "_prelu_kernel": "prelu",
    "_index_put_impl": "index_put",
    "_cdist_forward": "cdist",
    "_cudnn_rnn": "rnn",
    "mkldnn_rnn_layer": "lstm",
    "_thnn_fused_lstm_cell": "lstm_cell",
    "_thnn_fused_gru_cell": "gru_cell",
    "rrelu_with_noise": "rrelu",
    "rrelu_with_noise_backward": "rrelu_backward",
    "_trilinear": "bilinear",
    "_softmax_backward_data": "softmax_backward",
    "_log_softmax_backward_data": "log_softmax_backward",
    "_prelu_kernel_backward": "prelu_backward",
    "max_pool2d_with_indices_backward": "max_pool2d_backward",
    "max_pool3d_with_indices_backward": "max_pool3d_backward",
    "grid_sampler_2d": "grid_sample",
    "grid_sampler_3d": "grid_sample",
}
"""ATen's names that are nobody's; the rest loses what only says which kernel ran."""
BEFORE: Final = ("_", "native_", "cudnn_", "miopen_", "mkldnn_", "linalg_", "special_")
AFTER: Final = ("_with_indices", "_forward", "_ex")

SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "clamp_min": ("self", "min"),
    "clamp_max": ("self", "max"),
    "leaky_relu": ("self", "negative_slope"),
    "threshold": ("self", "threshold", "value"),
    "lerp": ("self", "end", "weight"),
    "masked_fill": ("self", "mask", "value"),
    "maximum": ("self", "other"),
    "minimum": ("self", "other"),
    "remainder": ("self", "other"),
    "fmod": ("self", "other"),
    "floor_divide": ("self", "other"),
    "atan2": ("self", "other"),
    "xlogy": ("self", "other"),
    "where": ("condition", "self", "other"),
    "fill": ("value",),
    "copy": ("src",),
    "embedding": ("weight", "indices"),
    "cumsum": ("self",),
    "tril": ("self",),
    "triu": ("self",),
    "native_dropout": ("input",),
    "mkldnn_rnn_layer": ("input",),
    "_cudnn_rnn": ("input",),
    **dict.fromkeys(
        (
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
            "_batch_norm_with_update",
            "cudnn_batch_norm",
            "miopen_batch_norm",
            "_batch_norm_no_update",
        ),
        ("input", "weight", "bias"),
    ),
}
"""Which arguments are written, where it is not simply the tensors."""


def describe(ran: Ran) -> str:
    """What was computed, in the operands' names; ``(…)`` for an operand without one.

    >>> import torch
    >>> y = Held(torch.tensor([2.0]), (1,), torch.float32, "y")
    >>> describe(Ran("mul", "Tensor", (y, y), ("self", "other"), (y,)))
    'y · y'
    """
    call = Operands(ran)
    template = TEMPLATES.get(ran.op)
    if template is None:
        return _as_call(call)
    return filled(template, _words(call)) if isinstance(template, str) else template(call)


def short_op(op: str, ran: Ran | None = None) -> str:
    """A person's word for an operation; with ``ran`` the exact one where ATen has one name for several.

    >>> short_op("_log_softmax"), short_op("convolution"), short_op("max_pool2d_with_indices"), short_op("mul")
    ('log_softmax', 'conv2d', 'max_pool2d', 'mul')
    """
    if ran is not None and (exact := _exact(Operands(ran))):
        return exact
    if op in SHORT:
        return SHORT[op]
    if op.startswith("_scaled_dot_product"):
        return "scaled_dot_product_attention"
    short = op
    for start in BEFORE:
        short = short.removeprefix(start)
    for end in AFTER:
        short = short.removesuffix(end)
    return short


def _exact(call: Operands) -> str | None:
    """The word that the arguments decide."""
    if "convolution" in call.ran.op and call.has("weight"):
        kind = "conv_transpose" if call.given("transposed", False) else "conv"
        return f"{kind}{len(call.shape('weight')) - 2}d"
    if call.ran.op == "hardtanh" and (call.given("min_val"), call.given("max_val")) == (0, 6):
        return "relu6"
    return None


def _words(call: Operands) -> Callable[[str], str]:
    """Operands as they are called here: an unnamed tensor is "…"."""

    def word(name: str) -> str:
        given = call.ran.argument(name)
        return _named(given) if isinstance(given, Held) else call.word(name)

    return word


def _named(held: Held) -> str:
    return held.label or UNNAMED


def _as_call(call: Operands) -> str:
    """ "name(a, b)": the tensors, and the numbers that ``SHOWN`` names."""
    names = SHOWN.get(call.ran.op)
    if names is None:
        parts = [part for given in call.ran.arguments for part in _listed(given)]
    else:
        parts = [_words(call)(name) for name in names if call.has(name)]
    return f"{short_op(call.ran.op, call.ran)}({', '.join(parts + _dimension(call))})"


def _listed(given: Any) -> list[str]:
    parts = [_named(held) for held in tensors_of(given)]
    return parts if len(parts) <= MOST_LISTED else [*parts[: MOST_LISTED - 1], UNNAMED]


def _dimension(call: Operands) -> list[str]:
    """ "dim=1", where the operation runs along some dimensions only."""
    given = call.given("dim")
    if isinstance(given, (tuple, list)):
        given = given[0] if len(given) == 1 else tuple(given) or None
    return [] if given is None or isinstance(given, (Held, str)) else [f"dim={given}"]


def _scaled(call: Operands, name: str, scale: float) -> str:
    word = grouped(_words(call)(name))
    return word if scale == 1 else f"{grouped(plain(scale))}·{word}"


def _sum(call: Operands) -> str:
    return _added(call, "self", "other", call.number("alpha"))


def _difference(call: Operands) -> str:
    return _added(call, "self", "other", -call.number("alpha"))


def _difference_turned(call: Operands) -> str:
    return _added(call, "other", "self", -call.number("alpha"))


def _added(call: Operands, first: str, second: str, scale: float) -> str:
    """ "x + y", "x − y", "x − 2·y"."""
    sign = "+" if scale >= 0 else MINUS
    return f"{grouped(_words(call)(first))} {sign} {_scaled(call, second, abs(scale))}"


def _quotient(call: Operands) -> str:
    text = filled("{self} / {other}", _words(call))
    mode = call.given("rounding_mode")
    return text if mode is None else f"{mode}({text})"


def _power(call: Operands) -> str:
    exponent = call.given("exponent")
    if isinstance(exponent, (int, float)):
        base = grouped(_words(call)("self"))
        return f"{base}^1" if exponent == 1 else power(base, exponent)
    return filled("{self}^{exponent}", _words(call))


def _product_added(left: str, right: str) -> Callable[[Operands], str]:
    """ "a @ b + c" with ``alpha=`` and ``beta=``."""

    def text(call: Operands) -> str:
        product = filled(f"{{{left}}} @ {{{right}}}", _words(call))
        scale = call.number("alpha")
        product = product if scale == 1 else f"{grouped(plain(scale))}·({product})"
        return f"{product} + {_scaled(call, 'self', call.number('beta'))}"

    return text


def _scaled_product(sign: str) -> Callable[[Operands], str]:
    """ "a + 2·b·c" of addcmul and addcdiv."""

    def text(call: Operands) -> str:
        scale = call.number("value")
        factor = "" if scale == 1 else f"{grouped(plain(scale))}·"
        return filled(f"{{self}} + {factor}{{tensor1}}{sign}{{tensor2}}", _words(call))

    return text


def _turned(call: Operands) -> str:
    """A matrix turned over; of more dimensions the call."""
    if len(call.shape("self")) == 2 and call.out.shape == call.shape("self")[::-1] and _swaps(call):
        return transposed(_words(call)("self"))
    if call.ran.op == "t":  # of fewer dimensions than two: nothing is turned over
        return transposed(_words(call)("self"))
    dims = call.given("dims") or [call.given("dim0"), call.given("dim1")]
    return f"{short_op(call.ran.op)}({_words(call)('self')}, {', '.join(str(dim) for dim in dims)})"


def _swaps(call: Operands) -> bool:
    """Whether the two dimensions really change places."""
    if call.ran.op == "t":
        return True
    dims = call.given("dims") or [call.given("dim0"), call.given("dim1")]
    places = [dim % 2 for dim in dims]
    return places == [1, 0] or (call.ran.op == "transpose" and places == [0, 1])


def _shaped(call: Operands) -> str:
    return f"{short_op(call.ran.op)}({_words(call)('self')}, {shape_text(call.out.shape)})"


def _selected(call: Operands) -> str:
    index = call.given("index", 0)
    return f"{grouped(_words(call)('self'))}[{_axis(call)}{plain(index) if isinstance(index, int) else UNNAMED}]"


def _sliced(call: Operands) -> str:
    start, end, step = (
        call.given(name, otherwise) for name, otherwise in (("start", 0), ("end", TO_THE_END), ("step", 1))
    )
    first = "" if start == 0 else plain(start)
    last = "" if end >= TO_THE_END else plain(end)
    stride = "" if step == 1 else f":{plain(step)}"
    return f"{grouped(_words(call)('self'))}[{_axis(call)}{first}:{last}{stride}]"


def _axis(call: Operands) -> str:
    """The colons before the dimension that is meant."""
    rank = max(len(call.shape("self")), 1)
    return ":, " * int(call.given("dim", 0) % rank)


def _indexed(call: Operands) -> str:
    parts = [_named(each) if isinstance(each, Held) else ":" for each in call.given("indices", ())]
    return f"{grouped(_words(call)('self'))}[{', '.join(parts)}]"


def _converted(call: Operands) -> str:
    given = call.ran.argument("self")
    if isinstance(given, Held) and given.dtype is torch.bool and call.out.dtype.is_floating_point:
        return f"1 where {_words(call)('self')}, else 0"
    dtype = str(call.out.dtype).removeprefix("torch.")
    return f"to({_words(call)('self')}, {dtype})"


def _clamped(call: Operands) -> str:
    bounds = [f"{name}={_words(call)(name)}" for name in ("min", "max") if call.has(name)]
    return f"clamp({', '.join([_words(call)('self'), *bounds])})"


TEMPLATES: Final[Mapping[str, str | Callable[[Operands], str]]] = {
    "add": _sum,
    "sub": _difference,
    "rsub": _difference_turned,
    "mul": "{self} · {other}",
    "div": _quotient,
    "neg": "−{self}",
    "reciprocal": "1 / {self}",
    "lt": "{self} < {other}",
    "gt": "{self} > {other}",
    "le": "{self} ≤ {other}",
    "ge": "{self} ≥ {other}",
    "eq": "{self} = {other}",
    "ne": "{self} ≠ {other}",
    "pow": _power,
    "addcmul": _scaled_product("·"),
    "addcdiv": _scaled_product("/"),
    "mm": "{self} @ {mat2}",
    "bmm": "{self} @ {mat2}",
    "mv": "{self} @ {vec}",
    "dot": "{self} @ {tensor}",
    "vdot": "{self} @ {other}",
    "addmm": _product_added("mat1", "mat2"),
    "baddbmm": _product_added("batch1", "batch2"),
    "addmv": _product_added("mat", "vec"),
    "t": _turned,
    "transpose": _turned,
    "permute": _turned,
    "select": _selected,
    "slice": _sliced,
    "index": _indexed,
    "_to_copy": _converted,
    "clamp": _clamped,
    **dict.fromkeys(("view", "_unsafe_view", "_reshape_alias", "expand"), _shaped),
}
