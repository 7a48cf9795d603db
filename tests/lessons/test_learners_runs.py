"""What a chapter says of the run on the screen, where a learner bent it, noised it or started it elsewhere."""

from typing import Any

import pytest

from fallline._desk._client import Client
from fallline._lessons import _chapters as chapters

BENT = {"learning_rate": 0.01, "rate_changes": [[50, 0.1]]}
TINY = {"formula": "(w - 3)^2", "start": [5.0], "epochs": 50}


@pytest.mark.parametrize(
    ("name", "settings", "said", "unsaid"),
    [
        pytest.param(
            "neuron",
            BENT,
            "0.01, 0.1 from step 50 on, and 0.1 is too large",
            "rate 0.01 is too large",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "neuron",
            {"learning_rate": 0.01, "data": {"noise": 3}},
            "has w = 1.999 and b = 1.115",
            "noise moves",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "neuron",
            {"learning_rate": 0.01, "data": {"kind": "points", "x": [0, 9], "y": [5, 3]}},
            "one line",
            "y = 2x",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "loss",
            {"learning_rate": 0.01, "loss": "mae"},
            "in the chapter's own run the last loss",
            "any line has here",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "loss",
            {"learning_rate": 0.01, "data": {"noise": 0}},
            "on one line, as here",
            "These points scatter",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "neuron",
            {"learning_rate": 1e-6, "data": {"noise": 0}},
            "A neuron is a straight line",
            "only came near it",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "neuron",
            {"learning_rate": 0.01, "data": {"noise": 0}},
            "only came near it",
            "these points lie on no line",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "minima",
            {"formula": "sqrt(w^2+1)-w^3", "start": [-2], "learning_rate": 1, "epochs": 20},
            "went down until",
            "too long",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "minima",
            {"formula": "w^4 + b^2", "start": [1, 1], "learning_rate": 0.1, "epochs": 20},
            "After 20 steps it is at",
            "diverged",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "zones",
            {"learning_rate": 0.01, "loss": "huber", "data": {"noise": 3}},
            "just right",
            "Predicted limit",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "own-network", {"learning_rate": 10}, "8 of 160 steps were measured", "42", marks=pytest.mark.slow
        ),
        pytest.param("loss", {"learning_rate": 0.1}, "above 0.02919", "Take a smaller", marks=pytest.mark.slow),
        pytest.param("bowl", BENT, "its loss grew", "its steps grow", marks=pytest.mark.slow),
        pytest.param(
            "tiny",
            {**TINY, "learning_rate": 0.1, "optimizer": "nesterov"},
            "nesterov true",
            "The first step",
            marks=pytest.mark.slow,
        ),
        ("tiny", {**TINY, "learning_rate": 5, "epochs": 200}, "from step 20 on", "other side"),
        ("tiny", {**TINY, "learning_rate": 1.1, "rate_changes": [[3, 0.001], [40, 60]]}, "at 13 of 50", "Every step"),
        pytest.param(
            "tiny",
            {**TINY, "learning_rate": 1.1},
            "Every step landed farther away",
            "too large",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "minima",
            {"formula": "saddle", "start": [1, 1], "learning_rate": 0.9},
            "went down until",
            "too long",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "minima",
            {"formula": "himmelblau", "start": [0, 0], "learning_rate": 0.1},
            "were too long",
            "went down",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_said_is_true_of_the_learners_run(
    truths: Client, name: str, settings: dict[str, Any], said: str, unsaid: str
) -> None:
    told: Any = chapters.chapter({"name": name, "stage": "answer", "settings": settings}, truths)["payload"]
    words = " ".join([told["of"], *told["answer"], *told["not_quite_true"]])
    assert said in words
    assert unsaid not in words.replace("numbers became too large", "")


@pytest.fixture(scope="module")
def truths() -> Client:
    return Client()
