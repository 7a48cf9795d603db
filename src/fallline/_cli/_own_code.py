"""``module:name``: an object of the user's own code, found as uvicorn finds an application."""

import sys
from importlib import import_module
from importlib.util import find_spec
from inspect import Parameter, signature
from pathlib import Path
from traceback import extract_tb
from typing import Any

from fallline._errors import OptionError, near

EXAMPLE = "mymodule:objective"
LIBRARIES = "site-packages"
"""Where installed packages lie, also those of an environment in the working directory."""


def is_own_code(text: str) -> bool:
    """True for ``module:name``, and not for a table, a path with a drive letter, or a table of that very name.

    >>> is_own_code("mymodule:objective"), is_own_code("pkg.curves:make.one"), is_own_code("data.csv")
    (True, True, False)
    """
    module, colon, name = text.partition(":")
    if not colon or Path(text).exists():
        return False
    return all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


def load_own(text: str) -> Any:
    """What ``module:name`` stands for; the module is looked for in the working directory first.

    A function that can be called without arguments is not called: the caller knows what it wants.

    Raises:
        OptionError: no such module, no such name in it, or the module's own code raised.

    >>> load_own("math:pi")
    3.141592653589793
    """
    module_name, _, name = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if not _exists(module_name):
        own = [path.stem for path in Path.cwd().glob("*.py")]
        raise OptionError(
            f'There is no module "{module_name}" in {here} or among the installed packages.{near(module_name, own)}'
        )
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # the user's own code may raise anything
        raise OptionError(f'Importing "{module_name}" failed: {_where(error)}.') from error
    for part in name.split("."):
        if not hasattr(found, part):
            names = [each for each in dir(found) if not each.startswith("_")]
            raise OptionError(f'"{module_name}" has no "{name}": write {EXAMPLE}.{near(part, names)}')
        found = getattr(found, part)
    return found


def call_own(function: Any, text: str) -> Any:
    """What a function of the user's answers; what it raises is told in one sentence.

    Raises:
        OptionError: it raised.
    """
    try:
        missing = [each.name for each in signature(function).parameters.values() if _is_required(each)]
    except (TypeError, ValueError):  # of some built-in functions none is known
        missing = []
    if missing:
        raise OptionError(
            f'"{text}" needs {", ".join(missing)}, and it is called without arguments: write one that takes none.'
        )
    try:
        return function()
    except Exception as error:  # the user's own code may raise anything
        raise OptionError(f'Calling "{text}" failed: {_where(error)}.') from error


def _is_required(parameter: Parameter) -> bool:
    return parameter.default is Parameter.empty and parameter.kind not in (
        Parameter.VAR_POSITIONAL,
        Parameter.VAR_KEYWORD,
    )


def _exists(module_name: str) -> bool:
    try:
        return find_spec(module_name) is not None
    except (ModuleNotFoundError, ValueError):  # its package is missing, or has no spec
        return False


def _where(error: BaseException) -> str:
    """``ValueError in model.py, line 12: too few rows``; a mistake of the language itself has its own place."""
    said = str(error).strip().split("\n", 1)[0]
    kind = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{kind} in {Path(error.filename or '?').name}, line {error.lineno}: {error.msg}"
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path.cwd() in Path(frame.filename).parents and LIBRARIES not in frame.filename]
    last = [*frames, *own][-1]  # where their own code was, if it was there, and not in a library that it called
    return f"{kind} in {Path(last.filename).name}, line {last.lineno}" + (f": {said.rstrip('.')}" if said else "")
