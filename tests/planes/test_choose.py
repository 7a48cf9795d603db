"""The one door to every plane: what each kind goes through, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._formulas import formula
from fallline._planes import coordinates, distance, path_plane, plane, points
from fallline._quadratic import Quadratic
from fallline._records import Moments

RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(6, 6))
BOWL = Quadratic(Moments(ROOT @ ROOT.T, RNG.normal(size=6), 0.25))


@pytest.fixture(scope="module")
def network() -> tuple[nn.Module, fl.Objective]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    data = torch.randn(12, 3), torch.randn(12, 2)
    return model, fl.Objective(model, nn.MSELoss(), data)


def orthonormal(directions: np.ndarray) -> bool:
    return bool(np.allclose(directions @ directions.T, np.eye(2), atol=1e-12))


def test_two_parameters_by_name_are_their_own_coordinates() -> None:
    found = plane(formula("rosenbrock"), "parameters", at=[-1.0, 2.0], names=("b", "w"))
    assert found.axes == ("b", "w")
    assert np.array_equal(coordinates(found, np.array([[3.0, 7.0]])), [[7.0, 3.0]])
    assert found.explained_variance == 1.0


def test_two_parameters_of_a_network_by_the_places_of_their_tensors(network: tuple[nn.Module, fl.Objective]) -> None:
    model, objective = network
    found = plane(objective, "parameters", names=("0.weight[1, 2]", "2.bias[-1]"))
    assert found.axes == ("0.weight[1, 2]", "2.bias[1]")
    uv = np.array([[8.0, 9.0]])
    moved = points(found, uv)[0]
    expected = nn.utils.parameters_to_vector(model.parameters()).detach().double().numpy()
    expected[1 * 3 + 2], expected[-1] = 8.0, 9.0
    assert np.array_equal(moved, expected)
    assert "the other 24 parameters held fixed" in found.note
    assert plane(objective, "parameters", names=(5, 25)).axes == found.axes


def test_the_sharpest_directions_are_the_eigenvectors_of_the_largest_eigenvalues() -> None:
    hessian = BOWL.hessian(np.zeros(6))
    values, vectors = np.linalg.eigh(hessian)
    found = plane(BOWL, "hessian", at=np.ones(6))
    assert np.allclose(np.abs(found.directions @ vectors[:, [-1, -2]]), np.eye(2), atol=1e-9)
    assert f"{values[-1]:.3g}" in found.axes[0]


def test_the_sharpest_directions_of_a_network_are_those_of_its_dense_hessian(
    network: tuple[nn.Module, fl.Objective],
) -> None:
    objective = network[1]
    hessian = objective.hessian(objective.parameters)
    vectors = np.linalg.eigh(hessian)[1]
    found = plane(objective, "hessian")
    assert orthonormal(found.directions)
    assert np.allclose(np.abs(found.directions @ vectors[:, [-1, -2]]), np.eye(2), atol=0.05)


@pytest.mark.parametrize("points_of_path", [2, 5, 30])
def test_a_short_path_through_many_dimensions_has_the_directions_of_the_singular_vectors(points_of_path: int) -> None:
    path = np.random.default_rng(points_of_path).normal(size=(points_of_path, 700)).cumsum(axis=0)
    found = path_plane(path)  # by the Gram matrix
    expected = np.linalg.svd(path - path[-1], full_matrices=False)[2][:2]
    kept = min(2, points_of_path - 1)
    assert orthonormal(found.directions)
    assert np.allclose(np.abs(found.directions[:kept] @ expected[:kept].T), np.eye(kept), atol=1e-9)
    if points_of_path <= 3:
        assert np.allclose(distance(found, path), 0.0, atol=1e-9)


def test_a_straight_path_through_many_dimensions_has_one_direction_of_its_own() -> None:
    path = np.linspace(1.0, 0.0, 7)[:, None] * np.random.default_rng(0).normal(size=900)
    found = path_plane(path)
    assert orthonormal(found.directions)
    assert found.axes == ("path direction 1 (100 %)", "path direction 2 (0 %)")


@pytest.mark.parametrize("count", [2, 3])
def test_a_plane_goes_through_its_checkpoints(network: tuple[nn.Module, fl.Objective], count: int) -> None:
    model, objective = network
    draw = np.random.default_rng(1)
    vectors = [draw.normal(size=26) for _ in range(2)]
    state = model.state_dict()
    given = [state, *vectors][:count]
    found = plane(objective, "checkpoints", checkpoints=given)
    through = np.stack([objective.parameters, *vectors][:count])
    assert orthonormal(found.directions)
    assert np.allclose(distance(found, through), 0.0, atol=1e-9)
    uv = coordinates(found, through)
    assert uv[0] == pytest.approx([0.0, 0.0])
    assert uv[1] == pytest.approx([np.linalg.norm(vectors[0] - objective.parameters), 0.0], abs=1e-9)
    assert found.explained_variance == pytest.approx(1.0)


@pytest.mark.slow
def test_the_snapshots_of_a_recording_are_a_path(network: tuple[nn.Module, fl.Objective], tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, target = torch.randn(12, 3), torch.randn(12, 2)
    file, taken = tmp_path / "run.db", []
    with fl.watch(model, optimizer, run=file) as watch:
        for _ in range(6):
            taken.append(nn.utils.parameters_to_vector(model.parameters()).detach().double().numpy())
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), target)
            loss.backward()
            optimizer.step()
            watch.step(loss)
    found = plane(network[1], "path", path=file)
    assert found.path is not None
    assert len(found.path) >= 2
    assert np.array_equal(found.path[0], taken[0])  # before the first step
    assert orthonormal(found.directions)
    with pytest.raises(fl.RunFileError, match="keeps no parameters of step 77"):
        plane(network[1], "path", path=file, steps=[-1, 77])


def test_points_that_are_not_finite_are_no_part_of_a_path_s_directions() -> None:
    path = np.array([[1.0, 0.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0, 0], [0, 0, 1.0, 0, 0, 0], [np.nan] * 6])
    found = plane(BOWL, "path", path=path)
    assert np.isfinite(found.directions).all()
    assert np.array_equal(found.origin, path[2])


NAN = np.full(6, np.nan)
LINE = [np.zeros(6), np.ones(6), 3 * np.ones(6)]
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "kind": (lambda: plane(BOWL, "pth"), 'Did you mean "path"'),
    "no place": (lambda: plane(formula("himmelblau"), "random"), "say where the plane lies"),
    "NaN": (lambda: plane(BOWL, "hessian", at=NAN), "6 of the 6 parameters are not finite"),
    "NaN random": (lambda: plane(BOWL, "random", at=NAN), "not finite"),
    "shape": (lambda: plane(BOWL, "random", at=[1.0]), r"has 6 parameters, and what was given has the shape \(1,\)"),
    "no names": (lambda: plane(BOWL, "parameters"), "names of two of its 6"),
    "same name": (lambda: plane(BOWL, "parameters", names=(2, 2)), "two different parameters"),
    "no such": (lambda: plane(formula("ravine"), "parameters", names=("w", "bb"), at=[1, 1]), 'no parameter "bb"'),
    "out of range": (lambda: plane(BOWL, "parameters", names=(0, 6)), "counted from 0 to 5"),
    "no path": (lambda: plane(BOWL, "path"), "needs path="),
    "path of one": (lambda: plane(BOWL, "path", path=np.ones((1, 6))), "does not move"),
    "empty path": (lambda: plane(BOWL, "path", path=[]), "none were given"),
    "path NaN": (lambda: plane(BOWL, "path", path=[NAN, NAN]), "No point of the path is finite"),
    "path shape": (lambda: plane(BOWL, "path", path=np.ones((4, 5))), r"shape \(points, 6\)"),
    "one checkpoint": (lambda: plane(BOWL, "checkpoints", checkpoints=[NAN]), "1 was given"),
    "same checkpoint": (lambda: plane(BOWL, "checkpoints", checkpoints=[LINE[1]] * 2), "the same point"),
    "on a line": (lambda: plane(BOWL, "checkpoints", checkpoints=LINE), "lie on a line"),
    "parallel": (lambda: plane(BOWL, "directions", directions=LINE[1:]), "parallel"),
    "file": (lambda: plane(BOWL, "checkpoints", checkpoints=["a.pt", "b.pt"]), "load it first"),
    "option": (lambda: plane(BOWL, "random", names=(0, 1)), 'names belongs to a plane of kind "parameters"'),
    "words": (lambda: plane(BOWL, "random", at=object()), "not object"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_spans_no_plane_is_refused_in_one_sentence(case: str) -> None:
    call, words = REFUSED[case]
    with pytest.raises(fl.OptionError, match=words):
        call()


def test_a_state_dict_of_another_model_is_refused(network: tuple[nn.Module, fl.Objective]) -> None:
    objective = network[1]
    with pytest.raises(fl.OptionError, match=r"lack '0.weight'"):
        plane(objective, "random", at=nn.Linear(3, 4))
    wrong = {**network[0].state_dict(), "2.bias": torch.zeros(3)}
    with pytest.raises(fl.OptionError, match=r"has the shape \(2,\), and the given one the shape \(3,\)"):
        plane(objective, "random", at=wrong)
    for name, words in {
        "0.weight": 'holds 12 numbers: name one of them, as "0.weight\\[0, 0\\]"',
        "0.weight[4, 0]": "whose shape is",
        "0.wight[0, 0]": "Did you mean",
    }.items():
        with pytest.raises(fl.OptionError, match=words):
            plane(objective, "parameters", names=(name, "2.bias[0]"))


def test_one_parameter_has_no_plane_to_choose() -> None:
    with pytest.raises(fl.OptionError, match="this objective has one"):
        plane(formula("parabola"), "hessian")
