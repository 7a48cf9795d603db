"""What waits to be sent to one client: bounded, because who asks without reading is not listened to."""

import asyncio
from collections import deque
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

MOST_WAITING = 64
"""Answers that may wait before nothing more is read from the client."""


def _nothing() -> None:
    return


class Outbox:
    """Texts in their order; of the progress of a request only the latest."""

    def __init__(self) -> None:
        self._texts: deque[tuple[str, Callable[[], None]]] = deque()
        self._progress: dict[int, str] = {}
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    def put(self, text: str, sent: Callable[[], None] = _nothing) -> None:
        """Send this text, and then call ``sent``."""
        self._texts.append((text, sent))
        self._filled.set()
        if len(self._texts) >= MOST_WAITING:
            self._room.clear()

    def put_progress(self, number: int, text: str) -> None:
        """Send this in place of an older one of the same request."""
        self._progress[number] = text
        self._filled.set()

    def forget_progress(self, number: int) -> None:
        """The answer is there: how far it was is of no interest."""
        self._progress.pop(number, None)

    async def room(self) -> None:
        """Wait until enough was sent."""
        if not self._closed:
            await self._room.wait()

    async def send_all(self, websocket: WebSocket) -> None:
        """Send what comes until the client is gone; a slow one is waited for."""
        try:
            while True:
                await self._filled.wait()
                text, sent = self._next()
                await websocket.send_text(text)
                sent()
        except (WebSocketDisconnect, RuntimeError):  # gone, by itself or because it was sent away
            return
        finally:
            self._closed = True
            self._room.set()

    def _next(self) -> tuple[str, Callable[[], None]]:
        if self._texts:
            found = self._texts.popleft()
        else:
            number = next(iter(self._progress))
            found = (self._progress.pop(number), _nothing)
        if not self._texts and not self._progress:
            self._filled.clear()
        if len(self._texts) < MOST_WAITING:
            self._room.set()
        return found
