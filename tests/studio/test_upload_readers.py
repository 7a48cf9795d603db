"""Files that a reader could be kept busy with, how many are read at once, and what somebody else is told of a table."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from fallline._desk import _tables
from fallline._desk._tables import Tables
from fallline._studio import _uploads
from studio.server import OWN, studio, talk

CSV = b"species,length,mass\nAdelie,181,3750\nGentoo,217,5400\nAdelie,186,3800\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TestClient]:
    with studio(tmp_path) as client:
        yield client


def drop(server: TestClient, name: str, content: bytes) -> tuple[int, dict[str, Any]]:
    answer = server.post("/upload", params={"name": name}, content=content, headers=dict(OWN))
    return answer.status_code, answer.json()


def test_no_more_than_two_files_are_read_at_a_time(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, goes_on = threading.Semaphore(0), threading.Event()

    def waits(tables: Tables, name: str, content: bytes) -> dict[str, object]:
        entered.release()
        goes_on.wait(20)
        return {}

    monkeypatch.setattr(Tables, "add", waits)
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(drop, server, f"{n}.csv", CSV) for n in range(3)]
        assert all(entered.acquire(timeout=20) for _ in range(_uploads.MOST_AT_ONCE))
        assert not entered.acquire(timeout=0.1)
        goes_on.set()
        assert [answer.result()[0] for answer in answers] == [200] * 3


def test_json_lines_with_other_keys_in_each_are_refused_before_a_reader_widens_them(server: TestClient) -> None:
    lines = "".join(f'{{"k{n}": {n}, "a": 1, "b": 2}}\n' for n in range(6_000)).encode()
    status, told = drop(server, "keys.jsonl", lines)
    assert (status, told["error"][:31]) == (400, "keys.jsonl has 6,002 keys in it")


def test_who_has_the_link_of_a_table_is_told_its_name_and_columns(server: TestClient) -> None:
    told = drop(server, "penguins.csv", CSV)[1]
    with talk(server) as page:
        page.say(id=1, kind="table", table=told["id"])
        assert page.hear() == {"id": 1, "payload": told}
        page.say(id=2, kind="table", table="elsewhere")
        assert page.hear() == {"id": 2, "error": _tables.GONE}


def test_a_short_row_is_no_decimal_comma(server: TestClient) -> None:
    assert "1 column of numbers" in drop(server, "ragged.csv", b"a,b\n1,2\n3\n4,x\n")[1]["error"]
    assert "decimal commas" in drop(server, "commas.csv", b"a;b\n1,5;2,5\n3,5;4,5\n")[1]["error"]
