"""``fallline surface`` on somebody's own code: the picture, JSON field by field, Ctrl-C, bad input."""

import io
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import fallline as fl
from cli.own_module import own
from cli.shell import Cli
from fallline._cli._screen import Screen
from fallline._cli._show_surface import picture_lines
from fallline._cli._surface import _split
from fallline._explain import number
from fallline._formulas import formula

__all__ = ["own"]
SMALL = ("--shape", "9,7")


def test_the_picture_and_its_honesty(cli: Cli, own: str) -> None:
    done = cli("surface", f"{own}:objective", "--path", f"{own}:path", *SMALL)
    assert done.status == 0
    lines = done.out.splitlines()
    assert "The loss in the path's own plane" in lines
    picture = [line for line in lines if "│" in line]
    assert len(picture) == 21
    assert sum(line.count("0") for line in "".join(line.partition("│")[2] for line in picture)) == 1
    told = " ".join(done.out.split())
    assert "holds most of the path: 100.0 % of its variance" in told
    assert "variance lies in" not in told  # said once
    assert "· The loss was evaluated in every cell: 63." in told
    assert "0 its start" in told


def test_json_field_by_field(cli: Cli, own: str) -> None:
    told = cli("surface", f"{own}:objective", "--axes", "0.weight[1, 0],2.bias", *SMALL, "--json").json
    assert set(told) == {
        "schema", "objective", "plane", "x", "y", "loss", "method", "evaluations", "fresh_error", "between_nodes",
        "local_error", "not_finite", "complete", "path", "notes", "honesty", "report",
    }  # fmt: skip
    assert (told["schema"], told["objective"]) == ("fallline.surface/1", f"{own}:objective")
    assert told["plane"]["axes"] == ["0.weight[1, 0]", "2.bias"]
    assert (len(told["x"]), len(told["y"]), len(told["loss"]), len(told["loss"][0])) == (9, 7, 7, 9)
    assert (told["method"], told["complete"], told["not_finite"]) == ("every cell", True, 0)


def test_the_losses_are_those_of_the_model(cli: Cli, own: str) -> None:
    told = cli("surface", f"{own}:objective", "--axes", "0,9", *SMALL, "--json").json
    module = import_module(own)
    point = module.start.astype("float64").copy()
    point[0], point[9] = told["x"][2], told["y"][5]
    assert told["loss"][5][2] == pytest.approx(float(module.objective().loss(point[None])[0]), rel=1e-6)


@pytest.mark.parametrize("kind", ["hessian", "random"])
def test_the_parameters_stand_in_the_middle(cli: Cli, own: str, kind: str) -> None:
    told = cli("surface", f"{own}:objective", "--plane", kind, *SMALL, "--json").json
    objective = import_module(own).objective()
    assert told["plane"]["kind"] == kind
    assert told["loss"][3][4] == pytest.approx(float(objective.loss(objective.parameters[None])[0]), rel=1e-5)


def test_checkpoints_from_files(cli: Cli, own: str, folder: Path) -> None:
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
        torch.save(model.state_dict(), folder / name)
    told = cli("surface", f"{own}:objective", "--checkpoints", "a.pt,b.pt", *SMALL, "--json").json
    assert told["plane"]["axes"] == ["checkpoint 1 to 2", "random perpendicular"]
    assert len(told["path"]["points"]) == 2


def test_ctrl_c_keeps_the_finished_cells(cli: Cli, own: str) -> None:
    done = cli("surface", f"{own}:stopping", "--exact", "--shape", "201,201", "--json")
    assert done.status == 130
    told = done.json
    assert told["complete"] is False
    known = [value for row in told["loss"] for value in row if value is not None]
    assert 0 < len(known) < 201 * 201
    again = cli("surface", f"{own}:stopping", "--exact", "--shape", "5,5")
    assert (again.status, again.out) == (130, "")
    assert again.err == "fallline: Stopped by Ctrl-C.\n"


@pytest.mark.slow
def test_the_page_is_written_whole(cli: Cli, own: str, folder: Path) -> None:
    done = cli("surface", f"{own}:objective", *SMALL, "--report", "page.html")
    assert done.out.splitlines()[-1] == "report  page.html"
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "fallline.surface-view/2" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_up_is_up_on_the_screen() -> None:
    """A loss that rises with the second axis is dense at the bottom."""
    bowl = formula("a^2 + b^2")
    seen = fl.surface(bowl, fl.plane(bowl, "parameters", at=[0.0, 0.0]), shape=(21, 21))
    slope = np.repeat(np.linspace(0.0, 1.0, 21)[:, None], 21, axis=1)
    lines = picture_lines(replace(seen, loss=slope), Screen(io.StringIO(), io.StringIO(), 60))
    rows = [line.partition("│")[2] for line in lines if "│" in line]
    assert rows[0].startswith("·")
    assert rows[-1].endswith("█")
    assert lines[0].lstrip().startswith(number(float(seen.y[-1]), 3))


def test_names_are_split_outside_of_brackets() -> None:
    assert _split("0.weight[3, 5], 0.bias[1]") == ["0.weight[3, 5]", "0.bias[1]"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--plane", "hessan"), 'Did you mean "hessian"?'),
        (("--plane", "path"), "--run RUN, or --path mymodule:path"),
        (("--plane", "parameters"), "Which two parameters?"),
        (("--plane", "checkpoints"), "--checkpoints first.pt,last.pt"),
        (("--checkpoints", "no.pt,nor.pt"), "There is no checkpoint no.pt"),
        (("--checkpoints", "MODULE.py,MODULE.py"), "cannot be read as a state dict"),
        (("--axes", "0.weight[1,0]"), "two"),
        (("--axes", "0.wight[1,0],2.bias"), "0.wight"),
        (("--shape", "101"), "--shape takes cells along both axes"),
        (("--shape", "1,5"), "--shape takes cells along both axes"),
        (("--run", "x", "--path", "MODULE:path"), "not both"),
        (("--run", "17"), "17"),
        (("--extent", "-1"), "--extent is a length above 0, not -1."),
        (("--shape", "30000,30000"), "at most 4,000,000 cells, and 30,000 × 30,000 are 900,000,000"),
        (("--seed", "-1"), "A seed is a whole number from 0 to 2⁶³ − 1"),
        (("--seed", "99999999999999999999999"), "A seed is a whole number from 0 to 2⁶³ − 1"),
        (("--plane", "random", "--axes", "0,1"), "names belongs to a plane"),
    ],
)
def test_bad_input_gets_one_sentence(cli: Cli, own: str, options: tuple[str, ...], said: str) -> None:
    done = cli("surface", f"{own}:objective", *(each.replace("MODULE", own) for each in options))
    told = done.err.removeprefix("loading\n")
    assert (done.status, done.out, told.count("\n")) == (2, "", 1)
    assert said in told
