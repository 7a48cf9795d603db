"""The PyTorch program that does what a typed expression does: its tensors, the statements, backward, the gradients.

Written from the tree that fallline's parser has accepted; nothing here is run.
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Any, Final

from torch import Tensor

from fallline._backprop._language import Program
from fallline._backprop._language_functions import FUNCTIONS, Kind
from fallline._backprop._language_nodes import OPERATORS
from fallline._formulas._expression import CONSTANTS

_IN_F: Final = frozenset(
    {
        *("softplus", "logsigmoid", "gelu", "silu", "elu", "selu", "mish", "leaky_relu", "linear"),
        *("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "cross_entropy", "nll_loss"),
        *("binary_cross_entropy", "binary_cross_entropy_with_logits"),
    }
)
"""Functions that live in ``torch.nn.functional``."""
_NAMED: Final[Mapping[str, str]] = {
    "norm": "torch.linalg.vector_norm", "clip": "torch.clamp", "view": "torch.reshape",
}  # fmt: skip
_ALONG_FIRST: Final = ("softmax", "log_softmax", "cumsum")
_WITH_PLACES: Final = ("max", "min")
_METHODS: Final = frozenset(("sum", "mean", "exp", "log", "sqrt", "tanh", "sigmoid", "relu", "sin", "cos", "abs"))
"""Written behind a dot where they were typed so."""
_SIGNS: Final[Mapping[str, ast.operator]] = {
    "add": ast.Add(), "sub": ast.Sub(), "mul": ast.Mult(), "div": ast.Div(), "pow": ast.Pow(),
}  # fmt: skip


def pytorch_program(program: Program, values: Mapping[str, Tensor], vector: Sequence[Any] | None) -> str:
    """The whole program as text.

    >>> import torch
    >>> from fallline._backprop._language import read_program
    >>> print(pytorch_program(read_program("y = x^2; y.sum()"), {"x": torch.tensor([1.0, 2.0])}, None))
    import torch
    <BLANKLINE>
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    <BLANKLINE>
    y = x ** 2
    result = y.sum()
    <BLANKLINE>
    result.backward()
    print(result)
    print(x.grad)
    <BLANKLINE>
    """
    writer = _Writer()
    body = []
    for statement in program.statements:
        if statement.tree is None:
            raise ValueError("a program that was not read from a text")
        tree = ast.fix_missing_locations(writer.value(statement.tree))
        body.append(f"{_free(statement.name or 'result', program)} = {ast.unparse(tree)}")
    result = program.statements[-1].name or _free("result", program)
    leaves = [_leaf(name, values[name], name in program.integer_inputs) for name in program.inputs]
    text = "\n".join(body)
    imports = ["import torch"]
    if "F." in text:
        imports.append("import torch.nn.functional as F")
    given = "" if vector is None else f"torch.tensor({_numbers(vector)})"
    weights = f"{given}.reshape({result}.shape)" if given else ""
    floating = [name for name in program.inputs if name not in program.integer_inputs]
    return "\n".join(
        [
            *imports, "", *leaves, "", text, "", f"{result}.backward({weights})", f"print({result})",
            *(f"print({name}.grad)" for name in floating), "",
        ]
    )  # fmt: skip


def _free(name: str, program: Program) -> str:
    """A name for the result that nothing else has."""
    return f"{name}_" if name == "result" and "result" in program.inputs else name


def _leaf(name: str, tensor: Tensor, whole: bool) -> str:
    numbers = _numbers(tensor.tolist())
    return f"{name} = torch.tensor({numbers})" if whole else f"{name} = torch.tensor({numbers}, requires_grad=True)"


def _numbers(value: Any) -> str:
    """Nested lists with numbers as short as float32 allows; what is not finite by its name."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_numbers(each) for each in value)}]"
    if isinstance(value, int):
        return str(value)
    short = float(f"{value:.9g}")
    text = repr(short if abs(short) < float("inf") else value)
    return f'float("{text}")' if text in ("inf", "-inf", "nan") else text


class _Writer:
    """Trees of the language as trees of PyTorch."""

    def value(self, tree: ast.expr) -> ast.expr:
        """A value: a number that stands alone becomes a tensor."""
        written = self._piece(tree)
        return _call("torch.tensor", [_floating(written)]) if _is_number(tree) else written

    def _piece(self, tree: ast.expr) -> ast.expr:
        match tree:
            case ast.Name(id=name) if name in CONSTANTS:
                return ast.Constant(CONSTANTS[name])
            case ast.BinOp():
                return self._operation(tree)
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self._piece(operand))
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(self.value(value), index, ast.Load())
            case ast.Call():
                return self._call(tree)
        return self._leaf(tree)

    def _leaf(self, tree: ast.expr) -> ast.expr:
        """A list, a comparison, ``.T``; a name or a number as it is."""
        match tree:
            case ast.List():
                return _call("torch.tensor", [_floating(self._listed(tree))])
            case ast.Compare():
                return _method(self._comparison(tree), "float")
            case ast.Attribute(value=value):
                return _method(self.value(value), "t")
        return tree

    def _operation(self, tree: ast.BinOp) -> ast.expr:
        """A long sum is nested to the left: written without recursion."""
        chain: list[ast.BinOp] = []
        left: ast.expr = tree
        while isinstance(left, ast.BinOp):
            chain.append(left)
            left = left.left
        written = self._piece(left)
        for each in reversed(chain):
            written = ast.BinOp(written, each.op, self._piece(each.right))
        return written

    def _listed(self, tree: ast.List) -> ast.expr:
        return ast.List([self._listed(each) if isinstance(each, ast.List) else self._piece(each) for each in tree.elts],
                        ast.Load())  # fmt: skip

    def _comparison(self, tree: ast.Compare) -> ast.expr:
        return ast.Compare(self.value(tree.left), tree.ops, [self._piece(tree.comparators[0])])

    def _condition(self, tree: ast.expr) -> ast.expr:
        """Of where: a comparison as it is, a name as what holds where it is not 0."""
        if isinstance(tree, ast.Compare):
            return self._comparison(tree)
        return ast.Compare(tree, [ast.Gt()], [ast.Constant(0)])

    def _call(self, tree: ast.Call) -> ast.expr:
        of, given = tree.func, list(tree.args)
        name = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
        behind = isinstance(of, ast.Attribute) and ast.unparse(of.value) not in (
            "torch", "F", "torch.nn.functional", "nn.functional",
        )  # fmt: skip
        if behind and isinstance(of, ast.Attribute):
            given = [*given[:1], of.value, *given[1:]] if name == "where" else [of.value, *given]
        if name in OPERATORS:
            return ast.BinOp(self._piece(given[0]), _SIGNS[name], self._piece(given[1]))
        arguments = self._arguments(name, given, tree.keywords)
        if behind and name in _METHODS and not tree.keywords and len(given) == 1:
            return _method(arguments["x"], name)
        return self._function(name, arguments)

    def _arguments(self, name: str, given: Sequence[ast.expr], named: Sequence[ast.keyword]) -> dict[str, ast.expr]:
        """By the names that the language gives them, those that stand there."""
        places = [parameter for parameter in FUNCTIONS[name].parameters if not parameter.by_name]
        found: dict[str, ast.expr] = {}
        rest = list(given)
        for parameter in places:
            if rest and parameter.kind is Kind.SHAPE:
                sizes = rest if len(rest) > 1 else getattr(rest[0], "elts", rest)
                found[parameter.name], rest = ast.Tuple(list(sizes), ast.Load()), []
            elif rest:
                found[parameter.name] = rest.pop(0)
        found.update({keyword.arg: keyword.value for keyword in named if keyword.arg is not None})
        kinds = {parameter.name: parameter.kind for parameter in FUNCTIONS[name].parameters}
        return {key: self._argument(kinds[key], tree) for key, tree in found.items()}

    def _argument(self, kind: Kind, tree: ast.expr) -> ast.expr:
        if kind is Kind.VALUES:
            return ast.List([self.value(each) for each in getattr(tree, "elts", [])], ast.Load())
        if kind is Kind.REDUCTION and isinstance(tree, ast.Name):
            return ast.Constant(tree.id)
        if kind is Kind.SHAPE and not isinstance(tree, ast.Tuple):
            return ast.Tuple(list(getattr(tree, "elts", [tree])), ast.Load())
        writers = {
            Kind.VALUE: self.value,
            Kind.CONDITION: self._condition,
            Kind.CLASSES: self._class_numbers,
            Kind.NUMBER: self._piece,
        }
        return writers[kind](tree) if kind in writers else tree

    def _class_numbers(self, tree: ast.expr) -> ast.expr:
        """Whole numbers stay whole: they are classes, not their probabilities."""
        numbers = [each for each in ast.walk(tree) if isinstance(each, ast.Constant)]
        if isinstance(tree, ast.List | ast.Constant) and all(isinstance(each.value, int) for each in numbers):
            return _call("torch.tensor", [tree])
        return self.value(tree)

    def _function(self, name: str, found: Mapping[str, ast.expr]) -> ast.expr:
        first = next(iter(found.values()))
        if name in ("t", "detach"):
            return _method(first, name)
        if name == "logsumexp" and "dim" not in found:
            return _call("torch.logsumexp", [_method(first, "flatten")], dim=0)
        by_name = {parameter.name for parameter in FUNCTIONS[name].parameters if parameter.by_name}
        by_name |= {"dim", "min", "max"} if name not in ("cat", "stack", "unsqueeze") else set()
        plain = [tree for key, tree in found.items() if key not in by_name]
        settings: dict[str, Any] = {key: tree for key, tree in found.items() if key in by_name}
        if name in _ALONG_FIRST and "dim" not in found:
            settings["dim"] = 0
        where = f"F.{name}" if name in _IN_F else _NAMED.get(name, f"torch.{name}")
        made = _call(where, plain, **settings)
        if name in _WITH_PLACES and "dim" in found:
            return ast.Attribute(made, "values", ast.Load())
        return made


def _call(name: str, arguments: Sequence[ast.expr], **settings: Any) -> ast.Call:
    first, *rest = name.split(".")
    function: ast.expr = ast.Name(first, ast.Load())
    for part in rest:
        function = ast.Attribute(function, part, ast.Load())
    keywords = [
        ast.keyword(key, value if isinstance(value, ast.expr) else ast.Constant(value))
        for key, value in settings.items()
    ]
    return ast.Call(function, list(arguments), keywords)


def _method(of: ast.expr, name: str) -> ast.Call:
    return ast.Call(ast.Attribute(of, name, ast.Load()), [], [])


def _is_number(tree: ast.expr) -> bool:
    """Whether it holds numbers alone."""
    names = (each for each in ast.walk(tree) if isinstance(each, ast.Name | ast.List))
    return all(isinstance(each, ast.Name) and (each.id in CONSTANTS or _is_function(each, tree)) for each in names)


def _is_function(name: ast.Name, tree: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) and each.func is name for each in ast.walk(tree))


def _floating(tree: ast.expr) -> ast.expr:
    """Whole numbers as numbers with a point."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return ast.Constant(float(tree.value))
    if isinstance(tree, ast.List):
        return ast.List([_floating(each) for each in tree.elts], ast.Load())
    if isinstance(tree, ast.UnaryOp):
        return ast.UnaryOp(tree.op, _floating(tree.operand))
    return tree
