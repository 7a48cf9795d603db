"""Steps back through what only moves numbers: views, choosing places, joining, pooling, padding."""

import math
from typing import Final

from fallline._backprop._rule_kinds import Rule, Rules, Step
from fallline._backprop._rule_operands import Operands, plain, shape_text


def _shaped_back(call: Operands) -> str:
    return f"the same numbers, shaped back to {shape_text(call.shape('self'))}"


def _copies_rule(call: Operands) -> str:
    return "the same numbers: nothing was copied" if call.out.shape == call.shape("self") else "Σ grad over the copies"


def _window(call: Operands) -> int:
    """How many entries a window has."""
    given = call.given("kernel_size", ())
    sizes = [given] if isinstance(given, int) else list(given)
    dimensions = len(call.shape("self")) - 2 if len(call.shape("self")) > 3 else 2
    return math.prod(sizes) if len(sizes) > 1 else sizes[0] ** dimensions if sizes else 1


def _average_rule(call: Operands) -> str:
    divisor = call.given("divisor_override", _window(call))
    return f"each entry's grad/{plain(divisor)} to every entry of its window, added where windows overlap"


def _parts_to_whole(call: Operands) -> str:
    """Equal shapes counted: "3 × (2,) → (6,)"."""
    shapes = [each.shape for each in call.ran.outputs if each is not None]
    runs = [(shape, shapes.count(shape)) for shape in dict.fromkeys(shapes)]
    parts = [shape_text(shape) if many == 1 else f"{many} × {shape_text(shape)}" for shape, many in runs]
    return f"{' and '.join(parts)} → {shape_text(call.shape('self'))}"


_SHAPED: Final = Step(_shaped_back)
_TURNED: Final = Step("the same numbers, with the dimensions put back in their order")
PUT_BACK: Final = Step("put back at the places taken, 0 elsewhere")
_PARTS_PUT_BACK: Final = Step("put back at the places taken, 0 elsewhere", _parts_to_whole)
_ADDED_BACK: Final = Step("put back at the places taken, added where one was taken twice, 0 elsewhere")
_PART: Final = Step("the part of grad that came from this operand")
_COPIES: Final = Step(_copies_rule)
_TRIANGLE: Final = Step("grad on the same triangle, 0 elsewhere")
_UNDONE: Final = Step("the same numbers, moved back to their places")
_INSIDE: Final = Step("grad without the padding")
_TO_LARGEST: Final = Step("to where each window's largest entry was, 0 elsewhere")
_RESIZED: Final = Step("each entry's grad back to the entries it was made from, with the same weights")
_AVERAGE: Final = Step(_average_rule)
_NOT_WRITTEN: Final = Step("grad, 0 at the places written over")
_WRITTEN: Final = Step("grad at the places written")
_SHARES: Final = {
    "sum": "grad",
    "mean": "grad/how many went into the entry",
    "prod": "grad·the product of all else that went into the entry",
    "amax": "grad where it is the largest of its entry, shared equally, else 0",
    "amin": "grad where it is the smallest of its entry, shared equally, else 0",
}
"""Of what was gathered in an entry, by the way in which it was."""
_EVENLY: Final = Step("each entry's grad shared equally by its window")


def _put_rule(call: Operands) -> str:
    return "grad" if call.given("accumulate", False) else "grad, 0 at the places written over"


def _gathering_rule(call: Operands) -> str:
    if not call.given("include_self", True):
        return "grad, 0 at the places written over"
    share = _SHARES[_way(call)]
    return share if share == "grad" else f"{share}; where nothing was gathered grad"


def _gathered_rule(call: Operands) -> str:
    return f"{_SHARES[_way(call)]}, at the places gathered in"


def _way(call: Operands) -> str:
    way = str(call.given("reduce"))
    return "amax" if way == "max" else "amin" if way == "min" else way


def _looked_up_rule(call: Operands) -> str:
    return f"Σ over channels: grad·the slope of {call.word('input')} where it was looked up, along the grid's axes"


_LOOKED_UP: Final[dict[str, Rule]] = {"input": _RESIZED, "grid": Step(_looked_up_rule)}


def _each(names: tuple[str, ...], rule: Rule) -> Rules:
    """The same rule for the operand ``self`` of many operations."""
    return {name: {"self": rule} for name in names}


SHAPES: Final[Rules] = {
    **_each(
        (
            "view",
            "_unsafe_view",
            "_reshape_alias",
            "squeeze",
            "unsqueeze",
            "view_copy",
            "squeeze_copy",
            "unsqueeze_copy",
        ),
        _SHAPED,
    ),
    **_each(("t", "transpose", "permute", "t_copy", "transpose_copy", "permute_copy"), _TURNED),
    **_each(("expand", "expand_copy", "repeat", "repeat_interleave"), _COPIES),
    **_each(
        (
            "select",
            "slice",
            "diagonal",
            "masked_select",
            "select_copy",
            "slice_copy",
            "narrow_copy",
            "diagonal_copy",
        ),
        PUT_BACK,
    ),
    **_each(
        (
            "split",
            "split_with_sizes",
            "unsafe_split",
            "unsafe_split_with_sizes",
            "unbind",
            "split_copy",
            "split_with_sizes_copy",
            "unbind_copy",
        ),
        _PARTS_PUT_BACK,
    ),
    **_each(
        (
            "index",
            "index_select",
            "gather",
            "take",
            "as_strided",
            "as_strided_copy",
            "unfold",
            "unfold_copy",
            "im2col",
            "_unsafe_index",
        ),
        _ADDED_BACK,
    ),
    **_each(("triu", "tril"), _TRIANGLE),
    **_each(("flip", "roll", "rot90", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "diag_embed"), _UNDONE),
    **_each(("constant_pad_nd",), _INSIDE),
    **_each(
        (
            "reflection_pad1d",
            "reflection_pad2d",
            "reflection_pad3d",
            "replication_pad1d",
            "replication_pad2d",
            "replication_pad3d",
        ),
        Step("grad of every entry added up over its copies in the padding"),
    ),
    **_each(
        (
            "max_pool2d_with_indices",
            "max_pool3d_with_indices",
            "adaptive_max_pool2d",
            "adaptive_max_pool3d",
            "fractional_max_pool2d",
            "fractional_max_pool3d",
        ),
        _TO_LARGEST,
    ),
    **_each(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _AVERAGE),
    **_each(("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"), _EVENLY),
    **_each(
        (
            "upsample_nearest1d",
            "upsample_nearest2d",
            "upsample_nearest3d",
            "upsample_linear1d",
            "upsample_bilinear2d",
            "upsample_trilinear3d",
            "upsample_bicubic2d",
            "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d",
            "_upsample_nearest_exact3d",
            "_upsample_bilinear2d_aa",
            "_upsample_bicubic2d_aa",
        ),
        _RESIZED,
    ),
    "cat": {"tensors": _PART},
    "stack": {"tensors": _PART},
    "index_put": {"self": Step("grad, 0 at the places written over"), "values": Step("grad at the places written")},
    "_index_put_impl": {
        "self": Step("grad, 0 at the places written over"),
        "values": Step("grad at the places written"),
    },
    "index_fill": {"self": Step("grad, 0 at the places written over"), "value": Step("Σ grad at the places written")},
    "index_copy": {"self": Step("grad, 0 at the places written over"), "source": Step("grad at the places written")},
    "index_add": {"self": Step("grad"), "source": Step("grad at the places added to")},
    "scatter": {"self": Step("grad, 0 at the places written over"), "src": Step("grad at the places written")},
    "scatter_add": {"self": Step("grad"), "src": Step("grad at the places added to")},
    "select_scatter": {"self": Step("grad, 0 at the places written over"), "src": Step("grad at the places written")},
    "slice_scatter": {"self": Step("grad, 0 at the places written over"), "src": Step("grad at the places written")},
    "diagonal_scatter": {"self": _NOT_WRITTEN, "src": _WRITTEN},
    "as_strided_scatter": {"self": _NOT_WRITTEN, "src": _WRITTEN},
    "put": {"self": Step(_put_rule), "source": _WRITTEN},
    "scatter_reduce": {"self": Step(_gathering_rule), "src": Step(_gathered_rule)},
    "index_reduce": {"self": Step(_gathering_rule), "source": Step(_gathered_rule)},
    **_each(("max_unpool2d", "max_unpool3d"), Step("grad at the places that the indices name")),
    "grid_sampler_2d": _LOOKED_UP,
    "grid_sampler_3d": _LOOKED_UP,
    "block_diag": {"tensors": Step("the block of grad that came from this operand")},
    "masked_scatter": {"self": Step("grad, 0 where the mask holds"), "source": Step("grad where the mask holds")},
}
