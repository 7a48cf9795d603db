"""Tables dropped onto the page: read by read_table, bounded before they are read, kept nowhere but in this process."""

import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message, Receive

from fallline._data import read_table
from fallline._desk import _look, _tables
from fallline._desk._tables import Tables, shown_name
from fallline._errors import DataError, OptionError
from fallline._studio import _uploads
from studio.loops import run_apart
from studio.server import OWN, studio, talk

CSV = b"species,length,mass\nAdelie,181,3750\nGentoo,217,5400\nAdelie,186,3800\n"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """With a folder of its own for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with studio(tmp_path) as client:
        yield client
    assert [*(tmp_path / "temporary").iterdir()] == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["temporary"]


def drop(server: TestClient, name: str, content: bytes | Iterator[bytes]) -> tuple[int, dict[str, Any]]:
    answer = server.post("/upload", params={"name": name}, content=content, headers=dict(OWN))
    return answer.status_code, answer.json()


def tables_of(server: TestClient) -> Tables:
    tables = server.app.state.tables
    assert isinstance(tables, Tables)
    return tables


def test_a_dropped_table_is_described_and_read_as_read_table_reads_it(server: TestClient, tmp_path: Path) -> None:
    status, told = drop(server, "penguins.csv", CSV)
    key = told.pop("id")
    assert status == 200
    assert told == {
        "name": "penguins.csv",
        "rows": 3,
        "columns": [
            {"name": "species", "kind": "text"},
            {"name": "length", "kind": "numbers"},
            {"name": "mass", "kind": "numbers"},
        ],
        "target": "mass",
        "features": ["length"],
    }
    table = tables_of(server).table(key, target="length", features=["mass"])
    assert (table.name, table.source, table.target_name) == ("penguins", "penguins.csv", "length")
    np.testing.assert_array_equal(table.target, [181, 217, 186])
    assert tables_of(server).table(key, target="length", features=["mass"]) is table
    assert tables_of(server).table(key, target="mass").feature_names == ("length",)


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "tsv"])
def test_every_kind_of_file_is_taken(server: TestClient, tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0.5, 1.5, 2.5]})
    path = tmp_path / f"a.{kind}"
    {"parquet": frame.write_parquet, "jsonl": frame.write_ndjson}.get(
        kind, lambda place: frame.write_csv(place, separator="\t")
    )(path)
    content = path.read_bytes()
    path.unlink()
    status, told = drop(server, f"a.{kind}", content)
    assert (status, told["rows"], told["target"]) == (200, 3, "y")
    np.testing.assert_array_equal(tables_of(server).table(told["id"]).target, [0.5, 1.5, 2.5])


def test_the_sentences_are_those_of_read_table_and_name_the_file_that_was_dropped(
    server: TestClient, tmp_path: Path
) -> None:
    broken = b"x,z,y\n1,2,2\n3,1,four\n5,7,6\n" + b"7,8,8\n" * 50
    status, told = drop(server, "a.csv", broken)
    assert status == 200
    with pytest.raises(DataError) as refused:
        tables_of(server).table(told["id"], target="y")
    (tmp_path / "a.csv").write_bytes(broken)
    with pytest.raises(DataError) as expected:
        read_table(tmp_path / "a.csv", target="y")
    (tmp_path / "a.csv").unlink()
    assert str(refused.value) == str(expected.value).replace(str(tmp_path / "a.csv"), "a.csv")
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("book.xlsx", b"PK\x03\x04 and so on", "book.xlsx is an Excel workbook"),
        ("words.csv", b"a,b\nx,y\nu,v\n", "words.csv has 0 columns of numbers"),
        ("one.csv", b"x\n1\n2\n", "one.csv has 1 column of numbers"),
        ("picture.png", bytes(range(256)), "picture.png holds a NUL byte"),
        ("broken.parquet", b"PAR1 nothing PAR1", "broken.parquet cannot be read as Parquet"),
        ("deep.jsonl", b'{"x":' * 1000 + b"1" + b"}" * 1000 + b"\n", "deep.jsonl is nested too deeply"),
        ("closed.jsonl", b"}" * 1000 + b'{"x":' * 1000 + b"1\n", "closed.jsonl is nested too deeply"),
        ("deep", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "deep is nested too deeply"),
        ("long.csv", b"x" * 200_000 + b",y\n1,2\n", "long.csv cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_told_in_a_sentence(server: TestClient, name: str, content: bytes, sentence: str) -> None:
    status, told = drop(server, name, content)
    assert (status, told["error"][: len(sentence)]) == (400, sentence)
    assert "temporary" not in told["error"]
    assert len(tables_of(server)) == 0


def test_a_reader_that_gives_up_is_a_fault_and_the_server_goes_on(
    server: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Panic(BaseException):
        """As the reader of Parquet files raises one: no Exception."""

    def panics(path: Path, name: str) -> dict[str, object]:
        raise Panic

    with monkeypatch.context() as patched:
        patched.setattr(_tables, "look_into", panics)
        status, told = drop(server, "a.csv", CSV)
    assert (status, "a.csv could not be read (a fault in fallline)" in told["error"]) == (500, True)
    assert len(caplog.records) == 1
    assert drop(server, "a.csv", CSV)[0] == 200


def test_a_small_file_that_stands_for_very_much_is_refused_before_it_is_read(
    server: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_look, "MOST_ROWS", 1_000)
    monkeypatch.setattr(_look, "MOST_CELLS", 3_000)
    path = tmp_path / "a.parquet"
    for rows, columns, taken in [(1_000, 3, True), (1_001, 2, False), (1_000, 4, False)]:
        pl.DataFrame({f"x{n}": np.zeros(rows) for n in range(columns)}).write_parquet(path)
        status, told = drop(server, "a.parquet", path.read_bytes())
        assert status == (200 if taken else 400)
        assert taken or f"has {rows:,} rows" in told["error"]
    path.unlink()


def pieces(server: TestClient, size: int, taken: list[int]) -> Iterator[bytes]:
    """A file that says no length beforehand."""
    for _ in range(size // 65_536):
        taken.append(65_536)
        yield b"1,2\n" * 16_384


def test_a_file_that_is_too_large_is_refused_by_what_it_announces_and_by_what_comes(
    server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_uploads, "MOST_BYTES", 400_000)
    for content in (b"x,y\n" + b"1,2\n" * 100_000, pieces(server, 2**20, [])):
        status, told = drop(server, "large.csv", content)
        assert (status, told) == (413, {"error": _uploads.TOO_LARGE})
    assert len(tables_of(server)) == 0
    assert drop(server, "small.csv", b"x,y\n" + b"1,2\n2,3\n" * 10_000)[0] == 200


def receive_from(server: TestClient, receive: Receive) -> tuple[int, bytes]:
    """The answer to an upload that comes message by message."""
    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"", "headers": [], "app": server.app}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def scenario() -> None:
        server.app.state.uploads = asyncio.Semaphore(1)
        response = await _uploads.receive_upload(Request(scope, receive))
        await response(scope, receive, send)

    run_apart(scenario())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_a_file_that_never_comes_is_given_up(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Message:
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr(_uploads, "MOST_SECONDS", 0.01)
    status, told = receive_from(server, never)
    assert (status, json.loads(told)) == (408, {"error": _uploads.TOO_SLOW})


def test_a_reader_that_hangs_gives_its_place_to_the_next(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    over, add = threading.Event(), Tables.add

    def hangs(tables: Tables, name: str, content: bytes) -> dict[str, object]:
        if name == "hangs.csv":
            over.wait(20)
            return {}
        return add(tables, name, content)

    monkeypatch.setattr(Tables, "add", hangs)
    monkeypatch.setattr(_uploads, "READING_SECONDS", 0.01)
    for kept in range(_uploads.MOST_LEFT):
        assert drop(server, "hangs.csv", b"no table") == (408, {"error": f"hangs.csv {_uploads.UNREADABLE}"})
        if kept == 0:
            monkeypatch.setattr(_uploads, "READING_SECONDS", 60.0)
            assert drop(server, "penguins.csv", CSV)[0] == 200
            monkeypatch.setattr(_uploads, "READING_SECONDS", 0.01)
    assert drop(server, "penguins.csv", CSV) == (503, {"error": _uploads.BUSY})
    readers = server.app.state.readers
    assert not readers.idle()  # so that the process does not wait for them at its end
    over.set()
    monkeypatch.setattr(_uploads, "READING_SECONDS", 60.0)
    deadline = time.monotonic() + 20
    while not readers.idle() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert drop(server, "penguins.csv", CSV)[0] == 200


def test_a_page_that_goes_away_while_it_sends_leaves_nothing(server: TestClient) -> None:
    messages = [{"type": "http.request", "body": CSV, "more_body": True}, {"type": "http.disconnect"}]

    async def some() -> Message:
        return messages.pop(0)

    assert receive_from(server, some) == (400, b"")
    assert len(tables_of(server)) == 0


def test_of_a_file_that_is_refused_no_more_is_taken_than_a_bound(
    server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that comes before a browser has sent all is not shown by it: so the rest is thrown away, up to here."""
    monkeypatch.setattr(_uploads, "MOST_BYTES", 1_000)
    monkeypatch.setattr(_uploads, "DISCARDED_BYTES", 5_000)
    taken: list[int] = []

    async def endless() -> Message:
        taken.append(500)
        assert len(taken) < 100  # an end, where the server sees none
        return {"type": "http.request", "body": b"x" * 500, "more_body": True}

    assert receive_from(server, endless)[0] == 413
    assert 6_000 <= sum(taken) <= 7_000


def test_the_last_few_are_kept_and_of_those_the_ones_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MOST_TABLES", 3)
    tables = Tables()
    keys = [str(tables.add(f"{n}.csv", CSV)["id"]) for n in range(3)]
    tables.table(keys[0], target="mass")
    keys += [str(tables.add(f"{n}.csv", CSV)["id"]) for n in (3, 4)]
    assert tables.table(keys[0], target="mass").name == "0"
    with pytest.raises(OptionError, match="no longer here"):
        tables.table(keys[1], target="mass")
    assert len(tables) == 1 + 3
    monkeypatch.setattr(_tables, "MOST_BYTES", 2 * len(CSV))
    tables.add("5.csv", CSV)
    assert len(tables) == 2
    assert len({len(key) for key in keys}) == 1
    assert len(set(keys)) == len(keys)


def test_no_more_than_a_few_choices_of_columns_are_kept_of_one_file() -> None:
    tables = Tables()
    names = [f"c{n}" for n in range(8)]
    rows = np.random.default_rng(0).normal(size=(5, 8))
    content = "\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]).encode()
    key = str(tables.add("a.csv", content)["id"])
    first = tables.table(key, target="c0")
    for name in names[1:]:
        tables.table(key, target=name)
    assert tables.table(key, target="c0") is not first
    assert tables.table(key, target="c7") is tables.table(key, target="c7")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a,b\n", "has no rows of data"),
        (b"a,b\n1,2\n", "has one row of data"),
        (
            b"a,b\n1,2\n1,3\n",
            r"is constant \(1 in every row\): its weight cannot be told from the bias\. Leave it out\.$",
        ),
        (b"a,b\n1,inf\n2,3\n", "one row of data after leaving out 1"),
        (b"a,b\n1,1e300\n2,3\n", "cannot be squared"),
        (b"a;b\n1,5;2\n2,5;3\n", "a.csv writes its numbers with decimal commas"),
    ],
)
def test_a_table_that_nothing_can_be_learnt_from_is_refused_at_once(content: bytes, sentence: str) -> None:
    tables = Tables()
    with pytest.raises(DataError, match=sentence):
        tables.add("a.csv", content)
    assert len(tables) == 0
    assert tables.add("a.csv", b"a,b,c\n1,2,7\n2,3,7\n")["target"] == "c"  # constant, and others can be chosen


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "x" * 10_000, "\x00"])
def test_an_id_is_no_path(key: str) -> None:
    with pytest.raises(OptionError, match="no longer here"):
        Tables().table(key)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.csv", "a.csv"),
        ("..", "table"),
        ("", "table"),
        ("a\x00b\n\x1b[31m.csv", "ab[31m.csv"),
        ("x" * 500 + ".parquet", "x" * 72 + ".parquet"),
        ("penguins (2).csv", "penguins (2).csv"),
    ],
)
def test_a_file_s_name_is_a_name(given: str, shown: str) -> None:
    assert shown_name(given) == shown


def test_a_name_that_is_none_writes_nothing_anywhere(server: TestClient) -> None:
    for name in (
        "../../../etc/passwd",
        "/etc/a.csv",
        "\x00",
        "x" * 5_000,
        "\ud800".encode("utf-8", "replace").decode(),
    ):
        status, told = drop(server, name, CSV)
        assert status == 200
        tables_of(server).table(told["id"], target="mass")


def test_what_a_page_shows_is_not_pushed_out_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MOST_TABLES", 2)
    shared = Tables()
    here, elsewhere = shared.of_client(), shared.of_client()
    shown = str(shared.add("shown.csv", CSV)["id"])
    here.table(shown, target="mass")
    others = [str(shared.add(f"{n}.csv", CSV)["id"]) for n in range(5)]
    elsewhere.table(others[-1], target="mass")
    assert here.table(shown, target="mass").name == "shown"
    assert len(shared) == 1 + 2  # what nobody shows is bounded as before
    monkeypatch.setattr(_tables, "MOST_BYTES", 2 * len(CSV))
    with pytest.raises(OptionError, match="the studio holds no more: close one of them"):
        shared.add("more.csv", CSV)
    assert here.table(shown, target="mass").name == "shown"
    here.close()
    here.table(shown, target="mass")  # a request that was under way as its page was closed
    shared.add("more.csv", CSV)
    with pytest.raises(OptionError, match="no longer here"):
        elsewhere.table(shown, target="mass")


def test_a_page_that_leaves_shows_nothing_any_longer(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tables, "MOST_TABLES", 1)
    key = drop(server, "shown.csv", CSV)[1]["id"]
    data = {"kind": "upload", "table": key, "target": "mass", "features": ["length"]}
    with talk(server) as page:
        page.say(id=1, kind="python", settings={"data": data, "learning_rate": 0.01})
        assert "payload" in page.hear_until(1)[-1]
        for n in range(3):
            drop(server, f"{n}.csv", CSV)
        assert tables_of(server).table(key, target="mass").name == "shown"
        tables_of(server).close()  # this test's own look at it
        assert len(tables_of(server)) == 2
    for n in range(2):
        drop(server, f"{n}.csv", CSV)
    with pytest.raises(OptionError, match="no longer here"):
        tables_of(server).table(key)
