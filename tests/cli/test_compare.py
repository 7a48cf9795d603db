"""``fallline compare``: what stands on the screen, in the JSON, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from cli.shell import ON_PENGUINS, PENGUINS, Cli, Done, left_in

QUICK = ("--trials", 5, "--seeds", 2, "--epochs", 30)
ON_RAVINE = ("--formula", "ravine", "--optimizers", "sgd,momentum,adam", *QUICK)


@pytest.fixture
def ravine(cli: Cli) -> Done:
    return cli("compare", *ON_RAVINE)


@pytest.mark.slow
def test_the_screen_tells_the_terms_the_tables_and_the_verdict(ravine: Done, folder: Path) -> None:
    assert ravine.status == 0
    assert ravine.err == ""
    flat = " ".join(ravine.out.split())
    for said in (
        "ravine: (100*w^2 + b^2)/2. Each run: 30 steps. Goal: remove 99 % of the excess loss over the optimum, 0, ",
        "for good: steps to the goal count until the loss stays there.",
        "Each optimizer was granted 5 rates to find its best one, on 2 seeds (2–3); what is shown ran on others (0–1).",
        "Each at its own best rate",
        "On this problem, each at its own best rate, ",
        "At the common rate ",
        "this order says whom it suits, not which optimizer is better.",
    ):
        assert said in flat
    assert left_in(folder) == []


@pytest.mark.parametrize("width", [30, 40, 60, 80, 132])
@pytest.mark.parametrize("formula", ["ravine", "himmelblau"])
@pytest.mark.slow
def test_no_line_is_wider_than_the_terminal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, width: int, formula: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = cli("compare", "--formula", formula, "--optimizers", "sgd,momentum,adam", *QUICK)
    assert max(map(len, done.out.splitlines())) <= width
    assert "momentum" in done.out


def test_the_screen_says_what_the_json_says(cli: Cli) -> None:
    shown, told = cli("compare", *ON_RAVINE).out, cli("compare", *ON_RAVINE, "--json").json
    first = told["ranking"][0]
    assert f"each at its own best rate, {first}" in " ".join(shown.split()) or f"; {first} comes" in " ".join(
        shown.split()
    )


def test_json_field_by_field(cli: Cli) -> None:
    told = cli("compare", *ON_RAVINE, "--rate", 0.01, "--json").json
    assert set(told) == {
        "schema", "name", "about", "loss", "parameter_count", "parameters", "rows", "batch_size", "epochs", "steps",
        "goal", "floor",
        "floor_kind", "seeds", "tuning_seeds", "starts", "start_losses", "deterministic", "common_rate",
        "common_reason", "trials", "trial_runs", "ranking", "optimizers", "at_best", "at_common", "confidence",
        "basins", "seconds", "report",
    }  # fmt: skip
    assert told["schema"] == "fallline.compare/1"
    assert (told["name"], told["loss"], told["parameters"]) == ("ravine", "formula", ["w", "b"])
    assert (told["rows"], told["batch_size"], told["basins"], told["report"]) == (None, None, None, None)
    assert (told["epochs"], told["steps"], told["trials"], told["trial_runs"]) == (30, 30, 5, 10)
    assert (told["seeds"], told["tuning_seeds"], told["deterministic"]) == ([0, 1], [2, 3], False)
    assert (told["goal"], told["floor"], told["floor_kind"]) == (0.99, 0, "optimum")
    assert told["starts"][0] == [1.0, 10.0]
    assert told["start_losses"][0] == 100.0
    assert (told["common_rate"], told["common_reason"]) == (0.01, "the rate that was given")
    assert told["confidence"] == pytest.approx(1 - 0.05 / 3)
    assert sorted(told["ranking"]) == ["Adam", "SGD", "momentum"]
    assert [one["name"] for one in told["optimizers"]] == ["sgd", "momentum", "adam"]
    for one in told["optimizers"]:
        check_contender(one)
    for table in ("at_best", "at_common"):
        assert [set(one) for one in told[table]] == [
            {
                "first",
                "second",
                "criterion",
                "ratio",
                "low",
                "high",
                "standing",
                "at_least",
                "same",
                "ahead",
                "behind",
                "reason",
            }
        ] * 2
        assert {one["first"] for one in told[table]} | {one["second"] for one in told[table]} == set(told["ranking"])
    assert told["at_best"][0]["first"] == told["ranking"][0]


def check_contender(one: dict[str, Any]) -> None:
    assert set(one) == {
        "name", "label", "optimizer", "options", "stability_limit", "range", "rates", "steps_of_each", "excess_of_each",
        "good", "good_width", "best_at_edge", "slack", "best", "common", "batched",
    }  # fmt: skip
    assert len(one["rates"]) == len(one["steps_of_each"]) == len(one["excess_of_each"]) == 5
    assert one["best"]["rate"] in one["rates"]
    assert one["common"]["rate"] == 0.01
    assert one["batched"] is True
    assert (one["stability_limit"] is None) == (one["optimizer"] == "Adam")
    for runs in (one["best"], one["common"]):
        assert set(runs) == {"rate", "steps_to_goal", "median_steps", "final_losses", "diverged"}
        assert len(runs["steps_to_goal"]) == len(runs["final_losses"]) == len(runs["diverged"]) == 2
    if one["good"] is not None:
        assert one["good_width"] == pytest.approx(one["good"]["high"] / one["good"]["low"])


@pytest.mark.slow
def test_numbers_that_are_not_finite_are_written_by_name(cli: Cli) -> None:
    told = cli(
        "compare", "--formula", "(w - 3)^2", "--optimizers", "sgd,momentum", "--rate", 1e20, *QUICK, "--json"
    ).json
    finals = [value for one in told["optimizers"] for value in one["common"]["final_losses"]]
    assert {value for value in finals if isinstance(value, str)} <= {"NaN", "Infinity"}
    assert all(one["common"]["diverged"] == [True, True] for one in told["optimizers"])
    assert told["optimizers"][0]["common"]["steps_to_goal"] == [None, None]


def test_diverging_at_the_common_rate_is_said(cli: Cli) -> None:
    out = " ".join(
        cli("compare", "--formula", "(w - 3)^2", "--optimizers", "sgd,adam", "--rate", 3, *QUICK).out.split()
    )
    assert "SGD diverges in every seed." in out


@pytest.mark.slow
def test_options_go_to_the_optimizer_that_is_named(cli: Cli) -> None:
    told = cli(
        "compare", *ON_RAVINE, "--option", "adam.betas=(0.8,0.99)", "--option", "momentum.momentum=0.5", "--json"
    ).json
    options = {one["name"]: one["options"] for one in told["optimizers"]}
    assert options == {"sgd": {}, "momentum": {"momentum": 0.5}, "adam": {"betas": [0.8, 0.99]}}


def test_a_table_with_mini_batches(cli: Cli) -> None:
    told = cli("compare", PENGUINS, *ON_PENGUINS, "--optimizers", "sgd,adam", "--batch-size", 100, "--epochs", 4,
               "--trials", 3, "--seeds", 2, "--json").json  # fmt: skip
    assert (told["rows"], told["batch_size"], told["steps"]) == (342, 100, 16)
    assert "body_mass_g from flipper_length_mm, standardised" in told["about"]


@pytest.mark.slow
def test_basins_are_told_as_shares_and_drawn_as_maps(cli: Cli) -> None:
    on = ("--formula", "himmelblau", "--optimizers", "sgd,adam", *QUICK)
    told = cli("compare", *on, "--json").json["basins"]
    assert told["starts"] == [41, 41]
    assert len(told["minima"]) == 4
    for one in told["maps"]:
        assert sum(one["shares"]) + one["unsettled"] == pytest.approx(1)
    lines = cli("compare", *on).out.splitlines()
    maps = [line for line in lines if line and not set(line.replace(" ", "")) - set("abcd·") and len(line) > 40]
    assert len(maps) == 13
    many = cli("compare", "--formula", "rastrigin", "--optimizers", "sgd,adam", *QUICK).out
    assert "lowest minimum" in many
    assert "another one" in many


@pytest.mark.slow
def test_a_report_is_written_where_it_is_asked_for(cli: Cli, folder: Path) -> None:
    done = cli("compare", *ON_RAVINE, "--report", "page.html", "--json")
    assert done.json["report"] == "page.html"
    assert Path("page.html").read_text(encoding="utf-8").lower().startswith("<!doctype html")
    assert left_in(folder) == ["page.html"]


@pytest.mark.slow
def test_quiet_says_nothing(cli: Cli) -> None:
    done = cli("compare", *ON_RAVINE, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")


@pytest.mark.slow
def test_where_every_optimizer_diverges_the_status_is_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """−w² has no bottom: everything goes down for ever, so a loss that only rises is asked for instead."""
    done = cli("compare", "--formula", "w^2", "--start", "w=1", "--optimizers", "sgd,momentum",
               "--option", "sgd.maximize=True", "--option", "momentum.maximize=True", "--rate", 1, *QUICK)  # fmt: skip
    assert done.status == 1
    assert "diverge" in done.out


REFUSED = {
    "unknown optimizer": (["--optimizers", "sgd,adm"], 'Did you mean "Adam"'),
    "one optimizer": (["--optimizers", "sgd"], "Between 2 and 12"),
    "no optimizer": (["--optimizers", ","], "Between 2 and 12"),
    "twice": (["--optimizers", "sgd,adam,adam"], "2 times"),
    "option without a name": (["--option", "eps=1"], "names the optimizer as well"),
    "option without a value": (["--option", "adam.eps"], "KEY=VALUE"),
    "option of nobody": (["--option", "adm.eps=1"], 'Did you mean "adam"?'),
    "unknown option": (["--option", "adam.beta=1"], 'Did you mean "betas"?'),
    "goal": (["--goal", "1.5"], "between 0 and 1"),
    "trials": (["--trials", "1"], "from 3"),
    "wordy trials": (["--trials", "many"], "--trials takes a whole number"),
    "seeds": (["--seeds", "0"], "from 1"),
    "rate": (["--rate", "-1"], "above 0"),
    "wordy rate": (["--rate", "fast"], "--rate takes a number"),
    "formula": (["--formula", "rosenbrok"], 'Did you mean "rosenbrock"?'),
    "formula and table": (["t.csv", "--target", "y", "--formula", "ravine"], "formula"),
    "formula and batches": (["--formula", "ravine", "--batch-size", "4"], "no rows"),
    "no target": ([str(PENGUINS)], "--target COLUMN"),
    "no file": (["nowhere.csv", "--target", "y"], "There is no file nowhere.csv"),
    "report in a missing folder": (["--report", "no/a.html"], "no"),
    "report is a folder": (["--report", "."], "folder"),
    "no bottom": (["--formula", "saddle"], "w^2 - b^2 falls for ever"),
    "no bottom in sight": (["--formula", "-w^4", "--epochs", "30", "--trials", "5"], "was still falling"),
    "comment": (["--formula", "w^2 # + b^2"], "comment"),
    "no slope": (["--formula", "(w-3)^2", "--start", "w=3"], "no slope"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_sentence(cli: Cli, folder: Path, case: str) -> None:
    arguments, expected = REFUSED[case]
    assert expected in cli("compare", *arguments).sentence
    assert left_in(folder) == []
