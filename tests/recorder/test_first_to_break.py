"""docs/semantics.md#what-broke-first"""

import numpy as np
import pytest

from fallline._recorder._first_to_break import first_to_break, layers_at_once, norms_of
from fallline._records import Flight

D, L = 20, 3


def flight(depth: int = D, layers: int = L) -> Flight:
    rng = np.random.default_rng(0)
    gradient = 1 + 0.1 * rng.normal(size=(depth, layers))
    return Flight(
        step=np.arange(100, 100 + depth),
        loss=1 + 0.1 * rng.normal(size=depth),
        gradient_norm=gradient,
        update_norm=0.1 * gradient,
        parameter_norm=np.full((depth, layers), 10.0),
        measured=np.ones((depth, layers), bool),
        loss_measured=np.ones(depth, bool),
    )


def told(made: Flight, ceiling: float = 2.0) -> tuple[int | None, str, int, float | None]:
    return tuple(first_to_break(norms_of(made), made, ceiling))


def test_nothing_broke() -> None:
    assert told(flight()) == (None, "loss", D - 1, None)


def test_the_layer_that_grew_first() -> None:
    made = flight()
    made.gradient_norm[14:, 1] = 4.0 ** np.arange(1, 7)
    made.gradient_norm[16:, 0] = 9.0 ** np.arange(1, 5)
    made.loss[18:] = np.nan
    layer, quantity, row, growth = told(made)
    assert (layer, quantity, row) == (1, "gradient", 14)
    assert growth == pytest.approx(4.0**6 / np.median(made.gradient_norm[:10, 1]))


def test_of_several_at_once_none_is_named() -> None:
    made = flight()
    made.gradient_norm[15:] *= np.array([30.0, 50.0, 20.0])
    made.update_norm[15:] *= np.array([30.0, 50.0, 20.0])
    assert told(made) == (None, "gradient", 15, None)
    assert layers_at_once(made, 115) == (3, 3)
    made = flight()
    made.update_norm[15:, :2] *= 30.0
    made.gradient_norm[17:] *= 30.0
    assert told(made) == (None, "update", 15, None)
    assert layers_at_once(made, 115) == (2, 3)


def test_a_layer_alone_is_named_by_the_first_of_its_norms() -> None:
    made = flight()
    made.gradient_norm[15:, 1] *= 30.0
    made.update_norm[15:, 1] *= 900.0
    layer, quantity, row, growth = told(made)
    assert (layer, quantity, row) == (1, "gradient", 15)
    assert growth == pytest.approx(made.gradient_norm[-1, 1] / np.median(made.gradient_norm[:10, 1]))


def test_an_outlier_that_came_back_did_not_break() -> None:
    made = flight()
    made.gradient_norm[12, 0] = 1e6
    made.update_norm[17:, 2] = 5.0
    assert told(made)[:3] == (2, "update", 17)


def test_parameters_alone() -> None:
    made = flight()
    made.parameter_norm[18:, 2] = np.inf
    assert told(made) == (2, "parameters", 18, None)


def test_gradients_not_finite_spread_backward_from_the_last_layer() -> None:
    made = flight()
    made.gradient_norm[19, :2] = np.nan  # the loss is finite, the layer nearest to it too
    assert told(made) == (1, "gradient", 19, None)


def test_everything_at_once_with_the_loss_names_no_layer() -> None:
    made = flight()
    made.gradient_norm[19] = made.update_norm[19] = made.parameter_norm[19] = np.nan
    made.loss[19] = np.nan
    assert told(made) == (None, "loss", 19, None)


def test_everything_at_once_names_no_layer() -> None:
    made = flight()
    made.gradient_norm[19] = np.nan
    assert told(made) == (None, "gradient", 19, None)
    made.gradient_norm[19, 2] = 50.0  # the layer nearest to the loss broke too
    assert told(made) == (None, "gradient", 19, None)


def test_a_lone_layer_that_grew_is_named() -> None:
    made = flight(layers=1)
    made.gradient_norm[16:] *= 100
    made.loss[16:] *= 100
    assert told(made)[:3] == (0, "gradient", 16)
    made.gradient_norm[16:] = np.nan
    made.loss[16:] = np.nan
    assert told(made)[:3] == (None, "loss", 16)


def test_rows_that_were_not_measured_are_left_out() -> None:
    made = flight()
    made.measured[1::2] = False
    made.gradient_norm[1::2] = made.update_norm[1::2] = made.parameter_norm[1::2] = np.nan
    made.gradient_norm[16::2, 0] = 80.0
    assert told(made)[:3] == (0, "gradient", 16)


def test_a_ring_without_norms() -> None:
    made = flight()
    made.measured[:] = False
    made.loss[17:] = 50.0
    assert told(made) == (None, "loss", 17, None)


def test_minus_infinity_breaks_too() -> None:
    made = flight()
    made.loss[19] = -np.inf
    assert told(made) == (None, "loss", 19, None)


def test_too_few_rows_for_a_range() -> None:
    made = flight(depth=3)
    made.gradient_norm[2] *= 1e6
    assert told(made) == (None, "loss", 2, None)
