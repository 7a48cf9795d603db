"""Every sentence of fallline's own chapters, filled from real runs, and the truths that the texts rely on."""

import contextlib
import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._compare import TRIALS
from fallline._desk._client import Client
from fallline._formulas import formula
from fallline._lessons import _chapters as chapters
from fallline._lessons._chapter_files import Chapter, all_chapters
from fallline._lessons._chapter_runs import measure_all

pytestmark = pytest.mark.slow

KNOWN = {each.name: each for each in all_chapters([])}
RIGHT = {
    "neuron": 1, "loss": 2, "minus": 1, "rate": 2, "derivative": 1, "bowl": 2, "tiny": 1, "zones": 2, "minima": 1,
    "optimizers": 0, "autograd": 1, "own-network": 1,
}  # fmt: skip
ALWAYS_LEFT_OUT: Mapping[str, int] = {
    "neuron": 5, "loss": 3, "minus": 2, "rate": 1, "bowl": 3, "tiny": 5, "zones": 10, "minima": 7, "own-network": 1,
}  # fmt: skip
"""Sentences of an answer that are not true of the chapter's own run: those for runs that the learner may make."""


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


def told(client: Client, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    read = chapters.chapter({"name": name}, client)["payload"]
    assert isinstance(read, dict)
    request = {"name": name, "stage": "answer", "settings": read["state"]["settings"]}
    answer = chapters.chapter(request, client)["payload"]
    assert isinstance(answer, dict)
    return read, answer


@pytest.mark.parametrize("name", KNOWN)
def test_every_sentence_is_filled_and_one_choice_is_right(client: Client, name: str) -> None:
    chapter = KNOWN[name]
    read, answer = told(client, name)
    assert len(read["text"]) == len(chapter.text)
    assert answer["right"] == RIGHT[name]
    own = [each for each in chapter.not_quite_true if not any("screen." in one.name for one in each.conditions)]
    of_screen = {"neuron": 1, "loss": 2}  # one of several, by what is on the screen
    assert len(answer["not_quite_true"]) == len(own) + of_screen.get(name, 0)
    assert len(answer["answer"]) == len(chapter.answer) - ALWAYS_LEFT_OUT.get(name, 0)
    said = [*read["text"], *answer["answer"], *answer["not_quite_true"], read["predict"]["question"]]
    for sentence in said:
        assert not re.search(r"[{}]|NaN|None| -\d", sentence), sentence
        assert sentence.endswith((".", "?", ")")), sentence


def numbers(client: Client, chapter: Chapter, *names: str) -> list[Any]:
    found = measure_all(chapter, names, client)
    return [getattr(found[name], "value", found[name]) if name in found else None for name in names]


def test_noise_keeps_the_neuron_from_the_rule(client: Client) -> None:
    best, w, b = numbers(client, KNOWN["neuron"], "loss_best", "w_best", "b_best")
    assert best > 0.1
    assert w != 2
    assert b != 1


def test_without_noise_the_neuron_chapter_speaks_of_that(client: Client) -> None:
    for epochs, loose, words in (
        (200, "only came near it", "not there yet"),
        (5000, "it does: after 5,000", "has found it"),
    ):
        request = {"name": "neuron", "stage": "answer"}
        settings = {"learning_rate": 0.01, "data": {"noise": 0}, "epochs": epochs}
        answer = chapters.chapter({**request, "settings": settings}, client)["payload"]
        assert isinstance(answer, dict)
        assert len(answer["not_quite_true"]) == 2
        assert loose in answer["not_quite_true"][0]
        assert "noise moves the points" not in answer["not_quite_true"][0]
        assert words in answer["answer"][-1]


def test_one_far_point_counts_by_its_square(client: Client) -> None:
    usual, far = numbers(client, KNOWN["loss"], "loss_best", "outlier.loss_best")
    assert far > 20 * usual


def test_minus_made_both_numbers_larger_and_the_loss_smaller(client: Client) -> None:
    w, b, slope, first, after = numbers(
        client, KNOWN["minus"], "w_move", "b_move", "w_slope", "loss_first", "loss_after_1"
    )
    assert w > 0
    assert b > 0
    assert slope < 0
    assert after < first


def test_units_move_the_limit_and_tiny_rates_do_not_arrive(client: Client) -> None:
    limit, other, tiny, best = numbers(
        client, KNOWN["rate"], "limit", "standardised.limit", "tiny.loss_last", "tiny.loss_best"
    )
    assert other > 10 * limit
    assert tiny > 100 * best


def test_the_race(client: Client) -> None:
    chapter = KNOWN["derivative"]
    assert numbers(client, chapter, "race.price", "race.budget") == [3, 1000]
    assert "counted as 3 forward passes" in chapter.text[1].say
    assert "1,000 forward passes" in chapter.text[2].say
    coordinate, gradient, slopes, many, win, small_win = numbers(
        client, chapter, "race.coordinate_passes_2", "race.gradient_passes_2", "race.differences_passes_100",
        "race.gradient_passes_100", "race.random_win_2", "race.random_win_100",
    )  # fmt: skip
    assert coordinate < gradient
    assert slopes > 10 * many
    assert win > 5 * small_win


def test_the_arrow_does_not_aim_at_the_lowest_point(client: Client) -> None:
    angle, condition = numbers(client, KNOWN["bowl"], "angle_first", "condition")
    assert 5 < angle < 85
    assert condition > 100


def test_the_tiny_example_by_hand(client: Client) -> None:
    slope, first, one, two, half = numbers(
        client, KNOWN["tiny"], "w_slope", "w_first_step", "one.w_first_step", "one.w_second_step", "half.w_first_step"
    )
    assert [slope, first, one, two, half] == pytest.approx([4, 4.6, 1, 5, 3], rel=1e-6)


def test_folklore_about_rates_is_false_here(client: Client) -> None:
    tenth, thousandth, rises, crossings, limit, measured = numbers(
        client, KNOWN["zones"], "tenth.zone", "thousandth.zone", "loss_rises", "w_crossings", "limit", "limit_measured"
    )
    assert (tenth, thousandth, rises) == ("diverging", "too small", 0)
    assert crossings > 3
    assert measured == pytest.approx(limit, rel=0.01)


def test_himmelblau_has_saddles_and_equal_minima(client: Client) -> None:
    surface = formula("himmelblau")
    assert np.ptp(surface.loss(np.array(surface.minima))) < 1e-9
    saddle = np.array([0.086677504555, 2.884254701175])
    assert np.abs(surface.gradient(saddle)).max() < 1e-6
    low, high = np.linalg.eigvalsh(surface.hessian(saddle))
    assert low < 0 < high
    ridge, beside, last = numbers(client, KNOWN["minima"], "ridge.b_end", "saddle.b_end", "saddle.loss_last")
    assert ridge == 0
    assert beside > 1
    assert last < 0


def test_turning_the_valley_slows_adagrad_and_not_momentum(client: Client) -> None:
    straight, turned, plain, other, adam, adagrad, start, highest, rises, none = numbers(
        client, KNOWN["optimizers"], "straight_adagrad.steps_to_goal", "turned_adagrad.steps_to_goal",
        "straight_momentum.steps_to_goal", "turned_momentum.steps_to_goal", "adam_steps_to_goal",
        "adagrad_steps_to_goal", "adagrad_loss_first", "adagrad_loss_highest", "momentum_loss_rises", "sgd_loss_rises",
    )  # fmt: skip
    assert turned > 10 * straight
    assert other == pytest.approx(plain, rel=0.2)
    assert adam > adagrad
    assert highest > start
    assert rises > none == 0
    assert TRIALS == 30
    assert "best of 30 rates" in KNOWN["optimizers"].predict
    assert formula("ravine").hessian([0.0, 0.0]).tolist() == [[100.0, 0.0], [0.0, 1.0]]
    turned_valley = formula(str(KNOWN["optimizers"].also["turned_adagrad"].settings["formula"]))
    assert np.linalg.eigvalsh(turned_valley.hessian([0.0, 0.0])) == pytest.approx([1, 100])


def test_first_steps_in_the_ravine() -> None:
    w, b = formula("ravine").gradient([1.0, 10.0])[0]
    assert w == 10 * b
    for name in ("Adagrad", "RMSprop", "Adam", "SGD", "momentum"):
        run = fl.fit(formula="ravine", start={"w": 1.0, "b": 10.0}, optimizer=name, learning_rate=0.01, epochs=1)
        step = run.trajectory[1] - run.trajectory[0]
        assert step[0] / step[1] == pytest.approx(10 if name in ("SGD", "momentum") else 1, rel=1e-3), name


def test_the_program_of_autograd_prints_what_the_chapter_says(client: Client) -> None:
    import torch

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(KNOWN["autograd"].code, {})  # noqa: S102  (fallline's own file, as a learner would run it)
    said = re.findall(r"[-\d.]+", printed.getvalue().partition("(")[2])
    assert [float(each.rstrip(".")) for each in said] == pytest.approx([4.8927, 0.2741, 2.6247], abs=1e-4)
    shown = told(client, "autograd")[1]["answer"][0]
    assert "x.grad = [4.8927, 0.2741, 2.6247]" in shown
    x = torch.tensor([2.0], requires_grad=True)
    (x * 3).sum().backward()
    (x * 3).sum().backward()
    assert x.grad is not None
    assert x.grad.item() == 6  # added to what was there


def test_the_watched_network(client: Client) -> None:
    chapter = KNOWN["own-network"]
    same, outcome, alarm, larger = numbers(
        client, chapter, "same", "larger.outcome", "larger.alarm_step", "larger.too_long"
    )
    assert (same, outcome) == ("yes", "diverged")
    assert alarm is not None
    assert larger > 0
    assert [line.partition("# ")[2][0] for line in chapter.code.splitlines() if "#" in line] == ["1", "2", "3"]
