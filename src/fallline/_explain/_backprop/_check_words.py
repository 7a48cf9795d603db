"""The gradient check in words: how far autograd and central differences are apart, and whose fault that is."""

import math
from collections.abc import Sequence

from fallline._explain._backprop._beyond import beyond_words
from fallline._explain._backprop._infinite_slope import infinite_slope_sentences, wrong_inputs
from fallline._explain._backprop._names import LEAVES, called
from fallline._explain._backprop._tensor_words import entry_words, figure
from fallline._explain._numbers import count, listed, percent
from fallline._records import Backprop, CheckedInput, GradientCheck, LowPrecision, NodeMark
from fallline._wording import number, visible

AGREES = "The gradient agrees with central differences in float64"
FAR = 0.01
"""Of its size: more than low precision explains by itself."""
MODULE_HOOK = "BackwardHookFunction"
"""What PyTorch puts around a module with a full backward hook."""
MANY_TIMES = 10
"""From so many times its size on a difference is no percentage."""
MOST_NAMED = 4
MOST_WRONG = 5


def check_sentences(graph: Backprop) -> list[str]:
    """The outcome of the check; empty where it was not asked for."""
    check = graph.check
    if check is None:
        return []
    low = [] if check.low_precision is None else _precision(graph, check.low_precision)
    far = _is_far_off(check)
    told = [*infinite_slope_sentences(graph), *(_mismatches(graph) if wrong_inputs(graph) else _agreement(check))]
    return [
        *_lost(check.lost),
        *_not_finite(check.not_finite),
        *(low if far else []),
        *_hooked(check),
        *told,
        *_not_compared(check),
        *(visible(remark) for remark in check.remarks),
        *([] if far else low),
        *_rounding(check.rounding),
    ]


def needs_saying_first(graph: Backprop) -> bool:
    """True where a gradient that is shown is wrong, or has little to do with the one that was compared."""
    check = graph.check
    return check is not None and (is_mismatch(graph) or _is_far_off(check) or bool(check.not_finite))


def is_mismatch(graph: Backprop) -> bool:
    """True where a gradient that is shown is wrong, or no number where there is one."""
    return graph.check is not None and bool(wrong_inputs(graph) or graph.check.lost)


def _is_far_off(check: GradientCheck) -> bool:
    """Whether a gradient in low precision has little to do with the one in float64."""
    return check.low_precision is not None and check.low_precision.share >= FAR


def _precision(graph: Backprop, found: LowPrecision) -> list[str]:
    if found.share == 0:
        return [f"The {found.dtype} gradient is the float64 one exactly."]
    most = "" if found.most is None else f", most of it in {visible(found.most)}"
    if found.share < FAR:
        return [f"The {found.dtype} gradient is off the float64 one by {number(found.share, 2)} of its size{most}."]
    share = percent(found.share) if found.share < MANY_TIMES else f"{number(found.share, 2)} times its size"
    told = f"The {found.dtype} gradient, which is shown, is off the float64 one by {share}{most}."
    return [told, *beyond_words(graph, found.dtype)]


def _lost(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    whose = _listed(names)
    which = "is" if len(names) == 1 else "are"
    return [
        f"The gradient of {whose} {which} NaN or infinite as it was computed, which is shown, and finite in float64."
    ]


def _not_finite(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [f"The gradient of {_listed(names)} {'is' if len(names) == 1 else 'are'} NaN or infinite, in float64 too."]


def _rounding(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    told = "The gradient" if len(names) == 1 else "Each gradient"
    return [f"{told} of {_listed(names)} is rounding alone: float64 has a hundredth of it or less."]


def _listed(names: Sequence[str]) -> str:
    return listed([visible(name) for name in names]) if len(names) <= MOST_NAMED else f"{len(names):,} tensors"


def _hooked(check: GradientCheck) -> list[str]:
    if not check.hooked:
        return []
    whose = _listed(check.hooked)
    return [
        f"A hook changed the gradient of {whose}: what is shown is not the slope of the function any more. "
        "The gradient before the hook is compared."
    ]


def _agreement(check: GradientCheck) -> list[str]:
    compared = [one for one in check.inputs if one.compared and math.isfinite(one.largest_difference)]
    if not compared:
        told = check.remarks or any(one.why_not for one in check.inputs)
        return [] if told else ["Nothing could be compared with central differences."]
    worst = max(compared, key=lambda one: one.largest_difference)
    apart = bool(check.lost) or _is_far_off(check)
    which = "The float64 gradient agrees with central differences" if apart else AGREES
    if check.left_out:
        agree = "this agrees" if len(compared) == 1 else "these agree"
        share = f"{len(compared):,} of {count(len(check.inputs), 'gradient')}"
        which = f"Only {share} could be compared, and {agree} with central differences in float64"
    return [f"{which}: {_compared(compared)}, largest difference {number(worst.largest_difference, 1)}."]


def _compared(inputs: list[CheckedInput]) -> str:
    """``3 entries of x``, ``6 of 160 entries of x``; of many inputs only how many."""
    by_entry = [one for one in inputs if one.entries > 0]
    along = [one for one in inputs if one.directions > 0]
    entries, directions = sum(one.entries for one in by_entry), sum(one.directions for one in along)
    if not by_entry and _is_together(along):
        return (
            f"{_of(along[0].directions, along[0].planned or along[0].directions, 'random direction')} of "
            f"{_named(along)} together"
        )
    parts = [
        *([_of(entries, _planned(by_entry, entries), "entry")] if entries else []),
        *([_of(directions, _planned(along, directions), "random direction")] if directions else []),
    ]
    return f"{listed(parts)} of {_named(inputs)}"


def _is_together(along: list[CheckedInput]) -> bool:
    """Several tensors that were moved at once have the same comparison."""
    return len(along) > 1 and len({(one.directions, one.autograd, one.differences) for one in along}) == 1


def _planned(inputs: list[CheckedInput], compared: int) -> int:
    known = [one.planned for one in inputs if one.planned is not None]
    return sum(known) if len(known) == len(inputs) else compared


def _of(compared: int, planned: int, thing: str) -> str:
    told = count(planned, thing).replace("entrys", "entries")
    return told if compared == planned else f"{compared:,} of {told}"


def _named(inputs: list[CheckedInput]) -> str:
    return _listed([one.name for one in inputs])


def _not_compared(check: GradientCheck) -> list[str]:
    """Inputs of which nothing was, once for each reason."""
    reasons: dict[str, list[CheckedInput]] = {}
    for one in check.inputs:
        if one.why_not is not None:
            reasons.setdefault(one.why_not, []).append(one)
    return [f"Nothing of {_named(inputs)} could be compared: {visible(reason)}." for reason, inputs in reasons.items()]


def _mismatches(graph: Backprop) -> list[str]:
    wrong = wrong_inputs(graph)
    none = {node.name for node in graph.nodes if node.kind in LEAVES and node.gradient is None}
    told = [_mismatch(one, none=one.name in none) for one in wrong[:MOST_WRONG]]
    if len(wrong) > MOST_WRONG:
        told.append(f"And {count(len(wrong) - MOST_WRONG, 'tensor')} more.")
    return [*told, *wrong_edge_sentences(graph)]


def _mismatch(one: CheckedInput, *, none: bool) -> str:
    """``none``: it has no gradient at all, which the comparison takes for 0."""
    place = "along a random direction" if one.at is None else entry_words(one.at)
    where = f" at {place}" if one.at else f" {place}" if place else ""
    apart = figure(one.autograd) == figure(one.differences)
    first, second = (repr(one.autograd), repr(one.differences)) if apart else (one.autograd, one.differences)
    told = [first if isinstance(first, str) else figure(first), second if isinstance(second, str) else figure(second)]
    return (
        f"The gradient of {visible(one.name)} is wrong{where}: autograd says {'None' if none else told[0]}, "
        f"central differences in float64 say {told[1]}."
    )


def wrong_edge_sentences(graph: Backprop) -> list[str]:
    """Whose own step back is wrong: ``Cube's own step back is wrong: from Cube(x) to x.``"""
    if graph.check is None:
        return []
    told = []
    for place in graph.check.wrong_edges[:MOST_WRONG]:
        edge = graph.edges[place]
        source, target = graph.nodes[edge.source], graph.nodes[edge.target]
        way = f"from {called(target)} to {called(source)}"
        if target.op == MODULE_HOOK:
            told.append(f"A backward hook of a module changes the gradient: {way}.")
        else:
            told.append(f"{visible(target.op or called(target))}'s own step back is wrong: {way}.")
    wrong = [graph.nodes[graph.edges[place].target] for place in graph.check.wrong_edges]
    if any(NodeMark.CUSTOM in node.marks and node.op != MODULE_HOOK for node in wrong):
        told.append("Where that is meant, as in a straight-through estimator, differences can never agree with it.")
    return told
