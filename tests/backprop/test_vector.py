"""The vector that a backward pass begins with: what fits, and what is said where none or another one is given."""

import numpy as np
import pytest
import torch

from fallline import OptionError
from fallline._backprop._vector import check_vector


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_number_needs_none(shape):
    assert check_vector(shape, None) is None


@pytest.mark.parametrize(
    "given", [[0.1, 1, 0.001], (0.1, 1.0, 0.001), np.array([0.1, 1.0, 0.001]), torch.tensor([0.1, 1.0, 0.001])]
)
def test_what_has_the_numbers_fits(given):
    assert check_vector((3,), given).tolist() == pytest.approx([0.1, 1.0, 0.001], rel=1e-7)


def test_shape_and_dtype_are_the_results():
    vector = check_vector((2, 3), range(6), torch.float32)
    assert vector.dtype is torch.float32
    assert vector.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert check_vector((2, 1), [[1], [2]]).shape == (2, 1)
    assert check_vector((), 3).tolist() == 3.0
    assert check_vector((1,), 3).tolist() == [3.0]


def test_vector_is_a_copy():
    given = torch.ones(2, dtype=torch.float64, requires_grad=True)
    vector = check_vector((2,), given)
    vector[0] = 5
    assert given.tolist() == [1.0, 1.0]
    assert not vector.requires_grad
    array = np.ones(2)
    check_vector((2,), array)[0] = 5
    assert array.tolist() == [1.0, 1.0]


def test_without_one_the_error_says_why_and_how():
    with pytest.raises(OptionError) as error:
        check_vector((3,), None)
    assert str(error.value) == (
        "A gradient is of one number; this result has shape (3,), 3 of them. A vector says how much each weighs in the "
        "one number that is differentiated: --vector 1,1,1, in Python vector=[1, 1, 1], adds them up."
    )


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((2, 2), '--vector "[[1, 1], [1, 1]]", in Python vector=[[1, 1], [1, 1]]'),
        ((5, 400), "vector=torch.ones(5, 400)"),
        ((2000,), "2,000 of them"),
    ],
)
def test_the_example_has_the_results_shape(shape, says):
    with pytest.raises(OptionError, match="A vector says how much each weighs") as error:
        check_vector(shape, None)
    assert says in str(error.value)
    assert "--vector" in str(error.value)


@pytest.mark.parametrize(
    ("shape", "given", "says"),
    [
        ((3,), [1.0, 2.0], r"vector has shape \(2,\), and the result has \(3,\): one weight for each entry"),
        ((3,), 2.0, r"vector is a single number, and the result has shape \(3,\): it needs 3"),
        ((2, 3), torch.ones(3, 2), r"vector has shape \(3, 2\), and the result has \(2, 3\)"),
        ((), [1.0, 2.0], r"vector has shape \(2,\), and the result has \(\)"),
        ((2,), [1.0, float("nan")], "1 of the 2 weights in vector is NaN or infinite"),
        ((2,), [float("inf"), float("nan")], "2 of the 2 weights in vector are NaN or infinite"),
        ((2,), "1,2", "vector must be numbers, one for each entry"),
        ((2,), [[1.0], [1.0, 2.0]], "vector must be numbers"),
        ((2,), ["a", "b"], "vector must be numbers"),
        ((2,), {"a": 1}, "vector must be numbers"),
        ((2,), torch.tensor([1j, 2]), "must have real numbers; this one is of complex64"),
        ((2,), torch.tensor([True, False]), "must have real numbers; this one is of bool"),
        ((0, 2), [], r"The result has shape \(0, 2\), so no entry"),
        ((0,), None, "so no entry"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(shape, given, says):
    with pytest.raises(OptionError, match=says):
        check_vector(shape, given)


def test_integers_weigh_as_well_as_others():
    assert check_vector((2,), torch.tensor([1, 2])).tolist() == [1.0, 2.0]
