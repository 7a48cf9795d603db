"""Whatever was recorded, it can be explained: NaN, infinity, no slope at all."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import fallline as fl
from cases import ABSOLUTE, OVERLAPPING, SEVERAL, TILTED, Case
from fallline._explain import arithmetic, step_beats, step_sentences, verdict
from fallline._reach import measure_reach

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 5e-324, 1.0, -1.0]),
    st.floats(),
)


@st.composite
def records(draw: st.DrawFn) -> fl.Run:
    """A run of three steps whose numbers are anything at all; the masks are the product's own."""
    case: Case = draw(st.sampled_from([TILTED, SEVERAL, ABSOLUTE, OVERLAPPING]))
    optimizer = draw(st.sampled_from(["SGD", "Adam", "momentum"]))
    run = fl.fit(case.data, loss=case.loss, epochs=3, learning_rate=0.1, optimizer=optimizer)
    columns = run.columns
    P = columns.parameters.shape[1]
    first, real = (draw(arrays(np.float64, 3, elements=VALUES)) for _ in range(2))
    none = np.zeros(3)
    with np.errstate(all="ignore"):
        reach, measured = measure_reach(first, 2 * (real - first), none, none)
    anything = dataclasses.replace(
        columns,
        loss=draw(arrays(np.float64, 3, elements=VALUES)),
        full_loss=draw(arrays(np.float64, 3, elements=VALUES)),
        gradient=draw(arrays(np.float64, (3, P), elements=VALUES)),
        parameters=draw(arrays(np.float64, (3, P), elements=VALUES)),
        first_order_change=first,
        real_change=real,
        reach=reach,
        reach_measured=measured,
    )
    summary = dataclasses.replace(
        run.summary,
        outcome=draw(st.sampled_from(list(fl.Outcome))),
        last_loss=draw(VALUES),
        learned={name: draw(VALUES) for name in run.summary.learned},
    )
    return dataclasses.replace(run, columns=anything, summary=summary)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(run=records())
def test_explain_never_raises(run: fl.Run) -> None:
    assert str(fl.explain(run))
    assert verdict(run)
    for step in range(3):
        assert str(fl.explain(run, step=step))
        assert len(step_beats(run, step)) == 4
        assert all(step_sentences(run, step))
        assert all(arithmetic(run, step))


def test_steps_are_counted_from_either_end() -> None:
    run = fl.fit(TILTED.data, epochs=3)
    assert fl.explain(run, step=-1) == fl.explain(run, step=2)
    for step in (3, -4):
        with pytest.raises(fl.OptionError, match=f"There is no step {step}: this run has 3 steps, 0 to 2"):
            fl.explain(run, step=step)
