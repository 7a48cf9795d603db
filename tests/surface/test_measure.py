"""A surface: its origin is the loss, its printed error holds, no number is shown as such, Ctrl-C keeps what is done."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import fallline as fl
from fallline._formulas import formula
from fallline._planes import parameter_plane, plane, points
from fallline._quadratic import Quadratic
from fallline._records import Moments, Surface
from fallline._surface import surface
from fallline._surface._cells import MOST_OF_A_MODEL

RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(5, 5))
BOWL = Quadratic(Moments(ROOT @ ROOT.T, RNG.normal(size=5), 0.25))


class Given:
    """A loss of two parameters that is somebody's function; counts how often it is asked."""

    parameter_count = 2
    optimum = None
    floor = None

    def __init__(self, function: Callable[[np.ndarray, np.ndarray], np.ndarray], stop_after: int | None = None) -> None:
        self.function, self.stop_after, self.asked = function, stop_after, 0
        if stop_after is not None:
            self.layout = ()  # evaluated as a model is: in chunks of 32

    def loss(self, parameters: np.ndarray, /) -> np.ndarray:
        self.asked += len(parameters)
        if self.stop_after is not None and self.asked > self.stop_after:
            raise KeyboardInterrupt
        return np.asarray(self.function(parameters[:, 0], parameters[:, 1]))


PLANE = parameter_plane(0, 1, ("w", "b"))
BOX = ((-2.0, 2.0), (-1.0, 3.0))


def smooth(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(0, 2 * w + b) + 0.1 * (w - b) ** 2)


def kinked(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(w - 0.123) + np.abs(b - 0.7))


def scale(true: np.ndarray, seen: Surface) -> np.ndarray:
    """What docs/semantics.md#surface calls local, written out."""
    excess = true - seen.loss.min() + 0.01 * np.ptp(seen.loss)
    return np.maximum(np.minimum(true, excess), 1e-6 * np.ptp(seen.loss))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.sampled_from(["random", "hessian", "directions"]), st.booleans())
def test_a_surface_at_its_origin_is_the_loss(seed: int, kind: str, exact: bool) -> None:
    draw = np.random.default_rng(seed)
    at = draw.normal(size=5)
    options = {"directions": draw.normal(size=(2, 5))} if kind == "directions" else {"seed": seed}
    cut = plane(BOWL, kind, at=at, **options)
    seen = surface(BOWL, cut, shape=(21, 25), exact=exact)
    assert seen.loss.shape == (25, 21)
    assert (seen.x[10], seen.y[12]) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert seen.loss[12, 10] == pytest.approx(float(BOWL.loss(at)[0]), rel=1e-9)


def test_rows_are_the_second_axis() -> None:
    seen = surface(Given(lambda w, b: w + 10 * b), PLANE, shape=(4, 3), extent=((0.0, 3.0), (0.0, 2.0)))
    assert np.array_equal(seen.loss, [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]])
    assert (seen.method, seen.evaluations, seen.local_error) == ("every cell", 12, None)


def test_the_interpolated_surface_of_a_polynomial_is_the_exact_one() -> None:
    rosenbrock = formula("rosenbrock")
    cut = plane(rosenbrock, "parameters", at=[-1.2, 1.0])
    exact, quick = (surface(rosenbrock, cut, exact=how) for how in (True, False))
    assert quick.loss.shape == (81, 101)
    assert quick.evaluations < 330
    assert exact.evaluations == 8181
    assert np.abs(quick.loss - exact.loss).max() <= 1e-10 * exact.loss.max()


def test_the_printed_error_holds_and_is_not_empty() -> None:
    steep = Given(lambda w, b: np.exp(3 * np.tanh(4 * w) + b) + 0.01)
    quick = surface(steep, PLANE, extent=BOX, shape=(101, 81))
    exact = surface(steep, PLANE, extent=BOX, shape=(101, 81), exact=True)
    off = np.abs(quick.loss - exact.loss) / scale(exact.loss, quick)
    assert quick.method.startswith("chebyshev")
    assert quick.local_error is not None
    assert 1e-6 < off.max() <= quick.local_error <= 100 * off.max()
    assert quick.local_error == 2 * max(quick.fresh_error or 0.0, quick.between_nodes or 0.0)


def test_an_offset_does_not_hide_an_error() -> None:
    """A part in a million of the loss may be a tenth of what the picture shows."""
    wave = Given(lambda w, b: 1e6 + np.sin(12 * w) * np.sin(11 * b))
    assert surface(wave, PLANE, extent=BOX).method not in ("chebyshev 13×13", "chebyshev 17×17")


def test_a_kink_is_evaluated_in_every_cell() -> None:
    seen = surface(Given(kinked), PLANE, extent=BOX, shape=(61, 51))
    assert seen.method == "every cell"
    assert np.array_equal(seen.loss, kinked(*np.meshgrid(seen.x, seen.y)))
    assert any("Chebyshev nodes miss the loss" in note for note in seen.notes)
    assert seen.local_error is None


def test_more_nodes_are_taken_before_every_cell() -> None:
    seen = surface(Given(lambda w, b: 2 + np.sin(5 * w) * np.cos(4 * b)), PLANE, extent=BOX)
    assert seen.method == "chebyshev 33×33"
    assert seen.evaluations <= 13**2 + 33**2 + 3 * 36  # the nodes of 17 are among those of 33


def test_cells_that_are_not_finite_are_shown_as_such() -> None:
    seen = surface(Given(lambda w, b: np.where(w > 1.0, np.nan, np.where(b > 2.0, np.inf, w * w))), PLANE, extent=BOX)
    x, y = np.meshgrid(seen.x, seen.y)
    assert np.array_equal(np.isnan(seen.loss), x > 1.0)
    assert np.array_equal(np.isposinf(seen.loss), (x <= 1.0) & (y > 2.0))
    assert seen.not_finite == int(np.sum((x > 1.0) | (y > 2.0)))
    assert seen.complete


def test_a_hole_between_the_nodes_is_found() -> None:
    """No node meets the NaN, a fresh cell does: then every cell is looked at."""
    seen = surface(Given(lambda w, b: np.where(np.abs(w * w + b * b - 2.2) < 0.2, np.nan, 1.0 + w)), PLANE, extent=BOX)
    assert seen.method == "every cell"
    assert seen.not_finite > 0


@pytest.mark.parametrize("stop_after", [64, 700, 1500])
def test_ctrl_c_keeps_the_finished_cells(stop_after: int) -> None:
    seen = surface(Given(smooth, stop_after), PLANE, shape=(41, 50), extent=BOX, exact=True)
    whole = surface(Given(smooth), PLANE, shape=(41, 50), extent=BOX, exact=True)
    assert int(seen.known.sum()) == stop_after // MOST_OF_A_MODEL * MOST_OF_A_MODEL == seen.evaluations
    assert not seen.complete
    assert np.array_equal(seen.loss[seen.known], whole.loss[seen.known])
    assert np.isfinite(seen.loss).all()
    assert seen.known[24].any()  # the middle comes first
    assert not seen.known[0].any()
    assert "Stopped by Ctrl-C" in seen.notes[-1]


def test_the_printed_error_is_that_of_the_fresh_cells_where_they_say_more() -> None:
    """A loss that is another one but at the nodes: these agree with each other, and all is off."""
    seen = surface(Given(lambda w, b: smooth(w, b) * (1.0 if len(w) == 13 * 13 else 1.01)), PLANE, extent=BOX)
    assert seen.fresh_error is not None
    assert seen.between_nodes is not None
    assert seen.fresh_error > 2 * seen.between_nodes
    assert seen.local_error == 2 * seen.fresh_error


def test_ctrl_c_before_anything_is_finished_is_an_interruption() -> None:
    for exact in (True, False):
        with pytest.raises(KeyboardInterrupt):
            surface(Given(smooth, 20), PLANE, extent=BOX, exact=exact)


def test_ctrl_c_while_it_is_checked_keeps_the_interpolated_cells() -> None:
    seen = surface(Given(smooth, 180), PLANE, extent=BOX)
    assert seen.complete
    assert seen.fresh_error is None
    assert seen.between_nodes is not None
    assert seen.local_error == 2 * seen.between_nodes
    assert "not all of the fresh cells were checked" in seen.notes[-1]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    seen = surface(Given(smooth), PLANE, extent=BOX, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (seen.evaluations, seen.evaluations)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_path_has_its_true_loss_beside_the_plane_s() -> None:
    path = np.array([[3.0, 0, 0, 0, 0], [2.0, 1.0, 0, 0, 0], [0, 1.0, 2.0, 0, 0], [0.0] * 5])
    cut = plane(BOWL, "path", path=path)
    seen = surface(BOWL, cut, shape=(31, 29))
    assert seen.path is not None
    assert seen.path_loss == pytest.approx(BOWL.loss(path))
    assert seen.path_plane_loss == pytest.approx(BOWL.loss(points(cut, seen.path)))
    away = path - points(cut, seen.path)
    assert seen.path_distance == pytest.approx(np.linalg.norm(away, axis=1), abs=1e-12)
    assert seen.explained_variance == pytest.approx(1 - (away - away.mean(0)).var(0).sum() / path.var(0).sum())
    assert seen.x[0] < seen.path[:, 0].min() < seen.path[:, 0].max() < seen.x[-1]
    other = surface(BOWL, cut, shape=(31, 29), path=path[:2])
    assert other.path is not None
    assert len(other.path) == 2


def test_a_network_is_left_as_it_was_and_its_surface_is_what_a_plain_loop_gives() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2))
    inputs, target = torch.randn(30, 3), torch.randint(0, 2, (30,))
    model(inputs)  # running statistics that are not their first ones
    objective = fl.Objective(model, nn.CrossEntropyLoss(), (inputs, target))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    cut = plane(objective, "random", seed=4)
    seen = surface(objective, cut, shape=(7, 5), exact=True)
    after = model.state_dict()
    assert model.training
    assert all(torch.equal(before[name], after[name]) for name in before)
    model.eval()
    for row, column in [(0, 0), (4, 6), (2, 3), (1, 5)]:
        at = cut.origin + seen.x[column] * cut.directions[0] + seen.y[row] * cut.directions[1]
        nn.utils.vector_to_parameters(torch.tensor(at, dtype=torch.float32), model.parameters())
        with torch.no_grad():
            assert seen.loss[row, column] == pytest.approx(nn.functional.cross_entropy(model(inputs), target).item())
    assert tuple(objective.notes) == seen.notes[: len(objective.notes)]
    assert any("batch norm" in note.lower() for note in seen.notes)


def nothing_known() -> fl.Objective:
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight[0, 0] = float("nan")
    return fl.Objective(model, nn.MSELoss(), (torch.randn(5, 3), torch.randn(5, 2)))


def test_nan_in_the_weights_has_no_plane_of_its_own() -> None:
    objective = nothing_known()
    for kind in ("random", "hessian"):
        with pytest.raises(fl.OptionError, match="1 of the 8 parameters is not finite"):
            plane(objective, kind)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "shape": (lambda: surface(BOWL, plane(BOWL, "random"), shape=(1, 5)), "two or more each"),
    "too many cells": (lambda: surface(BOWL, plane(BOWL, "random"), (10**6, 10**6), exact=True), "at most 4,000,000"),
    "extent": (lambda: surface(Given(smooth), PLANE, extent=((1.0, 0.0), (0.0, 1.0))), "extent is how far"),
    "extent word": (lambda: surface(Given(smooth), PLANE, extent="wide"), "extent is how far"),  # type: ignore[arg-type]  # a user's mistake
    "extent NaN": (lambda: surface(Given(smooth), PLANE, extent=float("nan")), "extent is how far"),
    "no extent": (lambda: surface(Given(smooth), PLANE), "say it with extent="),
    "other": (lambda: surface(Given(smooth), plane(BOWL, "random")), "among 5 parameters, and the objective has 2"),
    "parallel": (
        lambda: surface(Given(smooth), fl_plane([[1.0, 0.0], [1.0, 0.0]])),
        "parallel",
    ),
    "NaN": (lambda: surface(Given(smooth), fl_plane([[1.0, 0.0], [0.0, np.nan]])), "not finite"),
    "path": (lambda: surface(BOWL, plane(BOWL, "random"), path=np.ones((3, 4))), "A path has the shape"),
}


def fl_plane(directions: list[list[float]]) -> object:
    from dataclasses import replace

    return replace(PLANE, kind="own", directions=np.array(directions))


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_pictured_is_refused_in_one_sentence(case: str) -> None:
    call, words = REFUSED[case]
    with pytest.raises(fl.OptionError, match=words):
        call()


def test_a_surface_s_arrays_are_read_only() -> None:
    seen = surface(BOWL, plane(BOWL, "random"), shape=(5, 4))
    with pytest.raises(ValueError, match="read-only"):
        seen.loss[0, 0] = 1.0
    assert "every cell" in repr(seen)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "kind"), [(11, "random"), (12, "hessian"), (13, "checkpoints")])
def test_the_printed_error_holds_on_networks_it_was_not_chosen_on(seed: int, kind: str) -> None:
    from sklearn.datasets import load_digits

    features, digit = load_digits(return_X_y=True)
    inputs, target = torch.tensor(features[:600] / 16, dtype=torch.float32), torch.tensor(digit[:600])
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 30), nn.GELU(), nn.Linear(30, 10))
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(80):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), target).backward()
        optimizer.step()
    objective = fl.Objective(model, nn.CrossEntropyLoss(), (inputs, target))
    options = {"checkpoints": [model, start]} if kind == "checkpoints" else {"seed": seed}
    seen = surface(objective, plane(objective, kind, **options), shape=(101, 81), seed=seed)
    draw = np.random.default_rng(seed)
    row, column = np.unravel_index(draw.choice(seen.loss.size, 500, replace=False), seen.loss.shape)
    true = objective.loss(points(seen.plane, np.stack([seen.x[column], seen.y[row]], axis=1)))
    off = (np.abs(seen.loss[row, column] - true) / scale(true, seen)).max()
    assert seen.local_error is not None
    assert 1e-7 < off <= seen.local_error <= 0.1
