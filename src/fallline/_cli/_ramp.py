"""``fallline sweep --method ramp``: the range test, on a table's rows or on a training of the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fallline._cli._own_code import is_own_code
from fallline._cli._own_objective import kind_of, own_value
from fallline._cli._screen import ProgressLine, Screen
from fallline._errors import OptionError, near

NO_ANSWER = 1
"""The exit status where no rate is safe: the descent ran, and nothing came of it."""
FOUR = 4
OF_ALL = ("learning_rates", "goal", "epochs", "seeds", "seed")
"""Keywords that say something of any ramp."""


def run_ramp(
    table: str | None, method: str, settings: Mapping[str, Any], *, report: Path | None, as_json: bool, quiet: bool
) -> int:
    """Ramp, and show it. ``settings`` are keywords of ``fl.sweep``; of ``module:name`` those of a table say nothing."""
    if method != "ramp":
        raise OptionError(f'--method is runs or ramp, not "{method}".{near(method, ["runs", "ramp"])}')
    if report is not None:
        raise OptionError("A ramp has no page: leave out --report, or draw fl.figures.ramp.")
    from fallline._cli import _show_ramp
    from fallline._cli._show import use_one_thread  # torch is loaded by what follows
    from fallline._sweep import sweep

    screen = Screen.standard()
    given: dict[str, Any] = dict(settings)
    data: Any = (table,)
    if table is not None and is_own_code(table):
        *data, own = _own_training(table)
        given = {**{key: given[key] for key in OF_ALL}, "optimizer": own}
    use_one_thread()
    with ProgressLine(screen, visible=not (quiet or as_json)) as progress:
        result = sweep(*data, method="ramp", progress=progress.update, **given)
    if not quiet:
        for note in result.notes:
            screen.note(note)
    if as_json:
        screen.json(_show_ramp.as_json(result))
    elif not quiet:
        _show_ramp.show_ramp(screen, result)
    return NO_ANSWER if result.answer is None else 0


def _own_training(text: str) -> tuple[Any, ...]:
    """Model, loss function, loader and optimizer behind ``module:name``, or behind the function of that name."""
    found = own_value(text, "training")
    if not isinstance(found, tuple | list) or len(found) != FOUR:
        raise OptionError(
            f'For a ramp "{text}" has to be, or to return, (model, loss_fn, loader, optimizer); it is {kind_of(found)}.'
        )
    return tuple(found)
