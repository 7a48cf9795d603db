"""The textbook run is the plain script, bit by bit, and its numbers are the ones that are told everywhere."""

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl


def plain_script() -> tuple[list[float], list[list[float]], list[list[float]]]:
    """Losses, gradients and parameters of the script that everybody writes first."""
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    model = nn.Linear(1, 1)
    torch.random.set_rng_state(state)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses, gradients, parameters = [], [], []
    for _ in range(200):
        prediction = model(x)
        loss = loss_fn(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        gradients.append([model.weight.grad.item(), model.bias.grad.item()])
        parameters.append([model.weight.item(), model.bias.item()])
    return losses, gradients, parameters


@pytest.fixture(scope="module")
def run() -> fl.Run:
    return fl.fit()


def test_every_step_is_the_plain_scripts(run: fl.Run) -> None:
    losses, gradients, parameters = plain_script()
    assert run.columns.loss.tolist() == losses
    assert run.columns.gradient.tolist() == gradients
    assert run.columns.parameters.tolist() == parameters


def test_the_told_numbers(run: fl.Run) -> None:
    summary = run.summary
    assert summary is not None
    assert summary.first_loss == pytest.approx(192.53, abs=0.005)
    assert summary.stability_limit == pytest.approx(0.0292, abs=5e-5)
    assert summary.condition_number == pytest.approx(138, abs=0.5)
    assert summary.share_of_limit == pytest.approx(0.34, abs=0.005)
    assert summary.outcome is fl.Outcome.DESCENDING
    assert summary.limit_kind == "provable"
    assert len(run) == 200


def test_reach_begins_at_0_69_and_ends_at_0_005(run: fl.Run) -> None:
    assert run.columns.reach_measured.all()
    assert run.columns.reach[0] == pytest.approx(0.69, abs=0.006)
    assert run.columns.reach[-1] == pytest.approx(0.005, abs=1e-4)


@pytest.mark.slow
def test_steps_to_finish_are_the_ones_it_takes(run: fl.Run) -> None:
    """In float64, so that the end is not blurred: one epoch fewer is not enough."""
    exactly = fl.fit(dtype="float64", epochs=200).summary.steps_to_finish
    assert exactly is not None
    assert fl.fit(dtype="float64", epochs=200 + exactly).summary.outcome is fl.Outcome.CONVERGED
    assert fl.fit(dtype="float64", epochs=199 + exactly).summary.outcome is fl.Outcome.DESCENDING
    assert run.summary.steps_to_finish == pytest.approx(427, abs=1)


def test_the_frame_of_steps(run: fl.Run) -> None:
    frame = run.steps
    assert frame.columns == [
        "step", "epoch", "learning_rate", "loss", "real_change", "first_order_change", "reach", "full_loss",
        "w", "slope_w", "b", "slope_b",
    ]  # fmt: skip
    assert frame.height == 200
    assert frame["w"].to_list() == run.columns.parameters[:, 0].tolist()
    assert np.array_equal(frame["slope_b"].to_numpy(), run.columns.gradient[:, 1])
