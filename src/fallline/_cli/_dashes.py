"""An expression may begin with a minus sign, which to a command line is the beginning of an option."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from typer.core import TyperCommand

OPTION = re.compile(r"--[A-Za-z]{2}[A-Za-z-]*(?:=.*)?", re.DOTALL)
"""What nobody means as a calculation: it is left to the parser, which knows it or says that there is no such option."""
END = "--"


class ExpressionCommand(TyperCommand):
    """A command whose argument is a calculation."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As any other command, an expression that begins with a minus sign being no option."""
        options = [each for each in self.get_params(ctx) if each.param_type_name == "option"]
        names = {name for each in options for name in (*each.opts, *each.secondary_opts)}
        valued = {name for each in options if not getattr(each, "is_flag", False) for name in each.opts}
        rest: list[str] = super().parse_args(ctx, expressions_last(args, names, valued))
        return rest


def expressions_last(arguments: Sequence[str], names: Collection[str], valued: Collection[str]) -> list[str]:
    """The arguments, those that begin with "-" and are no option at the end, behind "--".

    Args:
        arguments: as typed.
        names: of all options.
        valued: of those that take a value.

    >>> expressions_last(["-x*x", "--at", "-1", "--quiet"], ["--at", "--quiet"], ["--at"])
    ['--at', '-1', '--quiet', '--', '-x*x']
    """
    known: list[str] = []
    apart: list[str] = []
    left = iter(arguments)
    for each in left:
        if each == END:
            apart += left
        elif each in valued:
            known += [each, *(value for _, value in zip(range(1), left, strict=False))]
        elif not each.startswith("-") or each in names or OPTION.fullmatch(each):
            known.append(each)
        else:
            apart.append(each)
    return [*known, *([END, *apart] if apart else [])]
