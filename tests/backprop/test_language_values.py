"""Values that are typed for inputs, and the tensors that they become."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._backprop._language import read_program
from fallline._backprop._language_values import parse_at, parse_vector, tensors_at
from fallline._errors import OptionError

PROGRAM = read_program("cross_entropy(W @ x, t)")


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["x=1.6695,-1.7944,-0.0315"], {"x": [1.6695, -1.7944, -0.0315]}),
        (["x=[1.5, 2]"], {"x": [1.5, 2.0]}),
        (["x = 1, 2; a = 3"], {"x": [1.0, 2.0], "a": 3.0}),
        (["x=1", "y=2;z=3\nw=4"], {"x": 1.0, "y": 2.0, "z": 3.0, "w": 4.0}),
        (["a=2"], {"a": 2.0}),
        (["a=−2e-3;b=–.5;c=+1.;d=1E5"], {"a": -0.002, "b": -0.5, "c": 1.0, "d": 1e5}),
        (["x=[1]"], {"x": [1.0]}),
        (["W=[[1,2],[3,4]]"], {"W": [[1.0, 2.0], [3.0, 4.0]]}),
        (["W=[ [ 1 , 2 ] ,\t[3, 4] ]"], {"W": [[1.0, 2.0], [3.0, 4.0]]}),
        (["W=[[1, 2],\n [3, 4]]\nx=1,\n2"], {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, 2.0]}),
        (["X=[[[1]],[[2]]]"], {"X": [[[1.0]], [[2.0]]]}),
        (["x=inf,-Infinity,+inf"], {"x": [math.inf, -math.inf, math.inf]}),
        (["θ=1; ｗ=2"], {"θ": 1.0, "w": 2.0}),
        ([], {}),
        ([" ;"], {}),
    ],
)
def test_values(texts: list[str], values: dict[str, object]) -> None:
    assert parse_at(texts) == values


def test_nan_is_a_value() -> None:
    (first, second) = parse_at(["x=nan,NaN"])["x"]
    assert math.isnan(first)
    assert math.isnan(second)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1.5", "gives no name a value"),
        ("=1", "gives no name a value"),
        ("2x=1", "gives no name a value"),
        ("x y=1", "gives no name a value"),
        ("x", "gives no name a value"),
        ("x=", '"x" has no value'),
        ("x=1;x=2", '"x" is given twice'),
        ("x=1,,2", "an empty entry"),
        ("x=1,", "an empty entry"),
        ("x=one", 'holds "one", which is no number'),
        ("x=1\x1b", r"sign U\+001B"),
        ("x=1 2 3", "separate numbers by commas"),
        ("x=1_000", "which is no number"),
        ("x=0x10", "which is no number"),
        ("x=2*3", "which is no number"),
        ("x=1e999", "use numbers below 1.8e308, or inf"),
        ("x=__import__('os')", "which is no number"),
        ("x=[]", "an empty list"),
        ("x=[1,[]]", "an empty list"),
        ("x=[1,2", "brackets closed"),
        ("x=1,2]", "cannot be read"),
        ("x=[1,2]]", "cannot be read"),
        ("x=[1,2] [3]", "cannot be read"),
        ("x=[1,2],[3,4]", "cannot be read"),
        ("x=[1,,2]", "cannot be read"),
        ("x=[1,2,]", "cannot be read"),
        ("x=[1 [2]]", "cannot be read"),
        ("W=[[1,2],[3]]", "rows of different lengths: the first holds 2 numbers, number 2 holds a single number"),
        ("W=[[1,2],3]", "number 2 holds a single number"),
        ("W=" + "[" * 5000 + "1" + "]" * 5000, "more than 8 brackets"),
        ("x=" + "1," * 600_000 + "1", "characters; at most"),
        ("x=" + "9" * 5000, "use numbers below"),
    ],
    ids=lambda each: each[:30],
)
def test_what_is_no_value_gets_one_clear_sentence(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        parse_at([text])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_vector() -> None:
    assert parse_vector("0.1, 1.0,0.001") == [0.1, 1.0, 0.001]
    assert parse_vector("[[1,0],[0,1]]") == [[1.0, 0.0], [0.0, 1.0]]
    assert parse_vector("2") == [2.0]
    for text, said in (("", "The vector has no value"), ("a", "The vector holds"), ("[1", "The vector cannot be read")):
        with pytest.raises(OptionError, match=said):
            parse_vector(text)


def test_tensors_in_the_programs_order_and_kinds() -> None:
    tensors = tensors_at(PROGRAM, {"t": 1, "x": [1, 2], "W": np.eye(2, dtype=np.float32)})
    assert [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()] == [
        ("W", torch.float32, (2, 2)),
        ("x", torch.float32, (2,)),
        ("t", torch.int64, ()),
    ]


def test_a_tensor_keeps_its_dtype_and_gives_it_to_the_others() -> None:
    x = torch.ones(2, dtype=torch.float64)
    tensors = tensors_at(PROGRAM, {"W": [[1, 2], [3, 4]], "x": x, "t": torch.tensor(0)})
    assert tensors["x"] is x
    assert tensors["W"].dtype == torch.float64
    assert tensors["t"].dtype == torch.int64


def test_class_numbers_may_be_a_tensor_of_any_whole_numbers() -> None:
    for given_classes in (torch.tensor(1, dtype=torch.uint8), torch.tensor(1.0), 1.0, np.int8(1)):
        assert tensors_at(PROGRAM, {"W": [[1]], "x": [1], "t": given_classes})["t"].tolist() == 1


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ({"x": [1], "t": 0}, 'The input "W" has no value: give one, as in --at "W=1.5"'),
        ({"x": [1]}, 'The inputs "W" and "t" have no value: give each one'),
        ({"W": 1, "x": 1, "t": 0, "z": 2}, '"z" is no input of the expression, which has W, x, t'),
        ({"w": 1}, 'Did you mean "W"'),
        ({"W": 1, "x": 1, "t": 0.5}, "class numbers, the second value of cross_entropy, so whole numbers: 0.5 is none"),
        ({"W": 1, "x": 1, "t": math.nan}, "nan is none"),
        ({"W": 1, "x": 1, "t": math.inf}, "inf is none"),
        ({"W": 1, "x": 1e-50, "t": 0}, "1e-50, which is 0 in float32, whose smallest number is 1.4e-45: write 0 if"),
        ({"W": 1e300, "x": 1, "t": 0}, "beyond the largest number of float32"),
        ({"W": [], "x": 1, "t": 0}, "has no entries"),
        ({"W": torch.empty(0), "x": 1, "t": 0}, "has no entries"),
        ({"W": [[1, 2], [3]], "x": 1, "t": 0}, "rows of different lengths"),
        ({"W": ["a"], "x": 1, "t": 0}, "holds str, which is no number"),
        ({"W": "a", "x": 1, "t": 0}, "is given as str"),
        ({"W": None, "x": 1, "t": 0}, "is given as NoneType"),
        ({"W": 1j, "x": 1, "t": 0}, "is given as complex"),
        ({"W": torch.tensor(1j), "x": 1, "t": 0}, "real numbers"),
        ({"W": 10**400, "x": 1, "t": 0}, "is given as int|beyond"),
        ({"W": [10**400], "x": 1, "t": 0}, "is given as list|beyond"),
    ],
)
def test_what_does_not_belong_to_the_program(at: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        tensors_at(PROGRAM, at)
    assert "\n" not in str(caught.value)


def test_assigned_names_take_no_value() -> None:
    with pytest.raises(OptionError, match='"y" is assigned in the expression'):
        tensors_at(read_program("y = x; y"), {"x": 1, "y": 2})


def test_a_nan_and_an_infinity_become_entries() -> None:
    x = tensors_at(read_program("x"), parse_at(["x=nan,inf,-inf"]))["x"]
    assert x.isnan().tolist() == [True, False, False]
    assert x[1:].tolist() == [math.inf, -math.inf]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=30), st.text("x=[],;1.e-−+naif \n", max_size=30)))
def test_any_text_is_values_or_one_sentence(text: str) -> None:
    for read in (lambda: parse_at([text]), lambda: parse_at([f"x={text}"]), lambda: parse_vector(text)):
        said = ""
        try:
            read()
        except OptionError as error:
            said = str(error)
        assert "\n" not in said
