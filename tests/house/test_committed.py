"""Nothing committed names the machine it was written on, or where that machine gets its packages."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE_HOSTS = re.compile(
    r"""files\.python(?:hosted)\.org
    | \bpypi\.org/(?:simple)
    | registry\.npm(?:js)\.
    | (?:index-url|find-links|trusted-host)["']?[ =,]+["']?(?!https://download\.pytorch\.org/whl/cpu\b)(?:\w+://|/|\w+\.)
    """,
    re.VERBOSE,
)
TORCH_INDEX = "download.pytorch" + ".org"


def committed() -> list[Path]:
    """Every file that git keeps or would keep."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"needs a git checkout: {done.stderr.decode(errors='replace')}")
    paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@cache
def text_of(path: Path) -> str:
    """Bytes that are no text cannot match and are dropped."""
    return path.read_bytes().decode("utf-8", errors="ignore")


def inside(folder: Path) -> re.Pattern[str]:
    """A path that begins with this folder."""
    return re.compile(rf"(?<![\w./~-]){re.escape(str(folder))}/[\w.]")


def places_on_this_machine() -> list[Path]:
    """The home folder, the checkout and the folder that it stands in, whatever they are called here."""
    return [folder for folder in (Path.home(), ROOT, ROOT.parent) if folder != folder.parent]


def test_there_is_something_to_check() -> None:
    assert ROOT / "pyproject.toml" in committed()


def test_no_file_names_a_package_host() -> None:
    found = {str(path.relative_to(ROOT)): m[0] for path in committed() if (m := PACKAGE_HOSTS.search(text_of(path)))}
    assert found == {}


def test_only_the_readme_names_the_index_of_cpu_builds() -> None:
    found = {str(path.relative_to(ROOT)) for path in committed() if TORCH_INDEX in text_of(path)}
    assert found <= {"README.md"}


@pytest.mark.parametrize("folder", places_on_this_machine(), ids=str)
def test_no_file_names_a_place_on_this_machine(folder: Path) -> None:
    pattern = inside(folder)
    found = {str(path.relative_to(ROOT)): m[0] for path in committed() if (m := pattern.search(text_of(path)))}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("pip install --index-url " + "https://wheels.example.net/simple torch", True),
        ("--find-links=" + "/srv/packages", True),
        ("https://files." + "pythonhosted.org/packages/x.whl", True),
        ("pip install torch --index-url " + f"https://{TORCH_INDEX}/whl/cpu", False),
        ("the --index-url option", False),
    ],
)
def test_a_package_host_is_seen(text: str, refused: bool) -> None:
    assert bool(PACKAGE_HOSTS.search(text)) is refused


@pytest.mark.parametrize(
    ("text", "refused"),
    [("open('/home/ada/runs')", True), ("/home/ada", False), ("docs/home/ada/runs", False)],
)
def test_a_place_on_the_machine_is_seen(text: str, refused: bool) -> None:
    assert bool(inside(Path("/home/ada")).search(text)) is refused
