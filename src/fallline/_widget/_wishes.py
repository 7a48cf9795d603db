"""What the picture asks for, put into the settings: the rules of the studio's page (_studio/static/settings.js)."""

from collections.abc import Mapping
from typing import Any

Setting = dict[str, Any]


def with_wish(settings: Mapping[str, Any], wish: Mapping[str, Any]) -> Setting:
    """The settings after a wish; what is no wish changes nothing.

    >>> with_wish({"rate_changes": [[5, 0.1], [40, 0.2]]}, {"bend": [10, 0.02]})
    {'rate_changes': [[5, 0.1], [10, 0.02]]}
    """
    now = dict(settings)
    for name in ("learning_rate", "start"):
        if name in wish:
            now[name] = wish[name]
    if "bend" in wish:
        step, rate = wish["bend"]
        now["rate_changes"] = [[at, value] for at, value in settings.get("rate_changes", []) if at < step]
        now["rate_changes"].append([step, rate])
    edits = list(settings.get("edits", []))
    if "move_point" in wish:
        now["edits"] = _moved(edits, list(wish["move_point"]))
    if "add_point" in wish:
        now["edits"] = [*edits, [None, *wish["add_point"]]]
    if "remove_point" in wish:
        now["edits"] = [*edits, [wish["remove_point"], None, None]]
    return now


def _moved(edits: list[list[Any]], move: list[Any]) -> list[list[Any]]:
    """One drag is one edit, however often it was told of on its way."""
    same = bool(edits) and edits[-1][0] == move[0] and edits[-1][1] is not None
    return [*(edits[:-1] if same else edits), move]
