"""The main job: ``fallline fit`` on the textbook line and on tables, with every option."""

import re
from pathlib import Path

import numpy as np
import polars
import pytest

import fallline as fl
from cli.shell import ON_PENGUINS, PENGUINS, Cli, left_in
from fallline._records import Run


def last(folder: Path) -> Run:
    """The run that was written last."""
    return fl.load(sorted((folder / "runs").glob("*.db"))[-1])


@pytest.fixture
def classes(folder: Path) -> Path:
    """A 0/1 target that no line parts."""
    chance = np.random.default_rng(0)
    x = np.linspace(-2, 2, 60)
    path = folder / "classes.csv"
    polars.DataFrame({"x": x, "late": (x + chance.normal(size=60) > 0).astype(int)}).write_csv(path)
    return path


def test_the_textbook_line_prints_its_whole_story(cli: Cli, folder: Path) -> None:
    done = cli("fit")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "y = 2x + 1 + 0.5·noise: 100 rows, y from x"
    assert lines[1] == "SGD, learning rate 0.01, 200 epochs"
    epochs = [line for line in lines if line.startswith("epoch")]
    assert [int(line.split()[1]) for line in epochs] == [0, 40, 80, 120, 160, 200]
    assert "34 % of the limit 0.0292" in done.out
    assert re.search("The first (four|five) steps fix w", done.out)
    assert lines[-4:-2] == ["run     runs/0001-line.db", "report  runs/0001-line.html"]
    assert left_in(folder) == ["runs", "runs/0001-line.db", "runs/0001-line.html"]


@pytest.mark.slow
def test_the_numbers_printed_are_those_recorded(cli: Cli, folder: Path) -> None:
    out = cli("fit").out
    run = last(folder)
    assert run.summary is not None
    shown = dict(re.findall(r"^([wb]) +(\S+) +\S+$", out, flags=re.MULTILINE))
    for name, text in shown.items():
        assert float(text) == pytest.approx(run.summary.learned[name], rel=5e-6)
    assert set(shown) == {"w", "b"}
    for epoch, text in re.findall(r"^epoch +(\d+) +loss +(\S+)", out, flags=re.MULTILINE):
        recorded = run.header.start_loss if epoch == "0" else run.columns.full_loss[int(epoch) - 1]
        assert float(text) == pytest.approx(recorded, rel=5e-4)


@pytest.mark.slow
def test_the_contour_numbers_the_first_steps(cli: Cli) -> None:
    lines = cli("fit").out.splitlines()
    picture = [line for line in lines if "│" in line]
    assert len(picture) == 19
    assert {len(line) for line in picture} == {len(picture[0])}
    for mark in "0123×●":
        assert any(mark in line.split("│")[1] for line in picture), mark


@pytest.mark.slow
def test_penguins_tell_what_raw_columns_would_have_meant(cli: Cli) -> None:
    done = cli("fit", PENGUINS, *ON_PENGUINS)
    assert done.status == 0
    words = " ".join(done.out.split())
    assert "342 rows, body_mass_g from flipper_length_mm, standardised" in words
    assert "the rates from 0.2904 to 0.6686 around it need at most 3." in words
    assert "Auto: 0.441 needs" in words
    assert "It is their geometric middle, 44 % of the stability limit" in words
    assert "condition number 8.3 million and the limit 2.5×10⁻⁵, and plain descent at half of it" in words
    assert "needs about 38 million steps" in words
    assert "in the table's units w is w / 14.04" in words
    assert "w 49.6856 49.6856" in words
    assert "2 of 344 rows dropped" in done.err
    assert "dropped" not in done.out


@pytest.mark.slow
def test_several_features_are_named_in_what_was_learned(cli: Cli) -> None:
    features = "bill_length_mm, flipper_length_mm"
    done = cli("fit", PENGUINS, "--target", "body_mass_g", "--features", features, "--drop-missing")
    assert done.status == 0
    learned = re.findall(r"^(w_\w+|b) ", done.out, flags=re.MULTILINE)
    assert learned == ["w_bill_length_mm", "w_flipper_length_mm", "b"]


@pytest.mark.slow
def test_other_columns_than_numbers_are_left_out_and_said_so(cli: Cli) -> None:
    done = cli("fit", PENGUINS, "--target", "body_mass_g", "--drop-missing", "--epochs", 5, "--json")
    names = {"w_bill_length_mm", "w_bill_depth_mm", "w_flipper_length_mm", "w_year", "b"}
    assert set(done.json["learned"]) == names
    assert 'Left out: "species", "island", "sex" (text).' in done.err


@pytest.mark.slow
def test_raw_columns_on_request(cli: Cli, folder: Path) -> None:
    assert cli("fit", PENGUINS, *ON_PENGUINS, "--no-standardise", "--epochs", 3).status == 0
    assert last(folder).header.scaling.is_identity
    assert cli("fit", "--standardise", "--epochs", 3).status == 0
    assert not last(folder).header.scaling.is_identity


def test_the_options_reach_the_loop(cli: Cli, folder: Path) -> None:
    done = cli(
        *("fit", "--learning-rate", "0.003", "--epochs", 7, "--batch-size", 30, "--optimizer", "adam"),
        *("--option", "betas=(0.8, 0.99)", "--option", "weight_decay=0.1", "--schedule", "cosine"),
        *("--loss", "huber", "--start", "w=1,b=-2", "--seed", 5, "--dtype", "float64", "--every", 3),
    )
    assert done.status == 0
    run = last(folder)
    header = run.header
    assert (header.learning_rate, header.epochs, header.batch_size) == (0.003, 7, 30)
    assert (header.optimizer, dict(header.optimizer_options)) == (
        "Adam",
        {"betas": (0.8, 0.99), "weight_decay": 0.1},
    )
    assert (header.schedule, header.loss, header.start) == ("cosine", "huber", (1.0, -2.0))
    assert (header.seed, header.dtype, len(run)) == (5, "float64", 7 * 4)
    rates = run.columns.learning_rate
    assert rates[0] == 0.003
    assert np.all(np.diff(rates[::4]) < 0)
    assert re.findall(r"^epoch +(\d+)", done.out, flags=re.MULTILINE) == ["0", "3", "6", "7"]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_every_loss_for_numbers(cli: Cli, loss: str) -> None:
    done = cli("fit", "--loss", loss, "--learning-rate", "auto", "--epochs", 20)
    assert done.status == 0
    assert ("so there is no stability limit" in " ".join(done.out.split())) == (loss == "mae")
    assert ("exact" in done.out) == (loss == "mse")


@pytest.mark.slow
def test_a_logistic_neuron(cli: Cli, classes: Path) -> None:
    done = cli("fit", classes, "--target", "late", "--loss", "bce", "--json")
    assert done.status == 0
    assert done.json["exact"] is None
    assert done.json["learned"]["w"] > 0
    assert done.json["loss"]["last"] < done.json["loss"]["first"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "nesterov", "RMSprop", "AdamW"])
def test_optimizers_by_their_usual_names(cli: Cli, name: str) -> None:
    done = cli("fit", "--optimizer", name, "--learning-rate", "auto", "--epochs", 30, "--json")
    assert done.status == 0
    assert done.json["loss"]["last"] < done.json["loss"]["first"]


def test_an_optimizer_that_evaluates_the_loss_itself(cli: Cli) -> None:
    told = cli("fit", "--optimizer", "LBFGS", "--learning-rate", 0.5, "--epochs", 10, "--json").json
    assert told["loss"]["last"] == pytest.approx(0.24, abs=0.1)


@pytest.mark.slow
def test_auto_says_what_it_measured(cli: Cli) -> None:
    done = cli("fit", "--learning-rate", "auto", "--epochs", 10, "--json")
    assert 0 < done.json["share_of_limit"] <= 0.5
    shown = cli("fit", "--learning-rate", "auto", "--epochs", 10)
    said = " ".join(shown.out.split())
    assert "Auto: 0.0129 needs 2 steps to the goal (99 % of the excess loss removed); the rates from" in said
    assert "It is their geometric middle" in said
    assert "of the stability limit 0.02919" in said


def test_a_diverging_run_is_recorded_explained_and_ends_with_status_1(cli: Cli, folder: Path) -> None:
    done = cli("fit", "--learning-rate", 0.05, "--epochs", 30)
    words = " ".join(done.out.split())
    assert done.status == 1
    assert done.err == ""
    assert "It diverged" in words
    assert "71 % past the limit 0.0292" in words
    advised = float(re.search(r"--learning-rate (\S*\d)", words)[1])
    assert advised <= 0.0292 / 2 * 1.0001
    assert len(last(folder)) == 30
    assert (folder / "runs" / "0001-line.html").is_file()
    assert cli("fit", "--learning-rate", advised, "--quiet").status == 0


@pytest.mark.slow
def test_the_advice_after_a_diverged_run_is_at_most_half_the_limit(cli: Cli) -> None:
    words = " ".join(cli("fit", PENGUINS, *ON_PENGUINS, "--learning-rate", 3).out.split())
    assert float(re.search(r"--learning-rate (\S*\d)", words)[1]) <= 0.5


@pytest.mark.slow
def test_the_same_seed_gives_the_same_record(cli: Cli, folder: Path) -> None:
    for seed in (3, 3, 4):
        cli("fit", "--seed", seed, "--epochs", 5, "--batch-size", 10, "--quiet")
    first, second, other = (fl.load(path) for path in sorted((folder / "runs").glob("*.db")))
    assert np.array_equal(first.columns.parameters, second.columns.parameters)
    assert not np.array_equal(first.columns.parameters, other.columns.parameters)


@pytest.mark.slow
def test_files_are_numbered_and_named_after_the_table(cli: Cli, folder: Path) -> None:
    cli("fit", "--epochs", 1, "--quiet")
    cli("fit", PENGUINS, *ON_PENGUINS, "--epochs", 1, "--quiet")
    names = ["0001-line.db", "0001-line.html", "0002-penguins.db", "0002-penguins.html"]
    assert left_in(folder / "runs") == names


def test_files_where_they_were_asked_for(cli: Cli, folder: Path) -> None:
    done = cli("fit", "--epochs", 1, "--run", "mine.db", "--report", "page.html")
    assert done.out.splitlines()[-4:-2] == ["run     mine.db", "report  page.html"]
    assert left_in(folder) == ["mine.db", "page.html"]
    assert len(fl.load("mine.db")) == 1


def test_the_report_stands_beside_a_named_run(cli: Cli, folder: Path) -> None:
    cli("fit", "--epochs", 1, "--run", "mine.db")
    assert left_in(folder) == ["mine.db", "mine.html"]
    page = (folder / "mine.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")


@pytest.mark.slow
def test_quiet_prints_nothing_and_records_all_the_same(cli: Cli, folder: Path) -> None:
    done = cli("fit", PENGUINS, *ON_PENGUINS, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert len(left_in(folder)) == 3


@pytest.mark.parametrize("epochs", [1, 2, 4, 7])
def test_short_runs(cli: Cli, epochs: int) -> None:
    done = cli("fit", "--epochs", epochs)
    assert done.status == 0
    assert f"epoch {epochs} " in done.out
    assert "1 epochs" not in done.out


def test_every_beyond_the_end_prints_first_and_last(cli: Cli) -> None:
    lines = cli("fit", "--epochs", 3, "--every", 100).out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["0", "3"]


@pytest.mark.slow
def test_a_table_by_every_kind_of_file(cli: Cli, folder: Path) -> None:
    frame = polars.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 5.0, 7.5]})
    frame.write_csv("t.csv")
    frame.write_csv("t.tsv", separator="\t")
    frame.write_parquet("t.parquet")
    frame.write_ndjson("t.jsonl")
    learned = [
        cli("fit", f"t.{kind}", "--target", "y", "--json").json["learned"]
        for kind in ("csv", "tsv", "parquet", "jsonl")
    ]
    assert learned[0] == learned[1] == learned[2] == learned[3]
    assert learned[0]["w"] == pytest.approx(2.15)
