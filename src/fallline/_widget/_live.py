"""``fl.live``: drag the rate, the ball and the points in a notebook cell."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fallline._data import read_table
from fallline._desk._client import Client
from fallline._desk._neuron import neuron
from fallline._desk._python import python
from fallline._desk._settings import read_settings
from fallline._errors import FalllineError, OptionError
from fallline._view import to_json
from fallline._view._module import module_source, stylesheet
from fallline._widget._wishes import with_wish

if TYPE_CHECKING:
    from fallline._data._read import TableSource

ENTRY = "interactive.js"
SAYS = 'A live picture, which needs a notebook. Elsewhere: `fallline studio`, or fl.report(fl.fit(), "run.html").'
"""Where there is no notebook to show it; one line, of a length that a notebook's own text keeps."""


def live(
    data: "TableSource | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    **settings: Any,
) -> Any:
    """The live picture as a notebook widget: every rate, start and point that is dragged in it is run in this kernel.

    It shows what ``fallline studio`` shows of a neuron or a formula. Its ``settings`` are those of the moment, its
    ``python`` the program that does the same. It needs ``pip install "fallline[notebook]"``.

    Args:
        data: as :func:`fl.fit` takes it; the textbook line unless told.
        target: the column to predict; the last one unless told.
        features: the columns to predict it from; every other numeric column unless told.
        drop_missing: leave out rows with missing values instead of refusing them.
        settings: ``learning_rate`` (what a sweep recommends unless told), ``formula``, ``optimizer``,
            ``optimizer_options``, ``epochs``, ``batch_size``, ``loss``, ``start``, ``standardise``, ``seed`` …

    Raises:
        OptionError: the widget's library is not installed, or a setting cannot be.
        DataError: the data cannot be used.

    Example::

        picture = fl.live(learning_rate=0.02)
        picture                                     # drag the rate
        picture.settings["learning_rate"]
    """
    client = Client()
    if data is not None:
        settings = {**settings, "data": _kept(client, data, target, features, drop_missing=drop_missing)}
    answer = _Answers(client)
    first = answer.whole(settings)  # what cannot be is refused here, in the cell that asked
    return _widget_class()(answer, settings, first)


class _Answers:
    """Settings in, pictures out, for one widget."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._frame: object = None

    def whole(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Everything, whatever is shown now."""
        self._frame = None
        payload: dict[str, Any] = self.full(settings)["payload"]
        return payload

    def full(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask(settings, "full", None)

    def draft(self, settings: Mapping[str, Any], step: object) -> dict[str, Any]:
        return self._ask(settings, "draft", step)

    def program(self, settings: Mapping[str, Any]) -> str:
        payload: Any = python({"settings": settings}, self._client)["payload"]
        return str(payload["text"])

    def _ask(self, settings: Mapping[str, Any], detail: str, step: object) -> dict[str, Any]:
        request = {"settings": settings, "detail": detail, "frame": self._frame}
        reply = neuron(request | ({"step": step} if isinstance(step, int) else {}), self._client)
        self._frame = reply.get("frame")
        sent: dict[str, Any] = json.loads(to_json(reply))  # what is not finite has its words
        return sent


class _Conversation:
    """What the widget does with the traits it has: a wish or settings in, an answer out."""

    settings: dict[str, Any]
    step: object
    fault: str
    payload: dict[str, Any]
    part: dict[str, Any] | None
    _answers: _Answers | None = None  # not before all traits are there
    _shown: Mapping[str, Any] = MappingProxyType({})
    _answered = 0
    _unnumbered = 0

    def __repr__(self) -> str:
        return SAYS

    @property
    def python(self) -> str:
        """The program that does the same."""
        return "" if self._answers is None else self._answers.program(self.settings)

    def _begin(self, answers: _Answers) -> None:
        self._answers, self._shown = answers, self.settings

    def _numbered(self, wish: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Two equal wishes are two: the picture numbers its own, those set from Python are numbered here."""
        if wish is None or "number" in wish:
            return wish
        self._unnumbered -= 1
        return {**wish, "number": self._unnumbered}

    def _set(self, change: Mapping[str, Any]) -> None:
        """Settings that were set from Python are run; those of an answer are on the screen already."""
        settings = change["new"]
        if settings == self._shown or self._answers is None:
            return
        try:
            reply = self._answers.full(settings)
        except FalllineError as error:
            self.settings, self.fault = dict(self._shown), str(error)
            raise
        self._show(settings, reply)

    def _answer(self, change: Mapping[str, Any]) -> None:
        wish = change["new"] or {}
        if self._answers is None:
            return
        try:
            settings = with_wish(self.settings, wish)
            reply = self._answers.full(settings) if wish.get("settled") else self._answers.draft(settings, self.step)
        except FalllineError as error:
            self.fault = str(error)
            return
        self._show(settings, reply)

    def _show(self, settings: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
        self._shown = dict(settings)
        self.settings, self.fault = dict(self._shown), ""
        self._answered += 1  # an answer equal to one before would not be sent, whatever was drawn since
        if "payload" in reply:
            self.payload = {**reply["payload"], "answer": self._answered}
        else:
            self.part = {**reply["part"], "answer": self._answered}


@cache
def _widget_class() -> Any:
    """Made when it is first asked for: its library is an extra."""
    try:
        import anywidget  # noqa: PLC0415  (an extra)
        import traitlets  # noqa: PLC0415  (comes with it)
    except ModuleNotFoundError as error:
        raise OptionError('fl.live needs anywidget: `pip install "fallline[notebook]"`.') from error

    class Live(_Conversation, anywidget.AnyWidget):
        """One picture; made by :func:`live`."""

        _esm = module_source(ENTRY) + _own("widget.js")
        _css = stylesheet(ENTRY) + _own("widget.css")
        payload = traitlets.Dict().tag(sync=True)
        part = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
        wish = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
        step = traitlets.Any(allow_none=True, default_value=None).tag(sync=True)
        fault = traitlets.Unicode("").tag(sync=True)
        settings = traitlets.Dict(help="Of what is shown, as they stand now; what is set here is run and shown.")

        def __init__(self, answers: _Answers, settings: Mapping[str, Any], first: Mapping[str, Any]) -> None:
            super().__init__(payload=first, settings=dict(settings))
            self._begin(answers)
            self.observe(self._answer, names="wish")
            self.observe(self._set, names="settings")

        @traitlets.validate("wish")
        def _told_apart(self, proposal: Mapping[str, Any]) -> Any:
            return self._numbered(proposal["value"])

        @traitlets.validate("settings")
        def _sound(self, proposal: Mapping[str, Any]) -> Any:
            """What cannot be is refused where it is set."""
            read_settings(proposal["value"])
            return proposal["value"]

    return Live


def _own(name: str) -> str:
    return (resources.files("fallline._widget") / name).read_text(encoding="utf-8")


def _kept(
    client: Client, data: "TableSource", target: str | None, features: list[str] | None, *, drop_missing: bool
) -> dict[str, Any]:
    """The data as the page has it that was dropped onto it; read once, as :func:`fl.fit` reads it."""
    table = read_table(data, target=target, features=features, drop_missing=drop_missing)
    key = client.tables.hold(table, str(data) if isinstance(data, str | Path) else None)
    chosen = {"target": table.target_name, "features": list(table.feature_names), "drop_missing": drop_missing}
    return {"kind": "upload", "table": key, **chosen}
