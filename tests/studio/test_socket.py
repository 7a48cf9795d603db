"""The socket: lanes, the latest wins, cancelling, progress, faults, messages that cannot be understood."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fallline._desk._client import Client, Handler, Reply
from fallline._errors import OptionError
from fallline._studio import _kinds, _socket, _workers
from fallline._studio._socket import FAULT, MOST_LANES
from studio.malformed import MALFORMED
from studio.server import OWN, SOCKETS, studio, talk

PATIENCE = 20.0
"""Seconds until a test that waits for something that does not come gives up."""
Answers = Callable[[Mapping[str, Handler]], None]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Kinds of request for one test."""

    def register(handlers: Mapping[str, Handler]) -> None:
        monkeypatch.setattr(_kinds, "KINDS", dict.fromkeys(handlers, ""))
        monkeypatch.setattr(_socket, "find_handler", lambda kind: handlers[kind])

    return register


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TestClient]:
    with studio(tmp_path) as client:
        yield client


class Gate:
    """A handler that waits until it is let go, and says what it saw; its name is the request's setting."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.cancelled = threading.Event()

    def __call__(self, request: Mapping[str, object], client: Client) -> Reply:
        self.entered.release()
        if not self.open.wait(PATIENCE):
            raise TimeoutError
        if client.is_cancelled():
            self.cancelled.set()
        client.check()
        return {"payload": request["settings"]}

    def wait_for_entry(self) -> None:
        assert self.entered.acquire(timeout=PATIENCE)


def echo(request: Mapping[str, object], client: Client) -> Reply:
    return {"payload": request["settings"]}


def test_an_answer_has_its_request_s_id_and_carries_what_is_not_finite(server: TestClient, answers: Answers) -> None:
    numbers = [1.5, float("nan"), float("inf"), -float("inf"), None]
    answers({"echo": echo, "part": lambda *_: {"part": {"losses": numbers}, "frame": "f"}})
    with talk(server) as page:
        page.say(id=7, kind="echo", settings={"w": "NaN"})
        assert page.hear() == {"id": 7, "payload": {"w": "NaN"}}
        page.say(id=8, kind="part")
        assert page.hear() == {"id": 8, "part": {"losses": [1.5, "NaN", "Infinity", "-Infinity", None]}, "frame": "f"}


def test_of_a_lane_the_latest_request_is_answered_and_the_others_are_dropped(
    server: TestClient, answers: Answers
) -> None:
    gate = Gate()
    answers({"slow": gate})
    with talk(server) as page:
        page.say(id=1, kind="slow", settings={"rate": 1})
        gate.wait_for_entry()
        for number in (2, 3, 4):
            page.say(id=number, kind="slow", settings={"rate": number})
        assert [page.hear(), page.hear()] == [{"id": 2, "dropped": True}, {"id": 3, "dropped": True}]
        gate.open.set()
        assert page.hear() == {"id": 1, "dropped": True}
        assert page.hear() == {"id": 4, "payload": {"rate": 4}}
        assert gate.cancelled.is_set()


def test_what_was_finished_all_the_same_is_sent_so_that_a_drag_redraws(server: TestClient, answers: Answers) -> None:
    entered, goes_on = threading.Event(), threading.Event()

    def never_checks(request: Mapping[str, object], client: Client) -> Reply:
        entered.set()
        assert goes_on.wait(PATIENCE)
        return echo(request, client)

    answers({"draft": never_checks})
    with talk(server) as page:
        page.say(id=1, kind="draft", settings={})
        assert entered.wait(PATIENCE)
        page.say(id=2, kind="draft", settings={})
        goes_on.set()
        assert [page.hear(), page.hear()] == [{"id": 1, "payload": {}}, {"id": 2, "payload": {}}]


def test_lanes_do_not_wait_for_each_other(server: TestClient, answers: Answers) -> None:
    gate = Gate()
    answers({"slow": gate, "quick": echo})
    with talk(server) as page:
        page.say(id=1, kind="slow", settings={})
        gate.wait_for_entry()
        page.say(id=2, kind="quick", settings={"lane": "its kind"})
        assert page.hear() == {"id": 2, "payload": {"lane": "its kind"}}
        page.say(id=3, kind="quick", lane="slow", settings={})  # the slow one's lane: it waits for it, and cancels it
        page.say(id=4, kind="quick", settings={})
        assert page.hear() == {"id": 4, "payload": {}}
        gate.open.set()
        assert [page.hear(), page.hear()] == [{"id": 1, "dropped": True}, {"id": 3, "payload": {}}]


def test_a_request_can_be_cancelled_while_it_runs_and_while_it_waits(server: TestClient, answers: Answers) -> None:
    gate = Gate()
    answers({"slow": gate, "quick": echo})
    with talk(server) as page:
        page.say(id=1, kind="slow", settings={})
        gate.wait_for_entry()
        page.say(id=2, kind="slow", settings={})
        page.say(cancel=2)
        assert page.hear() == {"id": 2, "dropped": True}
        page.say(cancel=99)  # answered long ago, say: nothing to tell
        page.say(cancel=1)
        gate.open.set()
        assert page.hear() == {"id": 1, "dropped": True}
        page.say(id=3, kind="quick", settings={})
        assert page.hear() == {"id": 3, "payload": {}}


def test_a_cancelled_request_that_ran_to_its_end_is_not_answered(server: TestClient, answers: Answers) -> None:
    entered, goes_on = threading.Event(), threading.Event()

    def never_checks(request: Mapping[str, object], client: Client) -> Reply:
        entered.set()
        assert goes_on.wait(PATIENCE)
        return echo(request, client)

    answers({"full": never_checks, "quick": echo})
    with talk(server) as page:
        page.say(id=1, kind="full", settings={})
        assert entered.wait(PATIENCE)
        page.say(cancel=1)
        page.say(id=2, kind="quick", settings={})
        assert page.hear()["id"] == 2  # the cancellation was heard before
        goes_on.set()
        assert page.hear() == {"id": 1, "dropped": True}


def test_a_page_that_goes_away_has_its_work_cancelled(
    server: TestClient, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_workers, "SHORT_SECONDS", PATIENCE)  # two at once, however slow this machine is
    gate, waiting = Gate(), Gate()
    answers({"slow": gate, "next": waiting, "quick": echo})
    with talk(server) as page:
        page.say(id=1, kind="slow", settings={})
        gate.wait_for_entry()
        page.say(id=2, kind="next", lane="next", settings={})
        waiting.wait_for_entry()
        page.say(id=3, kind="next", lane="next", settings={})
        page.say(id=4, kind="next", lane="other", settings={})
    deadline = time.monotonic() + PATIENCE
    while server.app.state.conversations and time.monotonic() < deadline:
        time.sleep(0.005)
    gate.open.set()
    waiting.open.set()
    assert gate.cancelled.wait(PATIENCE)
    with talk(server) as page:
        page.say(id=1, kind="quick", settings={})
        assert page.hear() == {"id": 1, "payload": {}}
    assert not waiting.entered.acquire(blocking=False)  # what came after it, and what waited for a thread, never began


def test_progress_is_told_but_not_too_often(server: TestClient, answers: Answers) -> None:
    heard = threading.Event()

    def counts(request: Mapping[str, object], client: Client) -> Reply:
        for done in range(1000):
            client.progress(done / 1000, "rates")
        assert heard.wait(PATIENCE)
        return {"payload": {}}

    answers({"sweep": counts})
    with talk(server) as page:
        page.say(id=1, kind="sweep")
        assert page.hear() == {"id": 1, "progress": 0.0, "note": "rates"}
        heard.set()
        assert len(page.hear_until(1)) <= 5


def refuses(request: Mapping[str, object], client: Client) -> Reply:
    raise OptionError("10⁷ steps are too many.")


def breaks(request: Mapping[str, object], client: Client) -> Reply:
    raise ZeroDivisionError("in the middle")


def leaves(request: Mapping[str, object], client: Client) -> Reply:
    raise SystemExit(3)


def test_a_refusal_is_its_sentence(server: TestClient, answers: Answers) -> None:
    class PlacedError(OptionError):
        place = 4

    def refuses_there(request: Mapping[str, object], client: Client) -> Reply:
        raise PlacedError("No such name.")

    answers({"long": refuses, "typed": refuses_there})
    with talk(server) as page:
        page.say(id=1, kind="long")
        assert page.hear() == {"id": 1, "error": "10⁷ steps are too many."}
        page.say(id=2, kind="typed")
        assert page.hear() == {"id": 2, "error": "No such name.", "place": 4}


@pytest.mark.parametrize(
    "handler",
    [
        breaks,
        leaves,
        lambda *_: {},
        lambda *_: {"payload": {}, "part": {}},
        lambda *_: {"payload": object()},
    ],
    ids=["exception", "exit", "no reply", "two replies", "not JSON"],
)
def test_a_fault_is_logged_and_told_and_the_server_goes_on(
    server: TestClient, answers: Answers, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    answers({"broken": handler, "echo": echo})
    with talk(server) as page, caplog.at_level(logging.ERROR, logger="fallline.studio"):
        page.say(id=1, kind="broken")
        assert page.hear() == {"id": 1, "error": FAULT}
        page.say(id=2, kind="echo", settings={})
        assert page.hear() == {"id": 2, "payload": {}}
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_every_client_has_its_own_memory_and_its_own_lanes(server: TestClient, answers: Answers) -> None:
    def remembers(request: Mapping[str, object], client: Client) -> Reply:
        before = client.memory.get("echo")
        client.memory["echo"] = request["settings"]
        return {"payload": before}

    answers({"echo": remembers})
    with talk(server) as one, talk(server) as other:
        one.say(id=1, kind="echo", settings={"whose": "one"})
        assert one.hear()["payload"] is None
        other.say(id=1, kind="echo", settings={"whose": "other"})
        assert other.hear()["payload"] is None
        one.say(id=2, kind="echo", settings={})
        assert one.hear()["payload"] == {"whose": "one"}


def test_an_id_under_way_and_too_many_lanes_are_refused(server: TestClient, answers: Answers) -> None:
    gate = Gate()
    answers({"slow": gate})
    with talk(server) as page:
        for number in range(MOST_LANES):
            page.say(id=number, kind="slow", lane=f"lane {number}", settings={})
        page.say(id=0, kind="slow", lane="other", settings={})
        assert "request 0 under way already" in page.hear()["error"]
        page.say(id=99, kind="slow", lane="one more", settings={})
        assert f"{MOST_LANES} lanes under way" in page.hear()["error"]
        gate.open.set()
        assert sorted(page.hear()["id"] for _ in range(MOST_LANES)) == list(range(MOST_LANES))


def test_no_more_pages_than_can_be_served(
    server: TestClient, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers({"echo": echo})
    monkeypatch.setattr(_socket, "MOST_CLIENTS", 1)
    with talk(server) as page:
        second = server.websocket_connect(f"{SOCKETS}/socket", headers=dict(OWN))
        with second:
            second.send_json({"id": 1, "kind": "echo", "settings": {}})  # who was let in is answered: nothing hangs
            with pytest.raises(WebSocketDisconnect) as gone:
                second.receive_text()
        assert gone.value.code == 1013
        page.say(id=1, kind="echo", settings={})
        assert page.hear()["id"] == 1
    with talk(server) as third:
        third.say(id=1, kind="echo", settings={})
        assert third.hear()["id"] == 1


def test_what_cannot_be_understood_is_answered_one_by_one(server: TestClient, answers: Answers) -> None:
    answers({"echo": lambda request, _: {"payload": request.get("settings", {})}})
    with talk(server) as page:
        for text in MALFORMED:
            page.socket.send_text(text)
            told = page.hear()
            assert set(told) == {"id", "error"}, text[:60]
            assert told["error"].endswith((".", "?")), text[:60]
            assert len(told["error"]) < 250
        page.socket.send_bytes(b"\xff\x00")
        assert page.hear() == {"id": None, "error": "A message is text, not binary."}
        page.say(id=1, kind="echo", settings={"still": "there"})
        assert page.hear() == {"id": 1, "payload": {"still": "there"}}


def test_half_a_letter_in_an_answer_does_not_end_the_socket(server: TestClient, answers: Answers) -> None:
    answers({"echo": echo})
    with talk(server) as page:
        page.say(id=1, kind="echo", settings={"name": "\ud800 half"})
        assert page.hear() == {"id": 1, "payload": {"name": "? half"}}
