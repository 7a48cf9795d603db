"""``fallline curvature`` on somebody's own code: what is printed, JSON field by field, bad input."""

from pathlib import Path

import pytest

import fallline as fl
from cli.own_module import own
from cli.shell import Cli, left_in, process

__all__ = ["own"]


def test_the_story_from_top_to_bottom(cli: Cli, own: str) -> None:
    done = cli("curvature", f"{own}:objective", "--optimizer", f"{own}:optimizer", "--k", 2)
    told = " ".join(done.out.split())
    assert done.status == 0
    assert told.startswith(f"{own}:objective: 10 parameters, 12 rows, loss ")
    assert "The stability limit of SGD is a learning rate of " in told
    assert "The learning rate in use, 0.1, is " in told
    assert "2nd" in told
    assert "3rd" not in told
    assert "Over 10 directions" in told
    assert done.err == "loading\n"  # what their own code prints is no result


def test_json_field_by_field(cli: Cli, own: str) -> None:
    told = cli("curvature", f"{own}:objective", "--optimizer", f"{own}:optimizer", "--json").json
    assert set(told) == {
        "schema", "objective", "parameters", "rows", "loss", "sharpness", "spectrum", "trace", "limit", "notes",
    }  # fmt: skip
    assert (told["schema"], told["parameters"], told["rows"]) == ("fallline.curvature/1", 10, 12)
    assert set(told["sharpness"]) == {"value", "error", "products", "converged", "preconditioned"}
    assert set(told["spectrum"]) == {
        "largest", "errors_largest", "smallest", "errors_smallest", "products", "converged",
    }  # fmt: skip
    assert len(told["spectrum"]["largest"]) == 5
    assert told["spectrum"]["largest"][0] == pytest.approx(told["sharpness"]["value"], rel=1e-5)
    assert set(told["limit"]) == {"optimizer", "learning_rate", "value", "kind", "why", "sharpness"}
    assert (told["limit"]["optimizer"], told["limit"]["kind"], told["limit"]["learning_rate"]) == (
        "SGD",
        "provable",
        0.1,
    )
    assert told["limit"]["value"] == pytest.approx(2 / told["sharpness"]["value"], rel=1e-3)


def test_the_numbers_are_those_of_python(cli: Cli, own: str) -> None:
    told = cli("curvature", f"{own}:objective", "--json").json
    assert told["limit"] is None
    from importlib import import_module

    assert told["sharpness"]["value"] == fl.sharpness(import_module(own).objective()).value


def test_an_optimizer_without_a_limit_says_why(cli: Cli, own: str) -> None:
    told = cli("curvature", f"{own}:objective", "--optimizer", f"{own}:adam", "--json").json["limit"]
    assert (told["value"], told["kind"]) == (None, None)
    assert "has not made a step yet" in told["why"]


def test_quiet_and_nothing_left_behind(cli: Cli, own: str, folder: Path) -> None:
    assert cli("curvature", f"{own}:objective", "--quiet").out == ""
    assert [name for name in left_in(folder) if "pycache" not in name] == [f"{own}.py"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("curvature", "data.csv"), '"data.csv" is no name in your own code: write mymodule:objective'),
        (("curvature", "MODULE:objectiv"), 'Did you mean "objective"?'),
        (("curvature", "MODULE:number"), "is a float, and an objective is needed"),
        (("curvature", "MODULE:model"), "is a Sequential, and an objective is needed"),
        (("curvature", "MODULE:model"), "Wrap it: fl.Objective(model, loss_fn, data)."),
        (("curvature", "MODULE:raises"), 'Calling "MODULE:raises" failed: ValueError in MODULE.py, line'),
        (("curvature", "MODULE:summed"), "MODULE:summed: This loss is no mean"),
        (("curvature", "MODULE:objective", "--optimizer", "MODULE:model"), "an optimizer of torch.optim is needed"),
        (("curvature", "MODULE:objective", "--optimizer", "MODULE:elsewhere"), "not the objective's model's"),
        (("curvature", "MODULE:stopping", "--optimizer", "MODULE:optimizer"), "measured on an fl.Objective"),
        (("curvature", "MODULE:objective", "--k", 0), "There are 10 eigenvalues"),
        (("curvature", "MODULE:objective", "--tolerance", -1), "above 0"),
        (("compare", "MODULE:objective"), "not yet on an objective of your own"),
        (("sweep", "MODULE:objective", "--target", "y"), "leave out --target"),
        (("sweep", "MODULE:objective", "--report", "a.html"), "leave out --report"),
    ],
)
def test_bad_input_gets_one_sentence(cli: Cli, own: str, arguments: tuple[object, ...], said: str) -> None:
    done = cli(*(str(each).replace("MODULE", own) for each in arguments))
    told = done.err.removeprefix("loading\n")
    assert (done.status, done.out, told.count("\n")) == (2, "", 1)
    assert said.replace("MODULE", own) in told


def test_a_sweep_begins_at_the_model_s_parameters(cli: Cli, own: str) -> None:
    told = cli("sweep", f"{own}:objective", "--epochs", 3, "--rates", "0.01:0.1:3", "--json").json
    assert told["problem"]["parameters"][:2] == ["0.weight[0, 0]", "0.weight[1, 0]"]
    assert len(told["problem"]["start"]) == 10
    loss = cli("curvature", f"{own}:objective", "--k", 1, "--json").json["loss"]
    assert told["problem"]["start_loss"] == pytest.approx(loss, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_no_line_is_wider_than_the_terminal(own: str, folder: Path, columns: str) -> None:
    for command in (
        ("curvature", f"{own}:objective", "--optimizer", f"{own}:optimizer"),
        ("surface", f"{own}:objective"),
    ):
        done = process(folder, *command, COLUMNS=columns)
        assert done.status == 0, done.err
        assert max(map(len, done.out.splitlines())) <= int(columns)
