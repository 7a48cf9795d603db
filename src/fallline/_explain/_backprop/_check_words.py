"""The gradient check in words: how far autograd and central differences are apart, and whose fault that is."""

import math

from fallline._explain._backprop._names import called
from fallline._explain._backprop._tensor_words import entry_words, figure
from fallline._explain._numbers import count, listed
from fallline._records import Backprop, CheckedInput, GradientCheck
from fallline._wording import number, visible

MOST_NAMED = 4
MOST_WRONG = 5


def check_sentences(graph: Backprop) -> list[str]:
    """The outcome of the check; empty where it was not asked for."""
    check = graph.check
    if check is None:
        return []
    told = [*_mismatches(graph, check)] if check.wrong else _agreement(check)
    return [*told, *_not_compared(check), *(visible(remark) for remark in check.remarks)]


def _agreement(check: GradientCheck) -> list[str]:
    compared = [one for one in check.inputs if one.compared and math.isfinite(one.largest_difference)]
    if not compared:
        told = check.remarks or any(one.why_not for one in check.inputs)
        return [] if told else ["Nothing could be compared with central differences."]
    worst = max(compared, key=lambda one: one.largest_difference)
    return [
        f"The gradient agrees with central differences in float64: {_compared(compared)}, "
        f"largest difference {number(worst.largest_difference, 1)}."
    ]


def _compared(inputs: list[CheckedInput]) -> str:
    """``3 entries of x``, ``6 of 160 entries of x``; of many inputs only how many."""
    by_entry = [one for one in inputs if one.entries > 0]
    along = [one for one in inputs if one.directions > 0]
    entries, directions = sum(one.entries for one in by_entry), sum(one.directions for one in along)
    parts = [
        *([_of(entries, _planned(by_entry, entries), "entry")] if entries else []),
        *([_of(directions, _planned(along, directions), "random direction")] if directions else []),
    ]
    return f"{listed(parts)} of {_named(inputs)}"


def _planned(inputs: list[CheckedInput], compared: int) -> int:
    known = [one.planned for one in inputs if one.planned is not None]
    return sum(known) if len(known) == len(inputs) else compared


def _of(compared: int, planned: int, thing: str) -> str:
    told = count(planned, thing).replace("entrys", "entries")
    return told if compared == planned else f"{compared:,} of {told}"


def _named(inputs: list[CheckedInput]) -> str:
    names = [visible(one.name) for one in inputs]
    return listed(names) if len(names) <= MOST_NAMED else f"{len(names):,} tensors"


def _not_compared(check: GradientCheck) -> list[str]:
    """Inputs of which nothing was, once for each reason."""
    reasons: dict[str, list[CheckedInput]] = {}
    for one in check.inputs:
        if one.why_not is not None:
            reasons.setdefault(one.why_not, []).append(one)
    return [f"Nothing of {_named(inputs)} could be compared: {visible(reason)}." for reason, inputs in reasons.items()]


def _mismatches(graph: Backprop, check: GradientCheck) -> list[str]:
    wrong = [one for one in check.inputs if one.compared and not one.agrees]
    told = [_mismatch(one) for one in wrong[:MOST_WRONG]]
    if len(wrong) > MOST_WRONG:
        told.append(f"And {count(len(wrong) - MOST_WRONG, 'tensor')} more.")
    return [*told, *wrong_edge_sentences(graph)]


def _mismatch(one: CheckedInput) -> str:
    place = "along a random direction" if one.at is None else entry_words(one.at)
    where = f" at {place}" if one.at else f" {place}" if place else ""
    apart = figure(one.autograd) == figure(one.differences)
    first, second = (repr(one.autograd), repr(one.differences)) if apart else (one.autograd, one.differences)
    told = [first if isinstance(first, str) else figure(first), second if isinstance(second, str) else figure(second)]
    return (
        f"The gradient of {visible(one.name)} is wrong{where}: autograd says {told[0]}, "
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
        who = visible(target.op or called(target))
        told.append(f"{who}'s own step back is wrong: from {called(target)} to {called(source)}.")
    return told
