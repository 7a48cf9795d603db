"""Pictures of a loss on a plane: the numbers of the record, what is missing shown as missing, the path's shadow."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import fallline as fl
from fallline._explain import honesty
from fallline._figures._colour import loss_scale, stretched
from fallline._figures._path import fullness
from fallline._formulas import formula
from fallline._records import Surface


@cache
def parabola() -> Surface:
    """A round bowl with a short path."""
    bowl = formula("a^2 + b^2")
    path = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    return fl.surface(bowl, fl.plane(bowl, "path", path=path), shape=(41, 31), extent=4.0)


def holes() -> Surface:
    seen = parabola()
    loss, known = seen.loss.copy(), seen.known.copy()
    loss[:3, :5], known[-4:] = np.nan, False
    return replace(seen, loss=loss, known=known, not_finite=15)


def traces(figure: object, start: str) -> list[object]:
    return [one for one in figure.data if (one.name or "").startswith(start)]


def test_colour_is_the_logarithm_above_the_lowest_and_levels_are_quarters() -> None:
    seen = parabola()
    scale = loss_scale(seen)
    assert scale is not None
    assert scale.lowest == pytest.approx(0.0, abs=1e-12)
    assert scale.span == pytest.approx(9.0)
    assert scale.positions(np.array([9.0, 9.0 / 4, 9.0 / 64])) == pytest.approx([0.0, -1.0, -3.0], abs=1e-9)
    assert np.isnan(scale.positions(np.array([np.nan, np.inf]))).all()
    places, labels = scale.ticks()
    assert labels[places.index(0)] == "9.000"
    assert labels[places.index(-1)] == "2.250"


def test_the_colours_are_those_of_the_same_loss_higher_up() -> None:
    low, bowl = loss_scale(parabola()), parabola()
    high = loss_scale(
        replace(bowl, loss=bowl.loss + 5.0, path_loss=bowl.path_loss + 5.0, path_plane_loss=bowl.path_plane_loss + 5.0)
    )
    assert low is not None
    assert high is not None
    assert high.positions(bowl.loss + 5.0)[3:9, 3:9] == pytest.approx(low.positions(bowl.loss)[3:9, 3:9], abs=1e-6)
    assert (low.first, low.last) == (high.first, high.last)


def test_the_contour_holds_the_losses_of_the_record() -> None:
    seen = parabola()
    figure = fl.figures.contour(seen)
    (rings,) = traces(figure, "loss")
    assert np.array_equal(rings.x, seen.x)
    assert np.array_equal(rings.y, seen.y)
    assert np.array_equal(np.array(rings.customdata), seen.loss)
    assert (rings.contours.size, rings.contours.start) == (1, rings.zmin)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.title.text == "The loss in the path's own plane"


def test_the_honesty_panel_stands_under_both_pictures() -> None:
    seen = parabola()
    for figure in (fl.figures.contour(seen), fl.figures.surface(seen)):
        panel = " ".join(note.text for note in figure.layout.annotations).replace("<br>", " ")
        for sentence in honesty(seen):
            assert sentence in panel


def test_cells_without_a_number_are_marked_and_counted() -> None:
    seen = holes()
    figure = fl.figures.contour(seen)
    (lost,), (unseen,) = traces(figure, "not finite"), traces(figure, "not evaluated")
    assert lost.name == "not finite: 15 cells"
    assert len(lost.x) == 15
    assert len(unseen.x) == 4 * 41
    (rings,) = traces(figure, "loss")
    assert np.isnan(np.array(rings.z)[:3, :5]).all()
    assert np.isnan(np.array(rings.z)[-4:]).all()
    (ground,) = traces(fl.figures.surface(seen), "loss")
    assert np.isnan(np.array(ground.z)[-4:]).all()


def test_the_path_has_a_halo_a_core_and_both_ends() -> None:
    seen = parabola()
    figure = fl.figures.contour(seen)
    (core,), (start,), (end,) = traces(figure, "path"), traces(figure, "start"), traces(figure, "end")
    assert np.array_equal(np.stack([core.x, core.y], axis=1), seen.path)
    assert (start.x[0], start.y[0]) == tuple(seen.path[0])
    assert (end.x[0], end.y[0]) == tuple(seen.path[-1])
    halos = [one for one in figure.data[1:] if one.mode == "lines" and one.line.width > core.line.width]
    assert len(halos) == 1


def test_points_far_from_the_plane_are_hollow() -> None:
    seen = replace(parabola(), path_distance=np.array([0.0, 1.5, 1e9]))
    full = fullness(seen)
    assert full[0] == 1.0
    assert 0.0 < full[1] < 1.0
    assert full[2] == 0.0


def test_a_path_that_is_not_finite_loses_those_points_only() -> None:
    seen = parabola()
    path = seen.path.copy()
    path[1] = np.nan
    (core,) = traces(fl.figures.contour(replace(seen, path=path)), "path")
    assert len(core.x) == 2


def test_one_point_is_no_path() -> None:
    ravine = formula("ravine")
    figure = fl.figures.contour(fl.surface(ravine, fl.plane(ravine, "parameters", at=[1.0, 10.0])))
    assert not traces(figure, "path")
    (here,) = traces(figure, "the parameters as they stand")
    assert (here.x[0], here.y[0]) == (1.0, 10.0)


def test_a_long_picture_is_stretched_and_says_so() -> None:
    ravine = formula("ravine")
    seen = fl.surface(ravine, fl.plane(ravine, "parameters", at=[1.0, 1.0]), extent=((-8.0, 8.0), (-1.0, 1.0)))
    assert stretched(seen) == pytest.approx(8.0)
    figure = fl.figures.contour(seen)
    assert figure.layout.yaxis.scaleanchor is None
    assert any("axes differ 8 : 1" in note.text for note in figure.layout.annotations)


def test_the_landscape_is_cut_above_the_start() -> None:
    seen = parabola()
    (ground,) = traces(fl.figures.surface(seen), "loss")
    assert 9.0 < np.nanmax(ground.z) <= 9.0 * 1.15
    assert np.isnan(np.array(ground.z)[seen.loss > 10.4]).all()


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_a_picture_without_differences_says_so(value: float) -> None:
    seen = replace(parabola(), loss=np.full((31, 41), value), path_plane_loss=None, path_loss=None)
    for draw in (fl.figures.contour, fl.figures.surface):
        assert any("no " in note.text or "same" in note.text for note in draw(seen).layout.annotations)


@pytest.mark.parametrize("draw", [fl.figures.contour, fl.figures.surface, fl.figures.spectrum])
def test_only_their_own_results_are_drawn(draw: object) -> None:
    with pytest.raises(fl.OptionError, match="takes what fl"):
        draw(3)
