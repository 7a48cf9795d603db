"""Comparisons: what is true or false entry by entry; 1 or 0 where it is used as a value."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fallline._backprop._language_nodes import Frame, Node, Value
from fallline._backprop._language_shapes import Words, check_broadcast


@dataclass(frozen=True)
class Comparison:
    """One sign between two values."""

    shown: str
    holds: Callable[[Any, Any], Any]


COMPARISONS: Final[Mapping[type[ast.cmpop], Comparison]] = {
    ast.Lt: Comparison("<", operator.lt),
    ast.Gt: Comparison(">", operator.gt),
    ast.LtE: Comparison("≤", operator.le),
    ast.GtE: Comparison("≥", operator.ge),
    ast.Eq: Comparison("=", operator.eq),
    ast.NotEq: Comparison("≠", operator.ne),
}
TYPED: Final = {"≤": "<=", "≥": ">=", "≠": "!="}
"""What people write, as Python writes it."""


@dataclass(frozen=True)
class Condition:
    """``x > 0``, and how it is shown."""

    node: Node
    """Its value is true or false for every entry."""
    shown: str


def compared(words: Words, sign: Comparison, left: Node, right: Node) -> Condition:
    """Two values, entry by entry."""
    shown = f"{left.words} {sign.shown} {right.words}"

    def run(frame: Frame) -> Value:
        one, other = frame.tensor(left.run(frame), left.words), frame.tensor(right.run(frame), right.words)
        check_broadcast(frame.said(words, left.words, right.words), one, other)
        return frame.told(sign.holds(one, other), shown)

    return Condition(Node(words, run), shown)


def counted(condition: Condition, *, named: bool) -> Node:
    """A condition as a value: 1 where it holds, else 0; ``named`` where an assignment will tell its name."""
    words = condition.node.words

    def run(frame: Frame) -> Value:
        held = frame.tensor(condition.node.run(frame), words)
        value = held.to(frame.dtype)
        frame.truths[id(value)] = (value, held)
        return value if named else frame.told(value, f"[{condition.shown}]")

    return Node(words, run)


def holding(name: Node) -> Node:
    """A name that a comparison was given, as a condition again."""

    def run(frame: Frame) -> Value:
        return frame.truths[id(name.run(frame))][1]

    return Node(name.words, run)
