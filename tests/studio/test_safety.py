"""Who may talk to the server: Host and Origin, on pages and on the socket; the token; what every answer carries."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fallline._errors import OptionError
from fallline._studio._address import access_to, checked_token, page_address
from fallline._studio._safety import Access
from studio.server import ADDRESS, OWN, SOCKETS, studio

TOKEN = "-".join(("a", "token", "of", "this", "test"))
EVERYWHERE = ".".join("0000")
LOCKED = Access(token=TOKEN, cookie="fallline-8642")
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8642",
    "127.0.0.1.evil.example",
    "127.0.0.1:8642@evil.example",
    "",
    "a b",
]
FOREIGN_ORIGINS = [
    "http://evil.example",
    "null",
    "",
    "http://127.0.0.1:3000",
    "http://localhost:8642",
    "http://127.0.0.1:8642.evil.example",
    "http://127.0.0.1",
    "file://",
    f"{ADDRESS}, http://evil.example",
]
PATHS = ["/", "/static/studio.js", "/view/render.js", "/upload"]


@pytest.fixture
def server(tmp_path: Path) -> TestClient:
    with studio(tmp_path) as client:
        yield client


def opens(client: TestClient, headers: dict[str, str], path: str = "/socket") -> bool:
    """Whether a socket is let in."""
    try:
        with client.websocket_connect(SOCKETS + path, headers=dict(headers)):
            return True
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused_everywhere(server: TestClient, host: str) -> None:
    for path in PATHS:
        answer = server.get(path, headers={"host": host})
        assert answer.status_code == 403, path
        assert "answers to 127.0.0.1, [::1], localhost only" in answer.text
    assert not opens(server, {"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:8642", "LOCALHOST", "[::1]:8642", "localhost:9000"])
def test_every_name_of_this_machine_is_answered_to_whatever_port_was_forwarded(server: TestClient, host: str) -> None:
    assert server.get("/view/render.css", headers={"host": host}).status_code == 200
    assert opens(server, {"host": host, "origin": f"http://{host}"})


def test_two_hosts_are_none(server: TestClient) -> None:
    assert server.get("/", headers=[("host", "127.0.0.1:8642"), ("host", "evil.example")]).status_code == 403
    two = [("origin", ADDRESS), ("origin", "http://evil.example")]
    assert server.get("/", headers=two).status_code == 403


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin_is_refused(server: TestClient, origin: str) -> None:
    assert server.get("/", headers={"origin": origin}).status_code == 403
    assert server.post("/upload", content=b"x,y\n1,2\n3,4\n", headers={"origin": origin}).status_code == 403
    assert not opens(server, {"origin": origin})


def test_what_changes_something_says_where_it_comes_from(server: TestClient) -> None:
    assert server.post("/upload?name=a.csv", content=b"x,y\n1,2\n3,5\n").status_code == 403
    assert not opens(server, {})
    assert server.post("/upload?name=a.csv", content=b"x,y\n1,2\n3,5\n", headers=OWN).status_code == 200
    assert opens(server, OWN)


@pytest.mark.parametrize(
    ("site", "mode", "destination", "status"),
    [
        ("none", "navigate", "document", 200),
        ("same-origin", "cors", "script", 200),
        ("cross-site", "navigate", "document", 200),
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "no-cors", "script", 403),
        ("same-site", "cors", "empty", 403),
    ],
)
def test_what_another_page_embeds_or_asks_for_is_refused(
    server: TestClient, site: str, mode: str, destination: str, status: int
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": destination}
    assert server.get("/view/render.css", headers=headers).status_code == status


def test_every_answer_is_strict_with_the_browser(server: TestClient) -> None:
    for path, status in [("/", 200), ("/view/render.js", 200), ("/nowhere", 404), ("/upload", 405)]:
        answer = server.get(path)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers
        policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["connect-src"] == "'self' ws://127.0.0.1:8642 wss://127.0.0.1:8642"
    assert "evil" not in server.get("/", headers={"host": "evil.example'"}).headers["content-security-policy"]


def test_with_a_token_nothing_is_answered_without_it(tmp_path: Path) -> None:
    with studio(tmp_path, LOCKED) as client:
        for headers in ({}, {"cookie": "fallline-8642=wrong"}, {"authorization": f"Basic {TOKEN}"}, {"cookie": TOKEN}):
            for path in PATHS:
                assert client.get(path, headers=headers).status_code == 401
            assert not opens(client, OWN | headers)
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/?token=").status_code == 401
        assert client.get("/?token=%ff%fe").status_code == 401
        assert not opens(client, OWN, "/socket?token=wrong")


def test_the_address_with_the_token_becomes_a_cookie(tmp_path: Path) -> None:
    with studio(tmp_path, LOCKED) as client:
        welcome = client.get(f"/?token={TOKEN}")
        assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
        cookie = welcome.headers["set-cookie"]
        assert cookie.startswith(f"fallline-8642={TOKEN};")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert client.get("/").status_code == 200  # the cookie is sent along from here on
        assert client.get("/view/render.css").status_code == 200
        assert opens(client, OWN | {"cookie": f"fallline-8642={TOKEN}"})


@pytest.mark.parametrize(
    ("headers", "query"), [({"authorization": f"Bearer {TOKEN}"}, ""), ({}, f"?token={TOKEN}")], ids=["header", "query"]
)
def test_a_program_may_bring_the_token_itself(tmp_path: Path, headers: dict[str, str], query: str) -> None:
    with studio(tmp_path, LOCKED) as client:
        assert client.get(f"/view/render.css{query}", headers=headers).status_code == 200
        assert opens(client, OWN | headers, f"/socket{query}")


def test_the_token_is_no_way_past_a_foreign_origin(tmp_path: Path) -> None:
    with studio(tmp_path, LOCKED) as client:
        known = {"authorization": f"Bearer {TOKEN}"}
        assert client.get("/", headers=known | {"host": "evil.example"}).status_code == 403
        assert not opens(client, known | {"origin": "http://evil.example"})


def test_a_server_for_other_machines_always_has_a_token_nobody_guesses() -> None:
    first, second = access_to(EVERYWHERE, 8642, None), access_to("192.168.1.5", 8642, None)
    assert first.token != second.token
    assert len(first.token or "") >= 32
    assert "192.168.1.5" in second.names
    assert access_to("192.168.1.5", 8642, TOKEN).token == TOKEN
    assert access_to("localhost", 8642, None) == Access(cookie="fallline-8642")
    assert access_to("127.0.0.1", 8642, TOKEN).token == TOKEN


def test_a_server_for_other_machines_is_called_by_an_address_they_can_reach() -> None:
    address = page_address(EVERYWHERE, 8642, TOKEN, "0001-a b")
    assert address.endswith(f":8642/?token={TOKEN}#/run?name=0001-a%20b")
    assert EVERYWHERE not in address
    name = address.removeprefix("http://").split(":")[0]
    assert name in access_to(EVERYWHERE, 8642, TOKEN).names


@pytest.mark.parametrize(
    "token", ["", "short", "fifteen-letters", "with a space in it", "x" * 201, "ümlaut-ümlaut-ümlaut"]
)
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(OptionError, match="--token takes 16 or more"):
        checked_token(token)
