"""What waits to be sent to a client: bounded."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from fallline._desk._client import Client, Reply
from fallline._studio import _kinds, _socket
from fallline._studio._messages import Asked
from fallline._studio._outbox import MOST_WAITING, Outbox
from fallline._studio._places import Places
from fallline._studio._socket import Conversation, Request, _hear_all
from fallline._studio._workers import Job, Workers
from studio.loops import run_apart

PATIENCE = 20.0


class SlowSocket:
    """A page that takes one text and then no more."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.reads = asyncio.Event()

    async def send_text(self, text: str) -> None:
        self.sent.append(text)
        if len(self.sent) > 1:
            await self.reads.wait()


def test_who_does_not_read_is_not_listened_to() -> None:
    async def scenario() -> None:
        outbox, page = Outbox(), SlowSocket()
        sending = asyncio.create_task(outbox.send_all(page))  # type: ignore[arg-type]  (as much of a socket as is used)
        for number in range(MOST_WAITING + 2):
            outbox.put(str(number))
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(outbox.room(), 0.01)
        page.reads.set()
        await asyncio.wait_for(outbox.room(), PATIENCE)
        sending.cancel()

    run_apart(scenario())


class GoneSocket:
    """A page that is closed while a text is on its way."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def send_text(self, text: str) -> None:
        await self.gone.wait()
        raise RuntimeError


def test_who_waits_for_room_goes_on_once_the_page_is_gone() -> None:
    async def scenario() -> None:
        outbox, page = Outbox(), GoneSocket()
        for number in range(MOST_WAITING + 2):
            outbox.put(str(number))
        sending = asyncio.create_task(outbox.send_all(page))  # type: ignore[arg-type]  (as much of a socket as is used)
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        page.gone.set()
        await asyncio.wait_for(waiting, PATIENCE)
        await sending

    run_apart(scenario())


def test_of_a_lane_nothing_more_is_computed_before_its_answer_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[object] = []

    def counts(request: Mapping[str, object], client: Client) -> Reply:
        ran.append(request["id"])
        return {"payload": {}}

    monkeypatch.setattr(_kinds, "KINDS", {"count": ""})
    monkeypatch.setattr(_socket, "find_handler", lambda _: counts)

    async def scenario() -> None:
        conversation, page = Conversation(Places(tmp_path), Workers()), SlowSocket()
        for number in range(50):
            conversation.hear(f'{{"id": {number}, "kind": "count"}}')
            await asyncio.sleep(0.002)
        assert ran == [0]
        page.reads.set()
        sending = asyncio.create_task(conversation.outbox.send_all(page))  # type: ignore[arg-type]  (as much of a socket as is used)
        async with asyncio.timeout(PATIENCE):
            while len(ran) < 2:
                await asyncio.sleep(0.002)
        sending.cancel()
        conversation.leave()

    run_apart(scenario())
    assert ran == [0, 49]


def test_of_what_nobody_waits_for_any_longer_no_progress_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    async def scenario() -> None:
        conversation = Conversation(Places(tmp_path), Workers())
        monkeypatch.setattr(conversation.outbox, "put_progress", lambda number, _: told.append(number))
        for number, is_superseded in ((1, False), (2, True)):
            request = Request(Asked(number, "slow", "slow", {}))
            request.job = Job(conversation, str, lambda _: None)
            if is_superseded:
                request.superseded.set()
            conversation._progress(request, 0.5, "")

    run_apart(scenario())
    assert told == [1]


class Chatterbox:
    """A page that asks and asks."""

    def __init__(self) -> None:
        self.said = 0

    async def receive(self) -> dict[str, str]:
        self.said += 1
        await asyncio.sleep(0)
        return {"type": "websocket.receive", "text": "nonsense"}


def test_a_page_that_only_asks_is_read_no_further(tmp_path: Path) -> None:
    async def scenario() -> int:
        page, conversation = Chatterbox(), Conversation(Places(tmp_path), Workers())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_hear_all(page, conversation), 0.05)  # type: ignore[arg-type]  (as much of a socket as is used)
        return page.said

    assert run_apart(scenario()) == MOST_WAITING


def test_of_the_progress_of_a_request_the_latest_waits_and_none_once_it_is_answered() -> None:
    async def scenario() -> list[str]:
        outbox, page = Outbox(), SlowSocket()
        page.reads.set()
        for share in range(1000):
            outbox.put_progress(1, f"1: {share}")
            outbox.put_progress(2, f"2: {share}")
        outbox.forget_progress(2)
        outbox.put("answer")
        sending = asyncio.create_task(outbox.send_all(page))  # type: ignore[arg-type]  (as much of a socket as is used)
        await asyncio.sleep(0.01)
        sending.cancel()
        return page.sent

    assert run_apart(scenario()) == ["answer", "1: 999"]
