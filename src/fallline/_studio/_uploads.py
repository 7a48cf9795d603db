"""``POST /upload?name=…``: a file dropped onto the page, read as it comes and refused once it is too large."""

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from fallline._desk._tables import Tables, shown_name
from fallline._errors import FalllineError

MOST_BYTES = 20 * 2**20
MOST_AT_ONCE = 2
"""Files that are read at a time; others wait."""
MOST_LEFT = 2
"""Readers that were given up and are still going."""
MOST_SECONDS = 60.0
DISCARDED_BYTES = 12 * MOST_BYTES
"""Of a file that was refused: a browser listens to the answer only once it has sent all."""
DISCARDED_SECONDS = 10.0
TOO_LARGE = f"The file is larger than {MOST_BYTES // 2**20} MB: train on it with `fallline fit`."
READING_SECONDS = 60.0
UNREADABLE = f"could not be read within {READING_SECONDS:.0f} seconds: train on it with `fallline fit`."
BUSY = (
    f"The studio is still reading {MOST_LEFT} files that were dropped before, and takes no more: drop this one again "
    "later, or start the studio again."
)
TOO_SLOW = f"The file did not arrive within {MOST_SECONDS:.0f} seconds: drop it again."

logger = logging.getLogger("fallline.studio")


class Readers:
    """Threads that read files, one for each: at most so many at a time, those apart that were given up."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(MOST_AT_ONCE)
        self._left: list[Future[dict[str, object]]] = []

    def idle(self) -> bool:
        """Whether none of those is still going that were given up."""
        return all(each.done() for each in self._left)

    def read(self, tables: Tables, name: str, content: bytes) -> "Future[dict[str, object]] | None":
        """Have a file read; None where too many are still being read in vain."""
        self._left = [each for each in self._left if not each.done()]
        if len(self._left) >= MOST_LEFT:
            return None
        thread = ThreadPoolExecutor(1, thread_name_prefix="fallline-upload")
        reading = thread.submit(tables.add, name, content)
        thread.shutdown(wait=False)
        return reading

    def leave(self, reading: "Future[dict[str, object]]") -> None:
        """Give up on it: its thread goes on, and its place is another's."""
        self._left.append(reading)


class TooLargeError(Exception):
    """More came than is taken."""

    def __init__(self, *, more: bool) -> None:
        super().__init__()
        self.more = more
        """Whether still more is to come."""


async def receive_upload(request: Request) -> Response:
    """The file is the body; the answer says what is in it, or in one sentence what is wrong."""
    tables: Tables = request.app.state.tables
    announced = request.headers.get("content-length", "0")
    if int(announced) > MOST_BYTES:
        return RefusedBody(TOO_LARGE, more=True)
    try:
        async with request.app.state.readers.places:
            async with asyncio.timeout(MOST_SECONDS):
                content = await _body(request)
            return await _added(request.app.state.readers, tables, request.query_params.get("name", ""), content)
    except TooLargeError as error:
        return RefusedBody(TOO_LARGE, more=error.more)
    except TimeoutError:
        return _told(TOO_SLOW, 408)
    except ClientDisconnect:  # nobody is there to answer
        return Response(status_code=400)


async def _added(readers: Readers, tables: Tables, name: str, content: bytes) -> Response:
    """Have the file read on a thread; a reader that gives up on it is no reason for the server to."""
    working = readers.read(tables, name, content)
    if working is None:
        return _told(BUSY, 503)
    reading = asyncio.wrap_future(working)
    await asyncio.wait([reading], timeout=READING_SECONDS)
    if not reading.done():
        readers.leave(working)
        reading.cancel()
        return _told(f"{shown_name(name)} {UNREADABLE}", 408)
    problem = reading.exception()
    if problem is None:
        return JSONResponse(reading.result())
    if isinstance(problem, FalllineError):
        return _told(str(problem), 400)
    logger.error("The studio could not read a table:", exc_info=problem)
    return _told(f"{shown_name(name)} could not be read (a fault in fallline): save it as CSV and drop it again.", 500)


async def _body(request: Request) -> bytes:
    content, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > MOST_BYTES:
            raise TooLargeError(more=more)
    return bytes(content)


def _told(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status)


class RefusedBody(JSONResponse):
    """Status 413, sent at once; what is still on its way is thrown away, within bounds."""

    def __init__(self, sentence: str, *, more: bool) -> None:
        super().__init__({"error": sentence}, 413, headers={"connection": "close"})
        self._more = more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then listen to the end."""
        del scope
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if self._more:
            with suppress(TimeoutError):
                async with asyncio.timeout(DISCARDED_SECONDS):
                    await _discard(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    seen = 0
    while seen < DISCARDED_BYTES:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        seen += len(message.get("body", b""))
