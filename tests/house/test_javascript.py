"""The types that the modules' comments declare hold: tsc says so, where this machine has Node.

The ``tsc`` that FALLLINE_TSC names is taken, else the one that tools/environment.py installs where npm is, else one on
the path, else none.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "src/fallline/_view/static"
INSTALLED = ROOT / ".venv/node_modules/.bin/tsc"
STUDIO = ROOT / "src/fallline/_studio/static"
OPTIONS = {
    "strict": True,
    "checkJs": True,
    "allowJs": True,
    "noEmit": True,
    "target": "es2022",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2023", "dom", "dom.iterable"],
    "types": [],
    "paths": {"/view/*": [f"{PICTURE.as_posix()}/*"]},
}


def _tsc() -> str | None:
    installed = str(INSTALLED) if INSTALLED.exists() else None
    return os.environ.get("FALLLINE_TSC") or installed or shutil.which("tsc")


@pytest.mark.skipif(_tsc() is None, reason="no tsc on this machine: it has no npm, or FALLLINE_TSC names none")
def test_the_studio_s_modules_keep_to_their_types(tmp_path: Path) -> None:
    project = tmp_path / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": OPTIONS, "include": [f"{STUDIO.as_posix()}/*.js"]}), "utf-8")
    done = subprocess.run(
        [str(_tsc()), "-p", str(project), "--pretty", "false"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("src/fallline/_studio") and ": error TS" in line] == []
    assert not any(line.startswith("error TS") for line in lines), done.stdout  # tsc itself was asked wrongly


def test_every_module_of_the_studio_asks_for_its_types_to_be_checked() -> None:
    assert [file.name for file in STUDIO.glob("*.js") if not file.read_text("utf-8").startswith("// @ts-check\n")] == []
