"""``fallline curvature`` on somebody's own code: what is printed, JSON field by field, bad input."""

from pathlib import Path

import pytest

import fallline as fl
from cli.own_module import own
from cli.shell import Cli, left_in

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
        "schema", "objective", "parameters", "rows", "loss", "sharpness", "spectrum", "trace", "limit", "limits",
        "products", "notes", "report",
    }  # fmt: skip
    assert (told["schema"], told["parameters"], told["rows"]) == ("fallline.curvature/1", 10, 12)
    assert set(told["sharpness"]) == {
        "value", "error", "products", "converged", "preconditioned", "error_kind", "sample_products",
    }  # fmt: skip
    assert set(told["spectrum"]) == {
        "largest", "errors_largest", "smallest", "errors_smallest", "products", "converged",
    }  # fmt: skip
    assert len(told["spectrum"]["largest"]) == 5
    assert told["spectrum"]["largest"][0] == pytest.approx(told["sharpness"]["value"], rel=1e-5)
    assert set(told["limit"]) == {"optimizer", "learning_rate", "share", "value", "kind", "why", "sharpness"}
    assert told["limits"] == [told["limit"]]
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
        (("curvature", "MODULE:mismatched"), "a batch (12 rows, and 5 of the target)"),
        (("curvature", "MODULE:needs"), '"MODULE:needs" needs width, and it is called without arguments'),
        (("curvature", "MODULE:summed"), "MODULE:summed: This loss is no mean"),
        (("curvature", "MODULE:objective", "--optimizer", "MODULE:model"), "an optimizer of torch.optim is needed"),
        (("curvature", "MODULE:objective", "--optimizer", "MODULE:elsewhere"), "not the objective's model's"),
        (("curvature", "MODULE:stopping", "--optimizer", "MODULE:optimizer"), "measured on an fl.Objective"),
        (("curvature", "MODULE:objective", "--k", 0), "1 to 10 here; 0 is not"),
        (("curvature", "MODULE:objective", "--tolerance", -1), "above 0"),
        (("curvature", "MODULE:objective", "--seed", -1), "A seed is a whole number from 0 to 2⁶³ − 1"),
        (("curvature", "MODULE:objective", "--seed", 2**64), "A seed is a whole number from 0 to 2⁶³ − 1"),
        (("compare", "MODULE:objective", "--target", "y"), "leave out --target"),
        (("compare", "MODULE:objective", "--batch-size", 4), "leave out --batch-size"),
        (("compare", "MODULE:objective", "--seeds", 3), "starts where its parameters stand: leave out --seeds"),
        (("compare", "MODULE:number"), "is a float, and an objective is needed"),
        (("compare", "MODULE:broken"), "not a finite number: start elsewhere"),
        (("curvature", "MODULE:broken"), "not finite here"),
        (("compare", "nomodule:objective"), 'There is no module "nomodule"'),
        (("curvature", "MODULE:objective", "--report", "missing/a.html"), "missing"),
        (("compare", "MODULE:objective", "--report", "missing/a.html"), "missing"),
        (("sweep", "MODULE:objective", "--report", "missing/a.html"), "missing"),
        (("sweep", "MODULE:objective", "--target", "y"), "leave out --target"),
        (("sweep", "MODULE:objective", "--method", "ramp"), "it is an Objective."),
        (("sweep", "MODULE:objective", "--epochs", 10**11), "at most 1,000,000,000 steps"),
        (("compare", "MODULE:objective", "--epochs", 10**9), "losses to keep"),
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
def test_no_line_is_wider_than_the_terminal(cli: Cli, own: str, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in (
        ("curvature", f"{own}:objective", "--optimizer", f"{own}:optimizer"),
        ("surface", f"{own}:objective"),
    ):
        done = cli(*command)
        assert done.status == 0, done.err
        assert max(map(len, done.out.splitlines())) <= int(columns)


@pytest.mark.slow
def test_a_narrow_terminal_holds_comparisons_and_sweeps(cli: Cli, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    race = (
        "compare",
        f"{own}:objective",
        "--epochs",
        "5",
        "--trials",
        "3",
        "--optimizers",
        "sgd,adam",
        "--rate",
        "0.1",
    )
    for command in (race, ("sweep", f"{own}:objective", "--epochs", "5", "--rates", "0.01:1:5")):
        done = cli(*command)
        assert done.status == 0, done.err
        assert max(map(len, done.out.splitlines())) <= 40


def test_its_page_and_several_optimizers(cli: Cli, own: str, folder: Path) -> None:
    done = cli(
        "curvature", f"{own}:objective", "--optimizer", f"{own}:optimizer", "--optimizer", f"{own}:adam",
        "--k", 1, "--report", "bends.html",
    )  # fmt: skip
    assert done.status == 0
    assert "There is no stability limit of Adam to name." in " ".join(done.out.split())
    assert done.out.endswith("report  bends.html\n")
    page = (folder / "bends.html").read_text(encoding="utf-8")
    assert f"<title>{own}:objective: curvature · fallline</title>" in page


@pytest.mark.slow
def test_a_comparison_on_their_own_code(cli: Cli, own: str, folder: Path) -> None:
    told = ("compare", f"{own}:objective", "--optimizers", "sgd,adam", "--epochs", 8, "--trials", 3, "--rate", 0.1)
    done = cli(*told, "--report", "race.html")
    said = " ".join(done.out.split())
    assert done.status == 0
    assert said.startswith(f"{own}:objective: 10 parameters, 12 rows, every step over all of them. Each run: 8 steps.")
    assert "Every run starts at the parameters as they stand. All optimizers share this start." in said
    assert "Each at its own best rate optimizer" in said
    assert f"<title>{own}:objective, optimizers compared · fallline</title>" in (folder / "race.html").read_text(
        "utf-8"
    )
    numbers = cli(*told, "--json").json
    assert (numbers["name"], numbers["loss"], numbers["parameter_count"]) == (f"{own}:objective", "objective", 10)
    assert len(numbers["parameters"]) == len(numbers["starts"][0]) == 10
    assert (numbers["deterministic"], numbers["report"]) == (True, None)


@pytest.mark.slow
def test_of_many_parameters_none_is_named_for_programs(cli: Cli, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fallline._explain import _comparison_numbers, _rates_table

    for module in (_comparison_numbers, _rates_table):
        monkeypatch.setattr(module, "MOST_NAMED", 9)
    numbers = cli(
        "compare", f"{own}:objective", "--optimizers", "sgd,adam", "--epochs", 2, "--trials", 3, "--rate", 0.1, "--json"
    ).json
    assert (numbers["parameter_count"], numbers["parameters"], numbers["starts"]) == (10, None, None)
    swept = cli("sweep", f"{own}:objective", "--epochs", 2, "--rates", "0.1:0.2:2", "--json").json["problem"]
    assert (swept["parameter_count"], swept["parameters"], swept["start"]) == (10, None, None)


@pytest.mark.slow
def test_the_page_of_a_sweep_on_their_own_code(cli: Cli, own: str, folder: Path) -> None:
    done = cli("sweep", f"{own}:objective", "--epochs", 5, "--rates", "0.01:1:5", "--report", "rates.html")
    assert done.status == 0
    assert done.out.startswith(f"{own}:objective, SGD: 5 learning rates")
    assert done.out.endswith("report  rates.html\n")
    assert f"<title>{own}:objective: learning rates · fallline</title>" in (folder / "rates.html").read_text("utf-8")


@pytest.mark.parametrize("command", [("compare", "--optimizers", "sgd,adam"), ("sweep",)])
def test_ctrl_c_leaves_no_page(cli: Cli, own: str, folder: Path, command: tuple[str, ...]) -> None:
    done = cli(*command, f"{own}:racing", "--epochs", 3000, "--report", "never.html")
    assert (done.status, done.out) == (130, "")
    assert done.err.count("\n") == 1
    assert not (folder / "never.html").exists()
