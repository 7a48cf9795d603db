"""What the picture asks for, put into the settings: the rules of the studio's page (_studio/static/settings.js)."""

from collections.abc import Mapping
from typing import Any

from fallline._desk._reading import items, shown, whole
from fallline._desk._settings import MOST_EDITS, MOST_STEPS
from fallline._errors import OptionError

Setting = dict[str, Any]
_SHAPES = {"bend": "[step, rate]", "move_point": "[row, x, y]", "add_point": "[x, y]"}


def with_wish(settings: Mapping[str, Any], wish: Mapping[str, Any]) -> Setting:
    """The settings after a wish; what is no wish changes nothing.

    Raises:
        OptionError: a wish that is no such list.

    >>> with_wish({"rate_changes": [[5, 0.1], [40, 0.2]]}, {"bend": [10, 0.02]})
    {'rate_changes': [[5, 0.1], [10, 0.02]]}
    """
    now = dict(settings)
    for name in ("learning_rate", "start"):
        if name in wish:
            now[name] = wish[name]
    if "bend" in wish:
        now |= _bent(now, *_parts(wish, "bend"))
    edits = list(settings.get("edits") or [])
    if "move_point" in wish:
        now["edits"] = _moved(edits, _parts(wish, "move_point"))
    if "add_point" in wish:
        now["edits"] = [*edits, [None, *_parts(wish, "add_point")]]
    if "remove_point" in wish:
        now["edits"] = [*edits, [wish["remove_point"], None, None]]
    return now


def _parts(wish: Mapping[str, Any], name: str) -> list[Any]:
    shape = _SHAPES[name]
    parts = items(wish[name], f"The wish {name}", MOST_EDITS)
    if len(parts) != shape.count(",") + 1:
        raise OptionError(f"The wish {name} is {shape}, not {shown(wish[name])}.")
    return parts


def _bent(settings: Mapping[str, Any], at: Any, rate: Any) -> Setting:
    """Another rate from a step on; before the first step it is the rate of the run."""
    step = whole(at, "The step of a rate change", 0, MOST_STEPS)
    before = [[other, value] for other, value in settings.get("rate_changes") or [] if other < step]
    return {"rate_changes": [*before, [step, rate]]} if step > 0 else {"learning_rate": rate, "rate_changes": []}


def _moved(edits: list[list[Any]], move: list[Any]) -> list[list[Any]]:
    """One drag is one edit, however often it was told of on its way."""
    same = bool(edits) and edits[-1][0] == move[0] and edits[-1][1] is not None
    return [*(edits[:-1] if same else edits), move]
