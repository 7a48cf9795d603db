"""A whole training program under ``kill -9``: every file opens, and no step is missing whose flush had returned."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 200


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_nothing_is_lost(tmp_path: Path) -> None:
    program = Path(__file__).with_name("killed_training.py")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", str(program), str(tmp_path), str(KILLS), "7"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    kills = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(kills) == KILLS
    assert all(kill["rows"] >= kill["flushed"] for kill in kills)
    assert all(kill["gapless"] and kill["unfinished"] and kill["events"] == [] for kill in kills)
    assert {tuple(kill["resumed"]) for kill in kills if kill["begun"]} == {("resumed",)}
    assert {tuple(kill["resumed"]) for kill in kills if not kill["begun"]} <= {()}
    assert all(kill["begun"] for kill in kills if kill["flushed"])
    assert sum(kill["flushed"] > 0 for kill in kills) > KILLS // 10  # the kills did strike in the middle of training
