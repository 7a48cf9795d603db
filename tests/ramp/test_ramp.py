"""The range test as a whole: losses that fall, rise, stand still, diverge and are no numbers."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._errors import DataError, OptionError
from fallline._ramp import ramp
from fallline._ramp._teller import Teller
from fallline._records import LimitKind, Ramp, RampEnd, Zone
from ramp.cases import case, rates

X = torch.linspace(-1, 1, 16, dtype=torch.float64)[:, None]


def neuron() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(1, 1, dtype=torch.float64)


def ramped(loss_fn: Any, data: Any = None, *, model: nn.Module | None = None, lr: float = 0.1, **options: Any) -> Ramp:
    model = neuron() if model is None else model
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    given = (X, 2 * X + 1) if data is None else data
    return ramp(model, loss_fn, given, optimizer, **({"rates": rates(40), "seeds": (0, 1)} | options))


@pytest.fixture(scope="module")
def line() -> Ramp:
    return fl.sweep(method="ramp")


@pytest.mark.slow
def test_the_textbook_line_lies_where_the_sweep_measured_just_right(line: Ramp) -> None:
    measured = fl.sweep()
    right = next(span for span in measured.zones if span.name is Zone.JUST_RIGHT)
    assert line.answer is not None
    assert right.low <= line.answer.value <= right.high
    assert measured.measured_limit is not None
    assert line.trials[2].learning_rate > right.high
    for trial in line.trials:
        assert trial.descends == (trial.learning_rate < measured.measured_limit)


def test_the_curvature_of_the_line_is_the_known_limit(line: Ramp) -> None:
    limit = fl.sweep().predicted_limit
    assert limit is not None
    assert line.curvature.kind is LimitKind.PROVABLE
    assert line.curvature.half is not None
    assert line.curvature.half.middle == pytest.approx(limit / 2, rel=0.01)
    assert line.full_batch


def test_all_three_trials_are_real_runs_from_the_same_start(line: Ramp) -> None:
    assert [len(each.losses) for each in line.trials] == [3, 3, 3]
    start = line.passes[0].losses[0]
    for trial in line.trials:
        assert trial.losses[0][0] == pytest.approx(start)
        assert np.allclose(trial.before, start)
        assert trial.descends == bool(np.all(trial.after < trial.before))


def test_a_pass_is_the_plain_loop_at_those_rates() -> None:
    chosen = rates(20)
    found = ramped(nn.MSELoss(), rates=chosen)
    model = neuron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for place, loss in enumerate(found.passes[0].losses.tolist()):
        optimizer.param_groups[0]["lr"] = chosen[place]
        optimizer.zero_grad()
        value = nn.functional.mse_loss(model(X), 2 * X + 1)
        assert value.item() == loss
        value.backward()
        optimizer.step()


def test_a_loss_of_nan_from_the_first_batch_has_no_answer() -> None:
    found = ramped(lambda output, _: output.sum() * float("nan"))
    assert found.answer is None
    assert "not finite from the first batch on" in found.advice
    assert all(each.ended is RampEnd.NOT_FINITE for each in found.passes)
    assert all(len(each.losses) == 3 for each in found.passes)
    assert found.trials == ()


def test_a_single_bad_batch_does_not_end_a_pass() -> None:
    good, bad = (X, 2 * X + 1), (X * float("nan"), 2 * X + 1)
    found = ramped(nn.MSELoss(), [good, good, bad, good, good, good])
    assert all(len(each.losses) > 10 for each in found.passes)
    assert any(np.isnan(each.losses).any() for each in found.passes)
    for told in found.rules:
        for place, one in enumerate(found.passes):
            rate, at_nan = told.rates[place], found.rates[: len(one.losses)][np.isnan(one.losses)]
            assert rate is None or rate not in at_nan
    assert any("not finite" in note for note in found.notes)


def test_a_loss_that_rises_has_no_answer_from_the_rules() -> None:
    climbing = neuron()
    optimizer = torch.optim.SGD(climbing.parameters(), lr=0.1, maximize=True)
    up = ramp(climbing, nn.MSELoss(), (X, 2 * X + 1), optimizer, rates=rates(40), seeds=(0,))
    assert all(each.interval is None for each in up.rules)
    assert up.answer is None
    assert "does not fall" in up.advice
    assert "climbs" in up.curvature.why


def test_a_flat_loss_has_no_answer() -> None:
    found = ramped(lambda output, _: (0 * output).sum() + 2)
    assert found.answer is None
    assert "does not fall" in found.advice
    assert found.curvature.half is None


def test_rates_that_begin_too_high_fall_back_on_the_curvature() -> None:
    found = ramped(nn.MSELoss(), rates=np.geomspace(100.0, 1e4, 20))
    assert all(each.ended is not RampEnd.HIGHEST_RATE for each in found.passes)
    assert found.answer is not None
    assert found.curvature.half is not None
    assert found.answer.value == pytest.approx(found.curvature.half.middle, rel=0.01)
    assert "half the stability limit" in found.advice


def test_a_loss_that_diverges_ends_the_pass(line: Ramp) -> None:
    for one in line.passes:
        assert one.ended is RampEnd.EXPLODED
        assert len(one.losses) < len(line.rates)
        assert one.smoothed[-1] > 4 * np.nanmin(one.smoothed) * 0.99


def test_every_batch_is_beside_itself_at_the_start() -> None:
    """At rates that move nothing the two losses are the same, masks of dropout and all."""
    one = case()
    tiny = np.geomspace(1e-30, 1e-29, 20)
    found = ramp(one.model, one.loss_fn, one.loader, one.optimizer, rates=tiny, seeds=(0, 1))
    for each in found.passes:
        assert np.array_equal(each.losses, each.start_losses)
    assert not np.array_equal(found.passes[0].losses, found.passes[1].losses)
    assert all(told.interval is None for told in found.rules)


@pytest.mark.slow
def test_batch_norm_is_curved_as_it_is_trained_over_one_batch() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)).double()
    found = ramped(nn.MSELoss(), [(X[:8], X[:8]), (X[8:], X[8:])], model=model, seeds=(0,))
    assert found.curvature.half is not None
    assert found.curvature.rows == 8
    assert any("from the one batch" in note for note in found.curvature.notes)


@pytest.mark.slow
def test_intervals_cover_the_seeds() -> None:
    one = case("Adam")
    found = ramp(one.model, one.loss_fn, one.loader, one.optimizer, rates=rates(40), seeds=(0, 1, 2))
    assert not found.full_batch
    for told in found.rules:
        given = [rate for rate in told.rates if rate is not None]
        assert (told.interval is None) == (not given)
        if told.interval is not None:
            assert (told.interval.low, told.interval.high) == (min(given), max(given))
            assert told.interval.seeds == len(given)
    assert found.curvature.half is None  # batch norm and dropout: no function of the parameters
    assert "no function of the parameters" in found.curvature.why
    again = ramp(one.model, one.loss_fn, one.loader, one.optimizer, rates=rates(40), seeds=(0, 1, 2))
    for first, second in zip(found.passes, again.passes, strict=True):
        assert np.array_equal(first.losses, second.losses, equal_nan=True)
    assert found.answer == again.answer


def test_an_adaptive_optimizer_before_its_first_step_gets_its_preconditioner_from_the_lowest_rate() -> None:
    model = neuron()
    found = ramp(model, nn.MSELoss(), (X, 2 * X + 1), torch.optim.Adam(model.parameters()), rates=rates(40), seeds=(0,))
    assert found.curvature.kind is LimitKind.FROZEN
    assert found.curvature.half is not None
    assert any("10 updates at the lowest rate" in note for note in found.curvature.notes)


def test_a_loss_without_a_second_derivative_still_gets_an_answer() -> None:
    found = ramped(lambda output, target: (output - target).abs().sum())
    assert found.curvature.half is None
    assert found.curvature.why
    assert found.answer is not None


@pytest.mark.slow
def test_mappings_and_modules_with_parameters_of_their_own() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = neuron()

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": ((self.inner(x) - y) ** 2).mean()}

    found = ramped(lambda output, _: output["loss"], [{"x": X, "y": 2 * X + 1}], model=Named())
    assert found.answer is not None


@pytest.mark.slow
def test_eval_mode_is_said() -> None:
    model = neuron().eval()
    assert any("eval mode" in note for note in ramped(nn.MSELoss(), model=model).notes)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (np.geomspace(1e-3, 1, 19), "at least 20"),
        (np.linspace(0.1, 1, 30), "even ratios"),
        (np.full(30, 0.1), "rise"),
        (np.append(np.geomspace(1e-3, 1, 29), np.nan), "positive"),
    ],
)
def test_rates_that_rules_cannot_read_are_refused(chosen: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        ramped(nn.MSELoss(), rates=chosen)


def test_no_data_and_no_seed_are_refused() -> None:
    with pytest.raises(DataError, match="not one batch"):
        ramped(nn.MSELoss(), [])
    with pytest.raises(OptionError, match="at least one"):
        ramped(nn.MSELoss(), seeds=())


def test_progress_is_told() -> None:
    seen: list[tuple[int, int, float]] = []
    teller = Teller(lambda *told: seen.append(told), 2)
    teller._told = -1e9
    teller.saw(float("nan"))
    teller._told = -1e9
    teller.saw(3.0)
    assert seen == [(1, 2, float("inf")), (2, 2, 3.0)]
