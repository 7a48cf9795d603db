"""docs/semantics.md: first-order change, real change, reach, as recorded beside the loop."""

import numpy as np
import pytest
import torch

import fallline as fl
from cases import EVERY_LOSS, HUBER, OVERLAPPING, SEVERAL, TILTED, Case
from fallline._descent import Batches
from fallline._objective import loss_kind
from fallline._quadratic import Quadratic


def path_of(run: fl.Run) -> np.ndarray:
    return np.vstack((np.array(run.header.start), run.columns.parameters))


def batch_loss(case: Case, run: fl.Run, rows: np.ndarray, at: np.ndarray) -> float:
    """Loss of some rows in float64, from the recorded parameters, by PyTorch's own module."""
    output = torch.tensor(run.sample.features[rows] @ at[:-1] + at[-1])
    loss_fn = getattr(torch.nn, loss_kind(case.loss).torch_class)()
    return float(loss_fn(output, torch.tensor(run.sample.target[rows])))


@pytest.mark.parametrize("size", [None, 7])
@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_changes_are_of_the_steps_own_batch(case: Case, size: int | None) -> None:
    run = fl.fit(case.data, loss=case.loss, learning_rate=0.1, epochs=6, batch_size=size, dtype="float64", seed=2)
    path, columns = path_of(run), run.columns
    everything = torch.arange(run.header.rows)
    batches = Batches(everything, everything, size=size, seed=2)
    rows_of = [rows.numpy() for epoch in range(6) for rows in batches.indices(epoch)]
    for k, rows in enumerate(rows_of):
        before, after = (batch_loss(case, run, rows, at) for at in path[k : k + 2])
        assert columns.real_change[k] == pytest.approx(after - before, rel=1e-8, abs=1e-12)
        assert columns.loss[k] == pytest.approx(before, rel=1e-12)
        assert columns.first_order_change[k] == pytest.approx(columns.gradient[k] @ (path[k + 1] - path[k]), rel=1e-12)


@pytest.mark.parametrize("size", [None, 7])
def test_full_loss_is_measured_where_an_epoch_ends(size: int | None) -> None:
    run = fl.fit(SEVERAL.data, learning_rate=0.1, epochs=5, batch_size=size)
    per_epoch = len(run) // 5
    assert np.flatnonzero(run.columns.full_loss_measured).tolist() == list(range(per_epoch - 1, len(run), per_epoch))
    for k in np.flatnonzero(run.columns.full_loss_measured):
        everything = np.arange(run.header.rows)
        assert run.columns.full_loss[k] == pytest.approx(
            batch_loss(SEVERAL, run, everything, run.columns.parameters[k]), rel=1e-10
        )


@pytest.mark.parametrize("rate", [1e-5, 1e-3, 0.1, 0.19])
def test_reach_is_the_curvature_over_the_slope(rate: float) -> None:
    """ΔθᵀHΔθ / (−∇L·Δθ), on the loop's own float64 steps."""
    run = fl.fit(TILTED.data, standardise=False, learning_rate=rate / 3, epochs=30, dtype="float64")
    quadratic, path = Quadratic(run.moments), path_of(run)
    update = np.diff(path, axis=0)
    expected = quadratic.curvature_along(update) / -np.einsum("tp,tp->t", quadratic.gradient(path[:-1]), update)
    measured = run.columns.reach_measured
    assert measured[:5].all()
    assert run.columns.reach[measured] == pytest.approx(expected[measured], rel=1e-9)


def test_reach_of_a_batch_is_of_its_own_rows() -> None:
    """2·mean(p²) over the rows of the step, p the change of the prediction."""
    run = fl.fit(SEVERAL.data, learning_rate=0.05, epochs=6, batch_size=7, dtype="float64", seed=2)
    everything = torch.arange(run.header.rows)
    batches = Batches(everything, everything, size=7, seed=2)
    path = path_of(run)
    for k, rows in enumerate(rows.numpy() for epoch in range(6) for rows in batches.indices(epoch)):
        update = path[k + 1] - path[k]
        change = run.sample.features[rows] @ update[:-1] + update[-1]
        assert run.columns.reach_measured[k]
        expected = 2 * np.mean(change**2) / -run.columns.first_order_change[k]
        assert run.columns.reach[k] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("case", [HUBER, OVERLAPPING], ids=str)
def test_reach_of_another_loss_is_of_the_parabola_through_the_step(case: Case) -> None:
    run = fl.fit(case.data, loss=case.loss, learning_rate=0.3, epochs=20, dtype="float64")
    first, real, measured = run.columns.first_order_change, run.columns.real_change, run.columns.reach_measured
    assert measured.all()
    assert run.columns.reach == pytest.approx(2 * (1 - real / first), rel=1e-9, abs=1e-9)


@pytest.mark.slow
def test_reach_near_the_bottom_of_a_square_is_not_lost_to_rounding() -> None:
    """Two nearly equal losses say nothing of the curvature; the curvature itself does."""
    run = fl.fit(learning_rate=0.02, epochs=1000, dtype="float64")
    reach = run.columns.reach[run.columns.reach_measured]
    assert len(reach) > 500
    summary = run.summary
    assert (reach >= 0.02 * summary.flattest * (1 - 1e-5)).all()
    assert (reach <= 0.02 * summary.sharpness * (1 + 1e-5)).all()


def test_momentum_that_carries_uphill_has_no_reach() -> None:
    run = fl.fit(optimizer="momentum", learning_rate=0.01, epochs=40)
    uphill = run.columns.first_order_change > 0
    assert uphill.any()
    assert not run.columns.reach_measured[uphill].any()


def test_a_diverged_run_measures_reach_until_it_overflows() -> None:
    run = fl.fit(learning_rate=1.0)
    first = int(np.argmin(np.isfinite(run.columns.loss)))
    assert first > 2
    assert (run.columns.reach[: first - 1] > 2).all()
    assert not run.columns.reach_measured[first:].any()


def test_the_record_keeps_nan_and_infinity() -> None:
    run = fl.fit(learning_rate=1.0)
    assert np.isnan(run.columns.parameters[-1]).all()
    assert np.isinf(run.columns.loss).any()
    assert np.isnan(run.steps["w"].to_numpy()[-1])
    assert run.steps["w"].null_count() == 0
