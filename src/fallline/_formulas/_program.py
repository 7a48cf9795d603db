"""A formula as a line of a PyTorch program."""

import ast
import math

import torch

from fallline._formulas._expression import CONSTANTS, read_expression
from fallline._formulas._typed import as_python


def python_text(text: str) -> str:
    """The same arithmetic as Python writes it, for parameters that are tensors.

    Functions keep their names (``from torch import cos``), so do pi and e (``from math import pi``). A power or a
    function of plain numbers stands as the number that it is: torch takes no function of a number, and Python would
    work out 9^9^9 to its last digit.

    Raises:
        OptionError: it is no formula.

    >>> python_text("(w − 3)² + cos(2*pi) * b"), python_text("w^2 + 2^0.5")
    ('(w - 3) ** 2 + 1.0 * b', 'w ** 2 + 1.4142135623730951')
    """
    expression = read_expression(text)
    tree = ast.parse(as_python(expression.text).strip(), mode="eval")
    return ast.unparse(ast.fix_missing_locations(_Folded().visit(tree)))


class _Folded(ast.NodeTransformer):
    """Constants worked out where Python would go about it in another way."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """A chain of sums may be long without being deep, so only powers are looked at as a whole."""
        if _is_constant(node) and _needs_folding(node):
            return _number(_value(node))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A function of a number."""
        return _number(_value(node)) if _is_constant(node) else self.generic_visit(node)


def _is_constant(tree: ast.AST) -> bool:
    called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return all(name in CONSTANTS for name in names)


def _needs_folding(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Call | ast.Pow | ast.Div) for node in ast.walk(tree))


def _value(tree: ast.expr) -> float:
    evaluate = read_expression(f"({ast.unparse(tree)}) + 0*w")
    return float(evaluate(torch.zeros(1, dtype=torch.float64, device="cpu")))


def _number(value: float) -> ast.expr:
    if math.isfinite(value):
        return ast.Constant(value)
    return ast.Call(ast.Name("float", ast.Load()), [ast.Constant(str(value))], [])
