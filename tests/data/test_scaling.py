"""docs/semantics.md#units-and-standardising."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from fallline import DataError
from fallline._data import identity_scaling, line, standardise, to_table_units, to_training_scale
from fallline._records import Scaling

MODERATE = st.floats(-1e3, 1e3)
SCALES = st.floats(1e-3, 1e3)


@st.composite
def scalings(draw: st.DrawFn) -> Scaling:
    """Shifts and scales of one to four features."""
    features = draw(st.integers(1, 4))
    shift = draw(st.lists(MODERATE, min_size=features, max_size=features))
    scale = draw(st.lists(SCALES, min_size=features, max_size=features))
    return Scaling(tuple(shift), tuple(scale))


def columns_of(features: np.ndarray, pieces: int = 1) -> list[tuple[np.ndarray, ...]]:
    """[N, D] as D columns, each in so many pieces."""
    return [tuple(np.array_split(column, pieces)) for column in features.T]


def test_standardise_against_scikit_learn() -> None:
    features = np.random.default_rng(0).normal([3.0, 1e6], [2.0, 0.1], size=(50, 2))
    before = features.copy()
    scaled, scaling = standardise(columns_of(features))
    oracle = StandardScaler().fit(features)
    assert np.array_equal(features, before)
    np.testing.assert_allclose(scaling.shift, oracle.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaling.scale, oracle.scale_, rtol=1e-9)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-8)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, rtol=1e-9)
    assert scaled.flags["C_CONTIGUOUS"]


@given(seed=st.integers(0, 100), pieces=st.integers(2, 7))
def test_the_pieces_a_column_was_read_in_change_no_bit(seed: int, pieces: int) -> None:
    features = np.random.default_rng(seed).normal([3.0, -1e6], [2.0, 0.1], size=(1000, 2))
    whole, scaling = standardise(columns_of(features))
    other, same = standardise(columns_of(features, pieces))
    assert np.array_equal(whole, other)
    assert scaling == same


@given(exponent=st.integers(-1000, 480), seed=st.integers(0, 100))
def test_a_power_of_two_changes_nothing(exponent: int, seed: int) -> None:
    """Tiny and huge columns keep every digit: no square of theirs vanishes or overflows."""
    features = np.random.default_rng(seed).normal(size=(20, 1))
    scaled, scaling = standardise(columns_of(features))
    other, moved = standardise(columns_of(np.ldexp(features, exponent)))
    assert np.array_equal(scaled, other)
    assert moved.scale[0] == np.ldexp(scaling.scale[0], exponent)


def test_a_constant_feature_has_no_scale() -> None:
    with pytest.raises(DataError, match="Feature 2 is constant"):
        standardise(columns_of(np.array([[1.0, 5.0], [2.0, 5.0]])))


@pytest.mark.slow
@given(scaling=scalings(), data=st.data())
def test_the_conversions_are_inverse(scaling: Scaling, data: st.DataObject) -> None:
    shape = (data.draw(st.integers(1, 3)), len(scaling.scale) + 1)
    parameters = data.draw(arrays(np.float64, shape, elements=MODERATE))
    # rounding is relative to the largest term that meets in the bias
    terms = 1.0 + np.abs(parameters).max() * (1.0 + np.max(np.abs(scaling.shift)) / np.min(scaling.scale))
    back = to_training_scale(to_table_units(parameters, scaling), scaling)
    np.testing.assert_allclose(back, parameters, rtol=1e-12, atol=1e-14 * terms)
    terms = 1.0 + np.abs(parameters).max() * (1.0 + np.max(np.abs(scaling.shift))) * (1.0 + np.max(scaling.scale))
    forth = to_table_units(to_training_scale(parameters, scaling), scaling)
    np.testing.assert_allclose(forth, parameters, rtol=1e-12, atol=1e-14 * terms)


@given(seed=st.integers(0, 1000))
def test_both_scales_predict_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    features = random.normal([100.0, -3.0, 0.1], [5.0, 1.0, 0.01], size=(12, 3))
    scaled, scaling = standardise(columns_of(features))
    parameters = random.normal(size=4)
    table = to_table_units(parameters, scaling)
    np.testing.assert_allclose(features @ table[:-1] + table[-1], scaled @ parameters[:-1] + parameters[-1], atol=1e-9)


def test_identity_leaves_even_what_is_not_finite() -> None:
    scaling = identity_scaling(2)
    assert scaling.is_identity
    parameters = np.array([[np.inf, np.nan, 1.0], [1.0, -np.inf, 2.0]])
    assert np.array_equal(to_table_units(parameters, scaling), parameters, equal_nan=True)
    assert np.array_equal(to_training_scale(parameters, scaling), parameters, equal_nan=True)


def test_a_diverged_run_converts_without_a_warning() -> None:
    _, scaling = standardise(line().feature_columns)
    assert not np.isfinite(to_table_units([np.inf, np.nan], scaling)).any()
    assert to_table_units([1e308, 1e308], Scaling((10.0,), (1e-3,))).shape == (2,)


def test_the_number_of_parameters_must_fit() -> None:
    with pytest.raises(ValueError, match=r"expected parameters \[..., 3\]"):
        to_table_units([1.0, 2.0], identity_scaling(2))
