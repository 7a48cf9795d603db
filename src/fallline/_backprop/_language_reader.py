"""Python's tree of a statement, looked up node by node in a short list; whatever is not on it is refused."""

import ast
from collections.abc import Mapping
from typing import Any, Final

import torch

from fallline._backprop._language_arguments import bound
from fallline._backprop._language_comparisons import COMPARISONS, Condition, compared, counted, holding
from fallline._backprop._language_functions import FUNCTIONS
from fallline._backprop._language_nodes import (
    OPERATORS,
    Link,
    Node,
    called,
    chained,
    indexed,
    listed,
    negated,
    number_node,
    transposed,
)
from fallline._backprop._language_shapes import Words
from fallline._backprop._language_words import ALLOWED, COMMON, MET, NOT_ASKED, OTHERWISE
from fallline._errors import OptionError, near
from fallline._formulas._expression import CONSTANTS, MOST_NESTING
from fallline._formulas._typed import shortened

SIGNS: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}
LARGEST: Final = 1.7976931348623157e308
LONGEST_NAME: Final = 100
LARGEST_WHOLE: Final = 10**12
"""Of sizes and places: PyTorch counts in 64 bits."""
NAMESPACES: Final = ("torch", "F", "torch.nn.functional", "nn.functional")
METHODS: Final = ("t",)
"""Functions only behind a dot: their bare names are free for values."""


class Reader:
    """The statements of one expression, read one after the other."""

    def __init__(self) -> None:
        self.inputs: dict[str, Words] = {}
        """Names without an assignment before them, and the statement's value in which they are met first."""
        self.assigned: dict[str, Words] = {}
        self.classes: set[str] = set()
        """Inputs that are class numbers."""
        self.conditions: set[str] = set()
        """Assigned names that hold a comparison."""
        self._plain: set[str] = set()
        """Inputs that are used as values."""
        self._source = b""
        self._whole = Words(b"", 0, 0)
        self._caret = False

    def statement(self, source: str, tree: ast.expr, caret: bool) -> Node:
        """One expression; ``source`` is the text that the places in ``tree`` count in."""
        self._source, self._caret = source.encode("utf-8"), caret
        self._whole = self.words(tree)
        return self.node(tree, 0)

    def check_uses(self) -> None:
        """Refuses class numbers that are used as values, too."""
        for name in self.inputs:
            if name in self.classes and name in self._plain:
                raise OptionError(
                    f'"{name}" is class numbers, the second value of cross_entropy, and cannot be used as a value, too.'
                )

    def words(self, tree: ast.expr) -> Words:
        """The text of a node."""
        return Words(self._source, tree.col_offset, tree.end_col_offset or len(self._source), self._caret)

    def node(self, tree: ast.expr, depth: int) -> Node:
        """How to compute one piece."""
        if depth > MOST_NESTING:
            raise OptionError(
                f"The expression is nested more than {MOST_NESTING} deep: give its parts names, one statement each."
            )
        match tree:
            case ast.BinOp():
                return self._chain(tree, depth)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return negated(self.words(tree), self.node(operand, depth + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand, depth + 1)
            case ast.Attribute():
                return self._attribute(tree, depth)
            case ast.Call():
                return self._call(tree, depth)
        return self._operand(tree, depth)

    def condition(self, tree: ast.expr, depth: int) -> Node:
        """What ``where`` chooses by: a comparison, or a name that one was given."""
        if isinstance(tree, ast.Compare):
            return self._compared(tree, depth).node
        if isinstance(tree, ast.Name) and tree.id in self.conditions:
            return holding(self.node(tree, depth))
        words = self.words(tree)
        name = tree.id if isinstance(tree, ast.Name) else "x"
        raise OptionError(f'"{words}" is no comparison: where chooses by one, as in where({name} > 0, {name}, 0).')

    def note_condition(self, name: str, value: ast.expr) -> None:
        """Whether ``name`` now holds a comparison."""
        holds = isinstance(value, ast.Compare) or (isinstance(value, ast.Name) and value.id in self.conditions)
        (self.conditions.add if holds else self.conditions.discard)(name)

    def _compared(self, tree: ast.Compare, depth: int) -> Condition:
        sign = COMPARISONS.get(type(tree.ops[0]))
        if sign is None or len(tree.ops) > 1:
            raise self.refusal(tree)
        left, right = (self.node(each, depth + 1) for each in (tree.left, tree.comparators[0]))
        return compared(self.words(tree), sign, left, right)

    def _operand(self, tree: ast.expr, depth: int) -> Node:
        """A number, a name, a list of numbers, or a part of a value."""
        words = self.words(tree)
        match tree:
            case ast.Constant(value=value):
                return number_node(words, self.number(value, words))
            case ast.Name(id=name):
                return self._name(name, words)
            case ast.List():
                return listed(words, self.numbers(tree, depth))
            case ast.Subscript(value=value, slice=index):
                return indexed(words, self.node(value, depth + 1), self._index(index))
            case ast.Compare():
                return counted(self._compared(tree, depth), named=depth == 0)
        raise self.refusal(tree)

    def _chain(self, tree: ast.BinOp, depth: int) -> Node:
        """a + b + c …: Python nests it to the left."""
        nested: list[ast.BinOp] = []
        left: ast.expr = tree
        while isinstance(left, ast.BinOp):
            nested.append(left)
            left = left.left
        first = self.node(left, depth + 1)
        links: list[Link] = []
        for link in reversed(nested):
            sign = SIGNS.get(type(link.op))
            if sign is None:
                raise self.refusal(link)
            links.append(Link(self.words(link), sign, self.words(link.left), self.node(link.right, depth + 1)))
        return chained(first, links)

    def number(self, value: object, words: Words) -> float:
        """A number that was typed; whole ones stay whole."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OptionError(
                f"The expression holds {_shown_constant(value)}, which is no number: it may hold {ALLOWED}."
            )
        if not -LARGEST <= value <= LARGEST:
            raise OptionError(f'The number "{words}" is too large: use numbers below 1.8e308.')
        return value if abs(value) <= 2**53 else float(value)

    def numbers(self, tree: ast.List, depth: int) -> list[Any]:
        """Nested lists of numbers of one shape."""
        if depth > MOST_NESTING:
            raise OptionError(f"The expression is nested more than {MOST_NESTING} deep.")
        if not tree.elts:
            raise OptionError(f'"{self.words(tree)}" has an empty list: write at least one number in its brackets.')
        entries = [self._entry(entry, depth) for entry in tree.elts]
        shapes = [_shape(entry) for entry in entries]
        if any(shape != shapes[0] for shape in shapes):
            raise OptionError(f'"{self.words(tree)}" has rows of different lengths.')
        return entries

    def _entry(self, entry: ast.expr, depth: int) -> Any:
        if isinstance(entry, ast.List):
            return self.numbers(entry, depth + 1)
        number = self.node(entry, depth + 1).number
        if number is None:
            raise OptionError(
                f'"{self.words(entry)}" is no number: a list in square brackets holds numbers alone; '
                "values are joined by stack([a, b]) or cat([a, b])."
            )
        return number

    def _name(self, name: str, words: Words) -> Node:
        self.check_name(name)
        if name in CONSTANTS:
            return number_node(words, CONSTANTS[name])
        if name not in self.assigned:
            self.inputs.setdefault(name, self._whole)
            self._plain.add(name)
        return Node(words, lambda frame: frame.values[name])

    def check_name(self, name: str) -> None:
        """Refuses names that mean something else."""
        if len(name) > LONGEST_NAME:
            raise OptionError(
                f'The name "{shortened(name)}" has {len(name):,} letters; at most {LONGEST_NAME} are read.'
            )
        if (name in FUNCTIONS and name not in METHODS) or name in OPERATORS:
            raise OptionError(f'"{name}" is a function: write what it is taken of in brackets, {name}(…).')
        if name in ("nan", "inf"):
            raise OptionError(f'"{name}" is a value: give it to an input, as in --at "x={name}".')
        if name in ("torch", "F", "nn"):
            raise OptionError(f'"{name}" stands before a function, as in {name}.relu(x): call a value otherwise.')
        if name.startswith("_"):
            raise OptionError(f'"{shortened(name)}" cannot be used: a name begins with a letter.')

    def _attribute(self, tree: ast.Attribute, depth: int) -> Node:
        if tree.attr == "T":
            return transposed(self.words(tree), self.node(tree.value, depth + 1))
        name = tree.attr
        if name in FUNCTIONS or name in OPERATORS:
            raise OptionError(f'"{name}" is a function: write its brackets, as in {self.words(tree)}().')
        raise self._no_function(tree, name)

    def _call(self, tree: ast.Call, depth: int) -> Node:
        words, of = self.words(tree), tree.func
        receiver: list[ast.expr] = []
        if isinstance(of, ast.Attribute):
            name = of.attr
            if name == "T":
                raise OptionError(f'".T" takes no brackets in "{words}": leave them out.')
            if _dotted(of.value) not in NAMESPACES:
                receiver = [of.value]
        elif isinstance(of, ast.Name):
            name = of.id
            if name in METHODS:
                raise self._no_function(of, name)
        elif isinstance(of, ast.Constant | ast.BinOp | ast.UnaryOp):
            raise OptionError(f'"{words}" cannot be read: write a product with its sign, {self.words(of)}*(…).')
        else:
            raise OptionError(
                f'"{words}" calls what a call or an index gave: only functions by their names are called.'
            )
        if name in OPERATORS:
            return self._operator(tree, name, [*receiver, *tree.args], depth)
        if name not in FUNCTIONS:
            raise self._no_function(of, name)
        given = [*receiver, *tree.args]
        if name == "where" and receiver:  # x.where(x > 0, 0) chooses x where that holds
            given = [*tree.args[:1], *receiver, *tree.args[1:]]
        arguments = bound(self, name, words, given, tree.keywords, depth + 1)
        return called(words, name, arguments)

    def _operator(self, tree: ast.Call, name: str, arguments: list[ast.expr], depth: int) -> Node:
        """``x.add(2)`` is x + 2."""
        if len(arguments) != 2 or tree.keywords:
            raise OptionError(f'"{self.words(tree)}" cannot be read: {name} takes two values, as in {name}(x, 2).')
        left, right = (self.node(each, depth + 1) for each in arguments)
        return chained(left, [Link(self.words(tree), name, left.words, right)])

    def class_numbers(self, tree: ast.expr, depth: int) -> Node:
        """The second value of cross_entropy: class numbers, or the classes' probabilities where it is computed."""
        words = self.words(tree)
        if isinstance(tree, ast.Name) and tree.id not in self.assigned and tree.id not in CONSTANTS:
            self.check_name(tree.id)
            self.inputs.setdefault(tree.id, self._whole)
            self.classes.add(tree.id)
            return Node(words, lambda frame: frame.values[tree.id])
        if isinstance(tree, ast.List | ast.Constant):
            typed = self.numbers(tree, depth) if isinstance(tree, ast.List) else self.number(tree.value, words)
            flat = typed if isinstance(typed, list) else [typed]
            if all(isinstance(each, int) for each in flat):
                return listed(words, typed, torch.int64)
        return self.node(tree, depth)

    def _index(self, tree: ast.expr) -> tuple[int | slice, ...]:
        parts = tree.elts if isinstance(tree, ast.Tuple) else [tree]
        if not parts:
            raise OptionError("An index is empty: write whole numbers or ranges, as in x[0] or x[0, 1:3].")
        return tuple(self._slice(part) if isinstance(part, ast.Slice) else self.whole(part) for part in parts)

    def _slice(self, tree: ast.Slice) -> slice:
        begin, end, step = (None if each is None else self.whole(each) for each in (tree.lower, tree.upper, tree.step))
        if step is not None and step < 1:
            raise OptionError(
                f'"{self.words(tree)}" steps by {step}: an index runs forward, by 1 or more.'.replace("-", "−")
            )
        return slice(begin, end, step)

    def whole(self, tree: ast.expr) -> int:
        """A whole number that was typed: an index, a dimension, a size."""
        sign = 1
        inner = tree
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            inner, sign = tree.operand, -1
        if isinstance(inner, ast.Constant) and type(inner.value) is int and inner.value <= LARGEST_WHOLE:
            return sign * inner.value
        if isinstance(inner, ast.Constant) and type(inner.value) is int:
            raise OptionError(f'"{self.words(tree)}" is too large for an index or a size.')
        if isinstance(tree, ast.Compare):
            raise OptionError(
                f'"{self.words(tree)}" is no index: what holds is chosen by where, as in where(x > 0, x, 0).'
            )
        raise OptionError(f'"{self.words(tree)}" stands where a whole number is needed, typed as such: 0, 1 or −1.')

    def _no_function(self, tree: ast.expr, name: str) -> OptionError:
        if name in NOT_ASKED:
            return OptionError(f'"{name}" is not needed in an expression: {NOT_ASKED[name]}.')
        if name.startswith("_"):
            return OptionError(f'"{shortened(name)}" cannot be used: an expression holds {ALLOWED}.')
        if name in OTHERWISE:
            return OptionError(f'There is no function "{name}" in an expression: write {OTHERWISE[name]}(…).')
        shown = shortened(name)
        product = f" For a product write {shown}*(…)." if isinstance(tree, ast.Name) and len(name) == 1 else ""
        return OptionError(
            f'There is no function "{shown}" in an expression.{product or near(shown, [*FUNCTIONS, *OPERATORS])}'
            + ("" if product or near(shown, [*FUNCTIONS, *OPERATORS]) else f" It knows {', '.join(COMMON)} and others.")
        )

    def refusal(self, tree: ast.AST) -> OptionError:
        """The sentence about what an expression does not hold."""
        if isinstance(tree, ast.BinOp):
            signs = {ast.Mod: "%", ast.FloorDiv: "//", ast.BitAnd: '"&" (for "and" write a product: (x > 0)*(y > 0))'}
            sign = signs.get(type(tree.op), "an operation on bits")
            return OptionError(f'"{self.words(tree)}" holds {sign}: an expression holds {ALLOWED}.')
        if isinstance(tree, ast.UnaryOp):
            return OptionError(f'"{self.words(tree)}" is a condition: an expression holds {ALLOWED}.')
        met = MET.get(type(tree), "no arithmetic")
        shown = f'"{self.words(tree)}"' if isinstance(tree, ast.expr) else "This"
        return OptionError(f"{shown} is {met}: an expression holds {ALLOWED}.")


def _dotted(tree: ast.expr) -> str | None:
    """``torch.nn.functional`` of the attributes that spell it."""
    parts: list[str] = []
    while isinstance(tree, ast.Attribute) and len(parts) < 3:
        parts.append(tree.attr)
        tree = tree.value
    return ".".join([tree.id, *reversed(parts)]) if isinstance(tree, ast.Name) else None


def _shape(entry: Any) -> tuple[int, ...]:
    return (len(entry), *_shape(entry[0])) if isinstance(entry, list) else ()


def _shown_constant(value: object) -> str:
    if isinstance(value, str | bytes):
        return "a text in quotation marks"
    return "..." if value is Ellipsis else shortened(repr(value))
