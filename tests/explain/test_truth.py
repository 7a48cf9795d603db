"""Every sentence about a step is checked against the numbers it speaks of, on every way a run can end."""

import math
import re
from functools import cache

import numpy as np
import pytest

import fallline as fl
from cases import ENDINGS, Setting
from fallline._explain import arithmetic, reach_note, step_beats, step_sentences

NUMBER = r"([−+]?(?:[\d,]*\.?\d+(?:e−?\d+)?|∞)|NaN)"


def read(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf").replace(",", "").strip("()"))


def unit(text: str) -> float:
    """Half of the last digit shown."""
    mantissa, _, power = text.replace("−", "-").replace(",", "").strip("()").partition("e")
    if not re.search(r"\d", mantissa):
        return math.inf
    decimals = len(mantissa.partition(".")[2])
    whole = mantissa.lstrip("-+")
    zeros = len(whole) - len(whole.rstrip("0")) if not decimals and len(whole) > 4 else 0
    return 0.5 * 10.0 ** (zeros - decimals + int(power or 0))


@cache
def run_of(setting: Setting) -> fl.Run:
    return setting.fit()


def sampled(run: fl.Run) -> list[int]:
    length = len(run)
    return sorted({0, 1, 2, 5, 10, length // 2, length - 2, length - 1} & set(range(length)))


def start_of(run: fl.Run, step: int) -> np.ndarray:
    return np.array(run.header.start) if step == 0 else run.columns.parameters[step - 1]


@pytest.fixture(params=ENDINGS, ids=str)
def run(request: pytest.FixtureRequest) -> fl.Run:
    return run_of(request.param)


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
            assert (", so " in said) <= (np.sign(after[k] - before[k]) * np.sign(slope) < 0), said
            assert ("not this slope moved it" in said) <= (np.sign(after[k] - before[k]) * np.sign(slope) > 0), said
            if run.moments is None:
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
        assert read(re.match(rf"Reach {NUMBER}:", said)[1]) == pytest.approx(reach, rel=6e-3, abs=1e-300)
        assert ("still lower" in said) <= (real < 0)
        assert ("higher than it began" in said) == (reach > 2.05)
        assert ("higher than it began" in said) <= (real > 0)
        match = re.search(rf"was {NUMBER} steps like this one away", said)
        if match:
            assert read(match[1]) == pytest.approx(1 / reach, rel=6e-3)


def test_beats_tell_the_change(run: fl.Run) -> None:
    for step in sampled(run):
        gradient, minus, times, move = step_beats(run, step)
        real = float(run.columns.real_change[step])
        assert ("The loss falls" in move) == (real < 0)
        assert ("The loss rises" in move) == (real > 0)
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


def test_arithmetic_adds_up_to_the_digits_shown(run: fl.Run) -> None:
    """``w: a − r × s = c`` or ``w: a ± u = c``: read back, both sides agree to the shown precision."""
    for step in sampled(run):
        if not np.isfinite(run.columns.parameters[step]).all() or not np.isfinite(run.columns.gradient[step]).all():
            continue
        for line in arithmetic(run, step):
            plain = re.fullmatch(rf"\S+: {NUMBER} − {NUMBER} × (\(?{NUMBER}\)?) = {NUMBER}", line)
            if plain:
                before, rate, slope, after = plain[1], plain[2], plain[3], plain[5]
                left = read(before) - read(rate) * read(slope)
                allowed = unit(before) + read(rate) * unit(slope) + abs(read(slope)) * unit(rate) + unit(after)
            else:
                other = re.fullmatch(rf"\S+: {NUMBER} ([+−]) {NUMBER} = {NUMBER}   \(rate × slope alone: .*\)", line)
                assert other, line
                before, sign, update, after = other.groups()
                left = read(before) + (read(update) if sign == "+" else -read(update))
                allowed = unit(before) + unit(update) + unit(after)
            assert abs(left - read(after)) <= 1.01 * allowed, line
