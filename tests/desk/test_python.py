"""Kind python: both programs make the run that the page shows."""

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from fallline._desk._client import Client
from fallline._desk._neuron import neuron
from fallline._desk._python import python
from fallline._desk._study import Studies

SHORT = {"epochs": 12}
EDITS = [[3, 2.0, 30.0], [None, 5.0, 5.0], [0, None, None], [100, 6.0, 7.0], [None, 1.0, 1.0], [101, None, None]]


def losses_of(program: str) -> list[float]:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(program, names)  # noqa: S102  (our own text)
    assert printed.getvalue()
    losses: list[float] = names["losses"]
    return losses


def check_both(client: Client, given: dict[str, Any]) -> dict[str, Any]:
    programs: dict[str, Any] = python({"settings": given}, client)["payload"]  # type: ignore[assignment]  # JSON
    shown: Any = neuron({"settings": given}, client)
    losses = shown["payload"]["frames"]["loss"]
    assert losses_of(programs["fallline"]) == losses
    assert losses_of(programs["pytorch"]) == pytest.approx(losses, rel=1e-6)
    assert programs["fallline"] in programs["text"]
    assert programs["pytorch"] in programs["text"]
    return programs


def test_the_textbook_line_with_a_bend() -> None:
    given = {**SHORT, "learning_rate": 0.01, "rate_changes": [[4, 0.02], [9, 0.005]]}
    programs = check_both(Client(), given)
    assert "schedule='changes:4=0.02,9=0.005'" in programs["fallline"]
    assert "import fallline" not in programs["pytorch"]
    assert programs["name"] == "line.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"data": {"outliers": 3}, "edits": EDITS},
        {"data": {"slope": -3, "noise": 0, "points": 20}, "seed": 5, "standardise": True},
        {"data": {"noise": 1}, "batch_size": 32, "rate_changes": [[7, 0.001]], "seed": 3},
        {"optimizer": "LBFGS", "batch_size": 50},
        {"optimizer": "momentum", "loss": "huber", "start": [3, -4]},
        {"optimizer": "Adam", "optimizer_options": {"betas": [0.8, 0.9]}, "loss": "mae"},
        {"data": {"kind": "points", "x": [1, 2, 3, 4], "y": [0, 1, 0, 1]}, "loss": "bce"},
        {"data": {"kind": "points", "x": [1, 2, 3, 4], "y": [0, 1, 0, 1]}, "edits": [[None, 7, 8], [0, 0.1, 1]]},
        {"formula": "rosenbrock"},
        {"formula": "(w − 3)² + cos(2*pi)"},
        {"formula": "rastrigin", "start": [1, 1]},
        {"formula": "theta^2/3 + torch^2 + abs(x)*e", "learning_rate": 0.01},
        {"formula": "himmelblau", "optimizer": "LBFGS"},
    ],
)
def test_the_programs_do_the_same(given: dict[str, Any]) -> None:
    check_both(Client(), {**SHORT, **given})


@pytest.mark.slow
@pytest.mark.parametrize("edits", [[], [[0, 1.5, 9.0], [None, 5.0, 5.0], [2, None, None]]])
def test_an_uploaded_table_is_read_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edits: list[list[float]]
) -> None:
    text = "x,name,y\n1,a,2\n2,b,4\n3,c,7\n,d,8\n5,e,11\n"
    client = Client()
    table = client.tables.add("my table.csv", text.encode())["id"]
    monkeypatch.chdir(tmp_path)
    Path("my table.csv").write_text(text, encoding="utf-8")
    given = {**SHORT, "data": {"kind": "upload", "table": table, "target": "y"}, "edits": edits}
    programs = check_both(client, given)
    assert "fl.read_table('my table.csv', target='y', features=['x'], drop_missing=True)" in programs["text"]
    shown: Any = neuron({"settings": given}, client)
    assert "1 of 5 rows dropped" in shown["payload"]["data_line"]
    assert len(Studies.of(client).kept) == 1


def test_a_name_that_is_code_stays_a_name() -> None:
    client = Client()
    header = "x'); import os; print('"
    table = client.tables.add('"); exit(); ("', f"{header},y\n1,2\n2,4\n3,7\n".encode())
    given = {**SHORT, "learning_rate": 0.1, "data": {"kind": "upload", "table": table["id"], "target": "y"}}
    text = str(python({"settings": given}, client)["payload"]["text"])  # type: ignore[index]  # JSON
    assert repr('"); exit(); ("') in text
    assert f"features={[header]!r}" in text
    assert "\nimport os" not in text
    compile(text, "program", "exec")
