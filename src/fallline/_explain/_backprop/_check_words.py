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
    told = [*_mismatches(graph, check)] if not check.agrees else _agreement(check)
    return [*told, *(visible(remark) for remark in check.remarks)]


def _agreement(check: GradientCheck) -> list[str]:
    asked = [one for one in check.inputs if one.entries or one.directions]
    compared = [one for one in asked if math.isfinite(one.largest_difference)]
    if not compared:
        return ["No gradient could be compared with central differences."] if asked else []
    worst = max(compared, key=lambda one: one.largest_difference)
    return [
        f"The gradient agrees with central differences in float64: {_compared(compared)}, "
        f"largest difference {number(worst.largest_difference, 1)}."
    ]


def _compared(inputs: list[CheckedInput]) -> str:
    """``3 entries of x``; of many inputs only how many."""
    entries, directions = sum(one.entries for one in inputs), sum(one.directions for one in inputs)
    parts = [
        *([count(entries, "entry").replace("entrys", "entries")] if entries else []),
        *([count(directions, "random direction")] if directions else []),
    ]
    names = [visible(one.name) for one in inputs]
    whose = listed(names) if len(names) <= MOST_NAMED else f"{len(names):,} tensors"
    return f"{listed(parts)} of {whose}"


def _mismatches(graph: Backprop, check: GradientCheck) -> list[str]:
    wrong = [one for one in check.inputs if not one.agrees]
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
