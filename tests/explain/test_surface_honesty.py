"""The honesty panel: every number of it is the surface's own, and what is not so is not said."""

from dataclasses import replace

import numpy as np

from fallline._explain._surface_honesty import honesty
from fallline._planes import parameter_plane, plane
from fallline._quadratic import Quadratic
from fallline._records import Moments, Surface
from fallline._surface import surface

BOWL = Quadratic(Moments(np.diag([4.0, 2.0, 1.0]), np.zeros(3), 0.5))
PATH = np.array([[3.0, 0.0, 0.5], [0.0, 2.0, 0.1], [0.0, 0.0, 0.0]])
FLAT = parameter_plane(0, 1, ("w", "b", "c"))


def seen(**changes: object) -> Surface:
    whole = surface(BOWL, replace(FLAT, path=PATH), shape=(40, 30))
    return replace(whole, **changes)  # type: ignore[arg-type]  # by name


def panel(**changes: object) -> str:
    return " ".join(honesty(seen(**changes)))


def test_the_path_s_share_and_distance_are_said() -> None:
    text = panel()
    share = 1 - PATH[:, 2].var() / PATH.var(axis=0).sum()
    assert f"{100 * share:.0f} % of the path's variance lies in this plane." in text
    assert "within 0.100 of the plane, the farthest (point 0) 0.500 away; their shadows are spread over 3.61" in text


def test_the_true_loss_stands_beside_the_plane_s() -> None:
    plane_loss = float(BOWL.loss(PATH[:1] * [1, 1, 0])[0])
    true = float(BOWL.loss(PATH[:1])[0])
    assert f"at point 0 it is {true:.2f}, and the plane shows {plane_loss:.2f} under it" in panel()


def test_a_path_in_the_plane_is_said_to_be_in_it() -> None:
    text = " ".join(honesty(surface(BOWL, plane(BOWL, "path", path=PATH))))
    assert "All of the path lies in the plane." in text
    assert "At every point of the path the loss is that of the plane." in text


def test_the_interpolation_says_what_it_may_be_off_by() -> None:
    text = panel(local_error=0.034, fresh_error=0.012, between_nodes=0.017)
    assert "Interpolated from 13×13 nodes" in text
    assert "It may be off by 3.4 % of the loss there: 1.2 % was the most at fresh cells, 1.7 % the most by" in text
    assert "fresh cells" not in panel(local_error=0.034, fresh_error=None, between_nodes=0.017)
    assert "may be off" not in panel()  # a parabola is exact


def test_every_cell_evaluated_is_said() -> None:
    text = " ".join(honesty(surface(BOWL, FLAT, shape=(20, 11), extent=1.0, exact=True)))
    assert "The loss was evaluated in every cell: 220." in text
    assert "of the path" not in text


def test_cells_that_are_not_finite_are_counted() -> None:
    assert "7 of 1,200 cells are not finite (NaN or infinite): they are shown as such." in panel(not_finite=7)
    assert "Every cell is finite." in panel()


def test_an_interrupted_picture_does_not_claim_every_cell() -> None:
    known = np.zeros((30, 40), dtype=bool)
    known[:3] = True
    text = panel(known=known, method="every cell", notes=("Stopped by Ctrl-C: 120 of 1,200 cells are known.",))
    assert "Every cell is finite" not in text
    assert "evaluated in every cell" not in text
    assert "120 of 1,200 cells are known" in text


def test_points_that_are_not_finite_are_said() -> None:
    path = np.vstack([PATH, [np.nan] * 3])
    text = " ".join(honesty(surface(BOWL, FLAT, shape=(20, 11), path=path)))
    assert "1 point of the path is not finite." in text
