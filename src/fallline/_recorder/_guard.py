"""Nothing of a watch may raise into the loop it watches: the one place where every exception is caught."""

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from fallline._errors import FalllineError, FalllineWarning


class Guard:
    """Remembers what broke: each instrument is switched off once, with one warning and one mark in the record."""

    def __init__(self) -> None:
        self.said: list[str] = []
        """What the record is still to be told; the watch takes it at its next step."""
        self._known: set[str] = set()
        self._broken: set[str] = set()

    def works(self, instrument: str) -> bool:
        """False once it has raised."""
        return instrument not in self._broken

    def broke(self, instrument: str, problem: BaseException) -> None:
        """Switch an instrument off and say so, once."""
        if instrument not in self._broken:
            self._broken.add(instrument)
            why = str(problem) if isinstance(problem, FalllineError) else in_one_line(problem)
            self.say(f"From here on {instrument} could not be measured: {why}")

    def say(self, sentence: str) -> None:
        """One warning and one mark in the record, however often it is said."""
        if sentence not in self._known:
            self._known.add(sentence)
            self.said.append(sentence)
            warn(sentence)


class Guarded(Protocol):
    """What has a guard."""

    guard: Guard


Owner = TypeVar("Owner", bound=Guarded)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Method = Callable[Concatenate[Owner, Arguments], Result]


def guarded(
    instrument: str, *, tries_again: bool = False
) -> Callable[[Method[Owner, Arguments, Result]], Method[Owner, Arguments, Result | None]]:
    """A method that answers None instead of raising; from then on it is not called any more.

    What records the steps themselves ``tries_again``: one odd step must not cost the rest of the record.
    Ctrl-C is not caught: it is meant for the user's loop.
    """

    def decorate(method: Method[Owner, Arguments, Result]) -> Method[Owner, Arguments, Result | None]:
        @wraps(method)
        def safe(self: Owner, /, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result | None:
            try:
                return method(self, *arguments, **options)
            except Exception as problem:  # noqa: BLE001  (the promise of this room: never into somebody's loop)
                self.guard.broke(instrument, problem)
                return None

        @wraps(method)
        def safe_once(self: Owner, /, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result | None:
            return None if instrument in self.guard._broken else safe(self, *arguments, **options)

        return safe if tries_again else safe_once

    return decorate


def warn(sentence: str) -> None:
    """One warning; where a filter turns warnings into errors, or nothing can be shown, none."""
    try:
        warnings.warn(f"fallline: {sentence}", FalllineWarning, stacklevel=_level_of_caller())
    except Exception:  # noqa: BLE001  (a filter or a hook of the user's that raises must not reach the loop)
        return


def warner_for_thread() -> Callable[[str], None]:
    """As :func:`warn`, for a thread of fallline's own: its warnings point at the line that calls this here."""
    frame = sys._getframe(_level_of_caller() - 1)
    where, line = frame.f_code.co_filename, frame.f_lineno

    def warn_there(sentence: str) -> None:
        try:
            warnings.warn_explicit(f"fallline: {sentence}", FalllineWarning, where, line)
        except Exception:  # noqa: BLE001  (as above)
            return

    return warn_there


def _level_of_caller() -> int:
    """How many frames lie from who calls this to the first that is neither fallline's nor PyTorch's.

    In a thread of fallline's own there is none: then 1.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        level, frame = level + 1, frame.f_back
        if not {"fallline", "torch", "threading"} & {frame.f_globals.get("__name__", "").partition(".")[0]}:
            return level
    return 1


def in_one_line(error: BaseException) -> str:
    """``ValueError: what it says``, without the lines after the first."""
    kind = type(error).__name__
    try:
        said = str(error).strip().split("\n", 1)[0]
    except Exception:  # noqa: BLE001  (an exception of the user's whose text cannot be made)
        said = ""
    return f"{kind}: {said}" if said else kind
