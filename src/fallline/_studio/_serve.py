"""The process: a port, the server on it, and its end."""

import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from fallline._errors import OptionError

PORT = 8642
PORTS_TRIED = 20
MOST_MESSAGE_BYTES = 4 * 2**20
"""From here on a message is not even read to its end: the socket is closed."""

MOST_CONNECTIONS = 500


def check_port(port: int | None) -> None:
    """Refuse what is no port.

    >>> check_port(0)
    """
    if port is not None and not 0 <= port <= 65_535:
        raise OptionError(f"--port takes a whole number from 0 to 65,535, not {port}.")


def bind(host: str, port: int | None) -> socket.socket:
    """A socket that listens there; where no port was asked for, the usual one or the next that is free.

    Raises:
        OptionError: the port is taken or not allowed, or there is no such host.
    """
    tried = range(PORT, PORT + PORTS_TRIED) if port is None else (port,)
    for each in tried:
        try:
            return _listen(host, each)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE and each != tried[-1]:
                continue
            raise OptionError(_why_not(host, each, port, problem)) from problem
    raise OptionError("No port was named.")


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where the other option would share a taken port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
        listening.set_inheritable(False)
    except OSError:
        listening.close()
        raise
    return listening


def _why_not(host: str, port: int, asked: int | None, problem: OSError) -> str:
    if isinstance(problem, socket.gaierror):
        return f'"{host}" is no name or address of this machine.'
    if problem.errno == errno.EADDRINUSE:
        taken = f"Port {port} is" if asked is not None else f"The ports {PORT} to {port} are all"
        return f"{taken} taken: choose another with --port, or --port 0 for any that is free."
    if problem.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine."
    if problem.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used here: choose one above 1023."
    return f"The server cannot listen on {host}, port {port} ({problem.strerror})."


class _Server(uvicorn.Server):
    """uvicorn, but who asks it to end decides what becomes of the process."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started
        self.asked_by: int | None = None
        """The signal that ended it."""
        self.failed: OSError | None = None
        """Why nobody could be told that it has begun."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        try:
            self._when_started()
        except OSError as problem:  # a full disk behind standard output: an orderly end, and then its sentence
            self.failed = problem
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of a page that cannot say goodbye: no matter
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        asked = (signal.SIGINT, signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in asked}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.asked_by = sig
        super().handle_exit(sig, frame)


def serve(app: Starlette, listening: socket.socket, started: Callable[[], None]) -> bool:
    """Serve until Ctrl-C or SIGTERM; ``started`` is called once requests are answered.

    Returns:
        Whether it was Ctrl-C.

    Raises:
        OSError: ``started`` could not say so.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_per_message_deflate=True,
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, started)
    server.run([listening])
    if server.failed is not None:
        raise server.failed
    return server.asked_by == signal.SIGINT
