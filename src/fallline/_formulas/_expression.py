"""Arithmetic that a person types, read without ever running it as Python.

Python's own parser makes a tree of the text; each node is looked up in a short list of what arithmetic is made of,
and anything else is refused. Nothing that is typed is evaluated by the interpreter.
"""

import ast
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fallline._errors import OptionError, near
from fallline._formulas._typed import as_python, missing_sign, shortened

MOST_CHARACTERS = 2_000
MOST_NESTING = 60
"""How deep brackets, powers and functions may lie in one another; a long sum is not deep."""
MOST_PARAMETERS = 10
LARGEST_EXPONENT = 1_000
"""Of a power of whole degree: beyond it no power of anything but ±1 is a usable number."""

FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "abs": torch.abs,
}
CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}

OPERATIONS: Mapping[type[ast.operator], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: torch.add,
    ast.Sub: torch.sub,
    ast.Mult: torch.mul,
    ast.Div: torch.div,
    ast.Pow: torch.pow,
}

Value = Tensor | float
Node = Callable[[Sequence[Tensor]], Value]
"""From the columns of the parameters, P tensors of shape [B], to a value [B]; a constant stays a number."""

RECORDED = frozenset(
    ("step", "epoch", "learning_rate", "loss", "real_change", "first_order_change", "reach", "full_loss")
)
"""Columns of a run's table of steps, beside which each parameter has its own."""

ALLOWED = f"numbers, parameters, + - * / ^, {', '.join(FUNCTIONS)}, pi and e"


@dataclass(frozen=True)
class Expression:
    """A formula that was read."""

    text: str
    """As it was typed, without space around it."""
    parameter_names: tuple[str, ...]
    """[P] in order of appearance, but w and b always as ``w, b``."""
    tree: str
    """Its structure: equal for two texts that say the same with other spaces, brackets or signs."""
    degree: int | None
    """Of the polynomial that it is, None where it is none."""
    evaluate: Node

    def __call__(self, parameters: Tensor) -> Tensor:
        """The value at parameters [..., P], in their dtype; shape [...]."""
        columns = parameters.unbind(-1)
        value = self.evaluate(columns)
        return value if isinstance(value, Tensor) else torch.full_like(columns[0], value)


def read_expression(text: str) -> Expression:
    """The formula that ``text`` says.

    Raises:
        OptionError: it is too long or too deep, names something unknown, or is no arithmetic.

    >>> read = read_expression("(w − 3)²")
    >>> read.parameter_names, read.degree, read(torch.tensor([5.0])).item()
    (('w',), 2, 4.0)
    """
    if not isinstance(text, str):
        raise OptionError(f'A formula is given as text, as in "(w - 3)^2", not as {type(text).__name__}.')
    shown = " ".join(text.split())
    if not shown:
        raise OptionError('The formula is empty: write one such as "(w - 3)^2".')
    if len(shown) > MOST_CHARACTERS:
        raise OptionError(f"The formula has {len(shown):,} characters; at most {MOST_CHARACTERS:,} are read.")
    if len(text.strip().splitlines()) > 1:
        raise OptionError(f'The formula "{shortened(shown)}" is broken into lines: write it in one.')
    reader = _Reader(shown)
    tree = reader.parsed()
    evaluate, degree = reader.node(tree, 0)
    if not reader.names:
        raise OptionError(f'The formula "{shown}" has no parameter to descend in: name one, as in "(w - 3)^2".')
    return Expression(shown, tuple(reader.names), ast.dump(tree), degree, evaluate)


class _Reader:
    """One text on its way to an expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []

    def parsed(self) -> ast.expr:
        """Python's tree of the text, and the parameters that occur in it."""
        typed = as_python(self.text)
        if "#" in typed:  # Python would read on without what comes after it
            raise OptionError(
                f'The formula "{shortened(self.text)}" holds a "#": it may hold no comment, only {ALLOWED}.'
            )
        try:
            with warnings.catch_warnings():  # "2or" is a warning to Python; here it is refused below or by syntax
                warnings.simplefilter("ignore")
                tree = ast.parse(typed.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise OptionError(f'The formula "{shortened(self.text)}" cannot be read{self._hint(typed)}.') from None
        called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
        found.sort(key=lambda node: (node.lineno, node.col_offset))
        self.names = list(dict.fromkeys(node.id for node in found if node.id not in CONSTANTS))
        if {"w", "b"} <= set(self.names):
            self.names.remove("b")
            self.names.insert(self.names.index("w") + 1, "b")
        return tree

    def _hint(self, typed: str) -> str:
        product = missing_sign(typed)
        if product is not None:
            return f": write a product with its sign, {product}"
        if "=" in typed:
            return ": write the loss alone, without an equals sign"
        return f": it may hold {ALLOWED}"

    def node(self, tree: ast.expr, depth: int) -> tuple[Node, int | None]:
        """How to evaluate a node, and its degree as a polynomial."""
        if depth > MOST_NESTING:
            raise OptionError(f"The formula is nested more than {MOST_NESTING} deep: write it with fewer brackets.")
        if isinstance(tree, ast.BinOp):
            return self._chain(tree, depth)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
            inner, degree = self.node(tree.operand, depth + 1)
            return (inner if isinstance(tree.op, ast.UAdd) else lambda columns: -inner(columns)), degree
        if isinstance(tree, ast.Constant):
            number = self._number(tree.value)
            return _constant(number), 0
        if isinstance(tree, ast.Name):
            return self._name(tree.id)
        if isinstance(tree, ast.Call):
            return self._call(tree, depth)
        raise self._refusal()

    def _chain(self, tree: ast.BinOp, depth: int) -> tuple[Node, int | None]:
        """a + b + c …: Python nests it to the left, and it may be long without being deep."""
        links: list[ast.BinOp] = []
        left: ast.expr = tree
        while isinstance(left, ast.BinOp):
            links.append(left)
            left = left.left
        first, degree = self.node(left, depth + 1)
        rest: list[tuple[Callable[[Tensor, Tensor], Tensor], Node]] = []
        for link in reversed(links):
            operation = OPERATIONS.get(type(link.op))
            if operation is None:
                raise self._refusal()
            right, right_degree = self.node(link.right, depth + 1)
            degree = _degree(link, degree, right_degree)
            rest.append((operation, right))

        def evaluate(columns: Sequence[Tensor]) -> Value:
            value = first(columns)
            for operation, right in rest:
                value = _applied(operation, value, right(columns))
            return value

        return evaluate, degree

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OptionError(f'The formula "{shortened(self.text)}" holds {value!r}, which is no number.')
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise OptionError("A number in the formula is too large: use numbers below 1.8e308.")
        return number

    def _name(self, name: str) -> tuple[Node, int]:
        if name in CONSTANTS:
            return _constant(CONSTANTS[name]), 0
        if name in FUNCTIONS:
            raise OptionError(f'"{name}" is a function: write what it is taken of in brackets, {name}(…).')
        if name.startswith("_"):
            raise OptionError(f'"{name}" cannot be a parameter: a name begins with a letter.')
        if name in RECORDED or name.startswith("slope_"):
            raise OptionError(f'"{name}" cannot be a parameter: "{name}" is a column of every record. Rename it.')
        if len(self.names) > MOST_PARAMETERS:
            raise OptionError(
                f"The formula names {len(self.names)} parameters ({', '.join(self.names[:4])} …); "
                f"at most {MOST_PARAMETERS} are followed."
            )
        index = self.names.index(name)
        return (lambda columns: columns[index]), 1

    def _call(self, tree: ast.Call, depth: int) -> tuple[Node, int | None]:
        if isinstance(tree.func, ast.Constant | ast.BinOp | ast.UnaryOp):
            raise OptionError(
                f'The formula "{shortened(self.text)}" is not arithmetic: write a product with its sign, '
                f"{ast.unparse(tree.func)[:20]}*(…)."
            )
        if not isinstance(tree.func, ast.Name):
            raise self._refusal()
        name = tree.func.id
        function = FUNCTIONS.get(name)
        if function is None:
            known = list(FUNCTIONS)
            product = f" For a product write {name}*(…)." if name in CONSTANTS or len(name) == 1 else ""
            raise OptionError(
                f'There is no function "{name}" in a formula: it may use {", ".join(known)}.'
                f"{product or near(name, known)}"
            )
        if len(tree.args) != 1 or tree.keywords or isinstance(tree.args[0], ast.Starred):
            raise OptionError(f"{name} takes one value in its brackets, as in {name}(w).")
        inner, degree = self.node(tree.args[0], depth + 1)
        return (lambda columns: _of(function, inner(columns))), 0 if degree == 0 else None

    def _refusal(self) -> OptionError:
        return OptionError(f'The formula "{shortened(self.text)}" is not arithmetic: it may hold {ALLOWED}.')


def _constant(number: float) -> Node:
    def evaluate(columns: Sequence[Tensor]) -> Value:
        del columns  # it depends on no parameter
        return number

    return evaluate


def _degree(link: ast.BinOp, left: int | None, right: int | None) -> int | None:
    """Of the polynomial that an operation makes, None where it makes none."""
    if left is None or right is None:
        return None
    if isinstance(link.op, ast.Add | ast.Sub):
        return max(left, right)
    if isinstance(link.op, ast.Mult):
        return left + right
    if right != 0:
        return None
    return left if isinstance(link.op, ast.Div) else _degree_of_power(left, link.right)


def _degree_of_power(base: int, exponent: ast.expr) -> int | None:
    if base == 0:
        return 0
    value = exponent.value if isinstance(exponent, ast.Constant) else None
    if not isinstance(value, int | float) or not 0 <= value <= LARGEST_EXPONENT or value != int(value):
        return None
    return base * int(value)


def _applied(operation: Callable[[Tensor, Tensor], Tensor], left: Value, right: Value) -> Value:
    """An operation; of two numbers in float64 by torch, so that 9^9^9 is ∞ and a root of −1 is NaN."""
    if isinstance(left, Tensor):
        return operation(left, right if isinstance(right, Tensor) else _like(left, right))
    if isinstance(right, Tensor):
        return operation(_like(right, left), right)
    return float(operation(_scalar(left), _scalar(right)))


def _like(other: Tensor, value: float) -> Tensor:
    """A number as a tensor that changes neither dtype nor shape of the other."""
    return torch.full((), value, dtype=other.dtype, device=other.device)


def _of(function: Callable[[Tensor], Tensor], value: Value) -> Value:
    return function(value) if isinstance(value, Tensor) else float(function(_scalar(value)))


def _scalar(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, device="cpu")
