"""What a typed expression may not hold, and what is said of it."""

import ast
from collections.abc import Mapping
from typing import Final

NOT_ASKED: Final[Mapping[str, str]] = {
    "backward": "the backward pass is run and shown anyway: leave it out",
    "grad": "the gradients are shown anyway: leave it out",
    "data": "for a value without its gradient write detach(…)",
    "detach_": "nothing is changed in place here, write detach(…)",
    "cpu": "every value is on the CPU anyway: leave it out",
    "item": "the value is shown anyway: leave it out",
    "requires_grad_": "a gradient is asked of every input anyway: leave it out",
    "numpy": "values are tensors here: leave it out",
    "tensor": "numbers in square brackets are a tensor, as in [1, 2]",
    "as_tensor": "numbers in square brackets are a tensor, as in [1, 2]",
    "zeros": "write the numbers, as in [0, 0, 0]",
    "ones": "write the numbers, as in [1, 1, 1]",
    "shape": "sizes are typed as numbers",
    "size": "sizes are typed as numbers",
    "len": "sizes are typed as numbers",
    "print": "every value is shown anyway: leave it out",
}
COMMON: Final = (
    *("sqrt", "exp", "log", "sin", "cos", "tanh", "abs", "sigmoid", "relu", "softplus", "gelu", "softmax"),
    *("sum", "mean", "max", "norm", "var", "maximum", "where", "clamp", "matmul", "reshape", "cat", "stack"),
    *("mse_loss", "cross_entropy"),
)
"""Of the functions; all of them stand in docs/semantics.md."""
OTHERWISE: Final[Mapping[str, str]] = {
    "ln": "log", "lg": "log10", "tg": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "logistic": "sigmoid", "average": "mean", "swish": "silu", "absolute": "abs", "negative": "neg", "ReLU": "relu",
    "multiply": "mul", "divide": "div", "subtract": "sub", "concat": "cat", "concatenate": "cat", "power": "pow",
    "bce": "binary_cross_entropy", "mse": "mse_loss", "MSELoss": "mse_loss", "CrossEntropyLoss": "cross_entropy",
}  # fmt: skip
"""What people call a function elsewhere."""
MET: Final[Mapping[type[ast.AST], str]] = {
    ast.Compare: "no comparison of two values (of several, write a product: (0 < x)*(x < 1))",
    ast.BoolOp: 'a condition (for "and" write a product: (x > 0)*(y > 0))',
    ast.IfExp: "a condition (write where(x > 0, x, 0))",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.NamedExpr: 'an assignment inside an expression (give it a statement of its own, ended by ";")',
    ast.JoinedStr: "a text",
    ast.Starred: "a starred value",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.Tuple: "a row of values (a vector is written in square brackets)",
    ast.Slice: "a range of indices",
    ast.Await: "a word of Python",
    ast.Yield: "a word of Python",
    ast.YieldFrom: "a word of Python",
}
ALLOWED: Final = "numbers, names, lists of numbers, + - * / ^ @, comparisons, indices as in x[0], .T and functions"
