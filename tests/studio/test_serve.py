"""The server as a process: how it ends, and what it withstands."""

import errno
import json
import random
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from fallline._errors import OptionError
from fallline._studio import _serve
from fallline._studio._serve import PORT, bind, check_port
from studio.malformed import MALFORMED
from studio.process import served

FUZZED = 10_000


def test_a_port_that_is_taken_is_told_or_the_next_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=rf"Port {port} is taken: choose another with --port"):
            bind("127.0.0.1", port)
        monkeypatch.setattr(_serve, "PORT", port)
        with bind("127.0.0.1", None) as other:
            assert port < other.getsockname()[1] < port + _serve.PORTS_TRIED
        monkeypatch.setattr(_serve, "PORTS_TRIED", 1)
        with pytest.raises(OptionError, match=rf"The ports {port} to {port} are all taken"):
            bind("127.0.0.1", None)


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (OSError(errno.EACCES, "Permission denied"), "Port 80 may not be used here"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "192.0.2.1 is no address of this machine"),
        (OSError(errno.EIO, "Input/output error"), "cannot listen on 192.0.2.1, port 80 .Input/output error."),
        (socket.gaierror(-2, "Name or service not known"), '"192.0.2.1" is no name or address'),
    ],
)
def test_why_nobody_can_listen_there(monkeypatch: pytest.MonkeyPatch, problem: OSError, sentence: str) -> None:
    def refuses(host: str, port: int) -> socket.socket:
        raise problem

    monkeypatch.setattr(_serve, "_listen", refuses)
    with pytest.raises(OptionError, match=sentence):
        bind("192.0.2.1", 80)


def test_a_port_is_a_port() -> None:
    check_port(None)
    check_port(65_535)
    assert 1024 < PORT < 32_768  # needs no rights, and is none that the system hands out
    for port in (-1, 65_536):
        with pytest.raises(OptionError, match="from 0 to 65,535"):
            check_port(port)


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("kind", [None, "patient", "stuck"])
def test_it_ends_at_once_with_pages_open_and_work_under_way(
    tmp_path: Path, sent: int, status: int, kind: str | None
) -> None:
    with served(tmp_path) as running, ExitStack() as stack:
        pages = [stack.enter_context(running.talk()) for _ in range(3)]
        if kind is not None:
            pages[0].send(json.dumps({"id": 1, "kind": kind}))
            assert running.line() in ("begun", "stuck")
        began = time.monotonic()
        ended, err = running.end(sent)
        seconds = time.monotonic() - began
        for page in pages:
            with pytest.raises(ConnectionClosed):
                page.recv(timeout=5)
    assert ended == status
    assert err == "Ctrl-C ends it.\n" + ("fallline: Stopped by Ctrl-C.\n" if sent == signal.SIGINT else "")
    assert seconds < 30  # 60 would be waiting for what is stuck
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
def test_ten_thousand_malformed_messages_are_answered_and_the_server_stays(tmp_path: Path) -> None:
    chosen = random.Random(0)
    short = [text for text in MALFORMED if len(text) < 10_000]
    with served(tmp_path) as running, running.talk(max_size=None) as page:
        for first in range(0, FUZZED, 50):
            for _ in range(50):
                text = chosen.choice(MALFORMED if first % 1000 == 0 else short)
                if chosen.random() < 0.5:
                    text = "".join(chosen.choice('{}[]":,0123456789eE+-.abckindsettings \\"') for _ in range(40))
                page.send(text.encode() if chosen.random() < 0.1 else text)
            for _ in range(50):
                assert set(json.loads(page.recv(timeout=60))) == {"id", "error"}
        page.send(json.dumps({"id": 1, "kind": "echo", "settings": {"still": "there"}}))
        assert json.loads(page.recv(timeout=60)) == {"id": 1, "payload": {"still": "there"}}
        page.send("x" * (_serve.MOST_MESSAGE_BYTES + 1))  # too long to be read to its end: this socket is closed
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=60)
        with running.talk() as again:
            again.send(json.dumps({"id": 1, "kind": "echo", "settings": {}}))
            assert json.loads(again.recv(timeout=60))["id"] == 1
        ended, err = running.end(signal.SIGTERM)
    assert (ended, err) == (0, "Ctrl-C ends it.\n")


@pytest.mark.slow
def test_who_vanishes_in_mid_computation_has_it_cancelled(tmp_path: Path) -> None:
    with served(tmp_path) as running, running.talk() as page:
        page.send(json.dumps({"id": 1, "kind": "patient"}))
        assert running.line() == "begun"
        page.socket.shutdown(socket.SHUT_RDWR)  # without a word, as a killed browser
        assert running.line() == "cancelled"


@pytest.mark.slow
def test_who_asks_without_reading_does_not_fill_the_memory(tmp_path: Path) -> None:
    """A thousand answers of a megabyte are asked for and not read."""
    with served(tmp_path) as running, running.talk(max_queue=1, max_size=None, close_timeout=0) as page:
        page.send(json.dumps({"id": 0, "kind": "large"}))
        page.recv(timeout=60)
        before = resident(running.process.pid)
        page.socket.settimeout(2.0)
        try:
            for number in range(1, 1000):
                page.send(json.dumps({"id": number, "kind": "large", "lane": f"lane {number % 40}"}))
        except (TimeoutError, OSError, ConnectionClosed):
            pass  # the server no longer reads what this page says
        time.sleep(1.0)
        assert resident(running.process.pid) - before < 200 * 2**20
        ended, err = running.end(signal.SIGTERM)
    assert (ended, err) == (0, "Ctrl-C ends it.\n")


def resident(process: int) -> int:
    """Bytes of memory; where the system does not say, the test has nothing to look at."""
    status = Path(f"/proc/{process}/statm")
    if not status.exists():
        pytest.skip("this system does not say how much memory a process has")
    return int(status.read_text().split()[1]) * 4096


@pytest.mark.slow
def test_a_file_that_announces_itself_as_too_large_is_refused_before_it_comes(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        host = urlsplit(running.address).netloc
        with socket.create_connection((urlsplit(running.address).hostname, urlsplit(running.address).port)) as line:
            head = f"POST /upload?name=a.csv HTTP/1.1\r\nHost: {host}\r\nOrigin: {running.address}\r\n"
            line.sendall(f"{head}Content-Length: 1000000000000\r\n\r\nx,y\n".encode())
            line.settimeout(20)
            answer = b""
            while b"fallline fit" not in answer:
                answer += line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_answers_are_compressed(tmp_path: Path) -> None:
    with served(tmp_path) as running, running.talk() as page:
        assert "permessage-deflate" in page.response.headers["Sec-WebSocket-Extensions"]
