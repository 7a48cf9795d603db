"""What the studio's first load weighs: every byte that the server sends until the textbook line's picture stands still.

Counted between server and browser, headers and the socket's frames included, as they travel (compressed or not); the
caches are empty. kB are thousands of bytes.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from benchmarks._chromium import chromium
from benchmarks._harness import Bar, main
from benchmarks._studio import served


class Counted:
    """A way to the server that counts what comes back."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self.bytes = 0
        self.port = 0

    async def open(self, ready: threading.Event) -> None:
        """Serve until the loop is stopped."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        await asyncio.gather(self._pass(reader, to_server, count=False), self._pass(from_server, writer, count=True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool) -> None:
        try:
            while data := await reader.read(65_536):
                self.bytes += len(data) if count else 0
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return  # the browser or the server has closed it
        finally:
            writer.close()


@contextmanager
def counted(address: str) -> Iterator[Counted]:
    """A counted way to this address."""
    way = Counted(urlsplit(address).port or 80)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    serving = loop.create_task(way.open(ready))
    thread = threading.Thread(target=_run, args=(loop, serving))
    thread.start()
    ready.wait()
    try:
        yield way
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, serving: "asyncio.Task[None]") -> None:
    try:
        loop.run_until_complete(serving)
    except asyncio.CancelledError:
        return


def measure() -> list[Bar]:
    """kB."""
    with served() as address, counted(address) as way, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"http://127.0.0.1:{way.port}/")
        page.locator(".fl-canvas-contour").wait_for(timeout=60_000)
        page.wait_for_timeout(2000)
        weight = way.bytes / 1000
        browser.close()
    return [Bar("studio: first load, all bytes", weight, 200, "kB")]


if __name__ == "__main__":
    main(measure)
