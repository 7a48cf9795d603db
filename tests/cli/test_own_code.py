"""``module:name``: found, or one sentence that says what is missing and where."""

import sys
from pathlib import Path

import pytest

from fallline._cli._own_code import call_own, is_own_code, load_own
from fallline._errors import OptionError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("curves_here", "broken_here", "raises_here"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "curves_here.py").write_text(
        "class made:\n    one = 1\n\ndef make():\n    raise ValueError('no rows')\n"
    )
    (tmp_path / "broken_here.py").write_text("x = (\n")
    (tmp_path / "raises_here.py").write_text("import math\n\nmath.sqrt(-1)\n")
    return tmp_path


def test_a_name_in_a_module_of_the_working_directory(here: Path) -> None:
    assert load_own("curves_here:made.one") == 1
    assert callable(load_own("curves_here:make"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("curves_her:made", 'There is no module "curves_her" in'),
        ("curves_her:made", "curves_here"),
        ("curves_here:mode", 'has no "mode": write mymodule:objective. Did you mean "made"?'),
        ("no.such.package:x", 'There is no module "no.such.package"'),
        ("broken_here:x", "SyntaxError in broken_here.py, line 1"),
        ("raises_here:x", "ValueError in raises_here.py, line 3: math domain error"),
    ],
)
def test_what_is_missing_is_said(here: Path, text: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        load_own(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_function_raises_is_said_with_its_line(here: Path) -> None:
    with pytest.raises(OptionError, match=r'Calling "curves_here:make" failed: ValueError in curves_here.py, line 5'):
        call_own(load_own("curves_here:make"), "curves_here:make")


@pytest.mark.parametrize("text", ["data.csv", "C:\\data.csv", "a b:c", "x:", ":x", "runs/a.db", "1:2"])
def test_what_is_no_such_name(text: str) -> None:
    assert not is_own_code(text)


def test_a_file_of_that_name_is_a_table(here: Path) -> None:
    (here / "odd:name").write_text("x,y\n1,2\n")
    assert not is_own_code("odd:name")
