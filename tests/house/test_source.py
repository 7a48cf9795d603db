"""The house rules that a program can check, checked on every file of src/."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "fallline"
WRITTEN = {".py", ".js", ".mjs", ".css", ".html", ".sql", ".ts"}
FILES = sorted(path for path in SOURCE.rglob("*") if path.suffix in WRITTEN)
MODULES = [path for path in FILES if path.suffix == ".py"]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
VAGUE = {"util", "utils", "helper", "helpers"}
UNSAFE_CALLS = {"eval", "exec"}
UNSAFE_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
BLANKET = {"Exception", "BaseException"}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))


def test_there_is_something_to_check() -> None:
    assert SOURCE / "_records" / "_run.py" in MODULES


@each_file
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE


@each_file
def test_file_has_a_telling_name(path: Path) -> None:
    assert [part for part in path.relative_to(SOURCE).parts if is_vague(Path(part).stem)] == []


@each_module
def test_functions_are_short(path: Path) -> None:
    assert long_functions(parse(path)) == []


@each_module
def test_names_are_telling(path: Path) -> None:
    assert vague_definitions(parse(path)) == []


@each_module
def test_except_names_what_it_expects(path: Path) -> None:
    assert blanket_handlers(path.read_text(encoding="utf-8")) == []


@each_module
def test_nothing_typed_or_opened_is_executed(path: Path) -> None:
    assert unsafe(parse(path)) == []


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


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
    reasons = reasons_by_line(source)
    handlers = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler)]
    return [
        handler.lineno
        for handler in handlers
        if handler.type is None or (catches_everything(handler.type) and not reasons.get(handler.lineno))
    ]


def catches_everything(kind: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id in BLANKET for node in ast.walk(kind))


def reasons_by_line(source: str) -> dict[int, str]:
    """What each line's comment says beyond switching off a linter."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    return {line: re.sub(r"#\s*noqa(:\s*[A-Z0-9, ]+)?|[#\s]", "", text) for line, text in comments.items()}


def unsafe(tree: ast.Module) -> list[str]:
    return [found for node in ast.walk(tree) for found in unsafe_in(node)]


def unsafe_in(node: ast.AST) -> Iterator[str]:
    """What would run code out of a string or a file: ``model.eval()`` is a method and harmless."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        yield from (f"line {node.lineno}: {n}" for n in names if n.split(".")[0] in UNSAFE_IMPORTS)
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func).removeprefix("builtins.")
        if called in UNSAFE_CALLS:
            yield f"line {node.lineno}: {called}"
        if called == "torch.load" and not any(loads_only_weights(keyword) for keyword in node.keywords):
            yield f"line {node.lineno}: torch.load without weights_only=True"


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
