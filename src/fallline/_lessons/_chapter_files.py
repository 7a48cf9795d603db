"""Chapters as they are written: a folder each with a chapter.toml, read and checked.

docs/chapters.md is for their authors. A mistake is told in one sentence that names the file and the key.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from fallline._errors import DataError, OptionError, near
from fallline._lessons._chapter_settings import check_controls, check_settings
from fallline._lessons._chapter_words import Condition, condition, places
from fallline._lessons._measure_names import QUESTIONS, is_measure, known_measures

FILE = "chapter.toml"
OWN = Path(__file__).parent / "chapters"
PAGES = ("neuron", "formulas", "compare", "backprop", "watched")
"""Pages that a chapter can be set on."""
LARGEST = 100_000
"""Bytes of a chapter.toml: beyond that it is no chapter."""
SCREEN, STATE, NOW = "", "chapter", "screen"
"""What a name without a prefix speaks of in an answer; what it speaks of elsewhere; the screen, said there."""
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ALSO = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Choice:
    """One answer to choose before the run is seen."""

    say: str
    right_if: tuple[Condition, ...]
    """All of them have to hold."""


@dataclass(frozen=True)
class Sentence:
    """A sentence with its measurements, said where all of its conditions hold."""

    say: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """A state of a page that is run: what is on it, or a question of ``fl.why`` instead."""

    page: str
    settings: Mapping[str, Any]
    why: str | None = None


@dataclass(frozen=True)
class Chapter:
    """One question that a learner asks."""

    name: str
    """As in the address: the folder's name without its number."""
    file: Path
    title: str
    question: str
    text: tuple[Sentence, ...]
    code: str
    """Shown as it stands behind the text, ``""`` where there is none."""
    state: Experiment
    controls: tuple[str, ...] | None
    """Those shown beside the picture; None for the page's own choice."""
    also: Mapping[str, Experiment]
    """Further runs that sentences may speak of, by the name before the dot."""
    predict: str
    choices: tuple[Choice, ...]
    tries: tuple[str, ...]
    look: str
    answer: tuple[Sentence, ...]
    not_quite_true: tuple[Sentence, ...]
    next: str | None = field(default=None)
    """The chapter that follows; None for the next one of the list."""


def read_chapters(folder: Path) -> list[Chapter]:
    """The chapters of a folder, in the order of their folders' names.

    Raises:
        DataError: there are none, or one has a mistake; one sentence that names file and key.
    """
    if not folder.is_dir():
        raise DataError(f'"{folder}" is no folder of chapters.')
    files = sorted(folder.glob(f"*/{FILE}"))
    if not files:
        raise DataError(f'"{folder}" has no chapters: each is a folder of its own with a {FILE} in it.')
    return [_read(file) for file in files]


def all_chapters(folders: Iterable[Path]) -> list[Chapter]:
    """fallline's own chapters, then those of further folders; one of a name that was there takes its place.

    Raises:
        DataError: one has a mistake.
    """
    found: dict[str, Chapter] = {}
    for folder in (OWN, *folders):
        for chapter in read_chapters(folder):
            found[chapter.name] = chapter
    for chapter in found.values():
        if chapter.next is not None and chapter.next not in found:
            raise DataError(
                f'{chapter.file}: "next" names the chapter "{chapter.next}", and there is none of that name.'
                f"{near(chapter.next, list(found))}"
            )
    return list(found.values())


def _read(file: Path) -> Chapter:
    name = re.sub(r"^\d+-", "", file.parent.name)
    if not _NAME.fullmatch(name):
        raise DataError(
            f'{file}: the folder is called "{file.parent.name}"; a chapter\'s folder has a number, then small letters '
            "and hyphens, such as 13-my-question."
        )
    return _Reader(file).chapter(name, _toml(file))


def _toml(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST:
            raise DataError(f"{file} is larger than {LARGEST:,} bytes: that is no chapter.")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataError(f"{file} is not written in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file} is no TOML: {error}.") from None


class _Reader:
    """One file's tables, key by key; every refusal names the file and the key."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._prefixes: Mapping[str, Experiment] = {}

    def chapter(self, name: str, given: Mapping[str, Any]) -> Chapter:
        """The chapter of a whole file."""
        keys = (
            "title",
            "question",
            "text",
            "code",
            "not_quite_true",
            "next",
            "state",
            "also",
            "predict",
            "try",
            "answer",
        )
        self._only(given, keys, "")
        state_table = self._table(given, "state", "")
        self._only(state_table, ("page", "settings", "controls"), "state")
        state = self._experiment(state_table, "state", None)
        self._prefixes = {STATE: state}
        also = {key: self._also(key, table, state) for key, table in self._tables(given, "also").items()}
        self._prefixes = {SCREEN: state, STATE: state, **also}
        text = self._said(given, "text")
        predict = self._table(given, "predict", "")
        self._only(predict, ("question", "choices"), "predict")
        asked = self._sentence(self._text(predict, "question", "predict"), "predict.question")
        choices = self._choices(predict)
        self._prefixes = {**self._prefixes, NOW: state}  # only what is said afterwards can speak of the screen
        tried = self._table(given, "try", "")
        self._only(tried, ("do", "look"), "try")
        return Chapter(
            name=name,
            file=self._file,
            title=self._text(given, "title", ""),
            question=self._text(given, "question", ""),
            text=text,
            code=self._text(given, "code", "", needed=False),
            state=state,
            controls=self._controls(state_table, state.page),
            also=also,
            predict=asked,
            choices=choices,
            tries=tuple(self._texts(tried, "do", "try")),
            look=self._text(tried, "look", "try"),
            answer=self._sentences(given, "answer"),
            not_quite_true=self._said(given, "not_quite_true"),
            next=self._text(given, "next", "", needed=False) or None,
        )

    def _controls(self, state: Mapping[str, Any], page: str) -> tuple[str, ...] | None:
        """Names of the page; none at all is an empty list."""
        if "controls" not in state:
            return None
        listed = () if state["controls"] == [] else tuple(self._texts(state, "controls", "state"))
        try:
            check_controls(page, listed)
        except OptionError as error:
            self._refuse("state.controls:", str(error))
        return listed

    def _experiment(
        self, table: Mapping[str, Any], where: str, base: Experiment | None, why: str | None = None
    ) -> Experiment:
        page = self._text(table, "page", where, needed=base is None) or (base.page if base is not None else "")
        if page not in PAGES:
            self._refuse(f"{where}.page", f'is "{page}"; it is one of {", ".join(PAGES)}.{near(page, list(PAGES))}')
        settings = self._table(table, "settings", where) if "settings" in table else {}
        if base is not None and base.page == page and why is None:
            settings = {**base.settings, **settings}
        try:
            check_settings(page, settings, why)
        except OptionError as error:
            self._refuse(f"{where}.settings:", str(error))
        return Experiment(page, settings, why)

    def _also(self, name: str, table: Mapping[str, Any], state: Experiment) -> Experiment:
        where = f"also.{name}"
        if not _ALSO.fullmatch(name) or name in (STATE, NOW):
            self._refuse(where, f'is no name for a run: small letters, digits and _, not "{STATE}" and not "{NOW}"')
        self._only(table, ("page", "settings", "why"), where)
        question = self._text(table, "why", where, needed=False)
        if question and question not in QUESTIONS:
            self._refuse(f"{where}.why", f'is "{question}"; it is one of {", ".join(QUESTIONS)}')
        return self._experiment(table, where, state, question or None)

    def _choices(self, predict: Mapping[str, Any]) -> tuple[Choice, ...]:
        given = predict.get("choices")
        if not isinstance(given, list) or len(given) < 2 or not all(isinstance(each, dict) for each in given):
            self._refuse(
                "predict.choices", "has to be two or more tables [[predict.choices]], each with say and right_if"
            )
        found = []
        for place, table in enumerate(given, start=1):
            where = f"predict.choices (number {place})"
            self._only(table, ("say", "right_if"), where)
            say = self._sentence(self._text(table, "say", where), f"{where}.say")
            found.append(Choice(say, self._conditions(table, "right_if", where, needed=True)))
        return tuple(found)

    def _said(self, given: Mapping[str, Any], key: str) -> tuple[Sentence, ...]:
        """A list of sentences; one that holds only sometimes is a table with ``say`` and ``if``."""
        listed = given.get(key)
        if not isinstance(listed, list):
            self._refuse(key, "is missing" if listed is None else "has to be a list of sentences")
        return self._sentences({key: [{"say": each} if isinstance(each, str) else each for each in listed]}, key)

    def _sentences(self, given: Mapping[str, Any], key: str) -> tuple[Sentence, ...]:
        tables = given.get(key)
        if not isinstance(tables, list) or not tables or not all(isinstance(each, dict) for each in tables):
            self._refuse(key, "has to be one or more sentences, each with say and, where it needs one, if")
        found = []
        for place, table in enumerate(tables, start=1):
            where = f"{key} (number {place})"
            self._only(table, ("say", "if"), where)
            say = self._sentence(self._text(table, "say", where), f"{where}.say")
            found.append(Sentence(say, self._conditions(table, "if", where, needed=False)))
        return tuple(found)

    def _conditions(self, table: Mapping[str, Any], key: str, where: str, *, needed: bool) -> tuple[Condition, ...]:
        if key not in table and not needed:
            return ()
        texts = [table[key]] if isinstance(table.get(key), str) else self._texts(table, key, where)
        found = []
        for text in texts:
            try:
                found.append(condition(text))
            except ValueError as error:
                self._refuse(f"{where}.{key}", f"cannot be read: {error}")
            for name in found[-1].names:
                self._check_name(name, f"{where}.{key}")
        return tuple(found)

    def _sentence(self, text: str, where: str) -> str:
        """A text whose places can be read and are known."""
        try:
            asked = places(text)
        except ValueError as error:
            self._refuse(where, f"cannot be read: {error}")
        for place in asked:
            self._check_name(place.name, where)
        return text

    def _check_name(self, name: str, where: str) -> None:
        prefix, dot, inner = name.rpartition(".")
        if dot and prefix not in self._prefixes:
            known = [each for each in self._prefixes if each]
            self._refuse(
                where, f'speaks of "{name}", and "{prefix}" is no run here ({", ".join(known)}){near(prefix, known)}'
            )
        experiment = self._prefixes[prefix]
        if not is_measure(inner, experiment.page, experiment.why):
            known = known_measures(experiment.page, experiment.why)
            self._refuse(where, f'asks for "{name}", which is not measured there.{near(inner, known)}'.rstrip("."))

    def _texts(self, table: Mapping[str, Any], key: str, where: str) -> Sequence[str]:
        value = table.get(key)
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(each, str) and each.strip() for each in value)
        ):
            self._refuse(_path(where, key), "has to be a list of sentences, each in quotation marks")
        return value

    def _text(self, table: Mapping[str, Any], key: str, where: str, *, needed: bool = True) -> str:
        if key not in table:
            if needed:
                self._refuse(_path(where, key), "is missing")
            return ""
        value = table[key]
        if not isinstance(value, str) or not value.strip():
            self._refuse(_path(where, key), "has to be a text in quotation marks")
        return value

    def _table(self, table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
        value = table.get(key)
        if not isinstance(value, dict):
            self._refuse(_path(where, key), "is missing" if value is None else "has to be a table")
        return value

    def _tables(self, table: Mapping[str, Any], key: str) -> Mapping[str, Mapping[str, Any]]:
        value = table.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
            self._refuse(key, "has to be tables of its own, such as [also.larger]")
        return value

    def _only(self, table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
        for key in table:
            if key not in known:
                self._refuse(_path(where, key), f"is no key of a chapter.{near(key, list(known))}".rstrip("."))

    def _refuse(self, key: str, why: str) -> NoReturn:
        raise DataError(f"{self._file}: {key} {why}{'' if why.endswith(('?', '.')) else '.'}")


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
