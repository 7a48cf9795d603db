"""Sentences on formulas: which side, which minimum, a saddle, no bottom."""

import pytest

import fallline as fl


def told(**settings: object) -> str:
    return str(fl.explain(fl.fit(**settings)))


@pytest.mark.parametrize(
    ("start", "slope", "rises", "goes", "there"),
    [(5, "4.000", "right", "left", "4.6000"), (1, "−4.000", "left", "right", "1.4000")],
)
def test_the_smallest_example_says_which_side(start: float, slope: str, rises: str, goes: str, there: str) -> None:
    run = fl.fit(formula="(w - 3)^2", start={"w": start}, learning_rate=0.1, epochs=3)
    said = str(fl.explain(run))
    assert f"At w = {start} the slope is {slope}: the loss rises to the {rises}, " in said
    assert f"so w goes {goes}, from {start}.0000 to {there}." in said
    step = str(fl.explain(run, step=0))
    assert (
        f"w: the slope is {slope}, the loss rises as w goes {rises}, so w goes {goes}: {start}.0000 to {there}." in step
    )
    assert f"w: {start}.0000 − 0.1 × {'(−4.000)' if start == 1 else '4.000'} = {there}" in step


@pytest.mark.slow
def test_which_minimum() -> None:
    assert "It found the minimum at w = 3, b = 2, one of 4 that are equally low." in told(
        formula="himmelblau", learning_rate=0.01
    )
    local = told(formula="rastrigin", learning_rate=0.002)
    assert "It ended in a local minimum, at w = 1.98991, b = −0.994959, where the loss is 4.975" in local
    assert "The lowest is 0, at w = 0, b = 0." in local
    lowest = told(formula="rastrigin", learning_rate=0.002, start={"w": 0.1, "b": -0.1})
    assert "It found the minimum at w = 0, b = 0, the lowest there is." in lowest
    assert "minimum" not in told(formula="parabola", learning_rate=0.1)


@pytest.mark.slow
def test_a_saddle_is_no_bottom() -> None:
    said = told(formula="saddle", learning_rate=0.1, start={"w": 1, "b": 0})
    assert "no bottom but a saddle: along b the ground curves down, by −2.000. The slope along it is 0" in said
    assert "no lowest point: along b it falls without end" in said
    assert "no bottom but" not in told(formula="saddle", learning_rate=0.1)
    top = told(formula="-w^2", start={"w": 0}, learning_rate=0.1, epochs=5)
    assert "no bottom but a top" in top


def test_a_trough_has_many_lowest_points() -> None:
    said = told(formula="(w - b)^2", start={"w": 1, "b": 0}, learning_rate=0.1)
    assert "level along a direction, so many points are equally low" in said
    assert "features" not in said


def test_formulas_have_steps_and_no_rows() -> None:
    said = told(formula="ravine", learning_rate=0.001, epochs=20)
    assert said.splitlines()[2] == "the loss (100*w^2 + b^2)/2, from w = 1, b = 10"
    assert "20 steps" in said
    assert "more steps at this rate would finish it" in said
    assert not {"epoch", "row", "typical error"} & set(said.replace("s", "").split())


@pytest.mark.slow
def test_local_limits_say_what_they_rest_on() -> None:
    assert "by the curvature where the run ended" in told(formula="himmelblau", learning_rate=0.01)
    assert "by the curvature where" not in told(formula="ravine", learning_rate=0.01)


@pytest.mark.parametrize("step", [1.5, "0", True, None.__class__])
def test_a_step_is_a_whole_number(step: object) -> None:
    with pytest.raises(fl.OptionError, match="A step is a whole number"):
        fl.explain(fl.fit(epochs=3), step=step)
