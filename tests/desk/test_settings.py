"""Settings from a browser: sound, or refused in one sentence."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fallline import FalllineError, OptionError
from fallline._desk._settings import LineData, PointsData, Settings, check_work, read_settings


def test_nothing_is_the_textbook_line() -> None:
    assert read_settings({}) == read_settings(None) == Settings() == read_settings({"data": {"kind": "line"}})


def test_everything_at_once() -> None:
    read = read_settings(
        {
            "data": {"kind": "points", "x": [1, 2.5], "y": [0, 1]},
            "edits": [[0, 1.5, 2], [None, 3, 4], [1, None, None]],
            "start": [0.5, -1],
            "learning_rate": 1e-7,
            "rate_changes": [[90, 0.005], [41, 0.02], [90, 0.5]],
            "optimizer": "adam",
            "optimizer_options": {"betas": [0.8, 0.9], "amsgrad": True},
            "epochs": 7.0,
            "batch_size": 2,
            "loss": "HUBER",
            "standardise": False,
            "seed": 3,
        }
    )
    assert read.data == PointsData((1.0, 2.5), (0.0, 1.0))
    assert read.edits == ((0, 1.5, 2.0), (None, 3.0, 4.0), (1, None, None))
    assert read.rate_changes == ((41, 0.02), (90, 0.5))
    assert read.options == {"betas": (0.8, 0.9), "amsgrad": True}
    assert (read.epochs, read.loss, read.standardise, read.seed) == (7, "huber", False, 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "The settings must be an object, not []."),
        ({"learning_rat": 1}, 'There is no setting "learning_rat": .* Did you mean "learning_rate"?'),
        ({"learning_rate": "0.1"}, 'The learning rate must be a number, not "0.1".'),
        ({"learning_rate": True}, "The learning rate must be a number, not true."),
        ({"learning_rate": math.nan}, "The learning rate must be a finite number, not NaN."),
        ({"learning_rate": math.inf}, "The learning rate must be a finite number, not ∞."),
        ({"learning_rate": 10**400}, "The learning rate must be a finite number, not ∞."),
        ({"learning_rate": 0}, "The learning rate must be above 0 and below 1e+30, not 0. With 0 nothing would move."),
        ({"learning_rate": 1e30}, "The learning rate must be above 0 and below 1e+30, not 1e+30."),
        ({"epochs": 0}, "The number of epochs must be from 1 to .*, not 0."),
        ({"epochs": 1.5}, "The number of epochs must be a whole number, not 1.5."),
        ({"epochs": 10**7}, "10,000,000 steps are more than the page makes while you wait (100,000): .* fallline fit."),
        ({"epochs": 50_000, "batch_size": 1}, "5,000,000 steps are more than .*"),
        ({"batch_size": 0}, "The batch size must be from 1 to .*"),
        ({"seed": -1}, "The seed must be from 0 to .*"),
        ({"loss": "msee"}, 'There is no loss "msee": .* Did you mean "mse"?'),
        ({"standardise": 1}, "Standardise must be true or false, not 1."),
        ({"optimizer": "Adm"}, 'torch.optim has no optimizer "Adm".* Did you mean "Adam"?'),
        ({"optimizer_options": {"lr": [1, "x"]}}, 'The option "lr" must be a number, not "x".'),
        (
            {"optimizer": "LBFGS", "optimizer_options": {"max_iter": 10**6}},
            'The option "max_iter" must be at most 100.*',
        ),
        ({"start": [1, None]}, "Each number of the start must be a number, not nothing."),
        ({"start": 3}, "The start must be a list, not 3."),
        ({"rate_changes": [[3]]}, "A rate change is [step, rate], not [3]."),
        ({"rate_changes": [[3, None]]}, "The rate change at step 3 has no rate: give a number."),
        ({"rate_changes": [[3, -1]]}, "The learning rate from step 3 on must be above 0.*"),
        ({"data": {"kind": "lin"}}, 'The data\'s kind is line, points or upload, not "lin". Did you mean "line"?'),
        ({"data": {"kind": ["line"]}}, "The data's kind is line, points or upload, not ['line']."),
        ({"data": {"nois": 1}}, 'There is no setting of a line "nois": .* Did you mean "noise"?'),
        ({"data": {"noise": -0.1}}, "The noise must be from 0 to .*, not −0.1."),
        ({"data": {"points": 1}}, "The number of points must be from 2 to 10,000, not 1."),
        ({"data": {"points": 5, "outliers": 5}}, "5 outliers among 5 points: there must be fewer than points."),
        ({"data": {"kind": "points", "x": [1, 2], "y": [1]}}, "x has 2 numbers and y has 1: give each point both."),
        ({"data": {"kind": "points", "x": [1], "y": [1]}}, "A line needs at least two points, not 1."),
        (
            {"data": {"kind": "points", "x": [1, "NaN"], "y": [1, 2]}},
            "There is no number for x of point 2: give one, or leave the point out.",
        ),
        ({"data": {"kind": "points", "x": [1] * 10_001, "y": []}}, "The list x takes at most 10,000, not 10,001."),
        ({"data": {"kind": "upload"}}, "The id of the uploaded table must be a text, not nothing."),
        ({"edits": [[1, 2]]}, "An edit is [row, x, y].*"),
        ({"edits": [[None, None, None]]}, "An edit of nothing: give a row, or an x and a y."),
        ({"edits": [[1, 2, None]]}, "There is no number for y of an edit.*"),
        ({"edits": [[0, 1, 1]] * 1_001}, "The list of edits takes at most 1,000, not 1,001."),
        ({"formula": "w^2", "batch_size": 3}, "A formula has no rows: leave batch_size out."),
        ({"formula": "w^2", "edits": [[0, 1, 1]]}, "A formula has no rows: leave edits out."),
        ({"formula": "w^2", "data": {"points": 5}}, "A formula has no rows: leave data out."),
        ({"formula": 3}, "The formula must be a text, not 3."),
        ({"formula": "w" * 501}, "The formula must be at most 500 signs long, not 501."),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(given: object, said: str) -> None:
    pattern = re.escape(said).replace(r"\.\*", ".*")
    with pytest.raises(OptionError) as told:
        read_settings(given)
    assert re.fullmatch(pattern, str(told.value)), str(told.value)


def test_ten_million_steps_of_a_table_are_refused_once_its_rows_are_known() -> None:
    settings = read_settings({"data": {"kind": "upload", "table": "x"}, "epochs": 10_000_000})
    with pytest.raises(OptionError, match="10,000,000 steps are more"):
        check_work(settings, 5)
    with pytest.raises(OptionError, match="50,000 epochs over 1,000,000 rows are more"):
        check_work(Settings(epochs=50_000), 1_000_000)
    assert check_work(Settings(epochs=3, batch_size=30), 100) == 12


def test_a_change_before_the_first_step_is_the_learning_rate() -> None:
    changed = read_settings({"learning_rate": 0.0001, "rate_changes": [[7, 0.2], [0, 0.1]]})
    assert changed == read_settings({"learning_rate": 0.1, "rate_changes": [[7, 0.2]]})


def test_keys_are_equal_where_settings_are() -> None:
    one, other = read_settings({"learning_rate": 0.1}), read_settings({"learning_rate": 0.2, "epochs": 200})
    assert one.key("data", "epochs") == other.key("data", "epochs")
    assert one.key("learning_rate") != other.key("learning_rate")
    assert read_settings({"data": {"points": 50}}).data == LineData(points=50)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*Settings.__dataclass_fields__, "x"])
inside = st.sampled_from(["kind", "slope", "noise", "points", "outliers", "x", "y", "table", "features", "target"])
kinds = st.sampled_from(["line", "points", "upload", "other"])
data_like = st.builds(
    lambda kind, rest: {"kind": kind, **rest}, kinds, st.dictionaries(inside, json_values, max_size=3)
)


@given(st.dictionaries(names, json_values | data_like, max_size=4) | json_values)
@example({"epochs": 1e308})
@example({"seed": float("nan")})
@example({"optimizer_options": {"\x1b[1m": 10**5000}})
@example({"data": {"kind": "upload", "table": "\ud800", "features": ["\ud800"]}})
def test_whatever_comes_is_read_or_refused(given: object) -> None:
    try:
        read = read_settings(given)
    except FalllineError as told:
        sentence = str(told)
        assert sentence
        assert sentence.isprintable(), sentence
    else:
        assert isinstance(read, Settings)
        assert read.key("data", "optimizer_options")
