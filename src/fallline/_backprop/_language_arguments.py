"""What stands in a function's brackets, sorted to the places that the function has."""

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fallline._backprop._language_functions import FUNCTIONS, Kind, Parameter
from fallline._backprop._language_nodes import Node
from fallline._backprop._language_shapes import Words
from fallline._errors import OptionError, near

if TYPE_CHECKING:
    from fallline._backprop._language_reader import Reader

SETTINGS: Final = frozenset(Kind) - {Kind.VALUE, Kind.VALUES, Kind.CONDITION}
OF_TWO_INSTEAD: Final[Mapping[str, str]] = {
    "max": "maximum(x, y)",
    "min": "minimum(x, y)",
    "sum": "x + y",
    "mean": "(x + y)/2",
    "prod": "x*y",
}
REDUCTIONS: Final = ("mean", "sum", "none")


def bound(
    reader: "Reader", name: str, words: Words, given: Sequence[ast.expr], named: Sequence[ast.keyword], depth: int
) -> list[Any]:
    """One argument for each parameter of the function ``name``: a node, nodes, or a setting.

    Raises:
        OptionError: too many or too few, an unknown name, or something of another kind.
    """
    parameters = FUNCTIONS[name].parameters
    places = [parameter for parameter in parameters if not parameter.by_name]
    for tree in given:
        if isinstance(tree, ast.Starred):
            raise reader.refusal(tree)
    trees: dict[str, ast.expr] = {}
    rest = list(given)
    for parameter in places:
        if rest and parameter.kind is Kind.SHAPE:
            trees[parameter.name], rest = (rest[0] if len(rest) == 1 else ast.List(elts=rest)), []
        elif rest:
            trees[parameter.name] = rest.pop(0)
    if rest:
        raise _takes(name, words)
    for keyword in named:
        _sort_named(name, words, keyword, trees)
    by_place = name in ("max", "min") or all(keyword.arg != "dim" for keyword in named)
    if (
        name in OF_TWO_INSTEAD
        and by_place
        and not isinstance(trees.get("dim"), ast.Constant | ast.UnaryOp | ast.List | ast.Tuple | None)
    ):
        raise OptionError(
            f'"{words}" cannot be read: {name} takes one value; of two, entry by entry, write {OF_TWO_INSTEAD[name]}.'
        )
    for parameter in parameters:
        if parameter.required and parameter.name not in trees:
            raise _takes(name, words)
    return [
        _argument(reader, each, trees[each.name], words, depth) if each.name in trees else each.default
        for each in parameters
    ]


def _sort_named(name: str, words: Words, keyword: ast.keyword, trees: dict[str, ast.expr]) -> None:
    settings = [each.name for each in FUNCTIONS[name].parameters if each.kind in SETTINGS or each.name == "target"]
    if keyword.arg is None or keyword.arg not in settings:
        known = f"it knows {', '.join(f'{each}=' for each in settings)}" if settings else "it has no settings"
        shown = "**" if keyword.arg is None else f"{keyword.arg[:40]}="
        raise OptionError(f'{name} does not know {shown} in "{words}": {known}.{near(keyword.arg or "", settings)}')
    if keyword.arg in trees:
        raise OptionError(f'"{words}" gives {keyword.arg} twice.')
    trees[keyword.arg] = keyword.value


def _argument(reader: "Reader", parameter: Parameter, tree: ast.expr, words: Words, depth: int) -> Any:
    match parameter.kind:
        case Kind.VALUE:
            return reader.node(tree, depth)
        case Kind.CONDITION:
            return reader.condition(tree, depth)
        case Kind.CLASSES:
            return reader.class_numbers(tree, depth)
        case Kind.VALUES:
            return _values(reader, tree, words, depth)
        case Kind.NUMBER:
            return _number(reader, parameter, tree, words, depth)
        case _:
            return _setting(reader, parameter, tree, words)


def _setting(reader: "Reader", parameter: Parameter, tree: ast.expr, words: Words) -> Any:
    match parameter.kind:
        case Kind.WHOLE:
            return reader.whole(tree)
        case Kind.SHAPE:
            return _sizes(reader, tree)
        case Kind.FLAG:
            return _flag(parameter, tree, words)
        case _:
            return _reduction(tree, words)


def _sizes(reader: "Reader", tree: ast.expr) -> tuple[int, ...]:
    """``2, 3``, ``[2, 3]`` or ``(2, 3)``."""
    trees = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
    return tuple(reader.whole(each) for each in trees)


def _values(reader: "Reader", tree: ast.expr, words: Words, depth: int) -> tuple[Node, ...]:
    if not isinstance(tree, ast.List | ast.Tuple) or not tree.elts:
        raise OptionError(f'"{words}" needs its values in square brackets, as in stack([a, b]).')
    return tuple(reader.node(each, depth + 1) for each in tree.elts)


def _number(reader: "Reader", parameter: Parameter, tree: ast.expr, words: Words, depth: int) -> float:
    node = reader.node(tree, depth)
    if node.number is None:
        raise OptionError(f'"{node.words}" stands for {parameter.name} in "{words}", which is a number, not a value.')
    return node.number


def _flag(parameter: Parameter, tree: ast.expr, words: Words) -> bool:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, bool):
        return tree.value
    raise OptionError(f'{parameter.name} in "{words}" is True or False.')


def _reduction(tree: ast.expr, words: Words) -> str:
    typed = tree.value if isinstance(tree, ast.Constant) else tree.id if isinstance(tree, ast.Name) else None
    if isinstance(typed, str) and typed in REDUCTIONS:
        return typed
    raise OptionError(f'reduction in "{words}" is "mean", "sum" or "none".')


def _takes(name: str, words: Words) -> OptionError:
    """What a function takes, in words."""
    parts = [
        f"{parameter.name}=…" if parameter.by_name or not parameter.required else _place(parameter)
        for parameter in FUNCTIONS[name].parameters
    ]
    return OptionError(f'"{words}" cannot be read: write {name}({", ".join(parts)}).')


def _place(parameter: Parameter) -> str:
    match parameter.kind:
        case Kind.VALUES:
            return "[a, b]"
        case Kind.SHAPE:
            return "2, 3"
        case _:
            return parameter.name
