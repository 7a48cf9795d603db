"""The studio as a process of its own, and one page's socket to it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection


@contextmanager
def served() -> Iterator[str]:
    """The studio's address, without the slash at its end; the process is gone when the block is left."""
    program = Path(sys.executable).with_name("fallline.exe" if sys.platform == "win32" else "fallline")
    command = [str(program), "studio", "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the studio has no stdout")
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.terminate()


@dataclass
class Page:
    """One page: asks, and waits for its answers."""

    socket: ClientConnection
    asked: int = 0
    errors: list[str] = field(default_factory=list)

    async def ask(self, kind: str, **fields: Any) -> tuple[dict[str, Any], float]:
        """The answer, progress left out, and the seconds until its text was there."""
        self.asked += 1
        start = time.perf_counter()
        await self.socket.send(json.dumps({"id": self.asked, "kind": kind, **fields}))
        while True:
            text = await self.socket.recv()
            seconds = time.perf_counter() - start
            answer: dict[str, Any] = json.loads(text)
            if "progress" in answer:
                continue
            if answer.get("id") != self.asked or "error" in answer or "dropped" in answer:
                self.errors.append(str(text)[:200])
            return answer, seconds
