"""Which function answers which kind of request; its module is imported when the kind is first asked for."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from fallline._desk._client import Handler
from fallline._errors import OptionError, near

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "neuron": "_desk._neuron:neuron",
        "python": "_desk._python:python",
        "report": "_desk._page:report",
        "compare": "_desk._compare_page:compare",
        "backprop": "_desk._backprop_page:backprop",
        "table": "_desk._table:table_told",
        "runs": "_desk._runs:runs",
        "run": "_desk._run:run",
        "run_path": "_desk._run_path:run_path",
        "run_report": "_desk._run:run_report",
        "chapters": "_lessons._chapters:chapters",
        "chapter": "_lessons._chapters:chapter",
        "watched": "_lessons._watched:watched",
    }
)
"""Kind → room, module and function in it."""


def check_kind(kind: str) -> None:
    """Refuse a kind that nobody answers.

    >>> check_kind("neuron")
    """
    if kind not in KINDS:
        raise OptionError(f'There is no kind of request "{kind[:40]}".{near(kind[:40], list(KINDS))}')


def find_handler(kind: str) -> Handler:
    """The function that answers this kind; imports its module."""
    check_kind(kind)
    module, _, function = KINDS[kind].partition(":")
    return cast(Handler, getattr(import_module(f"fallline.{module}"), function))
