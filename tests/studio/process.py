"""``fallline studio`` as a process of its own, and kinds of request that misbehave in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

PROGRAM = """
import sys, time
from fallline._studio import _kinds, _socket

def stuck(request, client):
    print("stuck", flush=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.01)
    return {"payload": {}}

def patient(request, client):
    print("begun", flush=True)
    try:
        while True:
            client.check()
            time.sleep(0.002)
    finally:
        print("cancelled", flush=True)

def large(request, client):
    return {"payload": {"text": "".join(map(str, range(200_000)))}}

def echo(request, client):
    return {"payload": request["settings"]}

HANDLERS = {"stuck": stuck, "patient": patient, "large": large, "echo": echo}
_kinds.KINDS = {**_kinds.KINDS, **dict.fromkeys(HANDLERS, "")}
found = _kinds.find_handler
_socket.find_handler = lambda kind: HANDLERS.get(kind) or found(kind)
from fallline.__main__ import main
sys.argv[0] = "fallline"
main()
"""


class Served:
    """A running studio."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.address = self.line().removesuffix("/")

    def line(self) -> str:
        """The next line on its stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def talk(self, **options: object) -> ClientConnection:
        """A socket as the page's."""
        return connect(f"{self.address.replace('http', 'ws')}/socket", origin=self.address, **options)  # type: ignore[arg-type]  (options are passed on)

    def end(self, sent: int) -> tuple[int, str]:
        """Send a signal; the status and stderr."""
        self.process.send_signal(sent)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextmanager
def served(folder: Path, *arguments: object) -> Iterator[Served]:
    """The studio on a free port, gone when the block is left, whatever happens in it."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "studio", "--no-open", "--port", "0", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "DISPLAY": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()
