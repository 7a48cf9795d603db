"""The types that the modules' comments declare hold: tsc says so, where this machine has it.

TypeScript is no dependency: the ``tsc`` that FALLLINE_TSC names is taken, else one on the path, else none.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "src/fallline/_view/static"
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
    return os.environ.get("FALLLINE_TSC") or shutil.which("tsc")


@pytest.mark.skipif(_tsc() is None, reason="no tsc on this machine (npm install -g typescript, or FALLLINE_TSC)")
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
