"""The report's page around the picture: its content policy, its escaping, and how it reaches the disk."""

import errno
import json
import os
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fallline._errors import RunFileError
from fallline._report import report_page, write_report


class _Parts(HTMLParser):
    """Scripts, styles, policy and title of a page, as a browser would cut it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.policy = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        if tag in ("script", "style", "title"):
            self.open.append((tag, values))
            self.found.append((tag, values, ""))

    def handle_data(self, data: str) -> None:
        if self.open:
            tag, values, before = self.found[-1]
            self.found[-1] = (tag, values, before + data)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def text(self, tag: str, **attributes: str) -> str:
        return next(text for name, values, text in self.found if name == tag and attributes.items() <= values.items())


def _hash(text: str) -> str:
    return "'sha256-" + b64encode(sha256(text.encode()).digest()).decode() + "'"


def _names(folder: Path) -> list[str]:
    return [item.name for item in folder.iterdir()]


def test_the_policy_allows_this_script_and_this_style_and_nothing_else() -> None:
    parts = _Parts(report_page("{}", "line"))
    rules = dict(rule.strip().split(" ", 1) for rule in parts.policy.split(";"))
    assert rules.pop("script-src") == _hash(parts.text("script", type="module"))
    assert rules.pop("style-src") == _hash(parts.text("style"))
    assert rules.pop("img-src") == "data:"
    assert set(rules.values()) == {"'none'"}
    assert {"default-src", "connect-src"} <= rules.keys()


def test_the_page_names_no_address_and_has_no_inline_style() -> None:
    page = report_page("{}", "line")
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<\w[^>]* style=[\"']", page)
    assert "<noscript>" in page


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "a\u2028b\u2029c",
        "{{script}}",
        'é "quoted" \\ end',
    ],
)
def test_payload_and_title_come_back_as_they_went_in(text: str) -> None:
    parts = _Parts(report_page(json.dumps({"note": text}, ensure_ascii=False), text))
    assert json.loads(parts.text("script", type="application/json")) == {"note": text}
    assert parts.text("title") == text
    assert len([name for name, _, _ in parts.found if name == "script"]) == 2


def test_the_file_is_the_page_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "line.html"
    target.write_text("older")
    write_report("{}", "line", target)
    assert target.read_text(encoding="utf-8") == report_page("{}", "line")
    assert _names(tmp_path) == ["line.html"]


def test_the_file_has_the_permissions_of_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_report("{}", "line", tmp_path / "line.html")
    assert (tmp_path / "line.html").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_full_disk_leaves_the_older_report_and_no_piece_of_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "line.html"
    target.write_text("older")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFileError, match=r"cannot be written to .*line\.html: no space left on device"):
        write_report("{}", "line", target)
    assert target.read_text() == "older"
    assert _names(tmp_path) == ["line.html"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_report("{}", "line", tmp_path / "line.html")
    assert _names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [("gone/line.html", r"there is no folder .*gone; make it first"), (".", "it is a folder; name a file in it")],
)
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(RunFileError, match=rf"^The report cannot be written to .*: {reason}\.$"):
        write_report("{}", "line", tmp_path / name)
    assert _names(tmp_path) == []
