"""One client's socket: requests in lanes, of each lane the latest; answers as they are computed."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from starlette.websockets import WebSocket

from fallline._desk._client import Cancelled, Client
from fallline._errors import FalllineError
from fallline._studio._kinds import find_handler
from fallline._studio._messages import (
    Asked,
    Cancel,
    MessageError,
    dropped_text,
    error_text,
    progress_text,
    sendable,
    understood,
)
from fallline._studio._outbox import Outbox
from fallline._studio._places import Places
from fallline._studio._workers import Job, Workers

MOST_LANES = 16
"""In which something is under way, of one client."""
MOST_CLIENTS = 100
PROGRESS_SECONDS = 0.1
FAULT = "This could not be computed (a fault in fallline)."

logger = logging.getLogger("fallline.studio")


@dataclass(eq=False)
class Request:
    """A request under way."""

    asked: Asked
    superseded: threading.Event = field(default_factory=threading.Event)
    """Nobody waits for it: a newer one came, it was cancelled, or its client went away."""
    unwanted: bool = False
    """Cancelled by name: even a finished answer is not sent."""
    job: Job | None = None
    told: float = 0.0
    """When progress was last told."""


@dataclass
class Lane:
    """The request that is being answered, and the latest that came after it."""

    current: Request
    latest: Request | None = None


class Conversation:
    """Everything that one client has under way. Its methods run on the event loop, but for ``_answer``."""

    def __init__(self, places: Places, workers: Workers) -> None:
        self._places = places
        self._workers = workers
        self._tables = places.tables.of_client()
        self._lanes: dict[str, Lane] = {}
        self._memory: dict[str, object] = {}
        self.outbox = Outbox()

    def hear(self, text: str) -> None:
        """Take one message: begin a request, cancel one, or answer that it cannot be understood."""
        try:
            message = understood(text)
            if isinstance(message, Cancel):
                self._cancel(message.number)
            else:
                self._begin(Request(message))
        except MessageError as error:
            self.outbox.put(error_text(error.number, str(error)))

    def leave(self) -> None:
        """The client is gone: stop its work."""
        for lane in self._lanes.values():
            lane.current.superseded.set()
            if lane.current.job is not None:
                self._workers.withdraw(lane.current.job)
        self._lanes.clear()
        self._tables.close()

    def _begin(self, request: Request) -> None:
        asked = request.asked
        if any(asked.number == other.asked.number for other in self._under_way()):
            raise MessageError(f"There is a request {asked.number} under way already.", asked.number)
        lane = self._lanes.get(asked.lane)
        if lane is None:
            if len(self._lanes) >= MOST_LANES:
                raise MessageError(f"There are {MOST_LANES} lanes under way: wait for one of them.", asked.number)
            self._lanes[asked.lane] = Lane(request)
            self._submit(request)
            return
        if lane.latest is not None:
            self.outbox.put(dropped_text(lane.latest.asked.number))
        lane.latest = request
        lane.current.superseded.set()
        self._withdraw(lane.current)

    def _cancel(self, number: int) -> None:
        for lane in self._lanes.values():
            if lane.latest is not None and lane.latest.asked.number == number:
                lane.latest = None
                self.outbox.put(dropped_text(number))
                return
            if lane.current.asked.number == number:
                lane.current.unwanted = True
                lane.current.superseded.set()
                self._withdraw(lane.current)
                return

    def _under_way(self) -> list[Request]:
        lanes = self._lanes.values()
        return [request for lane in lanes for request in (lane.current, lane.latest) if request is not None]

    def _submit(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        tell = self._teller(loop, request)
        client = Client(
            runs=self._places.runs,
            chapters=self._places.chapters,
            tables=self._tables,
            memory=self._memory,
            is_cancelled=request.superseded.is_set,
            tell=tell,
        )
        request.job = Job(self, lambda: answer(request.asked, client), lambda future: self._finish(request, future))
        self._workers.submit(request.job)

    def _withdraw(self, request: Request) -> None:
        """Drop a request that has not begun; one that has ends by itself."""
        if request.job is not None and self._workers.withdraw(request.job):
            self._reply(request, dropped_text(request.asked.number))

    def _finish(self, request: Request, future: "Future[str]") -> None:
        self._reply(request, _outcome(request, future))

    def _reply(self, request: Request, text: str) -> None:
        """Send an answer; its lane goes on once it is sent, so that a slow client's answers do not pile up."""
        if self._lanes.get(request.asked.lane) is None or self._lanes[request.asked.lane].current is not request:
            return  # the client has left
        request.job = None
        self.outbox.forget_progress(request.asked.number)
        self.outbox.put(text, lambda: self._go_on(request))

    def _go_on(self, request: Request) -> None:
        lane = self._lanes.pop(request.asked.lane, None)
        if lane is not None and lane.latest is not None:
            self._lanes[request.asked.lane] = Lane(lane.latest)
            self._submit(lane.latest)

    def _teller(self, loop: asyncio.AbstractEventLoop, request: Request) -> Callable[[float, str], None]:
        def tell(share: float, note: str) -> None:
            now = time.monotonic()
            if now - request.told < PROGRESS_SECONDS:
                return
            request.told = now
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._progress, request, share, note)

        return tell

    def _progress(self, request: Request, share: float, note: str) -> None:
        if request.job is not None and not request.superseded.is_set():
            number = request.asked.number
            self.outbox.put_progress(number, progress_text(number, share, note))


def answer(asked: Asked, client: Client) -> str:
    """Compute the answer to a request, on a thread of its own; the reply as text."""
    from fallline._view import to_json  # noqa: PLC0415  (NumPy: not before the page is served)

    client.check()
    reply = find_handler(asked.kind)(asked.fields, client)
    if ("payload" in reply) == ("part" in reply):
        raise TypeError(f"the handler of {asked.kind} gave neither a payload nor a part, or both: {sorted(reply)}")
    return sendable(to_json({"id": asked.number, **reply}))


def _outcome(request: Request, future: "Future[str]") -> str:
    """The reply to send, whatever came of a request."""
    number = request.asked.number
    problem = future.exception()
    if isinstance(problem, Cancelled) or request.unwanted:
        return dropped_text(number)
    if problem is None:
        return future.result()
    if isinstance(problem, FalllineError):
        return error_text(number, str(problem), getattr(problem, "place", None))
    logger.error("The studio could not answer %s:", request.asked.kind, exc_info=problem)
    return error_text(number, FAULT)


async def converse(websocket: WebSocket) -> None:
    """``/socket``: hear a client until it leaves."""
    state = websocket.app.state
    if len(state.conversations) >= MOST_CLIENTS:
        await websocket.accept()
        await websocket.close(1013, f"{MOST_CLIENTS} pages are open already")
        return
    conversation = Conversation(state.places, state.workers)
    state.conversations.add(conversation)
    sender = asyncio.create_task(conversation.outbox.send_all(websocket))
    try:
        await websocket.accept()
        await _hear_all(websocket, conversation)
    finally:
        state.conversations.discard(conversation)
        conversation.leave()
        sender.cancel()


async def _hear_all(websocket: WebSocket, conversation: Conversation) -> None:
    while True:
        await conversation.outbox.room()
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            conversation.outbox.put(error_text(None, "A message is text, not binary."))
        else:
            conversation.hear(text)
