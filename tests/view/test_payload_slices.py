"""The loss along each step, and what is said of a step that is not plain descent."""

from dataclasses import replace

import numpy as np
import pytest

from fallline._view._parts import step_parts
from fallline._view._payload import build_payload
from view.payload_runs import TEXT, descend, logistic, textbook, textbook_data


def test_a_batch_s_step_is_measured_over_all_rows_as_the_objective_does() -> None:
    run, quadratic = textbook(batch=10, steps=30, rate=0.005)
    drawn = build_payload(run, quadratic, TEXT)["frames"]
    start, end = np.array(drawn["start"]), np.array(drawn["end"])
    promised = np.einsum("tp,tp->t", quadratic.gradient(start), end - start)
    assert drawn["slice_came"] == quadratic.change(start, end).tolist()
    assert drawn["slice_promised"] == pytest.approx(promised.tolist())
    bend = quadratic.curvature_along(end - start)
    for reach, down, curve in zip(drawn["slice_reach"], promised, bend, strict=True):
        assert reach is None if down > 0 else reach == pytest.approx(curve / -down, rel=1e-6)


def test_a_full_batch_s_step_keeps_the_record() -> None:
    run, quadratic = textbook(steps=20)
    columns = replace(run.columns, reach_measured=np.arange(20) % 2 == 0)
    reach = build_payload(replace(run, columns=columns), quadratic, TEXT)["frames"]["slice_reach"]
    assert [value is None for value in reach] == [False, True] * 10


def test_a_tiny_step_of_a_batch_has_no_reach_made_of_rounding() -> None:
    features, target = textbook_data()
    run, quadratic = descend(features, target, start=(2.0, 1.0), rate=1e-17, steps=4, batch=50)
    assert build_payload(run, quadratic, TEXT)["frames"]["slice_reach"] == [None] * 4


@pytest.mark.parametrize(
    ("options", "plain"),
    [({}, True), ({"momentum": 0.0}, True), ({"momentum": 0.9}, False), ({"weight_decay": 0.1}, False)],
)
def test_only_plain_descent_crosses_at_half_the_limit_and_has_no_parts(options: dict[str, object], plain: bool) -> None:
    run, quadratic = textbook(steps=5)
    run = replace(run, header=replace(run.header, optimizer_options=options))
    crossing = build_payload(run, quadratic, TEXT)["rate"]["crossing"]
    assert (crossing is not None, step_parts(run) is None) == (plain, plain)


@pytest.mark.slow
def test_the_kind_of_a_limit_is_its_text() -> None:
    run, quadratic = textbook(steps=5)
    assert build_payload(run, quadratic, TEXT)["rate"]["kind"] == "provable"
    assert type(build_payload(run, quadratic, TEXT)["rate"]["kind"]) is str
    assert build_payload(*logistic(steps=3), TEXT)["rate"]["kind"] == ""


def test_the_first_step_that_is_not_finite() -> None:
    run, quadratic = textbook(steps=8)
    assert run.columns.first_not_finite is None
    full = run.columns.full_loss.copy()
    full[5] = np.inf
    run = replace(run, columns=replace(run.columns, full_loss=full))
    assert build_payload(run, quadratic, TEXT)["first_not_finite"] == run.columns.first_not_finite == 5
    unmeasured = replace(run.columns, full_loss_measured=np.arange(8) != 5)
    assert unmeasured.first_not_finite is None
