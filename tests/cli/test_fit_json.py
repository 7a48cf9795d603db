"""``fallline fit --json``: the schema ``fallline.fit/1``."""

from pathlib import Path

import pytest

import fallline as fl
from cli.shell import ON_PENGUINS, PENGUINS, Cli

KEYS = [
    *("schema", "outcome", "learned", "exact", "loss", "learning_rate", "stability_limit", "share_of_limit"),
    *("condition_number", "epochs", "steps", "seconds", "run", "report", "formula"),
]


@pytest.mark.slow
def test_keys_and_values_of_the_textbook_run(cli: Cli) -> None:
    done = cli("fit", "--json")
    told = done.json
    assert (done.status, done.err) == (0, "")
    assert list(told) == KEYS
    assert told["schema"] == "fallline.fit/1"
    assert told["outcome"] == "descending"
    assert list(told["learned"]) == list(told["exact"]) == ["w", "b"]
    assert list(told["loss"]) == ["first", "last", "best"]
    assert told["loss"]["best"] <= told["loss"]["last"] < told["loss"]["first"]
    assert told["learning_rate"] == 0.01
    assert told["share_of_limit"] == pytest.approx(0.01 / told["stability_limit"])
    assert told["condition_number"] == pytest.approx(138, abs=1)
    assert (told["epochs"], told["steps"]) == (200, 200)
    assert told["seconds"] > 0
    assert (told["run"], told["report"]) == ("runs/0001-line.db", "runs/0001-line.html")


def test_it_says_what_the_record_says(cli: Cli, folder: Path) -> None:
    told = cli("fit", PENGUINS, *ON_PENGUINS, "--json").json
    summary = fl.load(told["run"]).summary
    assert summary is not None
    assert told["learned"] == dict(summary.learned)
    assert told["exact"] == dict(summary.exact or {})
    assert told["loss"]["last"] == summary.last_loss
    assert told["outcome"] == summary.outcome == "converged"


@pytest.mark.slow
def test_several_features_by_column(cli: Cli) -> None:
    features = "bill_length_mm,flipper_length_mm"
    told = cli("fit", PENGUINS, "--target", "body_mass_g", "--features", features, "--drop-missing", "--json").json
    assert list(told["learned"]) == list(told["exact"]) == ["w_bill_length_mm", "w_flipper_length_mm", "b"]


@pytest.mark.slow
def test_not_finite_is_written_as_a_string_and_absent_as_null(cli: Cli) -> None:
    done = cli("fit", "--learning-rate", "0.05", "--json")
    told = done.json
    assert done.status == 1
    assert told["outcome"] == "diverged"
    assert told["learned"] == {"w": "NaN", "b": "NaN"}
    assert told["loss"]["last"] == "NaN"
    assert isinstance(told["loss"]["first"], float)
    told = cli("fit", "--loss", "mae", "--json").json
    assert told["stability_limit"] is None
    assert told["share_of_limit"] is None
    assert told["exact"] is None


@pytest.mark.slow
def test_notes_stay_on_stderr(cli: Cli) -> None:
    done = cli("fit", PENGUINS, *ON_PENGUINS, "--json")
    assert list(done.json) == KEYS
    assert "2 of 344 rows dropped" in done.err


@pytest.mark.slow
def test_json_and_quiet_together_print_the_json_alone(cli: Cli) -> None:
    done = cli("fit", PENGUINS, *ON_PENGUINS, "--json", "--quiet")
    assert list(done.json) == KEYS
    assert done.err == ""


def test_paths_are_those_that_were_asked_for(cli: Cli) -> None:
    told = cli("fit", "--epochs", 1, "--run", "a.db", "--report", "b.html", "--json").json
    assert (told["run"], told["report"]) == ("a.db", "b.html")
