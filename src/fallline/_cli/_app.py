"""The program: its commands, and what becomes of an error."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Annotated

import typer

from fallline._cli._backprop import backprop
from fallline._cli._compare import compare
from fallline._cli._curvature import curvature
from fallline._cli._dashes import ExpressionCommand
from fallline._cli._explain import explain
from fallline._cli._fit import fit
from fallline._cli._output import CLOSED, is_closed, unwritten_words
from fallline._cli._runs import export, report, runs
from fallline._cli._screen import Screen
from fallline._cli._studio import studio
from fallline._cli._surface import surface
from fallline._cli._sweep import sweep
from fallline._cli._why import why
from fallline._errors import FalllineError
from fallline._version import VERSION
from fallline._wording import STOPPED

app = typer.Typer(
    name="fallline",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _stoppable(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Ctrl-C as one sentence and status 130; the parser would answer it with the status alone."""

    @wraps(command)
    def stopping(*arguments: object, **options: object) -> int | None:
        try:
            return command(*arguments, **options)
        except KeyboardInterrupt:
            Screen.standard().complain(STOPPED)
            return 130

    return stopping


app.command(short_help="Train one neuron on the textbook line or your own table.")(_stoppable(fit))
app.command(short_help="Run many learning rates and say which to use.")(_stoppable(sweep))
app.command(short_help="Compare optimizers on equal terms.")(_stoppable(compare))
app.command(short_help="Why minus, why a rate, why the derivative, which minimum: by experiment.")(_stoppable(why))
app.command(
    cls=ExpressionCommand, short_help="Where a gradient comes from: every number of a forward and a backward pass."
)(_stoppable(backprop))
app.command(short_help="How your model's loss curves: sharpness, spectrum, trace, stability limit.")(
    _stoppable(curvature)
)
app.command(short_help="Your model's loss on a plane, and what the picture hides.")(_stoppable(surface))
app.command(short_help="Say what a run or one of its steps did, in words.")(_stoppable(explain))
app.command(short_help="Write a run's report: one offline page with the live picture.")(_stoppable(report))
app.command(short_help="Drag the learning rate and watch: the live page, served on this machine.")(_stoppable(studio))
app.command(short_help="List the recorded runs.")(_stoppable(runs))
app.command(short_help="Hand a run's steps on as Parquet or CSV.")(_stoppable(export))


def run_cli(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status. Bad input is one sentence on stderr and status 2."""
    screen = Screen.standard()
    if is_closed():
        screen.complain(CLOSED)
        return 2
    try:
        status = _run(screen, arguments)
        screen.out.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        unwritten = unwritten_words(problem)
        if unwritten is None:
            raise
        screen.complain(unwritten)
        return 2
    return status


def _run(screen: Screen, arguments: list[str] | None) -> int:
    try:
        result = app(arguments, standalone_mode=False, prog_name="fallline")
    except FalllineError as error:
        screen.complain(str(error))
        return 2
    except typer.Exit as done:
        return done.exit_code
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # so the parser leaves; the reader has seen enough
            return 0
        raise
    except typer.Abort:
        return 130
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        where = f' See "{context.command_path} --help".' if context is not None else ""
        said = _plainer(error.format_message())
        screen.complain(said + ("" if said.endswith((".", "?")) else ".") + where)
        return 2
    return result if isinstance(result, int) else 0


def _plainer(message: str) -> str:
    """The parser's sentence about a number, without its jargon.

    >>> _plainer("Invalid value for '--epochs': Input should be a valid integer, unable to parse string")
    '--epochs takes a whole number'
    """
    found = re.fullmatch(
        r"Invalid value for '(?:-\w / )?(--[\w-]+)': Input should be a valid (integer|number).*", message
    )
    if found is None:
        return message
    return f"{found[1]} takes a {'whole number' if found[2] == 'integer' else 'number'}"


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"fallline {VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """See, measure and tune gradient descent: was that step too short or too long?"""
    del version
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
