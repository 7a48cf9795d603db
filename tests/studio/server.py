"""A studio in this process, and a client that speaks to it as the page does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

from fallline._studio._app import make_app
from fallline._studio._places import Places
from fallline._studio._safety import Access

ADDRESS = "http://127.0.0.1:8642"
SOCKETS = "ws://127.0.0.1:8642"
OWN = {"origin": ADDRESS}


@contextmanager
def studio(folder: Path, access: Access | None = None) -> Iterator[TestClient]:
    """The server, asked as from its own page."""
    app = make_app(Places(folder / "runs"), access or Access())
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@contextmanager
def talk(client: TestClient) -> Iterator["Talk"]:
    """A socket of the page's."""
    with client.websocket_connect(f"{SOCKETS}/socket", headers=dict(OWN)) as socket:
        yield Talk(socket)


class Talk:
    """One page's side of a socket."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self.socket = socket

    def say(self, **message: Any) -> None:
        self.socket.send_text(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        heard = json.loads(self.socket.receive_text().encode("utf-8"))  # as a real socket would send it
        assert isinstance(heard, dict)
        return heard

    def hear_until(self, number: int) -> list[dict[str, Any]]:
        """Everything up to the answer to this request, progress included."""
        heard = [self.hear()]
        while heard[-1]["id"] != number or "progress" in heard[-1]:
            heard.append(self.hear())
        return heard
