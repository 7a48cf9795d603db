"""The pages: what is served under which name, packed, and nothing else."""

import gzip
from collections.abc import Iterator
from concurrent.futures import Future
from importlib import resources
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from fallline._studio._joined import ENTRY, shell_source
from fallline._view._module import module_source, stylesheet
from studio.server import studio

STUDIO = resources.files("fallline._studio") / "static"
VIEW = resources.files("fallline._view") / "static"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TestClient]:
    with studio(tmp_path) as client:
        yield client


def test_the_page_is_the_studio_s(server: TestClient) -> None:
    answer = server.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == (STUDIO / "studio.html").read_text(encoding="utf-8")
    assert server.head("/").status_code == 200


def test_the_parts_of_the_page_are_served_as_they_are(server: TestClient) -> None:
    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    for folder, place in [(STUDIO, "/static"), (VIEW, "/_view/static")]:
        names = [each.name for each in folder.iterdir() if each.name.endswith((".js", ".css")) and each.name != ENTRY]
        assert names
        for name in names[:: max(1, len(names) // 5)]:
            answer = server.get(f"{place}/{name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == kinds[name.rpartition(".")[2]]
            assert answer.text == (folder / name).read_text(encoding="utf-8")


def test_the_shell_and_the_picture_come_joined(server: TestClient) -> None:
    assert server.get("/static/studio.js").text == shell_source()
    assert server.get("/view/render.js").text == module_source("render.js")
    assert server.get("/view/graph.css").text == stylesheet("graph.js")


def test_what_is_sent_is_packed_for_who_can_unpack_it(server: TestClient) -> None:
    with server.stream("GET", "/view/render.js", headers={"accept-encoding": "br, gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) == len(packed)
    assert gzip.decompress(packed) == module_source("render.js").encode()
    plain = server.get("/view/render.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/nowhere", "/static", "/static/", "/static/nope.js", "/static/../_app.py", "/static/%2e%2e/_app.py"),
        *("/static/..%2f_app.py", "/static/..%2f..%2f_version.py", "/static/%2fetc%2fpasswd", "/static/studio.js/"),
        *("/static/_app.py", "/static/__init__.py", "/static/studio.js%00.css", "/static/", "/view/_module.py"),
        *("/view/nope.js", "/view/nope.css", "/view/render.html", "/view/..%2f_module.py", "/view/.js"),
        *(
            "/_view/static/nope.js",
            "/_view/static/..%2f_module.py",
            "/_view/_module.py",
            "/static/" + "x" * 5000 + ".js",
        ),
        "/socket",
    ],
)
def test_nothing_else_is_served(server: TestClient, path: str) -> None:
    assert server.get(path, follow_redirects=True).status_code == 404


def test_a_page_is_only_fetched(server: TestClient) -> None:
    for path in ("/", "/static/studio.js", "/view/render.js"):
        assert server.post(path, headers={"origin": "http://127.0.0.1:8642"}).status_code == 405
    assert server.get("/upload").status_code == 405


def test_the_end_of_the_server_says_whether_all_work_has_stopped(tmp_path: Path) -> None:
    with studio(tmp_path) as client:
        app = client.app
        client.get("/")
    assert app.state.idle  # type: ignore[attr-defined]  (the application is Starlette's)


def test_a_file_that_is_still_being_read_is_work_that_has_not_stopped(tmp_path: Path) -> None:
    with studio(tmp_path) as client:
        app = client.app
        app.state.readers.leave(Future())  # type: ignore[attr-defined]  (the application is Starlette's)
    assert not app.state.idle  # type: ignore[attr-defined]  (the application is Starlette's)
