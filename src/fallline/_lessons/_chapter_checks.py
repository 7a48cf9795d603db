"""What only a chapter's own runs tell of its file: that one choice is right, and that its sentences can be said."""

from collections.abc import Mapping

from fallline._desk._client import Client
from fallline._errors import DataError
from fallline._lessons._chapter_files import NOW, OWN, STATE, Chapter, Choice, Experiment, Sentence
from fallline._lessons._chapter_runs import measure_all, names_in
from fallline._lessons._chapter_words import Measured, filled, holds
from fallline._lessons._measure_names import DESCENT, OF_PARAMETER

_FOLLOWS_DATA = ("data", "table", "target", "features")
"""Controls by which a learner may get other parameters."""


def fixed_names(chapter: Chapter) -> set[str]:
    """The measurements that a chapter speaks of before, and beside, the run on the screen."""
    said = (*chapter.text, *chapter.not_quite_true)
    asked = (chapter.predict, *(each.say for each in chapter.choices))
    conditions = [one for each in said for one in each.conditions]
    conditions += [one for each in chapter.choices for one in each.right_if]
    return names_in((*(each.say for each in said), *asked), conditions)


def check_first(chapter: Chapter, client: Client) -> None:
    """Look a teacher's chapter through when it is first asked for; fallline's own are looked through by its tests.

    What takes long to run is looked at with the answer.

    Raises:
        DataError: a mistake; one sentence that names file and key.
    """
    if chapter.file.is_relative_to(OWN) or not all(_is_quick(each) for each in (chapter.state, *chapter.also.values())):
        return
    measured = measure_all(chapter, fixed_names(chapter), client)
    right_choice(chapter, measured)
    check_said(chapter, measured)
    _check_parameters(chapter, client)


def _is_quick(experiment: Experiment) -> bool:
    return experiment.page in ("neuron", "formulas", "backprop") and experiment.why != "derivative"


def right_choice(chapter: Chapter, measured: Mapping[str, Measured]) -> int:
    """Which choice the chapter's own runs bear out.

    Raises:
        DataError: none, or several; one sentence for the chapter's author.
    """
    right = [place for place, each in enumerate(chapter.choices) if _is_right(each, measured)]
    if len(right) != 1:
        count = "none" if not right else ", ".join(str(place + 1) for place in right)
        raise DataError(
            f"{chapter.file}: predict.choices: exactly one has to be right by what is measured, and it is {count}."
        )
    return right[0]


def _is_right(choice: Choice, measured: Mapping[str, Measured]) -> bool:
    return all(holds(each, measured) for each in choice.right_if)


def check_said(chapter: Chapter, measured: Mapping[str, Measured]) -> None:
    """Refuse a sentence about the chapter's own runs that is never said.

    Raises:
        DataError: one sentence for the chapter's author.
    """
    for key, sentences in (("text", chapter.text), ("not_quite_true", chapter.not_quite_true)):
        for place, each in enumerate(sentences, start=1):
            why = _never(each, measured)
            if why is not None:
                raise DataError(f"{chapter.file}: {key} (number {place}) is never said: {why}.")


def _never(sentence: Sentence, measured: Mapping[str, Measured]) -> str | None:
    """Why a sentence cannot be said, whatever stands on the screen."""
    names = names_in([sentence.say], sentence.conditions)
    if any(name.startswith(f"{NOW}.") for name in names):
        return None
    for condition in sentence.conditions:
        if not holds(condition, measured):
            return f"its condition on {condition.name} does not hold in the chapter's own runs"
    if filled(sentence.say, measured) is None:
        missing = sorted(name for name in names if name not in measured)
        return f"{', '.join(missing)} is not measured in the chapter's own runs"
    return None


def _check_parameters(chapter: Chapter, client: Client) -> None:
    """Refuse a place of an answer for a parameter that no run of this chapter can have."""
    page, controls = chapter.state.page, chapter.controls
    free = controls is None or any(name in controls for name in _FOLLOWS_DATA)
    if page not in ("neuron", "formulas") or free or (page == "formulas" and controls):
        return
    for place, each in enumerate(chapter.answer, start=1):
        for name in names_in([each.say], each.conditions):
            parameter = _parameter(name)
            if parameter is None or measure_all(chapter, [f"{parameter}_start"], client):
                continue
            raise DataError(
                f'{chapter.file}: answer (number {place}) asks for "{name}", and the run has no parameter {parameter}.'
            )


def _parameter(name: str) -> str | None:
    """Whose measurement a name is, with its prefix; None for one of the whole run."""
    prefix, _, inner = name.rpartition(".")
    if inner in DESCENT or prefix not in ("", NOW, STATE):
        return None
    ends = sorted((end for end in OF_PARAMETER if name.endswith(f"_{end}")), key=len)
    return None if not ends else name[: -len(ends[-1]) - 1]
