"""A file nested a thousand deep ends in a sentence, not the process; brackets inside of texts are only text."""

from pathlib import Path

import pytest

from fallline import DataError
from fallline._data import _nesting, read_table
from fallline._data._nesting import DEEPEST, refuse_deep

DEEP = b'{"x":' * 1000 + b"1" + b"}" * 1000 + b"\n"
FLAT = b'{"x": 1, "y": 2.5}\n{"x": 2, "y": 1}\n'

REFUSED = {
    "objects": DEEP,
    "a list": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "behind rows": FLAT * 100 + DEEP,
    "behind brackets that close nothing": b"}" * 1000 + DEEP,
    "behind an odd quotation mark": b'"\n' + DEEP,
    "behind an escaped quotation mark": b'{"a": "\\\\\\"", "x":' + b"[" * 40 + b"\n",
    "over many lines": b"[\n" * 40,
    "one too many": b"[" * (DEEPEST + 1),
}
TAKEN = {
    "rows": FLAT,
    "no last newline": FLAT.rstrip(),
    "brackets in a text": b'{"x": 1, "t": "' + b"[" * 1000 + b'", "y": 2}\n{"x": 2, "t": "\\"{[", "y": 1}\n',
    "as deep as may be": b"[" * DEEPEST + b"]" * DEEPEST,
    "objects side by side": b'{"x": [1, 2], "y": {"a": 1}}\n' * 100,
    "nothing": b"",
}


@pytest.mark.parametrize("piece", [2**20, 7])
@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_deep_files_are_refused(content: bytes, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nesting, "_PIECE_BYTES", piece)
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^t is nested too deeply: expected JSON lines"):
        refuse_deep(path, "t")


@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN)
def test_other_files_are_not(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    refuse_deep(path, "t")
    monkeypatch.setattr(_nesting, "_PIECE_BYTES", 7)
    refuse_deep(path, "t")


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json", "t"])
def test_a_table_is_looked_at_before_it_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(DEEP)
    with pytest.raises(DataError, match="is nested too deeply"):  # else the interpreter is gone
        read_table(path)
