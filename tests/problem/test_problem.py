"""The two kinds of problem: what they start from, their batches, their limits."""

import numpy as np
import pytest
import torch

import fallline as fl
from cases import EVERY_LOSS, OVERLAPPING, SEVERAL, TILTED, Case
from fallline._data import gather_table
from fallline._objective import Objective, loss_kind
from fallline._problem import (
    FormulaProblem,
    NeuronObjective,
    NeuronProblem,
    Problem,
    curvature_of,
    given_problem,
    limit_at,
    make_problem_of_moments,
)
from fallline._records import LimitKind

RNG = np.random.default_rng(1)


def general(case: Case) -> Objective:
    """The same loss by the objective that takes any model."""
    features, target = case.tensors()
    kind = loss_kind(case.loss)
    loss_fn = getattr(torch.nn, kind.torch_class)()
    return Objective(torch.nn.Linear(features.shape[1], 1, dtype=torch.float64), loss_fn, (features, target))


@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_a_neuron_objective_is_the_general_one(case: Case) -> None:
    fast, slow = NeuronObjective(loss_kind(case.loss), case.features, case.target), general(case)
    stack = RNG.normal(size=(9, fast.parameter_count))
    near = stack + 1e-3 * RNG.normal(size=stack.shape)
    rows = np.array([0, 3, 5])
    assert fast.loss(stack) == pytest.approx(slow.loss(stack), rel=1e-13)
    assert fast.gradient(stack) == pytest.approx(slow.gradient(stack), rel=1e-12, abs=1e-14)
    assert fast.hessian(stack[0]) == pytest.approx(slow.hessian(stack[0]), rel=1e-12, abs=1e-14)
    assert fast.change(stack, near) == pytest.approx(slow.change(stack, near), rel=1e-9, abs=1e-15)
    some = general(Case("some", case.features[rows], case.target[rows], case.loss))
    assert fast.change(stack, near, rows) == pytest.approx(some.change(stack, near), rel=1e-9, abs=1e-15)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = NeuronObjective(loss_kind("bce"), OVERLAPPING.features, OVERLAPPING.target)
    stack = RNG.normal(size=(11, 2))
    whole = objective.loss(stack), objective.gradient(stack), objective.change(stack, stack + 1)
    monkeypatch.setattr("fallline._problem._neuron_objective.CHUNK_ENTRIES", 3 * len(OVERLAPPING.target))
    parts = objective.loss(stack), objective.gradient(stack), objective.change(stack, stack + 1)
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other, rel=1e-14)


@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_a_batch_gradient_is_what_backward_gives_on_these_rows(case: Case) -> None:
    problem = given_problem(case.data, loss=case.loss, dtype="float64")
    assert isinstance(problem, NeuronProblem)
    stack = RNG.normal(size=(3, len(problem.parameter_names)))
    rows = problem.batch_rows(5, seed=3, epoch=2)[1]
    for at, gradient in zip(stack, problem.batch_gradient(stack, rows), strict=True):
        model = torch.nn.Linear(len(at) - 1, 1, dtype=torch.float64)
        with torch.no_grad():
            model.weight[0], model.bias[0] = torch.tensor(at[:-1]), at[-1]
        problem.loss_fn()(model(problem.features[rows]), problem.target[rows]).backward()
        assert gradient == pytest.approx([*model.weight.grad[0].tolist(), model.bias.grad.item()], rel=1e-12, abs=1e-14)


def test_a_row_of_nan_leaves_the_other_runs_alone() -> None:
    problem = given_problem(TILTED.data, loss="huber")
    stack = RNG.normal(size=(3, 2))
    rows = np.arange(6)
    poisoned = stack.copy()
    poisoned[1] = np.nan
    kept = [0, 2]
    assert problem.batch_gradient(poisoned, rows)[kept].tobytes() == problem.batch_gradient(stack, rows)[kept].tobytes()


@pytest.mark.parametrize("size", [4, 7])
def test_batches_are_those_of_the_loop(size: int) -> None:
    run = fl.fit(SEVERAL.data, batch_size=size, epochs=3, learning_rate=0.01, dtype="float64", seed=5)
    problem = given_problem(SEVERAL.data, dtype="float64")
    path, step = run.trajectory, 0
    for epoch in range(3):
        for rows in problem.batch_rows(size, 5, epoch):
            assert run.columns.gradient[step] == pytest.approx(
                problem.batch_gradient(path[step][None], rows)[0], rel=1e-9
            )
            step += 1
    assert step == len(run)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [0, 7])
def test_the_starting_point_is_the_run_s_own(dtype: str, seed: int) -> None:
    for data, formula, start in (
        (None, None, None),
        (SEVERAL.data, None, {"b": 0.1}),
        (None, "rosenbrock", {"w": 0.1}),
    ):
        run = fl.fit(data, formula=formula, start=start, seed=seed, dtype=dtype, epochs=1, learning_rate=1e-3)
        problem = given_problem(data, formula=formula, seed=seed, dtype=dtype)
        assert problem.starting_point(start, seed=seed).tolist() == list(run.header.start)


def test_what_was_given_makes_the_problem() -> None:
    textbook, table, surface = given_problem(), given_problem(SEVERAL.data), given_problem(formula="w^2 + b^2")
    assert (textbook.name, textbook.rows, textbook.scaling.is_identity) == ("line", 100, True)
    assert (table.rows, table.scaling.is_identity, table.quadratic is not None) == (24, False, True)
    assert isinstance(surface, FormulaProblem)
    assert (surface.rows, surface.loss_name, surface.quadratic is not None, surface.sample()) == (
        None,
        "formula",
        True,
        None,
    )
    problems: list[Problem] = [textbook, table, surface]
    assert all(problem.objective.loss(problem.starting_point(None, seed=0)).shape == (1,) for problem in problems)


@pytest.mark.parametrize(
    ("formula", "optimizer", "options", "limit"),
    [
        ("(w - 3)^2", "SGD", {}, 1.0),
        ("(w - 3)^2", "momentum", {}, 1.9),
        ("(w - 3)^2", "SGD", {"weight_decay": 2.0}, 0.5),
        ("ravine", "nesterov", {}, 2 * 1.9 / (2.8 * 100)),
    ],
)
def test_limits_by_name(formula: str, optimizer: str, options: dict[str, object], limit: float) -> None:
    found = limit_at(given_problem(formula=formula), optimizer, options)
    assert found is not None
    assert found.value == pytest.approx(limit, rel=1e-12)
    assert found.kind is LimitKind.PROVABLE


def test_where_curvature_is_asked_for_decides_on_other_formulas() -> None:
    problem = given_problem(formula="w^4")
    for at in (1.0, 0.5):
        found = limit_at(problem, "SGD", {}, at=np.array([at]))
        assert found.kind is LimitKind.LOCAL
        assert found.value == pytest.approx(2 / (12 * at**2), rel=1e-12)
    assert limit_at(problem, "SGD", {}, at=np.array([0.0])) is None
    assert limit_at(given_problem(formula="himmelblau"), "SGD", {}).value == pytest.approx(2 / 82.28427, rel=1e-6)
    assert limit_at(problem, "Adam", {}, at=np.array([1.0])) is None
    frozen = limit_at(problem, "Adam", {}, at=np.array([1.0]), preconditioner=np.array([2.0]))
    assert frozen.value == pytest.approx(38 / 6, rel=1e-12)


def test_ground_that_curves_down_has_no_condition_number() -> None:
    saddle = curvature_of(given_problem(formula="saddle"), np.zeros(2))
    assert saddle == (2.0, None, None)
    assert curvature_of(given_problem(formula="-w^2"), np.zeros(1)) == (None, None, None)
    assert curvature_of(given_problem(formula="log(w)"), np.array([-1.0])) == (None, None, None)


@pytest.mark.parametrize("standardised", [True, False])
def test_a_problem_of_moments_is_the_problem_of_the_rows(standardised: bool) -> None:
    rows = given_problem(SEVERAL.data, standardise=standardised, dtype="float64")
    gathered = make_problem_of_moments(
        gather_table(SEVERAL.data, kept_numbers=20), standardised=standardised, dtype="float64"
    )
    stack = RNG.normal(size=(5, 4))
    assert gathered.rows == rows.rows
    assert gathered.batches(None, 0) is None
    assert not gathered.sample().complete
    assert gathered.scaling.shift == pytest.approx(rows.scaling.shift, rel=1e-12)
    assert gathered.objective.loss(stack) == pytest.approx(rows.objective.loss(stack), rel=1e-9)
    assert gathered.target_rms == pytest.approx(rows.target_rms, rel=1e-12)
    assert gathered.feature_rms == pytest.approx(rows.feature_rms, rel=1e-9)


def test_numbers_too_large_for_the_dtype_are_refused_from_moments_too() -> None:
    huge = (np.array([[1.0], [2e25], [3.0]]), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(fl.DataError, match="too large to train on in float32"):
        make_problem_of_moments(gather_table(huge), standardised=False, dtype="float32")
