"""Plain descent by its formula: the steps of the real optimizer."""

from typing import Any

import numpy as np
import pytest
import torch

from cases import SEVERAL, TILTED, Case
from fallline._descent import make_schedule
from fallline._fit import fit_problem
from fallline._fit._moments_engine import descend_moments
from fallline._fit._plain_moments import BLOCK_STEPS, descend_plainly, plain_rates
from fallline._problem import given_problem
from fallline._quadratic import Quadratic


def both_ways(case: Case, share: float, steps: int, dtype: torch.dtype) -> tuple[np.ndarray, np.ndarray]:
    """[T, 1 + 2P] loss, gradient and parameters, by the formula and by torch."""
    quadratic = Quadratic.from_chunks([case.data])
    model = torch.nn.Linear(case.features.shape[1], 1, dtype=dtype)
    start = torch.nn.utils.parameters_to_vector(model.parameters()).detach().double().numpy()
    optimizer = torch.optim.SGD(model.parameters(), lr=share * 2 / quadratic.eigenvalues[0])
    rates = plain_rates(optimizer, None, steps)
    assert rates is not None
    name = str(dtype).removeprefix("torch.")
    ways = (
        descend_plainly(start, quadratic, rates, name),
        descend_moments(model, quadratic, optimizer, epochs=steps),
    )
    mine, theirs = (np.array([(s.index, s.loss, *s.gradient, *s.parameters) for s in way]) for way in ways)
    return mine, theirs


@pytest.mark.parametrize("case", [SEVERAL, TILTED])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.97])
def test_the_steps_are_those_of_the_optimizer(case: Case, dtype: torch.dtype, tolerance: float, share: float) -> None:
    mine, theirs = both_ways(case, share, 60, dtype)
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance * np.abs(theirs[:, 1:]).max())


def test_a_run_that_diverges_overflows_at_the_same_step() -> None:
    mine, theirs = both_ways(TILTED, 1.6, 400, torch.float32)
    assert np.isnan(theirs[-1]).any()
    np.testing.assert_array_equal(np.isnan(mine), np.isnan(theirs))


def test_steps_go_on_from_block_to_block() -> None:
    quadratic = Quadratic.from_data([[0.0], [1.0]], [0.0, 1.0])
    steps = list(descend_plainly(np.array([3.0, 3.0]), quadratic, [0.1] * (BLOCK_STEPS + 5), "float64"))
    assert [step.index for step in steps] == list(range(BLOCK_STEPS + 5))
    before, after = steps[BLOCK_STEPS - 1 : BLOCK_STEPS + 1]
    np.testing.assert_array_equal(after.parameters, np.array(before.parameters) - 0.1 * np.array(after.gradient))


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"weight_decay": 0.1}, {"maximize": True}])
def test_what_is_not_plain_keeps_its_optimizer(options: dict[str, Any]) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    assert plain_rates(torch.optim.SGD([parameter], lr=0.1, **options), None, 3) is None
    assert plain_rates(torch.optim.Adagrad([parameter], lr=0.1), None, 3) is None
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    assert plain_rates(optimizer, make_schedule("cosine", optimizer, 3), 3) is None


@pytest.mark.parametrize("schedule", ["", "changes:0=0.004,7=0.02"])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_passing_run_has_the_record_of_one_that_stays(schedule: str, optimizer: str) -> None:
    problem = given_problem(seed=0)
    quick, real = (
        fit_problem(
            problem, rate=0.01, start=None, optimizer=optimizer, optimizer_options={}, schedule=schedule, epochs=40,
            batch_size=None, seed=0, engine="moments", passing=passing,
        )
        for passing in (True, False)
    )  # fmt: skip
    for name in ("learning_rate", "loss", "gradient", "parameters", "real_change", "full_loss"):
        expected = getattr(real.columns, name)
        np.testing.assert_allclose(getattr(quick.columns, name), expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert quick.summary is not None
    assert real.summary is not None
    assert (quick.summary.outcome, quick.summary.stability_limit) == (
        real.summary.outcome,
        real.summary.stability_limit,
    )
