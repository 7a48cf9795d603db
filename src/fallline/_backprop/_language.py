"""A small program that a person types, ``y = x + 2; z = y*y*2; z.mean()``, read without ever running it as Python.

Python's own parser makes a tree of each statement; each node is looked up in a short list, and anything else is
refused.
"""

import ast
import keyword
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._language_comparisons import TYPED
from fallline._backprop._language_nodes import Frame, Node
from fallline._backprop._language_reader import Reader
from fallline._backprop._language_shapes import MOST_ENTRIES
from fallline._backprop._language_words import ALLOWED
from fallline._errors import OptionError
from fallline._formulas._expression import CONSTANTS
from fallline._formulas._typed import as_python, missing_sign, shortened, unreadable_sign
from fallline._wording import count

MOST_CHARACTERS: Final = 10_000
MOST_STATEMENTS: Final = 200
MOST_BRACKETS: Final = 100
MOST_DIGITS: Final = 300
MOST_INPUTS: Final = 100
DROPPED: Final = (
    ("#", 'a "#"', "it may hold no comment"),
    ("\\", 'a "\\"', "a statement goes on in the next line inside brackets alone"),
)
"""What Python's parser would read over."""
_OPERATIONS: Final = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Compare, ast.Subscript, ast.Attribute)
EXAMPLE: Final = '"y = x + 2; z = y*y*2; z.mean()"'


def _unheard(name: str, tensor: Tensor) -> None:
    """Nobody asked for the values of names."""


@dataclass(frozen=True)
class Statement:
    """``y = x + 2``, or the result without a name."""

    name: str | None
    node: Node
    uses: frozenset[str] = frozenset()
    """Names that it is made of."""
    tree: ast.expr | None = None
    """As Python's parser reads it."""


@dataclass(frozen=True)
class Program:
    """An expression that was read: a function of named tensors."""

    text: str
    """As it was typed, without space around it."""
    inputs: tuple[str, ...]
    """Names that nothing is assigned to, in order of appearance."""
    integer_inputs: frozenset[str]
    """Those that are class numbers, the second value of cross_entropy."""
    assigned: tuple[str, ...]
    """Names that something is assigned to, each once."""
    statements: tuple[Statement, ...]

    def __call__(self, named: Mapping[str, Tensor], tell: Callable[[str, Tensor], None] = _unheard) -> Tensor:
        """The value of the last statement, with a tensor for every input.

        ``tell`` hears every assigned name with its tensor, as soon as it is computed, and every constant that became
        a tensor with its text.

        Raises:
            OptionError: shapes that do not match, a dimension that is not there, a result that is too large.
        """
        frame = self._frame(named, tell)
        value: Tensor | float = 0.0
        heard = {id(tensor) for tensor in named.values()}
        for statement in self.statements:
            value = statement.node.run(frame)
            if statement.name is None:
                continue
            frame.values[statement.name] = value
            if isinstance(value, Tensor) and id(value) not in heard:  # y = x is another name of x, not another value
                heard.add(id(value))
                tell(statement.name, value)
        return frame.tensor(value, self.statements[-1].node.words)

    @property
    def operations(self) -> int:
        """Signs, functions, comparisons and indices: as many steps as the forward pass has at most."""
        trees = [statement.tree for statement in self.statements if statement.tree is not None]
        return sum(isinstance(each, _OPERATIONS) for tree in trees for each in ast.walk(tree))

    def idle(self) -> list[str]:
        """Names whose every value is assigned for nothing: the result is made without it."""
        needed: set[str] = set()
        used: set[str] = set()
        for place, statement in enumerate(reversed(self.statements)):
            if place == 0 or statement.name in needed:
                used |= {statement.name} if statement.name is not None else set()
                needed = (needed - {statement.name}) | statement.uses
        return [name for name in self.assigned if name not in used]

    def _frame(self, named: Mapping[str, Tensor], tell: Callable[[str, Tensor], None]) -> Frame:
        floating = [tensor for tensor in named.values() if tensor.is_floating_point()]
        first = next(iter(named.values()), None)
        return Frame(
            {name: named[name] for name in self.inputs},
            floating[0].dtype if floating else torch.get_default_dtype(),
            first.device if first is not None else torch.device("cpu"),
            max([MOST_ENTRIES, *(tensor.numel() for tensor in named.values())]),
            tell,
            {},
        )


def read_program(text: str) -> Program:
    """The program that ``text`` says: assignments, and one result at the end.

    Statements are separated by ";" or line breaks. Where the last one is an assignment, its value is the result.

    Raises:
        OptionError: it is too long or too deep, names something unknown, or is no arithmetic.

    >>> program = read_program("y = x + 2; z = 2·y²; mean(z)")
    >>> program.inputs, round(program({"x": torch.tensor([1.6695, -1.7944, -0.0315])}).item(), 3)
    (('x',), 11.588)
    """
    typed = _typed(text)
    caret = "**" not in text
    reader = Reader()
    statements: list[Statement] = []
    parts = _parts(typed)
    for place, part in enumerate(parts):
        tree = _parsed(part, caret)
        statements.append(_statement(reader, part, tree, caret, last=place == len(parts) - 1))
    reader.check_uses()
    if not reader.inputs:
        raise OptionError(_no_input(text, reader))
    if len(reader.inputs) > MOST_INPUTS:
        raise OptionError(f"The expression has {len(reader.inputs):,} inputs; at most {MOST_INPUTS} are followed.")
    return Program(
        text.strip(), tuple(reader.inputs), frozenset(reader.classes), tuple(reader.assigned), tuple(statements)
    )


def _no_input(text: str, reader: Reader) -> str:
    said = f'The expression "{shortened(text.strip())}" has no input'
    if not reader.assigned:
        return f"{said}: name one, as in {EXAMPLE}."
    name = shortened(next(iter(reader.assigned)))
    return f'{said}: "{name} = …" gives {name} its value there. Leave that out to give {name} one by --at.'


def _typed(text: str) -> str:
    """The text in Python's signs, refused where Python's parser would leave something of it out."""
    if not isinstance(text, str):
        raise OptionError(f"An expression is given as text, as in {EXAMPLE}, not as {type(text).__name__}.")
    if not text.strip():
        raise OptionError(f"The expression is empty: write one such as {EXAMPLE}.")
    if len(text) > MOST_CHARACTERS:
        raise OptionError(f"The expression has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")
    unreadable = unreadable_sign(text)
    if unreadable is not None:
        raise OptionError(f"The expression holds the sign {unreadable}, which cannot be read: leave it out.")
    typed = as_python(text.replace("ᵀ", ".T"))
    for sign, in_python in TYPED.items():
        typed = typed.replace(sign, in_python)
    if len(typed) > 2 * MOST_CHARACTERS:  # a letter can stand for eighteen others
        raise OptionError(f"The expression is too long: at most {MOST_CHARACTERS:,} characters are read.")
    for sign, shown, what in DROPPED:
        if sign in typed:
            raise OptionError(f"The expression holds {shown}: {what}.")
    return typed


def _parts(typed: str) -> list[str]:
    """The statements: separated by ";" and by line breaks outside of brackets."""
    parts, depth, begin = [], 0, 0
    lines = "\n".join(typed.splitlines())
    for place, sign in enumerate(lines):
        depth += (sign in "([{") - (sign in ")]}")
        if depth > MOST_BRACKETS:
            raise OptionError(
                f"The expression has more than {MOST_BRACKETS} brackets in one another: give its parts names, "
                "one statement each."
            )
        if sign == ";" or (sign == "\n" and depth <= 0):
            if depth > 0:
                shown = shortened(" ".join(lines[begin:place].split()))
                raise OptionError(f'A bracket is not closed before ";" in "{shown}".')
            parts.append(lines[begin:place])
            depth, begin = 0, place + 1
    parts.append(lines[begin:])
    stripped = [" ".join(part.split("\n")).strip() for part in parts]
    found = [part for part in stripped if part]
    if not found:
        raise OptionError(f"The expression is empty: write one such as {EXAMPLE}.")
    if len(found) > MOST_STATEMENTS:
        raise OptionError(f"The expression has {len(found):,} statements; at most {MOST_STATEMENTS} are read.")
    return found


def _parsed(part: str, caret: bool) -> ast.stmt:
    """Python's tree of one statement."""
    try:
        with warnings.catch_warnings():  # "2or" is a warning to Python; here it is refused by what it becomes
            warnings.simplefilter("ignore")
            body = ast.parse(part).body
    except (MemoryError, RecursionError):  # what Python's parser says of deep brackets and of very long sums
        raise OptionError(
            f'"{_as_typed(part, caret)}" is nested too deep or too long: give its parts names, one statement each.'
        ) from None
    except (SyntaxError, ValueError):
        raise OptionError(f'"{_as_typed(part, caret)}" cannot be read{_hint(part, caret)}.') from None
    return body[0]


def _hint(part: str, caret: bool) -> str:
    product = missing_sign(part)
    if product is not None:
        return f": write a product with its sign, {product}"
    for word in part.replace("=", " ").split():
        if keyword.iskeyword(word):
            return f': "{word}" is a word of Python, so give the value another name'
    if re.search(rf"\d{{{MOST_DIGITS}}}", part):
        return f": a number has at most {MOST_DIGITS} digits"
    opened = sum(part.count(sign) for sign in "([{")
    closed = sum(part.count(sign) for sign in ")]}")
    if opened != closed:
        return f": {count(opened, 'bracket')} {'is' if opened == 1 else 'are'} opened and {closed} closed"
    return _gap(part, caret) or f": it may hold {ALLOWED}"


def _gap(part: str, caret: bool) -> str | None:
    """What is missing at the end, or between two values."""
    broken_off = re.search(r"[-+*/@<>=,(]+$", part.strip())
    if broken_off is not None:
        return f": it breaks off after {_as_typed(broken_off[0], caret)}"
    beside = re.search(r"([^\W\d]\w*|\)|\])\s+([^\W\d]\w*)", part)
    if beside is not None:
        return f': between "{shortened(beside[1])}" and "{shortened(beside[2])}" a sign is missing'
    return None


def _statement(reader: Reader, part: str, tree: ast.stmt, caret: bool, *, last: bool) -> Statement:
    shown = _as_typed(part, caret)
    match tree:
        case ast.Expr(value=value):
            if not last:
                raise OptionError(f'"{shown}" is computed and not used: give it a name, as in y = …, or put it last.')
            return Statement(None, reader.statement(part, value, caret), _names_in(value), value)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            node = reader.statement(part, value, caret)
            _check_target(reader, name, shown)
            reader.assigned.setdefault(name, reader.words(value))
            reader.note_condition(name, value)
            return Statement(name, node, _names_in(value), value)
        case ast.Assign(targets=targets):
            if len(targets) > 1:
                raise OptionError(f'"{shown}" assigns twice: write one assignment in each statement.')
            raise OptionError(f'"{shown}" assigns to what is no name: write a name alone in front of "=".')
        case ast.AugAssign(target=ast.Name(id=name)):
            raise OptionError(f'"{shown}" changes {shortened(name)} in place: give the new value a name, as in y = …')
        case ast.Import() | ast.ImportFrom():
            raise OptionError(f'"{shown}" is an import: functions are written as they are, exp(x) or torch.exp(x).')
    raise OptionError(f'"{shown}" is a statement of Python: an expression holds assignments as y = … and a result.')


def _names_in(tree: ast.expr) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(tree) if isinstance(each, ast.Name))


def _check_target(reader: Reader, name: str, shown: str) -> None:
    """Refuses a name that something cannot be assigned to."""
    if name in CONSTANTS:
        raise OptionError(f'"{name}" is the number {CONSTANTS[name]:.5g}: give the value of "{shown}" another name.')
    reader.check_name(name)
    if name in reader.inputs:
        raise OptionError(
            f'"{name}" is used in "{reader.inputs[name]}" before "{shown}" assigns it: put the assignment first, '
            "or give the value another name."
        )


def _as_typed(part: str, caret: bool) -> str:
    return shortened(part.replace("**", "^") if caret else part)
