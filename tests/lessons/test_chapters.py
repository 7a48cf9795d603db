"""Chapters: what a teacher writes is read or refused in one sentence; what is told was measured."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fallline import DataError, OptionError
from fallline._desk._client import Client
from fallline._lessons import _chapters as chapters
from fallline._lessons._chapter_files import FILE, OWN, all_chapters, read_chapters
from fallline._lessons._chapter_words import Rate, Reach, Share, condition, filled, holds, in_words, places
from fallline._lessons._measure_names import (
    COMPARED,
    DESCENT,
    GRAPH,
    OF_NAME,
    OF_OPTIMIZER,
    OF_PARAMETER,
    WATCHED,
    WHY,
    is_measure,
)

QUESTIONS = (
    "neuron", "loss", "minus", "rate", "derivative", "bowl", "tiny", "zones", "minima", "optimizers", "autograd",
    "own-network",
)  # fmt: skip
DOCS = Path(__file__).resolve().parents[2] / "docs" / "chapters.md"
SMALL = """
title = "A step"
question = "Where does it land?"
text = ["The rate is {rate}, w is {w_start:2}."]
not_quite_true = ["At {half.rate} it lands at {half.w_first_step:2}."]

[state]
page = "formulas"
settings = { formula = "(w - 3)^2", start = [5.0], learning_rate = 0.1, epochs = 5 }

[also.half]
settings = { learning_rate = 0.5 }

[predict]
question = "Left or right?"

[[predict.choices]]
say = "Left"
right_if = "w_move < 0"

[[predict.choices]]
say = "Right"
right_if = ["w_move > 0"]

[try]
do = ["Take a step."]
look = "the ball."

[[answer]]
say = "It went to {w_first_step:2}; the chapter's went to {chapter.w_first_step:2}."

[[answer]]
say = "It took {steps_to_goal:step}."

[[answer]]
say = "It jumped to the other side."
if = ["w_crossings > 0"]
"""


def written(folder: Path, text: str, name: str = "01-a-step") -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / FILE).write_text(text, encoding="utf-8")
    return folder


def asked(client: Client, name: str, **more: Any) -> dict[str, Any]:
    found = chapters.chapter({"name": name, **more}, client)["payload"]
    assert isinstance(found, dict)
    return found


def test_one_chapter_for_each_question_in_this_order() -> None:
    listed = chapters.chapters({}, Client())["payload"]
    assert isinstance(listed, dict)
    assert tuple(each["name"] for each in listed["chapters"]) == QUESTIONS
    assert all(each["title"] and each["question"].endswith("?") for each in listed["chapters"])


def test_the_folders_hold_nothing_but_data() -> None:
    assert {path.name for path in OWN.rglob("*") if path.is_file()} == {FILE}


def test_texts_are_short() -> None:
    for chapter in all_chapters([]):
        assert 2 <= len(chapter.text) <= 3, chapter.name
        assert all(len(each.say) <= 420 for each in (*chapter.text, *chapter.answer, *chapter.not_quite_true)), (
            chapter.name
        )
        assert chapter.not_quite_true, chapter.name


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client with the small chapter, and with what was run for it."""
    return Client(chapters=written(tmp_path_factory.mktemp("chapters"), SMALL))


def test_before_a_choice_nothing_is_told_that_was_asked_for(small: Client) -> None:
    client = small
    read = asked(client, "a-step")
    assert read["text"] == ["The rate is 0.1, w is 5.0."]
    assert read["predict"] == {"question": "Left or right?", "choices": ["Left", "Right"]}
    assert not {"right", "answer", "not_quite_true"} & set(read)
    assert (read["place"], read["count"], read["next"]) == (13, 13, None)


def test_the_answer_speaks_of_the_run_on_the_screen(small: Client) -> None:
    client = small
    own = tomllib.loads(SMALL)["state"]["settings"]
    told = asked(client, "a-step", stage="answer", settings=own)
    assert told["right"] == 0
    assert told["answer"] == ["It went to 4.6; the chapter's went to 4.6."]  # the goal is not reached, nothing jumped
    assert told["not_quite_true"] == ["At 0.5 it lands at 3.0."]
    changed = asked(client, "a-step", stage="answer", settings={**own, "learning_rate": 0.75})
    assert changed["right"] == 0  # what was asked was asked of the chapter's own run
    assert changed["answer"][0] == "It went to 2.0; the chapter's went to 4.6."
    assert changed["answer"][1].startswith("It took ")
    assert changed["answer"][2] == "It jumped to the other side."
    assert changed["of"] == "Measured in the run on the screen, played to the end: SGD, learning rate 0.75, 5 steps."


def test_settings_that_cannot_be_are_refused_as_on_the_page(small: Client) -> None:
    client = small
    for settings in ({"learning_rate": "fast"}, {"learning_rat": 1}, {"epochs": 10**7}, [1]):
        with pytest.raises(OptionError):
            asked(client, "a-step", stage="answer", settings=settings)
    with pytest.raises(OptionError, match=r'There is no chapter "a-stpe"\. Did you mean "a-step"'):
        asked(client, "a-stpe")
    with pytest.raises(OptionError, match="The stage is read or answer"):
        asked(client, "a-step", stage="end")


def test_a_teachers_chapter_takes_the_place_of_one_with_its_name(tmp_path: Path) -> None:
    known = all_chapters([written(tmp_path, SMALL, "07-tiny")])
    assert tuple(each.name for each in known) == QUESTIONS
    assert next(each for each in known if each.name == "tiny").title == "A step"


MISTAKES = [
    ('title = "A step"', 'titel = "A step"', 'titel is no key of a chapter. Did you mean "title"?'),
    ('title = "A step"', "", "title is missing."),
    ('title = "A step"', "title = 3", "title has to be a text in quotation marks."),
    ('text = ["The rate is {rate}, w is {w_start:2}."]', 'text = "one"', "text has to be a list of sentences."),
    ("{rate}", "{rat}", 'text (number 1).say asks for "rat", which is not measured there. Did you mean "rate"?'),
    ("{rate}", "{rate + 1}", 'text (number 1).say cannot be read: "{rate + 1}" is no place for a measurement'),
    ("{rate}", "{rate", "text (number 1).say cannot be read: a brace stands alone"),
    ("{half.rate}", "{hlaf.rate}", '"hlaf" is no run here (chapter, half, screen)'),
    ('page = "formulas"', 'page = "formula"', 'state.page is "formula"; it is one of'),
    ("[also.half]", "[also.Half]", "also.Half is no name for a run"),
    ("[also.half]", '[also.half]\nwhy = "not"', 'also.half.why is "not"; it is one of minus, derivative.'),
    ('right_if = "w_move < 0"', 'right_if = "w_move < "', "predict.choices (number 1).right_if cannot be read: 'w_"),
    ("epochs = 5 }", "epoch = 5 }", 'state.settings: There is no setting "epoch": it is one of data, '),
    ("learning_rate = 0.1,", 'learning_rate = "fast",', 'state.settings: The learning rate must be a number'),
    ("learning_rate = 0.5 }", "learning_rate = -1 }", "also.half.settings: The learning rate must be above 0"),
    ("epochs = 5 }", "optimizer = 3 }", "state.settings: The optimizer must be a text, not 3."),
    ('page = "formulas"', 'page = "neuron"', "state.settings: The page neuron has no formula"),
    ('page = "formulas"', 'page = "compare"', "state.settings: On this page every contender has its own learning_rate"),
    ('page = "formulas"', 'page = "watched"', 'state.settings: There is no setting "formula"'),
    ("[also.half]", '[also.half]\nwhy = "minus"', 'also.half.settings: There is no setting of why = "minus"'),
    ('page = "formulas"', 'page = "formulas"\ncontrols = ["strat"]', 'state.controls: There is no control "strat".'),
    ("{half.rate}", "{screen.rat}", 'not_quite_true (number 1).say asks for "screen.rat", which'),
    ("The rate is {rate}", "The rate is {screen.rate}", '"screen" is no run here (chapter, half)'),
    ('right_if = "w_move < 0"', "", "predict.choices (number 1).right_if has to be a list of sentences"),
    ('if = ["w_crossings > 0"]', 'if = "__import__ == 1"', "answer (number 3).if cannot be read"),
    ('if = ["w_crossings > 0"]', "if = 'zone > \"x\"'", "words are equal (==) or not (!=)"),
    ("[try]", "[tri]", 'tri is no key of a chapter. Did you mean "try"?'),
    ('title = "A step"', "title = ", "is no TOML"),
    ('question = "Where', 'next = "tyni"\nquestion = "Where', '"next" names the chapter "tyni", and there is none'),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "sentence"), MISTAKES, ids=[each[1][:30] for each in MISTAKES])
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path: Path, good: str, bad: str, sentence: str) -> None:
    assert good in SMALL
    with pytest.raises(DataError) as refused:
        all_chapters([written(tmp_path, SMALL.replace(good, bad, 1))])
    told = str(refused.value)
    assert str(Path("01-a-step") / FILE) in told
    assert sentence in told
    assert told[-1] in ".?"
    assert "\n" not in told.strip()


def test_folders_that_hold_no_chapters(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder of chapters"):
        read_chapters(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no chapters"):
        read_chapters(tmp_path)
    with pytest.raises(DataError, match="small letters and hyphens"):
        read_chapters(written(tmp_path, SMALL, "01-A Step"))


def test_exactly_one_choice_has_to_be_right(tmp_path: Path) -> None:
    client = Client(chapters=written(tmp_path, SMALL.replace("w_move > 0", "w_move < 1")))
    with pytest.raises(DataError, match="exactly one has to be right by what is measured, and it is 1, 2"):
        asked(client, "a-step", stage="answer", settings={})


ON_OPENING = [
    ('right_if = "w_move < 0"', 'right_if = "w_first_step > 9"', "predict.choices: exactly one has", "none."),
    ("w is {w_start:2}", "w is {v_start:2}", "text (number 1) is never said", "v_start is not measured"),
    ('not_quite_true = ["At', 'not_quite_true = [{ say = "No", if = "rate > 1" }, "At', "not_quite_true (number", ""),
    ("w_crossings > 0", "v_crossings > 0", 'answer (number 3) asks for "v_crossings"', "has no parameter v."),
    ("(w - 3)^2", "(w - 3", "state.settings: ", "("),
    ("learning_rate = 0.5 }", 'optimizer = "Adamm" }', "also.half.settings: ", "Did you mean"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "sentence", "end"), ON_OPENING, ids=[each[1][:30] for each in ON_OPENING])
def test_what_only_a_run_tells_is_told_when_it_is_opened(
    tmp_path: Path, good: str, bad: str, sentence: str, end: str
) -> None:
    text = SMALL.replace('page = "formulas"', 'page = "formulas"\ncontrols = []', 1)
    assert good in text
    client = Client(chapters=written(tmp_path, text.replace(good, bad, 1)))
    with pytest.raises(DataError) as refused:
        asked(client, "a-step")
    told = str(refused.value)
    assert f"{Path('01-a-step') / FILE}: {sentence}" in told
    assert end in told


def test_a_sentence_may_hold_on_the_screen_alone(tmp_path: Path) -> None:
    loose = 'not_quite_true = [{ say = "At {screen.rate}, not {rate}.", if = "screen.rate > rate" }]'
    text = SMALL.replace('not_quite_true = ["At {half.rate} it lands at {half.w_first_step:2}."]', loose)
    text = text.replace("{steps_to_goal:step}", "{steps:step}")
    client = Client(chapters=written(tmp_path, text))
    own = tomllib.loads(text)["state"]["settings"]
    for rate, said in ((0.1, []), (0.2, ["At 0.2, not 0.1."])):
        told = asked(client, "a-step", stage="answer", settings={**own, "learning_rate": rate})
        assert told["not_quite_true"] == said


def test_reading_chapters_loads_no_torch() -> None:
    program = (
        "import sys; from fallline._lessons._chapter_files import all_chapters; all_chapters([]); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_conditions() -> None:
    measured = {"a": 2.0, "b": Reach(1.0), "zone": "bouncing", "n": 3}
    for text in (
        "a > 1",
        "a >= 2",
        "a == 2.0000000001",
        "a > 1.5 * b",
        'zone == "bouncing"',
        "n == 3",
        "b is measured",
    ):
        assert holds(condition(text), measured), text
    for text in ("a < 1", "a > 3 * b", 'zone != "bouncing"', "c < 1", "c > 1", "c == a", "c is measured", "zone > 1"):
        assert not holds(condition(text), measured), text
    assert holds(condition("c is not measured"), measured)
    for text in ("a", "a < b < n", "a or b", "a = 1", "f(a) > 1", "a > 1; b > 1", "a > [1]", "1 < a"):
        with pytest.raises(ValueError, match="is no condition"):
            condition(text)


def test_places_are_filled_or_the_sentence_is_left_out() -> None:
    measured = {"rate": Rate(0.01), "x.share": Share(0.25), "n": 1, "loss": float("nan"), "zone": "bouncing"}
    said = "{rate} {x.share} {n:step} {loss} {zone}"
    assert [place.name for place in places(said)] == ["rate", "x.share", "n", "loss", "zone"]
    assert filled(said, measured) == "0.01 25 % 1 step NaN bouncing"
    assert filled("{rate} {missing}", measured) is None
    assert in_words(Share(0.5), "2") == "0.50"
    assert in_words(12_345) == "12,345"


def test_the_page_for_teachers_has_every_name() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for names in (DESCENT, OF_PARAMETER, GRAPH, OF_NAME, COMPARED, OF_OPTIMIZER, WATCHED, *WHY.values()):
        for name, meaning in names.items():
            assert f"| `{name}` | {meaning} |" in text, name
    example = text.partition("```toml\n")[2].partition("```")[0]
    assert tomllib.loads(example)["state"]["page"] == "formulas"


@pytest.mark.slow
def test_the_example_for_teachers_is_a_chapter(tmp_path: Path) -> None:
    example = DOCS.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    client = Client(chapters=written(tmp_path, example, "13-two-steps"))
    assert asked(client, "two-steps")["text"]
    told = asked(client, "two-steps", stage="answer", settings=tomllib.loads(example)["state"]["settings"])
    assert told["answer"]
    assert told["not_quite_true"]


def test_names_of_measurements() -> None:
    assert is_measure("w_first_step", "formulas")
    assert is_measure("w_flipper_slope", "neuron")
    assert not is_measure("w_slop", "neuron")
    assert is_measure("adam_steps_to_goal", "compare")
    assert not is_measure("zone", "compare")
    assert is_measure("plus_growth", "neuron", "minus")
    assert not is_measure("zone", "neuron", "minus")
