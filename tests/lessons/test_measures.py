"""Measurements that chapters quote: of the run they name, and absent where there is none."""

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._desk._client import Client
from fallline._lessons import _watched
from fallline._lessons._chapter_words import Rate, Reach, Share
from fallline._lessons._graph_measures import graph_measures
from fallline._lessons._measure_names import is_measure
from fallline._lessons._measures import descent_measures
from fallline._lessons._watched import bare_loop, recorded, watched, watched_measures
from fallline._lessons._watched_settings import WatchedSettings, read_watched


def test_one_parameter_by_its_closed_form() -> None:
    run = fl.fit(formula="(w - 3)^2", start={"w": 5.0}, learning_rate=0.75, epochs=4, dtype="float64")
    found = descent_measures(run)  # w − 3: 2, −1, ½, −¼, ⅛
    assert found["w_start"] == 5
    assert found["w_first_step"] == 2
    assert found["w_second_step"] == 3.5
    assert found["w_end"] == 3.125
    assert found["w_away"] == 0.125
    assert found["w_crossings"] == 4
    assert found["w_slope"] == 4
    assert found["w_minus_slope"] == -4
    assert found["w_move"] == -3
    assert found["loss_first"] == 4
    assert found["loss_after_1"] == 1
    assert found["loss_last"] == found["loss_lowest"] == 1 / 64
    assert found["loss_best"] == 0
    assert found["excess_left"] == found["excess_left_4"] == Share(1 / 256)
    assert found["loss_rises"] == 0
    assert found["promised_first"] == 12
    assert found["came_first"] == 3
    assert found["came_share_first"] == Share(0.25)
    assert found["reach_first"] == Reach(1.5)
    assert found["rate"] == Rate(0.75)
    assert found["limit"] == Rate(1.0)
    assert found["crossing_rate"] == Rate(0.5)
    assert found["share_of_limit"] == Share(0.75)
    assert found["step_length_first"] == 3
    assert found["way_first_5"] == Share(1.0)
    assert found["in_minimum"] == "no"
    assert "angle_first" not in found
    assert "zone" not in found
    assert "row_x" not in found


def test_the_way_of_the_first_five_steps_and_the_typical_error() -> None:
    start = {"start": {"w": 5.0}, "dtype": "float64"}
    found = descent_measures(fl.fit(formula="(w - 3)^2", learning_rate=0.75, epochs=10, **start))  # type: ignore[arg-type]  # two keywords
    share = found["way_first_5"]  # steps of 3, 1.5, 0.75 …
    assert isinstance(share, Share)
    assert share.value == pytest.approx((1 - 0.5**5) / (1 - 0.5**10), rel=1e-6)
    found = descent_measures(fl.fit(epochs=3, learning_rate=0.01))
    for when in ("first", "last"):
        assert found[f"error_{when}"] == pytest.approx(found[f"loss_{when}"] ** 0.5)  # type: ignore[operator]  # numbers


def test_what_a_run_was_made_with() -> None:
    bent = descent_measures(fl.fit(epochs=9, learning_rate=0.01, schedule="changes:2=0.5,6=0.02"))
    assert (bent["rate"], bent["rate_largest"], bent["rate_changes"]) == (Rate(0.01), Rate(0.5), 2)
    assert bent["rates"] == "0.01, 0.5 from step 2 on, 0.02 from step 6 on"
    assert (bent["optimizer"], bent["loss"], bent["ended"]) == ("SGD", "mse", "higher")
    pushed = descent_measures(fl.fit(formula="(w - 3)^2", optimizer="momentum", learning_rate=0.01, epochs=3))
    assert (pushed["optimizer"], pushed["rates"], pushed["ended"]) == ("SGD, momentum 0.9", "0.01", "lower")
    assert descent_measures(fl.fit(learning_rate=1.0, epochs=60))["ended"] in ("higher", "no number")


def test_every_name_is_declared() -> None:
    for run in (fl.fit(epochs=6), fl.fit(formula="himmelblau", learning_rate=0.01, epochs=60)):
        for name in descent_measures(run):
            assert is_measure(name, "neuron"), name


def test_the_last_row_of_the_table() -> None:
    run = fl.fit(
        ([1.0, 2.0, 4.0], [1.0, 2.0, 9.0]), standardise=True, start={"w": 0.0, "b": 3.0}, learning_rate=0.5, epochs=1
    )
    found = descent_measures(run)
    assert found["row_x"] == pytest.approx(4)
    assert found["row_y"] == 9
    assert found["row_prediction_first"] == 3
    assert found["row_error_first"] == -6
    assert found["row_squared_first"] == 36
    assert found["row_prediction_last"] == pytest.approx(float(np.dot([4, 1], list(run.summary.learned.values()))))  # type: ignore[union-attr]  # a finished run has a summary


def test_batches_say_nothing_of_single_steps() -> None:
    found = descent_measures(fl.fit(batch_size=20, epochs=3, learning_rate=0.01))
    assert found["steps"] == 15
    assert found["batch"] == 20
    assert not {"loss_after_1", "excess_left_4", "loss_rises", "crossing_rate"} & set(found)


def test_a_run_without_end() -> None:
    run = fl.fit(learning_rate=0.1, epochs=60)
    found = descent_measures(run)
    assert found["outcome"] == "diverged"
    assert found["first_not_finite"] == run.columns.first_not_finite
    assert "error_last" not in found
    assert "excess_left" not in found
    assert found["loss_rises"] > 5  # type: ignore[operator]  # a count


def test_the_watched_loop_is_the_bare_one() -> None:
    settings, client = WatchedSettings(epochs=2), Client()
    made = recorded(settings, client)
    assert recorded(settings, client) is made
    losses, model = bare_loop(settings)
    assert made.recording.steps.loss.tolist() == losses
    for one, other in zip(made.model.parameters(), model.parameters(), strict=True):
        assert one.equal(other)
    found = watched_measures({"epochs": 2}, client)
    assert (found["parameters"], found["layers"], found["steps"], found["same"]) == (49, 2, 8, "yes")
    payload = watched({"settings": {"epochs": 2}}, client)["payload"]
    assert isinstance(payload, dict)
    assert payload["schema"].startswith("fallline.")


def test_a_watched_loop_that_went_another_way_is_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    client, given = Client(), {"epochs": 2, "learning_rate": 0.3}
    found = watched_measures(given, client)
    batches = recorded(read_watched(given), client).recording.batches
    reach = batches.reach[batches.reach_measured]
    assert found["same"] == "yes"
    assert found["too_long"] == int((reach > 2).sum()) < int((reach > 1).sum())
    losses, model = bare_loop(read_watched(given))
    with torch.no_grad():
        model[0].weight[0, 0] += 1e-6
    monkeypatch.setattr(_watched, "bare_loop", lambda _: (losses, model))
    assert watched_measures(given, client)["same"] == "no"


def test_settings_of_the_watched_loop_are_checked() -> None:
    assert read_watched(None) == WatchedSettings()
    for given in (
        {"learning_rate": 0},
        {"learning_rate": "1"},
        {"optimizer": "sgdd"},
        {"epochs": 201},
        {"rate": 1},
        [1],
    ):
        with pytest.raises(fl.OptionError):
            read_watched(given)


def test_a_graph_by_hand() -> None:
    found = graph_measures({"expression": "y = 3*x; y*y", "at": {"x": "2"}, "vector": ""}, Client())
    assert (found["result"], found["y_value"], found["x_gradient_0"], found["y_gradient_0"]) == ("36", "6", 36.0, 12.0)
    assert found["agrees"] == "yes"
    assert found["x_entries"] == 1
    assert all(is_measure(name, "backprop") for name in found)
