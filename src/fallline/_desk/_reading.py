"""Values of a message, checked one by one: what is no such value is refused in one sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from fallline._errors import OptionError, near
from fallline._wording import written

Choice = TypeVar("Choice", bound=str)

_LONGEST_SHOWN = 60


def shown(value: object) -> str:
    """A value as a sentence can quote it: what it looks like in the message, cut short.

    >>> shown("w"), shown(None), shown([1] * 100)[-1]
    ('"w"', 'nothing', '…')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 10**18:
        return "a number of many digits"
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def known_keys(given: Mapping[object, object], known: Sequence[str], where: str) -> None:
    """Refuse a key that means nothing here.

    Raises:
        OptionError: with what was probably meant.
    """
    for key in given:
        if key not in known:
            name = key if isinstance(key, str) else str(key)
            raise OptionError(
                f"There is no {where} {shown(name)}: it is one of {', '.join(known)}.{near(name[:60], list(known))}"
            )


def mapping(value: object, what: str) -> Mapping[object, object]:
    """An object of JSON."""
    if not isinstance(value, Mapping):
        raise OptionError(f"{what} must be an object, not {shown(value)}.")
    return value


def items(value: object, what: str, most: int) -> list[object]:
    """A list of JSON, of at most so many items."""
    if not isinstance(value, list | tuple):
        raise OptionError(f"{what} must be a list, not {shown(value)}.")
    if len(value) > most:
        raise OptionError(f"{what} takes at most {most:,}, not {len(value):,}.")
    return list(value)


def real(value: object, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{what} must be a number, not {shown(value)}.")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise OptionError(f"{what} must be a finite number, not {written(found)}.")
    if not low <= found <= high:
        raise OptionError(f"{what} must be {_range(low, high)}, not {_spelled(found)}.")
    return found


def whole(value: object, what: str, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``; 3.0 is one."""
    found = real(value, what, low, high)
    if found != int(found):
        raise OptionError(f"{what} must be a whole number, not {_spelled(found)}.")
    return int(value) if isinstance(value, int) else int(found)


def word(value: object, what: str, longest: int = 100) -> str:
    """A text of at most so many signs."""
    if not isinstance(value, str):
        raise OptionError(f"{what} must be a text, not {shown(value)}.")
    if len(value) > longest:
        raise OptionError(f"{what} must be at most {longest:,} signs long, not {len(value):,}.")
    return value


def truth(value: object, what: str) -> bool:
    """True or false, nothing else."""
    if not isinstance(value, bool):
        raise OptionError(f"{what} must be true or false, not {shown(value)}.")
    return value


def wants_draft(detail: object) -> bool:
    """Whether a quick answer is asked for, during a drag, and not all of it.

    >>> wants_draft("draft"), wants_draft("full"), wants_draft(None)
    (True, False, False)
    """
    if detail not in (None, "draft", "full"):
        raise OptionError(f"The detail is draft or full, not {shown(detail)}.")
    return detail == "draft"


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{_spelled(low)} or more"
    if math.isinf(low):
        return f"at most {_spelled(high)}"
    return f"from {_spelled(low)} to {_spelled(high)}"


def _spelled(value: float) -> str:
    """A whole number as people write it; larger ones as powers of ten."""
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace("-", "−")
    return written(value)
