"""Questions that cannot be asked, and rates that are chosen."""

import json
from functools import cache
from io import StringIO

import numpy as np
import pytest
import torch

from cases import RAVINE, ROUND
from fallline._cli._screen import Screen
from fallline._cli._show_answer import as_json, show_answer
from fallline._errors import OptionError
from fallline._problem import given_problem
from fallline._question import why
from fallline._records import Answer, Facts
from fallline._why import QUESTIONS
from fallline._why._ask import SAMPLED_ROWS, _sampled, usual_rate


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"question": "minimun"},
            'no question "minimun": ask why minus, rate, derivative, minimum. Did you mean "minimum"',
        ),
        ({"question": "minus", "price": 3.0}, "Only why derivative has a price"),
        ({"question": "derivative", "price": 0.5}, "1 forward pass or more"),
        ({"question": "derivative", "price": float("nan")}, "1 forward pass or more"),
        ({"question": "minimum", "loss": "bce"}, "asked on formulas"),
        ({"question": "minimum", "data": ROUND.data}, "asked on formulas"),
        ({"question": "minimum", "start": {"w": 1.0}}, "A start goes with one formula"),
        ({"question": "minimum", "standardise": True}, "asked on formulas"),
        ({"question": "minimum", "formula": "exp(w)"}, "From none of 576 starts was a minimum of exp(w) found"),
        ({"question": "minimum", "formula": "saddle", "start": {"q": 3.0}}, 'no parameter "q"'),
        ({"question": "minimum", "formula": "saddle", "start": {"w": 3.0}}, "it chooses its starts itself"),
        ({"question": "minimum", "formula": "sin(w)", "start": {"w": 3.0}}, "it chooses its starts itself"),
        ({"question": "minimum", "formula": "parabola", "start": {"w": 3.0}}, "every slope is 0"),
        ({"question": "derivative", "start": {"q": 3.0}}, 'no parameter "q"'),
        ({"question": "minus", "formula": "(w - 3)^2", "start": {"w": 3.0}}, "every slope is 0"),
        ({"question": "rate", "formula": "log(w)", "start": {"w": -1.0}}, "At the start (w = -1) the loss is nan"),
        ({"question": "derivative", "formula": "rosenbrok"}, 'Did you mean "rosenbrock"'),
        ({"question": "minus", "start": {"c": 1.0}}, 'no parameter "c"'),
    ],
)
def test_one_clear_sentence(asked: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError) as refused:
        why(**asked)
    assert said in str(refused.value)


def test_half_of_a_limit_that_holds_everywhere() -> None:
    for problem in (given_problem(RAVINE.data, standardise=False), given_problem(formula="ravine")):
        quadratic = problem.quadratic
        assert quadratic is not None
        start = problem.starting_point(None, seed=0)
        assert usual_rate(problem, start) == pytest.approx(1 / float(quadratic.eigenvalues[0]))


@pytest.mark.slow
def test_elsewhere_a_rate_that_went_down() -> None:
    problem = given_problem(formula="himmelblau")
    start = problem.starting_point(None, seed=0)
    rate = usual_rate(problem, start)
    at = start
    for _ in range(200):
        at = at - rate * problem.objective.gradient(at)[0]
    assert float(problem.objective.loss(at)[0]) < 1e-6


def test_many_rows_without_moments_are_sampled() -> None:
    rows = (np.linspace(-1, 1, 5 * SAMPLED_ROWS), np.tile([0.0, 1.0], 5 * SAMPLED_ROWS // 2))
    assert _sampled(given_problem(rows, loss="bce")).rows == SAMPLED_ROWS
    assert _sampled(given_problem(rows)).rows == 5 * SAMPLED_ROWS


PRICED = [pytest.param(each, marks=pytest.mark.slow) if each == "minimum" else each for each in QUESTIONS]
"""Its five surfaces are more work than all that the others measure."""


@cache
def answer_to(question: str) -> Answer:
    """With the program's random states looked at before and after."""
    state = torch.random.get_rng_state()
    drawn = np.random.get_state()[1].copy()
    answer = why(question, price=3.0) if question == "derivative" else why(question)
    assert torch.equal(state, torch.random.get_rng_state())
    assert (np.random.get_state()[1] == drawn).all()
    return answer


@pytest.mark.slow
def test_the_number_of_threads_is_left_alone() -> None:
    """Two of them, since the tests have one and a command sets one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        why("rate")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_is_well_formed(question: str) -> None:
    """Tables are rectangular, series have an y for each x, sentences end, and no number went missing in them."""
    answer = answer_to(question)
    assert answer.question == question
    assert answer.title.endswith("?")
    for section in answer.sections:
        assert section.heading
        assert all(sentence.endswith((".", '."')) for sentences in section.paragraphs for sentence in sentences)
        assert not any("NaN" in sentence for sentences in section.paragraphs for sentence in sentences)
        for exhibit in section.exhibits:
            if isinstance(exhibit, Facts):
                assert all(len(row) == len(exhibit.columns) == len(exhibit.numeric) for row in exhibit.rows)
                assert exhibit.rows
            else:
                assert all(len(series.x) == len(series.y) > 0 for series in exhibit.series)
                assert all((np.diff(series.x) > 0).all() for series in exhibit.series)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 80, 132])
@pytest.mark.parametrize("question", PRICED)
def test_an_answer_fits_every_screen(question: str, columns: int) -> None:
    out = StringIO()
    show_answer(Screen(out, out, columns), answer_to(question), None)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    told = " ".join(out.getvalue().split())
    for section in answer_to(question).sections:
        assert all(" ".join(sentences) in told for sentences in section.paragraphs)
        for exhibit in section.exhibits:
            if isinstance(exhibit, Facts):
                assert all(cell in told for row in exhibit.rows for cell in row)


@pytest.mark.parametrize("question", PRICED)
def test_json_holds_the_same(question: str) -> None:
    answer = answer_to(question)
    told = json.loads(as_json(answer, None), parse_constant=pytest.fail)
    assert told["schema"] == "fallline.why/1"
    assert (told["question"], told["problem"], told["summary"]) == (question, answer.problem, answer.summary)
    assert told["numbers"].keys() == answer.numbers.keys()
    for section, written in zip(answer.sections, told["sections"], strict=True):
        assert written["paragraphs"] == [list(sentences) for sentences in section.paragraphs]
        for exhibit, shown in zip(section.exhibits, written["exhibits"], strict=True):
            assert shown["kind"] == ("facts" if isinstance(exhibit, Facts) else "curves")
            assert shown["title"] == exhibit.title
