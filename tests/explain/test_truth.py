"""Every sentence about a step is checked against the numbers it speaks of, on every way a run can end."""

import dataclasses
import math
import re

import numpy as np
import pytest

import fallline as fl
from cases import COLLINEAR, ENDINGS, TILTED
from explain.written import EQUATION, NUMBER, holds_as_written, read, unit
from fallline._explain import arithmetic, reach_note, step_beats, step_sentences


def sampled(run: fl.Run) -> list[int]:
    length = len(run)
    return sorted({0, 1, 2, 5, 10, length // 2, length - 2, length - 1} & set(range(length)))


def start_of(run: fl.Run, step: int) -> np.ndarray:
    return np.array(run.header.start) if step == 0 else run.columns.parameters[step - 1]


@pytest.fixture(params=ENDINGS, ids=str)
def run(request: pytest.FixtureRequest) -> fl.Run:
    return request.param.run


def test_closer_farther_and_directions(run: fl.Run) -> None:
    for step in sampled(run):
        before, after = start_of(run, step), run.columns.parameters[step]
        for k, name in enumerate(run.header.parameter_names):
            (said,) = [line for line in step_sentences(run, step) if line.startswith(f"{name}: ")]
            slope = run.columns.gradient[step, k]
            went = re.search(rf"(?:so|yet) {re.escape(name)} goes (up|down)", said)
            if went:
                assert (went[1] == "up") == (after[k] > before[k]), said
                assert after[k] != before[k], said
            assert (f"rises as {name} goes up" in said) == (np.isfinite(slope) and slope > 0), said
            assert (f"rises as {name} goes down" in said) == (np.isfinite(slope) and slope < 0), said
            assert (f"so {name} stays" in said or f"; {name} stays" in said) <= (after[k] == before[k]), said
            assert (f", so {name} goes" in said) <= (np.sign(after[k] - before[k]) * np.sign(slope) < 0), said
            assert ("not this slope moved it" in said) <= (np.sign(after[k] - before[k]) * np.sign(slope) > 0), said
            if run.summary.exact is None:  # no optimum, or no single one
                assert " away (" not in said
                assert "closer" not in said
                assert "farther" not in said
                continue
            best = run.moments.optimum[k]
            was, now = abs(before[k] - best), abs(after[k] - best)
            assert ("closer now" in said) <= (now < was), said
            assert ("farther now" in said) <= (now > was), said
            assert ("jumps past" in said) <= (np.sign(before[k] - best) * np.sign(after[k] - best) < 0), said


def test_promise_and_what_came(run: fl.Run) -> None:
    for step in sampled(run):
        first, real = float(run.columns.first_order_change[step]), float(run.columns.real_change[step])
        text = " ".join(step_sentences(run, step))
        if not (math.isfinite(first) and math.isfinite(real)):
            assert "fall" not in text
            assert "rose" not in text
            continue
        assert ("promised a fall" in text) <= (first <= 0), text
        assert ("tangent went up" in text) <= (first > 0), text
        assert ("rose by" in text) <= (real >= 0), text
        assert ("did not change" in text) <= (first == real == 0), text
        match = re.search(rf"promised a fall of {NUMBER} .*and {NUMBER} came, {NUMBER} % of it", text)
        if match:
            promised, came, share = map(read, match.groups())
            assert promised == pytest.approx(-first, rel=1e-3)
            assert came == pytest.approx(-real, rel=1e-3)
            assert share == pytest.approx(100 * real / first, rel=0.01, abs=0.51)


def test_reach_sentence(run: fl.Run) -> None:
    for step in sampled(run):
        said = step_sentences(run, step)[-1]
        real = float(run.columns.real_change[step])
        if not run.columns.reach_measured[step]:
            assert said == f"Reach is not defined for this step: {reach_note(run, step)}."
            assert reach_note(run, step)
            continue
        reach = float(run.columns.reach[step])
        assert reach_note(run, step) == ""
        assert read(re.match(rf"Reach {NUMBER}:", said)[1]) == pytest.approx(reach, rel=0.051, abs=1e-300)
        assert ("of the parabola through it" in said) == (run.moments is None and reach > 0), said
        assert ("the bottom ahead" in said) == (run.moments is not None), said
        assert ("straight to rounding" in said) == (reach == 0), said
        assert ("still lower" in said) <= (real < 0)
        assert ("higher than it began" in said) == (reach > 2.05)
        assert ("higher than it began" in said) <= (real > 0)
        assert ("timid" in said) == (0 < reach < 0.1), said
        match = re.search(r"this step covers 1/([\d.,]+)( million| billion| trillion)? of the way", said)
        assert bool(match) <= ("timid" in said), said
        if match:
            size = {None: 1.0, " million": 1e6, " billion": 1e9, " trillion": 1e12}[match[2]]
            assert read(match[1]) * size == pytest.approx(1 / reach, rel=0.051)
        part = re.search(rf": {NUMBER} % of the way to", said)
        assert bool(part) == (0.1 <= reach < 0.95), said
        if part:
            assert read(part[1]) == pytest.approx(100 * reach, abs=0.501)


def test_beats_tell_the_change(run: fl.Run) -> None:
    for step in sampled(run):
        gradient, minus, times, move = step_beats(run, step)
        real = float(run.columns.real_change[step])
        loss = "The loss" if run.header.full_batch else "The loss of the batch"
        assert (f"{loss} falls by " in move) == (-math.inf < real < 0)
        assert (f"{loss} rises by " in move) == (math.inf > real > 0)
        assert (f"{loss} stays" in move) == (real == 0)
        slopes = run.columns.gradient[step]
        assert ("uphill" in gradient) == ("downhill" in minus) == bool(np.isfinite(slopes).all() and slopes.any())
        assert ("no longer finite" in move) == math.isnan(real)
        assert gradient.startswith("Gradient: ")
        assert minus.startswith("Minus: ")
        assert times


def test_no_direction_is_claimed_from_nan(run: fl.Run) -> None:
    for step in sampled(run):
        for k, name in enumerate(run.header.parameter_names):
            if np.isfinite(run.columns.gradient[step, k]):
                continue
            (said,) = [line for line in step_sentences(run, step) if line.startswith(f"{name}: ")]
            assert "there is no direction in that" in said
            assert not re.search(r"goes|rises|closer|farther", said)


def is_written(text: str, value: float, figures: int = 4) -> bool:
    """Is this the value, rounded to the last digit shown or to so many significant figures?"""
    return abs(read(text) - value) <= max(0.500001 * unit(text), 0.500001 * abs(value) * 10.0 ** (1 - figures))


def test_arithmetic_holds_to_the_last_digit_or_says_that_it_does_not(run: fl.Run) -> None:
    """``w: a − r × s = c``, done again with the written digits; and every number is the one of the record."""
    for step in sampled(run):
        columns, start = run.columns, start_of(run, step)
        if not np.isfinite(columns.parameters[step]).all() or not np.isfinite(columns.gradient[step]).all():
            assert not any(" = " in line for line in arithmetic(run, step) if re.search("NaN|∞", line))
            continue
        assert len(arithmetic(run, step)) == len(start)
        rate = float(columns.learning_rate[step])
        for k, line in enumerate(arithmetic(run, step)):
            name, _, equation = line.partition(": ")
            assert name == run.header.parameter_names[k]
            slope, after = float(columns.gradient[step, k]), float(columns.parameters[step, k])
            parts = EQUATION.fullmatch(equation)
            assert bool(parts) == run.header.plain_descent, line
            if parts:
                assert holds_as_written(equation) or parts[5] == "≈", line
                values, texts = (start[k], rate, slope, after), (parts[1], parts[2], parts[4], parts[6])
                assert all(map(is_written, texts, values)), line
                continue
            other = re.fullmatch(
                rf"{NUMBER} to {NUMBER}, a change of {NUMBER}   \(rate × slope alone: {NUMBER}\)", equation
            )
            assert other, line
            values = (start[k], after, after - start[k], -rate * slope)
            assert all(map(is_written, other.groups(), values)), line
            assert (other[1] == other[2]) == (start[k] == after), line


def test_most_of_the_textbook_arithmetic_is_exact_as_written() -> None:
    run = fl.fit()
    lines = [line for step in range(len(run)) for line in arithmetic(run, step)]
    assert sum(holds_as_written(line.partition(": ")[2]) for line in lines) >= 0.7 * len(lines)


@pytest.mark.parametrize(
    ("slopes", "uphill"),
    [
        ((np.nan, 1.0), False),
        ((np.inf, 1.0), False),
        ((-np.inf, np.nan), False),
        ((0.0, 0.0), False),
        ((0.0, 1.0), True),
        ((-3.0, 1.0), True),
    ],
)
def test_beats_claim_no_direction_that_there_is_not(slopes: tuple[float, float], uphill: bool) -> None:
    run = fl.fit(TILTED.data, learning_rate=0.01, epochs=3, dtype="float64")
    columns = dataclasses.replace(run.columns, gradient=np.tile(slopes, (3, 1)))
    gradient, minus, times, _ = step_beats(dataclasses.replace(run, columns=columns), 1)
    assert ("It points uphill" in gradient) == uphill
    assert ("downhill" in minus) == uphill
    assert ("NaN" in gradient) == ("NaN" in times) == any(map(math.isnan, slopes))
    if slopes == (np.inf, 1.0):
        assert (gradient, minus) == ("Gradient: the slope here is w ∞ and b 1.000.", "Minus: w −∞ and b −1.000.")


def test_a_step_on_straight_ground_says_so() -> None:
    """Far from every kink the mean absolute error is a plane."""
    run = fl.fit(TILTED.data, loss="mae", learning_rate=1e-4, start={"w": 50.0, "b": 300.0}, epochs=3, dtype="float64")
    for step in range(3):
        said = step_sentences(run, step)[-1]
        assert said == "Reach 0: the ground ahead is straight to rounding, no bottom is in sight."


@pytest.mark.slow
def test_a_square_has_a_bottom_ahead_of_every_step() -> None:
    """At the end of 3,000 epochs the slopes are rounding; that is no reason to say that the bowl bends down."""
    run = fl.fit(learning_rate=0.02, epochs=3000)
    assert not run.columns.reach_measured.all()
    notes = {reach_note(run, step) for step in range(len(run))}
    assert notes <= {"", "nothing moved", "the slope along the step is below rounding"}
    assert np.isfinite(run.columns.reach[run.columns.reach_measured]).all()


def test_where_features_repeat_one_another_no_parameter_is_said_to_come_closer() -> None:
    run = fl.fit(COLLINEAR.data, epochs=30)
    assert run.summary.exact is None
    for step in range(30):
        assert not re.search(r"closer|farther| away|best value|slanted", " ".join(step_sentences(run, step)))
