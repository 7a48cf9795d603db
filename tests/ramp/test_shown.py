"""A ramp in words, as a figure, and on the command line."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fallline as fl
from fallline._cli import run_cli
from fallline._cli._screen import Screen
from fallline._cli._show_ramp import ramp_plot, show_ramp
from fallline._explain import (
    ramp_answer_line,
    ramp_curvature_sentences,
    ramp_end_sentences,
    ramp_numbers,
    ramp_trial_rows,
    rule_rows,
)
from fallline._ramp import ramp
from fallline._records import Ramp, RampEnd


@pytest.fixture(scope="module")
def line() -> Ramp:
    return fl.sweep(method="ramp", seeds=2, learning_rates="1e-5:1:40")


@pytest.fixture(scope="module")
def broken() -> Ramp:
    import torch

    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return ramp(model, lambda output, _: output.sum() * float("nan"), (torch.ones(2, 1), torch.ones(2, 1)), optimizer)


def test_the_answer_is_said_first_with_its_scatter(line: Ramp) -> None:
    assert line.answer is not None
    assert ramp_answer_line(line).startswith("Use 0.0")
    assert "the same with every seed" in ramp_answer_line(line)
    scattered = replace(line, answer=replace(line.answer, low=0.001, high=0.1))
    assert "(0.001 to 0.1 over 2 seeds)" in ramp_answer_line(scattered)


def test_every_rule_stands_beside_the_curvature(line: Ramp) -> None:
    rows = rule_rows(line)
    assert [row[0] for row in rows[1:]] == ["valley", "slide", "minimum / 10", "steepest", "half the limit"]
    silent = replace(line, rules=tuple(replace(each, interval=None, why="because") for each in line.rules))
    assert [row[4] for row in rule_rows(silent)[1:5]] == ["because"] * 4


def test_ends_limits_and_trials_are_told(line: Ramp) -> None:
    assert ramp_end_sentences(line)[0].startswith("Every pass ended where the smoothed loss exploded")
    mixed = replace(line, passes=(line.passes[0], replace(line.passes[1], ended=RampEnd.HIGHEST_RATE)))
    assert [sentence[:4] for sentence in ramp_end_sentences(mixed)] == ["1 of", "1 of"]
    assert "(provable)" in ramp_curvature_sentences(line)[0]
    assert not any("mini-batches" in sentence for sentence in ramp_curvature_sentences(line))
    assert any("mini-batches" in sentence for sentence in ramp_curvature_sentences(replace(line, full_batch=False)))
    assert [row[0] for row in ramp_trial_rows(line)[1:]] == ["a third of it", "the answer", "three times it"]


def test_no_answer_is_said_and_shown(broken: Ramp, capsys: pytest.CaptureFixture[str]) -> None:
    assert ramp_answer_line(broken).startswith("No safe answer: the loss is not finite")
    assert ramp_trial_rows(broken) == []
    assert ramp_plot(broken, 80) == []
    show_ramp(Screen.standard(), broken)
    assert "No safe answer" in capsys.readouterr().out
    assert fl.figures.ramp(broken).layout.yaxis.range is not None


def test_the_figure_shows_every_seed_every_rule_and_the_answer(line: Ramp) -> None:
    figure = fl.figures.ramp(line)
    names = [trace.name for trace in figure.data]
    assert figure.layout.xaxis.type == "log"
    assert {"batches, seed 0", "smoothed, seed 1", "half the limit"} <= set(names)
    for told in line.rules:
        assert (told.rule.value in names) == (told.interval is not None)
    assert line.answer is not None
    assert figure.layout.shapes[0].x0 == line.answer.value
    smoothed = next(trace for trace in figure.data if trace.name == "smoothed, seed 0")
    assert np.array_equal(np.array(smoothed.y), line.passes[0].smoothed)
    with pytest.raises(fl.OptionError, match=r"fl\.figures\.ramp takes"):
        fl.figures.ramp(fl.sweep(learning_rates="0.001:0.01:3"))  # type: ignore[arg-type]  # that is what is refused


def test_numbers_for_programs_are_whole(line: Ramp, broken: Ramp) -> None:
    told = ramp_numbers(line)
    assert told["schema"] == "fallline.ramp/1"
    assert [each["rule"] for each in told["rules"]] == ["valley", "slide", "minimum / 10", "steepest"]
    assert ramp_numbers(broken)["answer"] is None


def test_the_command_line_ramps_a_table_and_says_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["sweep", "--method", "ramp", "--seeds", "1", "--rates", "1e-5:1:30", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "fallline.ramp/1"
    assert told["seeds"] == [0]
    assert len(told["learning_rates"]) == 30


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "rampe"], 'Did you mean "ramp"'),
        (["--method", "ramp", "--formula", "ravine"], "a formula has none"),
        (["--method", "ramp", "--epochs", "3"], "neither a goal nor epochs"),
        (["--method", "ramp", "--report", "page.html"], "has no page"),
        (["math:pi", "--method", "ramp"], "(model, loss_fn, loader, optimizer)"),
    ],
)
def test_bad_usage_gets_one_sentence(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["sweep", *options]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_line_ramps_a_training_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_training_to_ramp.py").write_text(
        "import torch\n"
        "def make():\n"
        "    model = torch.nn.Linear(1, 1)\n"
        "    x = torch.linspace(-1, 1, 16)[:, None]\n"
        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "    return model, torch.nn.MSELoss(), [(x, 2 * x)], optimizer\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert run_cli(["sweep", "own_training_to_ramp:make", "--method", "ramp", "--seeds", "1"]) == 0
    out = capsys.readouterr().out
    assert "Linear, SGD, full batch" in out
    assert "three times it" in out
