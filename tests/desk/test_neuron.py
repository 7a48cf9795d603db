"""Kind neuron: what the page is told is what fallline measures, also while somebody drags."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fallline as fl
from fallline import FalllineError, OptionError
from fallline._desk import _study
from fallline._desk._client import Cancelled, Client
from fallline._desk._neuron import accepts, neuron
from fallline._desk._settings import read_settings
from fallline._desk._study import KEPT, Studies
from fallline._view import to_json
from fallline._view._live import scene_of

SHORT = {"epochs": 30, "data": {"points": 20}}


def full(client: Client, given: Mapping[str, object], frame: object = None, **more: object) -> dict[str, Any]:
    return neuron({"settings": given, "detail": "full", "frame": frame, **more}, client)


def draft(client: Client, given: Mapping[str, object], frame: object, **more: object) -> dict[str, Any]:
    part: dict[str, Any] = dragged(client, given, frame, **more)["part"]
    return part


def dragged(client: Client, given: Mapping[str, object], frame: object, **more: object) -> dict[str, Any]:
    reply: dict[str, Any] = neuron({"settings": given, "detail": "draft", "frame": frame, **more}, client)
    assert set(reply) == {"part", "frame"}
    return reply


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


@pytest.fixture(scope="module")
def first(client: Client) -> dict[str, Any]:
    return full(client, SHORT)


def test_a_full_reply_is_the_run_that_fit_makes(client: Client, first: dict[str, Any]) -> None:
    payload = first["payload"]
    run = fl.fit(fl.line(points=20), standardise=False, epochs=30)
    auto = fl.fit(fl.line(points=20), standardise=False, epochs=30, learning_rate=payload["rate"]["value"])
    assert run.header.learning_rate == payload["rate"]["value"]  # what a sweep recommends, as fit itself asks one
    assert payload["frames"]["loss"] == auto.columns.loss.tolist()
    assert payload["frames"]["end"] == auto.columns.parameters.tolist()
    assert payload["total_steps"] == 30
    assert payload["rate"]["zone"] == "just right"
    assert payload["accepts"] == ["learning_rate", "bend", "start", "points"]
    assert payload["data"]["row"] == list(range(20))
    assert to_json(first)


def test_the_slider_is_continuous_between_measured_rates(first: dict[str, Any]) -> None:
    rates = first["payload"]["rates"]
    assert rates["continuous"] is True
    assert rates["stops"] is None
    assert (rates["low"], rates["high"]) == (rates["value"][0], rates["value"][-1])
    assert rates["recommended"]["low"] <= first["payload"]["rate"]["value"] <= rates["recommended"]["high"]
    assert {zone["name"] for zone in rates["zones"]} >= {"too small", "just right", "diverging"}


def test_a_draft_has_the_numbers_of_the_full_reply(client: Client, first: dict[str, Any]) -> None:
    given = {**SHORT, "learning_rate": 0.011}
    quick = draft(client, given, first["frame"])
    exact = full(client, given, first["frame"])["part"]
    assert len(quick["frames"]["step"]) < len(exact["frames"]["step"]) == 30
    shown = quick["frames"]["step"]
    assert shown[0] == 0
    assert shown[-1] == 29
    for name in ("loss", "end", "gradient", "real_change", "ghost_uv", "ghost_loss"):
        whole = np.array(exact["frames"][name])[shown]  # the parabola against the loop: rounding of float32 sums
        assert np.array(quick["frames"][name]) == pytest.approx(whole, abs=1e-6 * np.abs(whole).max()), name
    assert quick["rate"] | {"share": 0} == exact["rate"] | {"share": 0}
    assert quick["verdict"][0] == exact["verdict"][0]
    assert {"windows", "bowls", "color", "data", "rates"}.isdisjoint(quick)
    assert {"windows", "bowls", "color", "data", "rates"}.isdisjoint(exact)


@pytest.mark.parametrize("more", [{"batch_size": 8}, {"formula": "rosenbrock", "data": None}, {"loss": "huber"}])
@pytest.mark.slow
def test_where_there_is_no_parabola_a_draft_is_the_same_to_the_last_bit(more: dict[str, object]) -> None:
    client, given = Client(), {**SHORT, **more, "learning_rate": 0.001}
    frame = full(client, given)["frame"]
    quick, exact = draft(client, given, frame)["frames"], full(client, given, frame)["part"]["frames"]
    places = [exact["step"].index(step) for step in quick["step"]]
    for name in ("loss", "end", "gradient", "reach", "sentences", "beats"):
        assert quick[name] == [exact[name][place] for place in places], name


def test_a_draft_asks_the_parabola_and_the_full_reply_the_rows(client: Client, first: dict[str, Any]) -> None:
    del first
    study = Studies.of(client).study(read_settings(SHORT), client)
    assert study.run(0.01, client, exact=False).header.engine == "moments"
    assert study.run(0.01, client, exact=True).header.engine == "loop"


def test_a_line_search_is_not_done_on_the_parabola(client: Client) -> None:
    given = {
        "epochs": 4,
        "data": {"points": 9},
        "optimizer": "LBFGS",
        "optimizer_options": {"line_search_fn": "strong_wolfe"},
    }
    study = Studies.of(client).study(read_settings(given), client)
    rows = study.run(0.0136, client, exact=True)
    assert study.run(0.0136, client, exact=False).columns.loss.tolist() == rows.columns.loss.tolist()


def test_what_was_dragged_to_before_keeps_its_own_rate(client: Client, first: dict[str, Any]) -> None:
    standardised = {**SHORT, "standardise": True}
    own = full(client, standardised)["payload"]["rate"]["value"]
    assert own != first["payload"]["rate"]["value"]
    assert draft(client, standardised, first["frame"])["rate"]["value"] == own


def test_a_start_is_dragged_where_it_has_two_parameters(client: Client) -> None:
    for formula, wished in (("w^2", True), ("w^2 + b^2", True), ("w^2 + b^2 + c^2", False)):
        study = Studies.of(client).study(read_settings({"formula": formula}), client)
        assert ("start" in accepts(study)) is wished


@pytest.mark.slow
def test_a_run_by_batches_has_its_zone() -> None:
    given = {"data": {"points": 20}, "epochs": 10, "loss": "huber", "batch_size": 10, "learning_rate": 1e-5}
    assert full(Client(), given)["payload"]["rate"]["zone"] == "too small"


TRIED_ALONE = {"optimizer": "Rprop", "loss": "huber", "epochs": 1, "data": {"points": 9}}


def test_where_rates_are_tried_one_by_one_a_given_rate_is_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(_study, "auto_rate", None)
        reply = full(Client(), {**TRIED_ALONE, "learning_rate": 0.01})
        again = full(Client(), {**TRIED_ALONE, "learning_rate": 0.02}, reply["frame"])
    assert "payload" in again  # another server does not know the windows: they were those of a run
    told: list[str] = []
    study = Studies().study(read_settings(TRIED_ALONE), Client())
    study.rate(Client(tell=lambda _share, note: told.append(note)))
    assert told.count("first rates") > 5


def test_a_lane_that_waits_for_another_can_be_cancelled(client: Client) -> None:
    study = Studies().study(read_settings(SHORT), client)
    held, done = Event(), Event()
    asked: list[bool] = []

    def hold() -> None:
        with study.lock:
            held.set()
            done.wait(3)
            held.clear()

    with ThreadPoolExecutor(1) as lane:
        lane.submit(hold)
        held.wait()
        with pytest.raises(Cancelled):
            study.rate(Client(is_cancelled=lambda: asked.append(held.is_set()) is None))
        done.set()
    assert asked[0]  # while the other still held it


def test_a_draft_is_small_and_has_the_step_that_is_looked_at(client: Client, first: dict[str, Any]) -> None:
    part = draft(client, {**SHORT, "learning_rate": 0.02}, first["frame"], step=23)
    assert {22, 23, 24} <= set(part["frames"]["step"])
    assert len(to_json(part)) < 60_000


def test_the_frame_does_not_depend_on_the_rate(client: Client, first: dict[str, Any]) -> None:
    other = full(Client(), {**SHORT, "learning_rate": 0.04})
    assert other["frame"] == first["frame"]
    for key in ("windows", "bowls", "color", "plane", "floor", "data", "rates"):
        assert other["payload"][key] == first["payload"][key], key
    assert other["payload"]["outcome"] == "diverged"
    assert other["payload"]["rate"]["zone"] == "diverging"
    moved = full(client, {**SHORT, "start": [0, 0]})
    assert moved["frame"] != first["frame"]


def test_one_colour_is_one_loss_whatever_is_run(client: Client) -> None:
    """Where nobody knows the lowest loss, each run has seen another."""
    study = Studies.of(client).study(read_settings({"formula": "w^4 + b^4 + w^2*b", "epochs": 5}), client)
    objective = study.problem.objective
    runs = [study.run(rate, client, exact=True) for rate in (1e-6, 0.05)]
    shown = scene_of(runs[1], objective)
    paths = [shown.path_of(run, objective) for run in runs]
    assert {(path.floor, path.start_excess) for path in paths} == {(shown.path.floor, shown.path.start_excess)}
    assert not shown.path.floor_known
    assert scene_of(runs[0], objective).path.floor != shown.path.floor


def test_runs_that_leave_have_wider_windows(first: dict[str, Any]) -> None:
    assert [window["id"] for window in first["payload"]["windows"]] == ["main", "inset", "wide", "wider", "valley"]


def test_a_run_that_bounces_stays_in_the_main_window(client: Client, first: dict[str, Any]) -> None:
    limit = first["payload"]["rate"]["limit"]
    path = np.array(draft(client, {**SHORT, "learning_rate": 0.97 * limit}, first["frame"])["trail"])
    main = first["payload"]["windows"][0]
    assert np.ptp(path[:, 0]) > 0.8 * 2 * abs(path[0, 0] - first["payload"]["optimum"]["parameters"][0])
    for axis, (low, high) in enumerate((main["x"], main["y"])):
        assert low < path[:, axis].min()
        assert path[:, axis].max() < high


def test_while_a_point_is_dragged_the_ground_moves_and_the_edges_stay(client: Client, first: dict[str, Any]) -> None:
    part = draft(client, {**SHORT, "edits": [[3, 2.0, 30.0], [None, 5.0, 5.0], [0, None, None]]}, first["frame"])
    assert part["data"]["row"] == [*range(1, 20), 20]
    assert part["data"]["y"][2] == 30.0
    assert part["optimum"]["parameters"] != first["payload"]["optimum"]["parameters"]
    for before, after in zip(first["payload"]["windows"], part["windows"], strict=True):
        assert (before["id"], before["x"], before["y"]) == (after["id"], after["x"], after["y"])
        assert after["levels"] or after["id"] == "inset"
    assert part["rate"]["value"] == first["payload"]["rate"]["value"]  # it stays while something else is dragged


@pytest.mark.parametrize("more", [{}, {"batch_size": 5}, {"optimizer": "Adam", "learning_rate": 1e-12}])
def test_nobody_at_the_page_is_told_to_type_a_flag(
    client: Client, first: dict[str, Any], more: dict[str, object]
) -> None:
    part = draft(client, {**SHORT, "learning_rate": 0.05, **more}, first["frame"])
    assert part["verdict"]
    assert "--" not in " ".join(part["verdict"])


def test_a_bend_is_told_and_what_came_before_stays(client: Client, first: dict[str, Any]) -> None:
    given = {**SHORT, "learning_rate": 0.01}
    straight = full(client, given, first["frame"])["part"]
    bent = full(client, {**given, "rate_changes": [[12, 0.02], [40, 0.5]]}, first["frame"])["part"]
    assert bent["frames"]["end"][:12] == straight["frames"]["end"][:12]
    assert bent["frames"]["end"][12] != straight["frames"]["end"][12]
    assert bent["rate"]["changes"] == [[12, 0.02]]
    assert bent["rate"]["zone"] is None
    assert bent["rate"]["words"] == "0.01, 0.02 from step 12 on"


def test_a_change_at_step_0_is_said_as_the_rate_that_is_run(client: Client, first: dict[str, Any]) -> None:
    bent = full(client, {**SHORT, "learning_rate": 1e-4, "rate_changes": [[0, 0.1]]}, first["frame"])["part"]
    assert bent == full(client, {**SHORT, "learning_rate": 0.1}, first["frame"])["part"]
    assert bent["rate"]["value"] == 0.1


def test_a_client_whose_windows_are_unknown_gets_everything(client: Client) -> None:
    reply = neuron({"settings": SHORT, "detail": "draft", "frame": "of another server"}, client)
    assert "payload" in reply


@pytest.mark.slow
def test_a_restarted_server_draws_in_the_windows_that_the_client_holds() -> None:
    one = full(Client(), SHORT)
    again = full(Client(), {**SHORT, "learning_rate": 0.01}, one["frame"])
    assert again["frame"] == one["frame"]
    assert "part" in again


def test_what_does_not_fit_is_told(client: Client) -> None:
    for wrong, said in (
        ({"start": [1.0]}, r"The start needs 2 numbers \(w, b\), not 1"),
        ({"start": [1e39, 0]}, "must be from|finite"),
        ({"edits": [[100, 1, 1]]}, "There is no point 100 to move"),
        ({"edits": [[0, None, None], [0, 1, 1]]}, "There is no point 0 to move"),
        ({"formula": "w +"}, "cannot be read"),
        ({"formula": "__import__('os')"}, "not arithmetic|no function"),
        ({"formula": "log(w)", "start": [-1]}, "loss at the start"),
        ({"data": {"kind": "upload", "table": "gone"}}, "no longer here"),
        ({"data": {"kind": "points", "x": [1, 1], "y": [1, 2]}}, "constant"),
        ({"data": {"noise": 0, "slope": 0}}, "constant"),
        ({"loss": "bce"}, "needs a target of 0 and 1"),
        ({"optimizer": "Adam", "optimizer_options": {"betas": [2, 3]}, "epochs": 3}, "Adam"),
        ({"optimizer": "SGD", "optimizer_options": {"beta": 1}}, 'has no option "beta"'),
    ):
        with pytest.raises(FalllineError, match=said):
            full(client, wrong)
    with pytest.raises(OptionError, match="detail is draft or full"):
        neuron({"detail": "all"}, client)


def test_a_request_that_nobody_waits_for_stops(first: dict[str, Any]) -> None:
    del first
    with pytest.raises(Cancelled):
        full(Client(is_cancelled=lambda: True), SHORT)


def test_what_is_remembered_is_bounded(first: dict[str, Any]) -> None:
    del first
    client = Client()
    studies = Studies.of(client)
    for seed in range(KEPT + 3):
        studies.keep(studies.study(read_settings({**SHORT, "seed": seed}), client))
    assert len(studies.kept) == len(studies.grounds) == KEPT


def test_a_long_drag_does_not_push_out_the_windows_that_are_held(client: Client, first: dict[str, Any]) -> None:
    frame = first["frame"]
    for noise in range(KEPT + 2):
        reply = dragged(client, {**SHORT, "data": {"points": 20, "noise": 0.51 + noise / 10}}, frame)
        assert "windows" in reply["part"]
        frame = reply["frame"]
    again = dragged(client, {**SHORT, "data": {"points": 20, "noise": 0.51 + noise / 10}, "seed": 0}, frame)
    assert again["frame"] == frame
    back = dragged(client, SHORT, frame)
    assert back["frame"] == first["frame"]
    assert back["part"]["windows"] == first["payload"]["windows"]  # what the client shows now is another ground
    assert "windows" not in dragged(client, SHORT, back["frame"])["part"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {"formula": "(w - 3)^2"},
        {"formula": "saddle"},
        {"formula": "w^2 + b^4 + c^2"},
        {"formula": "exp(-w)"},
        {"data": {"kind": "points", "x": [1, 2, 3, 4], "y": [0, 1, 0, 1]}, "loss": "bce"},
        {"optimizer": "LBFGS"},
        {"optimizer": "Rprop"},
        {"learning_rate": 1e-30},
        {"learning_rate": 9e29},
        {"data": {"outliers": 9}, "loss": "mae"},
        {"standardise": True},
        {"batch_size": 7},
        {"optimizer": "SGD", "optimizer_options": {"maximize": True}},
    ],
)
def test_every_kind_of_problem_has_its_picture(given: dict[str, object]) -> None:
    client = Client()
    reply = full(client, {"epochs": 12, **given})
    assert len(reply["payload"]["frames"]["step"]) == reply["payload"]["total_steps"]
    rates = reply["payload"]["rates"]
    assert rates["reason"] or rates["low"] < rates["high"]
    part = draft(client, {"epochs": 12, **given, "learning_rate": 0.003}, reply["frame"])
    assert part["rate"]["value"] == 0.003
    assert to_json(reply)
    assert to_json(part)


numbers = st.floats(-1e30, 1e30) | st.sampled_from([0.0, 1e-300, 1e30, -0.0, 0.01])
optimizers = st.sampled_from(["SGD", "adam", "momentum", "RMSprop", "Adagrad", "LBFGS", "Rprop", "NAdam"])
given_settings = st.fixed_dictionaries(
    {"epochs": st.integers(1, 6), "learning_rate": st.floats(1e-320, 9e29, exclude_min=False)},
    optional={
        "data": st.fixed_dictionaries(
            {"points": st.integers(2, 8)},
            optional={"noise": st.floats(0, 1e6), "slope": st.floats(-1e6, 1e6), "outliers": st.integers(0, 9)},
        )
        | st.lists(st.tuples(numbers, numbers), min_size=2, max_size=5).map(
            lambda pairs: {"kind": "points", "x": [x for x, _ in pairs], "y": [y for _, y in pairs]}
        ),
        "edits": st.lists(st.tuples(st.none() | st.integers(0, 9), numbers, numbers).map(list), max_size=3),
        "start": st.lists(numbers, min_size=1, max_size=3),
        "rate_changes": st.lists(st.tuples(st.integers(0, 9), st.floats(1e-300, 9e29)).map(list), max_size=3),
        "optimizer": optimizers,
        "optimizer_options": st.dictionaries(
            st.sampled_from(["momentum", "betas", "eps", "weight_decay", "maximize", "foreach", "nesterov", "alpha"]),
            numbers | st.booleans() | st.lists(numbers, min_size=2, max_size=2) | st.text(max_size=3),
            max_size=2,
        ),
        "batch_size": st.integers(1, 9),
        "loss": st.sampled_from(["mse", "mae", "huber", "bce"]),
        "standardise": st.booleans(),
        "formula": st.sampled_from(["w^2", "rosenbrock", "log(w)", "1/w", "w*b*c", "w^-300", "exp(exp(w))"]),
        "seed": st.integers(0, 3),
    },
)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(given_settings, st.booleans())
def test_never_anything_but_a_sentence(given: dict[str, Any], held: bool) -> None:
    client = Client()
    try:
        reply = full(client, given)
        assert to_json(reply)
        if held:
            again = {**given, "learning_rate": 0.5, "edits": []}
            assert to_json(neuron({"settings": again, "detail": "draft", "frame": reply["frame"]}, client))
    except FalllineError:
        return


def test_columns_that_are_those_of_another_do_not_travel(client: Client, first: dict[str, Any]) -> None:
    frames = first["payload"]["frames"]
    assert {"start_uv", "end_uv", "slice_promised", "slice_came", "slice_reach"}.isdisjoint(frames)
    parabola = full(client, {"formula": "parabola", "data": None, "learning_rate": 0.1, "epochs": 3}, None)["payload"]
    assert parabola["frames"]["start_uv"] != parabola["frames"]["start"]  # one parameter: its place has a height
