"""The chapters as the page asks for them: their list, the text of one, and what was measured."""

from collections.abc import Iterable, Mapping
from typing import Any

from fallline._desk._client import Client, Reply
from fallline._desk._reading import mapping, shown
from fallline._errors import DataError, OptionError, near
from fallline._lessons._chapter_checks import check_first, check_said, fixed_names, right_choice
from fallline._lessons._chapter_files import Chapter, Experiment, Sentence, all_chapters
from fallline._lessons._chapter_runs import measure_all, names_in
from fallline._lessons._chapter_words import Measured, filled, holds, in_words


def chapters(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``chapters``: name, title and question of each, in their order."""
    del request
    listed = [{"name": each.name, "title": each.title, "question": each.question} for each in _known(client)]
    return {"payload": {"chapters": listed}}


def chapter(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``chapter``.

    Args:
        request: ``name``; ``stage``: ``read`` (the texts before a choice; nothing that the learner is to predict is
            in them) or ``answer``; then ``settings``, those of the page as they stand.
        client: who asks.
    """
    known = _known(client)
    name = request.get("name")
    found = next((each for each in known if each.name == name), None)
    if found is None:
        names = [each.name for each in known]
        raise OptionError(
            f"There is no chapter {shown(name)}.{near(name[:60], names) if isinstance(name, str) else ''}"
        )
    stage = request.get("stage", "read")
    if stage == "read":
        return {"payload": _read(found, known, client)}
    if stage == "answer":
        given = mapping(request.get("settings") or {}, "The settings")
        screen = Experiment(found.state.page, {str(key): value for key, value in given.items()})
        return {"payload": _answered(found, screen, client)}
    raise OptionError(f"The stage is read or answer, not {shown(stage)}.")


def _known(client: Client) -> list[Chapter]:
    return all_chapters([] if client.chapters is None else [client.chapters])


def _read(chapter: Chapter, known: list[Chapter], client: Client) -> dict[str, Any]:
    check_first(chapter, client)
    asked = [chapter.predict, *(each.say for each in chapter.choices)]
    measured = measure_all(chapter, _names(chapter.text) | names_in(asked, ()), client)
    place = known.index(chapter)
    after = next((each for each in known if each.name == chapter.next), None)
    if chapter.next is None and place + 1 < len(known):
        after = known[place + 1]
    return {
        "name": chapter.name,
        "title": chapter.title,
        "question": chapter.question,
        "text": _sentences(chapter.text, measured),
        "code": chapter.code,
        "state": {"page": chapter.state.page, "settings": dict(chapter.state.settings)},
        "controls": None if chapter.controls is None else list(chapter.controls),
        "predict": {
            "question": _asked(chapter, chapter.predict, measured, "predict.question"),
            "choices": [_asked(chapter, each.say, measured, "predict.choices") for each in chapter.choices],
        },
        "try": {"do": list(chapter.tries), "look": chapter.look},
        "next": None if after is None else {"name": after.name, "title": after.title},
        "place": place + 1,
        "count": len(known),
    }


def _asked(chapter: Chapter, sentence: str, measured: Mapping[str, Measured], key: str) -> str:
    """A question or choice: it cannot be left out."""
    found = filled(sentence, measured)
    if found is None:
        raise DataError(f"{chapter.file}: {key} needs a measurement that its own run does not have: {sentence!r}.")
    return found


def _answered(chapter: Chapter, screen: Experiment, client: Client) -> dict[str, Any]:
    own = measure_all(chapter, fixed_names(chapter), client, now=screen)
    right = right_choice(chapter, own)
    check_said(chapter, own)
    here = measure_all(chapter, {*_names(chapter.answer), *_OF}, client, screen=screen)
    return {
        "right": right,
        "of": _of(here, screen.page),
        "answer": _sentences(chapter.answer, here),
        "not_quite_true": _sentences(chapter.not_quite_true, own),
    }


def _names(given: Iterable[Sentence]) -> set[str]:
    said = list(given)
    return names_in((each.say for each in said), (each for one in said for each in one.conditions))


def _sentences(given: Iterable[Sentence], measured: Mapping[str, Measured]) -> list[str]:
    """Those whose conditions hold and whose numbers exist."""
    said = (filled(each.say, measured) for each in given if all(holds(one, measured) for one in each.conditions))
    return [each for each in said if each is not None]


_OF = ("optimizer", "rate", "rates", "steps", "setting")
"""What a line above the answer says of the run on the screen."""
_SETTINGS = {"best": "each optimizer at its own best rate", "given": "at the rates that were set"}


def _of(measured: Mapping[str, Measured], page: str) -> str:
    setting = measured.get("setting")
    if setting is not None:
        return f"Measured in the comparison on the screen, {_SETTINGS[str(setting)]}."
    if not all(name in measured for name in ("optimizer", "rate", "steps")):
        return "Measured in what is on the screen now."
    played = ", played to the end" if page in ("neuron", "formulas") else ""  # the picture may stand earlier
    optimizer, steps, rate = measured["optimizer"], measured["steps"], measured.get("rates", measured["rate"])
    return (
        f"Measured in the run on the screen{played}: {in_words(optimizer)}, learning rate {in_words(rate)}, "
        f"{in_words(steps, 'step')}."
    )
