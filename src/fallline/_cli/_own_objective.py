"""``module:name`` as something with a loss: an objective, or a function without arguments that makes one."""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from fallline._cli._own_code import EXAMPLE, call_own, is_own_code, load_own
from fallline._errors import FalllineError, OptionError

if TYPE_CHECKING:
    import torch

    from fallline._loss_function import LossFunction

HOW = "fl.Objective(model, loss_fn, data)"


def own_objective(text: str) -> "LossFunction":
    """The objective that ``module:name`` stands for.

    Raises:
        OptionError: this is no such name, or what it stands for is no objective and makes none.
    """
    found = _made(text, "objective")
    if isinstance(found, str | bytes) or not _is_objective(found):
        import torch

        hint = f" Wrap it: {HOW}." if isinstance(found, torch.nn.Module) else ""
        raise OptionError(
            f'"{text}" is {kind_of(found)}, and an objective is needed, as {HOW} makes one, or a function without '
            f"arguments that returns one.{hint}"
        )
    objective: LossFunction = found
    return objective


def refuse_table_options(
    name: str | None,
    target: str | None,
    features: str | None,
    standardise: bool | None,
    formula: str | None,
    batch_size: int | None,
    *,
    drop: bool,
    loss: str,
) -> None:
    """An objective has its rows and its loss: options of a table say nothing there.

    Raises:
        OptionError: one of them was given.
    """
    given = {
        "--target": target is not None,
        "--features": features is not None,
        "--standardise": standardise is not None,
        "--formula": formula is not None,
        "--batch-size": batch_size is not None,
        "--drop-missing": drop,
        "--loss": loss != "mse",
    }
    for option, told in given.items():
        if told:
            raise OptionError(f"{name} is an objective with its own rows and loss: leave out {option}.")


def own_optimizer(text: str) -> "torch.optim.Optimizer":
    """The optimizer that ``module:name`` stands for.

    Raises:
        OptionError: this is no such name, or what it stands for is no optimizer and makes none.
    """
    import torch

    found = _made(text, "optimizer")
    if not isinstance(found, torch.optim.Optimizer):
        raise OptionError(
            f'"{text}" is {kind_of(found)}, and an optimizer of torch.optim is needed, or what makes one.'
        )
    return found


def own_value(text: str, what: str) -> Any:
    """Whatever ``module:name`` stands for, or what it returns where it is a plain function."""
    return _made(text, what)


def _made(text: str, what: str) -> Any:
    """What it stands for, a function called; whatever the user's own code prints goes to stderr."""
    if not is_own_code(text):
        example = EXAMPLE.replace("objective", what)
        raise OptionError(
            f'"{text}" is no name in your own code: write {example}, the module before the colon, the {what} in it '
            "behind."
        )
    with contextlib.redirect_stdout(sys.stderr):
        try:
            found = load_own(text)
            return call_own(found, text) if _makes(found) else found
        except OptionError as error:
            if isinstance(error.__cause__, FalllineError):  # one of our own sentences: where it arose says nothing
                raise OptionError(f"{text}: {error.__cause__}") from error
            raise


def _makes(found: object) -> bool:
    """Functions and classes are called; models and objectives are callable or not, and are what was meant."""
    import torch

    return callable(found) and not isinstance(found, torch.nn.Module) and not _is_objective(found)


def _is_objective(found: object) -> bool:
    if isinstance(found, type):
        return False
    from fallline._sweep._given import is_loss_function

    return is_loss_function(found)


def kind_of(found: object) -> str:
    """``a Sequential``, ``an Objective``."""
    name = type(found).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
