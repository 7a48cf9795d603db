"""Steps back through layers, said in words: softmax, normalisation, attention, recurrent layers."""

from functools import partial
from typing import Final

from fallline._backprop._rule_kinds import Rule, Rules, Step
from fallline._backprop._rule_operands import Operands, shape_text
from fallline._backprop._rule_wording import grouped

AT_REST: Final = frozenset(("_native_batch_norm_legit_no_training", "_batch_norm_no_update"))
"""Batch normalisations without an argument ``training``, that use the running statistics."""


def _out_word(call: Operands) -> str:
    """The output's name, else "out"."""
    return grouped(call.out.label or "out")


def _softmax_rule(call: Operands) -> str:
    out = _out_word(call)
    return f"{out}·(grad − Σ grad·{out})"


def _log_softmax_rule(call: Operands) -> str:
    return f"grad − exp({call.out.label or 'out'})·Σ grad"


def _arrived(call: Operands) -> str:
    return f"g = grad·{grouped(call.word('weight'))}" if call.has("weight") else "g = grad"


def _standardised_rule(call: Operands, over: str) -> str:
    """Of out = weight·x̂ + bias with x̂ = (x − mean)/σ, mean and σ over ``over``."""
    return f"(g − mean(g) − x̂·mean(g·x̂))/σ, {_arrived(call)}, x̂ = (x − mean)/σ, means over {over}"


def _standardised(over: str) -> dict[str, Rule]:
    return {"input": Step(lambda call: _standardised_rule(call, over)), "weight": _PER_WEIGHT, "bias": _PER_BIAS}


def _batch_norm_rule(call: Operands) -> str:
    if call.given("training", call.ran.op not in AT_REST):
        return _standardised_rule(call, "the batch, channel by channel")
    factor = f"·{grouped(call.word('weight'))}" if call.has("weight") else ""
    return f"grad{factor}/√(running variance + ε): at rest the statistics are constants"


def _rms_rule(call: Operands) -> str:
    return f"(g − x̂·mean(g·x̂))/rms, {_arrived(call)}, x̂ = x/rms"


def _sum_shapes(name: str) -> Step:
    over = "Σ grad·x̂" if name == "weight" else "Σ grad"

    def product(call: Operands) -> str:
        return f"{shape_text(call.out.shape)} → {shape_text(call.shape(name))}"

    return Step(f"{over} over everything that shares the {name}", product)


def _rows_rule(call: Operands, took: str) -> str:
    padding = call.given("padding_idx", -1)
    none = "rows not taken" if padding < 0 else f"rows not taken and for row {padding} (padding)"
    shared = ", scaled by frequency (scale_grad_by_freq)" if call.given("scale_grad_by_freq") else ""
    return f"Σ grad of all {took} that took a row{shared}, 0 for {none}"


_PER_WEIGHT: Final = _sum_shapes("weight")
_PER_BIAS: Final = _sum_shapes("bias")
_BATCH_NORM: Final[dict[str, Rule]] = {"input": Step(_batch_norm_rule), "weight": _PER_WEIGHT, "bias": _PER_BIAS}
_LAYER_NORM: Final = _standardised("each row's own entries")
_GROUP_NORM: Final = _standardised("each group of channels")
_ATTENTION: Final[dict[str, Rule]] = {
    "query": Step("scale·dS @ {key}, dS = P·(dP − Σ dP·P), dP = grad @ {value}ᵀ, P the attention weights"),
    "key": Step("scale·dSᵀ @ {query}, dS = P·(dP − Σ dP·P), dP = grad @ {value}ᵀ, P the attention weights"),
    "value": Step("Pᵀ @ grad, P the attention weights"),
}
_THROUGH_TIME: Final = Step("backpropagation through time: from the last step back, each step's gradient handed on")
_WEIGHTS: Final = ("weight0", "weight1", "weight2", "weight3")
_GATES: Final = ("input_gates", "hidden_gates", "input_bias", "hidden_bias")


LAYERS: Final[Rules] = {
    "_softmax": {"self": Step(_softmax_rule)},
    "_safe_softmax": {"self": Step(_softmax_rule)},
    "softmax": {"self": Step(_softmax_rule)},
    "_log_softmax": {"self": Step(_log_softmax_rule)},
    "log_softmax": {"self": Step(_log_softmax_rule)},
    **dict.fromkeys(
        (
            "native_batch_norm",
            "cudnn_batch_norm",
            "miopen_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
            "_batch_norm_with_update",
            "_batch_norm_no_update",
        ),
        _BATCH_NORM,
    ),
    "native_layer_norm": _LAYER_NORM,
    "native_group_norm": _GROUP_NORM,
    "_fused_rms_norm": {"input": Step(_rms_rule), "weight": _PER_WEIGHT},
    "glu": {"self": Step("first half: grad·σ(second half); second half: grad·first half·σ′(second half)")},
    "embedding": {"weight": Step(partial(_rows_rule, took="places"))},
    "_embedding_bag": {"weight": Step(partial(_rows_rule, took="bags"))},
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        _ATTENTION,
    ),
    "mkldnn_rnn_layer": dict.fromkeys(("input", *_WEIGHTS, "hx_", "cx_"), _THROUGH_TIME),
    "_cudnn_rnn": dict.fromkeys(("input", "weight", "hx", "cx"), _THROUGH_TIME),
    "_thnn_fused_lstm_cell": dict.fromkeys((*_GATES, "cx"), _THROUGH_TIME),
    "_thnn_fused_gru_cell": dict.fromkeys((*_GATES, "hx"), _THROUGH_TIME),
    "_lstm_mps": dict.fromkeys(("input", "hx", "params"), _THROUGH_TIME),
}
