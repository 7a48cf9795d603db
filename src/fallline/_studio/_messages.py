"""What a client may say on the socket, and the texts of the answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from fallline._errors import OptionError
from fallline._studio._kinds import check_kind

MOST_CHARACTERS = 2**20
"""Of one message."""
MOST_NUMBER = 2**53
"""Whole numbers up to here are the same in JavaScript."""
LONGEST_LANE = 64


@dataclass(frozen=True)
class Asked:
    """A request for an answer."""

    number: int
    kind: str
    lane: str
    """A newer request of the same lane takes the place of an older one."""
    fields: Mapping[str, object]


@dataclass(frozen=True)
class Cancel:
    """The answer to this request is no longer wanted."""

    number: int


class MessageError(OptionError):
    """A message that cannot be understood, with its id as far as it could be read."""

    def __init__(self, sentence: str, number: int | None = None) -> None:
        super().__init__(sentence)
        self.number = number


def understood(text: str) -> Asked | Cancel:
    """One text frame as a request.

    Raises:
        MessageError: it is no JSON, too long, too deeply nested, or not a request.

    >>> understood('{"id": 1, "kind": "runs"}')
    Asked(number=1, kind='runs', lane='runs', fields={'id': 1, 'kind': 'runs'})
    >>> understood('{"cancel": 1}')
    Cancel(number=1)
    """
    message = _parsed(text)
    if "cancel" in message:
        return Cancel(_whole_number(message["cancel"], "cancel"))
    number = _whole_number(message.get("id"), "id")
    kind = message.get("kind")
    lane = message.get("lane", kind)
    if not isinstance(kind, str):
        raise MessageError("A request says its kind as a text.", number)
    if not isinstance(lane, str) or len(lane) > LONGEST_LANE:
        raise MessageError(f"The lane of a request is a text of at most {LONGEST_LANE} characters.", number)
    if not isinstance(message.get("settings", {}), dict):
        raise MessageError("The settings of a request are an object.", number)
    try:
        check_kind(kind)
    except OptionError as error:
        raise MessageError(str(error), number) from error
    return Asked(number, kind, lane, message)


def error_text(number: int | None, sentence: str, place: object = None) -> str:
    """The reply to what cannot be done; ``place`` is where in a typed text it went wrong.

    >>> error_text(1, "No."), error_text(1, "No.", 3)
    ('{"id":1,"error":"No."}', '{"id":1,"error":"No.","place":3}')
    """
    where = {} if place is None else {"place": place}
    return _compact({"id": number, "error": sentence, **where})


def dropped_text(number: int) -> str:
    """The reply to what nobody waits for any longer.

    >>> dropped_text(1)
    '{"id":1,"dropped":true}'
    """
    return _compact({"id": number, "dropped": True})


def progress_text(number: int, share: float, note: str) -> str:
    """How far a request is.

    >>> progress_text(1, 0.5, "sweep")
    '{"id":1,"progress":0.5,"note":"sweep"}'
    """
    bounded = min(1.0, max(0.0, share)) if share == share else 0.0  # noqa: PLR0124  (NaN is no share)
    return _compact({"id": number, "progress": round(bounded, 4), "note": note})


def sendable(text: str) -> str:
    """A text that UTF-8 can carry: half a surrogate pair, which JSON can name, becomes a question mark.

    >>> sendable("w\\ud800")
    'w?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def _parsed(text: str) -> dict[str, object]:
    if len(text) > MOST_CHARACTERS:
        raise MessageError(f"A message has at most {MOST_CHARACTERS:,} characters; this one has {len(text):,}.")
    try:
        message = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise MessageError("This message is nested too deeply.") from error
    except ValueError as error:
        raise MessageError(f"This message is not JSON ({str(error)[:80]}).") from error
    if not isinstance(message, dict):
        raise MessageError('A message is an object such as {"id": 1, "kind": "neuron", "settings": {}}.')
    return message


def _no_number(word: str) -> NoReturn:
    raise ValueError(f'{word} is written "{word}"')


def _whole_number(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_NUMBER:
        raise MessageError(f'"{name}" is a whole number from 0.')
    return value


def _compact(message: object) -> str:
    return sendable(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
