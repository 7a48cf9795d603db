"""The house rules that a program can check, checked on every file of src/."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "fallline"
WRITTEN = {".py", ".js", ".mjs", ".css", ".html", ".sql", ".ts"}
FILES = sorted(path for path in SOURCE.rglob("*") if path.suffix in WRITTEN)
MODULES = [path for path in FILES if path.suffix == ".py"]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
VAGUE = {"util", "utils", "helper", "helpers"}
CODE = ("src", "tests", "benchmarks", "tools", "examples", "setup.py")
SWITCH = re.compile(r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type: ignore(?:\[[^\]]*\])?)")
"""What switches a linter or the type checker off for a line."""
UNSAFE_CALLS = {"eval", "exec"}
UNSAFE_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
UNSAFE_LAST_NAMES = {*UNSAFE_CALLS, "load"}
BLANKET = {"Exception", "BaseException"}
MAY_BE_BLANKET = re.compile(r"except\s*:|\b(?:Base)?Exception\b")

Found = TypeVar("Found")


def test_there_is_something_to_check() -> None:
    assert SOURCE / "_records" / "_run.py" in MODULES


def test_files_are_short() -> None:
    lengths = {path: len(text_of(path).splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def test_files_have_telling_names() -> None:
    assert [path for path in FILES if any(is_vague(Path(part).stem) for part in path.relative_to(SOURCE).parts)] == []


def test_functions_are_short() -> None:
    assert against(lambda path: long_functions(tree_of(path))) == {}


def test_names_are_telling() -> None:
    assert against(lambda path: vague_definitions(tree_of(path))) == {}


def test_except_names_what_it_expects() -> None:
    assert against(lambda path: blanket_handlers(text_of(path))) == {}


def test_nothing_typed_or_opened_is_executed() -> None:
    assert against(lambda path: unsafe(tree_of(path))) == {}


def test_what_switches_a_checker_off_has_its_reason() -> None:
    files = [path for name in CODE for path in ((ROOT / name).rglob("*.py") if "." not in name else [ROOT / name])]
    assert len(files) > 600
    assert against(lambda path: unexplained(text_of(path)), files) == {}


def against(rule: Callable[[Path], list[Found]], paths: Sequence[Path] = MODULES) -> dict[str, list[Found]]:
    """What a rule finds, by file: one test for all files, because a thousand tests take longer than what they do."""
    return {str(path.relative_to(ROOT)): found for path in paths if (found := rule(path))}


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def long_functions(tree: ast.Module) -> list[str]:
    """Every function whose code is over the limit: its body without the docstring.

    Signatures and docstrings are what a reader of the interface needs; ``fl.fit`` has eighteen settings.
    """
    return [
        f"{node.name}: {length} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - code_begins(node)) > MOST_LINES_OF_A_FUNCTION
    ]


def code_begins(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line before the first statement that is not the docstring."""
    body = function.body
    if ast.get_docstring(function) is not None and len(body) > 1:
        return body[0].end_lineno or body[0].lineno
    return body[0].lineno - 1


def is_vague(name: str) -> bool:
    """``utils``, ``string_helpers``, ``RunManager`` and the like: names that do not say what is inside."""
    return name.endswith("Manager") or not VAGUE.isdisjoint(name.lower().split("_"))


def vague_definitions(tree: ast.Module) -> list[str]:
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [n.name for n in ast.walk(tree) if isinstance(n, definitions) and is_vague(n.name)]


def blanket_handlers(source: str) -> list[int]:
    """Lines of a bare ``except``, or of one for every exception whose line gives no reason in a comment."""
    if not MAY_BE_BLANKET.search(source):
        return []
    handlers = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler)]
    reasons = reasons_by_line(source) if handlers else {}
    return [
        handler.lineno
        for handler in handlers
        if handler.type is None or (catches_everything(handler.type) and not reasons.get(handler.lineno))
    ]


def catches_everything(kind: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id in BLANKET for node in ast.walk(kind))


def reasons_by_line(source: str) -> dict[int, str]:
    """What each line's comment says beyond switching off a linter."""
    return {line: re.sub(r"[#\s]", "", SWITCH.sub("", text)) for line, text in comments_by_line(source).items()}


def comments_by_line(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def unexplained(source: str) -> list[int]:
    """Lines where a linter or the type checker is switched off, and no reason stands beside it."""
    if "noqa" not in source and "type: ignore" not in source:
        return []
    comments = comments_by_line(source)
    return [line for line, reason in reasons_by_line(source).items() if SWITCH.search(comments[line]) and not reason]


def unsafe(tree: ast.Module) -> list[str]:
    return [found for node in ast.walk(tree) for found in unsafe_in(node)]


def unsafe_in(node: ast.AST) -> Iterator[str]:
    """What would run code out of a string or a file: ``model.eval()`` is a method and harmless."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        yield from (f"line {node.lineno}: {n}" for n in names if n.split(".")[0] in UNSAFE_IMPORTS)
    if isinstance(node, ast.Call) and last_name(node.func) in UNSAFE_LAST_NAMES:
        called = ast.unparse(node.func).removeprefix("builtins.")
        if called in UNSAFE_CALLS:
            yield f"line {node.lineno}: {called}"
        if called == "torch.load" and not any(loads_only_weights(keyword) for keyword in node.keywords):
            yield f"line {node.lineno}: torch.load without weights_only=True"


def last_name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def loads_only_weights(keyword: ast.keyword) -> bool:
    value = keyword.value
    return keyword.arg == "weights_only" and isinstance(value, ast.Constant) and value.value is True


def test_a_long_function_is_seen() -> None:
    body = "\n".join(["    x = 1"] * (MOST_LINES_OF_A_FUNCTION + 1))
    assert long_functions(ast.parse(f"class A:\n  def f():\n{body}")) == ["f: 61 lines"]
    assert long_functions(ast.parse(f"def f():\n{body}"[: -len("    x = 1")])) == []


@pytest.mark.parametrize(
    ("name", "vague"),
    [
        ("utils", True),
        ("string_helpers", True),
        ("RunManager", True),
        ("_utility_bill", False),
        ("near", False),
    ],
)
def test_a_vague_name_is_seen(name: str, vague: bool) -> None:
    assert is_vague(name) is vague
    assert vague_definitions(ast.parse(f"class {name}: pass")) == [name] * vague


@pytest.mark.parametrize(
    ("clause", "refused"),
    [
        ("except:  # a reason does not help here", True),
        ("except Exception:", True),
        ("except (ValueError, Exception):", True),
        ("except BaseException as error:  # noqa: BLE001", True),
        ("except Exception:  # noqa: BLE001  (an instrument never raises into a training loop)", False),
        ("except ValueError:", False),
    ],
)
def test_a_blanket_except_is_seen(clause: str, refused: bool) -> None:
    assert blanket_handlers(f"try:\n    pass\n{clause}\n    pass\n") == [3] * refused


@pytest.mark.parametrize(
    ("comment", "refused"),
    [
        ("# noqa", True),
        ("# noqa: S101", True),
        ("# noqa: S101, E731", True),
        ("# noqa: S101  (told apart above)", False),
        ("# type: ignore[arg-type]", True),
        ("# type: ignore[arg-type, misc]  # noqa: S101", True),
        ("# type: ignore[arg-type]  # PyTorch gives it no types", False),
        ("# a reason alone", False),
    ],
)
def test_a_switch_without_a_reason_is_seen(comment: str, refused: bool) -> None:
    assert unexplained(f"x = 1\ny = 2  {comment}\n") == [2] * refused


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("eval(text)", True),
        ("exec(text)", True),
        ("import pickle", True),
        ("from pickle import loads", True),
        ("torch.load(path)", True),
        ("torch.load(path, weights_only=False)", True),
        ("torch.load(path, weights_only=True)", False),
        ("model.eval()", False),
    ],
)
def test_unsafe_code_is_seen(source: str, refused: bool) -> None:
    assert bool(unsafe(ast.parse(source))) is refused
