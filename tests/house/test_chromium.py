"""tools/chromium.py: which Chromium the browser tests get, and the one sentence where there is none."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]
WORKING = "#!/bin/sh\necho '<html><p>fallline</p></html>'\n"
STUB = "#!/bin/sh\necho 'this command needs another package'\nexit 1\n"


def executable(path: Path, script: str) -> str:
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def chromium(program: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program on a machine with no browser at all, where nobody is root."""
    module = program("tools/chromium.py")
    monkeypatch.delenv("FALLLINE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin/nothing")
    monkeypatch.setattr(module, "APPLICATIONS", ())
    monkeypatch.setattr(module, "from_playwright", lambda: iter(()))
    monkeypatch.setattr(module, "can_install_package", lambda: False)
    return module


@pytest.fixture(autouse=True)
def shell_at_hand() -> None:
    if not Path("/bin/sh").exists():
        pytest.fail("the tests of tools/chromium.py need /bin/sh, as make does")


def test_the_named_one_is_taken_first(
    chromium: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    executable(tmp_path / "chromium", WORKING)
    named = executable(tmp_path / "my own", WORKING)
    monkeypatch.setenv("FALLLINE_CHROMIUM", named)
    assert chromium.main() == 0
    assert capsys.readouterr().out == f"{named}\n"


def test_a_named_one_that_does_not_start_is_an_error(
    chromium: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    executable(tmp_path / "chromium", WORKING)
    monkeypatch.setenv("FALLLINE_CHROMIUM", str(tmp_path / "missing"))
    assert chromium.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "FALLLINE_CHROMIUM" in captured.err


def test_a_stub_is_passed_over(chromium: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executable(tmp_path / "chromium", STUB)
    chrome = executable(tmp_path / "google-chrome", WORKING)
    assert chromium.main() == 0
    assert capsys.readouterr().out == f"{chrome}\n"


def test_the_machine_comes_before_playwright(
    chromium: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = executable(tmp_path / "chromium-browser", WORKING)
    monkeypatch.setattr(chromium, "from_playwright", lambda: pytest.fail("nothing had to be installed"))
    assert chromium.main() == 0
    assert capsys.readouterr().out == f"{found}\n"


def test_playwright_comes_before_the_package(
    chromium: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = executable(tmp_path / "from playwright", WORKING)
    monkeypatch.setattr(chromium, "from_playwright", lambda: iter([own]))
    monkeypatch.setattr(chromium, "can_install_package", lambda: True)
    monkeypatch.setattr(chromium, "install_package", lambda: pytest.fail("the package was not needed"))
    assert chromium.main() == 0
    assert capsys.readouterr().out == f"{own}\n"


def test_the_package_is_the_last_way(
    chromium: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "can_install_package", lambda: True)
    monkeypatch.setattr(chromium, "install_package", lambda: executable(tmp_path / "chromium", WORKING))
    assert chromium.main() == 0
    assert capsys.readouterr().out == f"{tmp_path / 'chromium'}\n"


def test_none_anywhere_is_one_sentence_with_three_ways(
    chromium: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chromium.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert all(way in captured.err for way in ("FALLLINE_CHROMIUM", "playwright install", "root on Debian"))
