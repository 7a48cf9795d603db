"""Bad input: one clear sentence on stderr, status 2, nothing on stdout and nothing left behind."""

from pathlib import Path

import polars
import pytest

from cli.shell import ON_PENGUINS, PENGUINS, Cli, left_in

TABLES = {
    "empty file": (b"", "is empty"),
    "header only": (b"x,y\n", "has no rows of data"),
    "one row": (b"x,y\n1,2\n", "has one row of data"),
    "text in a numeric column": (b"x,y\n1,2\n2,3\n3,oops\n4,4\n", 'Column "y" holds "oops" in row 3'),
    "missing values": (b"x,y\n1,2\n,3\n3,\n4,4\n", "--drop-missing"),
    "infinite values": (b"x,y\n1,2\n2,inf\n3,4\n4,4\n", "infinite"),
    "constant feature": (b"x,y\n3,1\n3,2\n3,4\n", 'feature "x" is constant'),
    "constant target": (b"x,y\n1,4\n2,4\n3,4\n", 'target "y" is constant'),
    "duplicate columns": (b"x,x,y\n1,2,3\n4,5,6\n", 'several columns named "x"'),
    "not UTF-8": ("x,größe,y\n1,2,3\n4,5,6\n".encode("latin-1"), "UTF-8"),
    "wrong delimiter": (b"x;y|z\n1;2|3\n", "delimiter"),
}

SETTINGS = {
    "missing file": (["nowhere.csv", "--target", "y"], "There is no file nowhere.csv"),
    "missing file, no target": (["nowhere.csv"], "There is no file nowhere.csv"),
    "missing folder": (["no/where.csv", "--target", "y"], "There is no folder no"),
    "a folder": ([".", "--target", "y"], "is a folder"),
    "no target": ([PENGUINS], "--target COLUMN"),
    "unknown target": ([PENGUINS, "--target", "body_mas_g"], 'Did you mean "body_mass_g"?'),
    "unknown feature": (
        [PENGUINS, "--target", "body_mass_g", "--features", "flipper_lenght_mm"],
        'Did you mean "flipper_length_mm"',
    ),
    "target among the features": (
        [PENGUINS, "--target", "year", "--features", "year"],
        "is the target and also among the features",
    ),
    "empty features": ([PENGUINS, "--target", "body_mass_g", "--features", ","], "No feature was named"),
    "text as a feature": (
        [PENGUINS, "--target", "body_mass_g", "--features", "species", "--drop-missing"],
        'Column "species" holds',
    ),
    "missing values, unasked": ([PENGUINS, *ON_PENGUINS[:-1]], "--drop-missing"),
    "target without table": (["--target", "y"], "without a table"),
    "bce on numbers": ([PENGUINS, *ON_PENGUINS, "--loss", "bce"], "a target of 0 and 1"),
    "bce on the line": (["--loss", "bce"], "a target of 0 and 1"),
    "zero rate": (["--learning-rate", "0"], "a finite number above 0, not 0"),
    "negative rate": (["--learning-rate", "-1"], "a finite number above 0, not -1"),
    "NaN rate": (["--learning-rate", "nan"], "a finite number above 0, not nan"),
    "infinite rate": (["--learning-rate", "1e400"], "a finite number above 0"),
    "rate beyond float32": (["--learning-rate", "1e300"], "below 1e+30, not 1e+300"),
    "wordy rate": (["--learning-rate", "fast"], 'not "fast"'),
    "zero epochs": (["--epochs", "0"], "1 or more, not 0"),
    "negative epochs": (["--epochs", "-3"], "1 or more, not -3"),
    "wordy epochs": (["--epochs", "many"], "--epochs"),
    "zero batch": (["--batch-size", "0"], "1 or more, not 0"),
    "huge seed": (["--seed", "99999999999999999999999"], "seed"),
    "very negative seed": (["--seed", "-99999999999999999999999"], "seed"),
    "zero every": (["--every", "0"], "--every must be 1 epoch or more"),
    "unknown optimizer": (["--optimizer", "adm"], 'Did you mean "Adam"'),
    "unknown option": (["--option", "momentun=0.9"], 'Did you mean "momentum"?'),
    "option without value": (["--option", "momentum"], "KEY=VALUE"),
    "option of another kind": (["--option", "momentum=(1"], "momentum"),
    "option out of range": (["--option", "momentum=-1"], "momentum"),
    "option lr": (["--option", "lr=1"], "--learning-rate"),
    "Muon": (["--optimizer", "Muon"], "cannot train this neuron"),
    "SparseAdam": (["--optimizer", "SparseAdam"], "cannot train this neuron"),
    "unknown schedule": (["--schedule", "cosin"], 'Did you mean "cosine"'),
    "unknown schedule option": (["--schedule", "step:step_sise=3"], 'Did you mean "step_size"?'),
    "schedule nonsense": (["--schedule", "step:__import__('os')"], "key=value"),
    "unknown loss": (["--loss", "mze"], "There is no loss"),
    "unknown dtype": (["--dtype", "float16"], "use float32 or float64"),
    "unknown start": (["--start", "q=1"], 'There is no parameter "q"'),
    "start without value": (["--start", "w"], "KEY=VALUE"),
    "wordy start": (["--start", "w=one"], "is not a number"),
    "NaN start": (["--start", "w=nan"], "is not a finite number"),
    "start beyond float32": (["--start", "w=1e300"], "float32"),
    "start twice": (["--start", "w=1,w=2"], "twice"),
    "run in a missing folder": (["--run", "no/a.db"], "there is no folder no"),
    "report in a missing folder": (["--report", "no/a.html"], "no"),
    "report is a folder": (["--report", "."], "folder"),
    "run and report the same": (["--run", "a.db", "--report", "a.db"], "The report would overwrite the run file a.db"),
    "run would be the report": (["--run", "a.html"], "--run takes a run file, whose name ends in .db, or a folder"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_cannot_be_used(cli: Cli, folder: Path, case: str) -> None:
    content, expected = TABLES[case]
    Path("t.csv").write_bytes(content)
    assert expected in cli("fit", "t.csv", "--target", "y").sentence
    assert left_in(folder) == ["t.csv"]


@pytest.mark.parametrize("case", SETTINGS)
def test_a_setting_that_cannot_be_used(cli: Cli, folder: Path, case: str) -> None:
    arguments, expected = SETTINGS[case]
    assert expected in cli("fit", *arguments, "--quiet").sentence
    assert left_in(folder) == []


def test_a_target_of_two_other_values_for_bce(cli: Cli) -> None:
    polars.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1, 2, 1]}).write_csv("t.csv")
    assert "0 and 1" in cli("fit", "t.csv", "--target", "y", "--loss", "bce").sentence


def test_an_existing_run_file_is_never_overwritten(cli: Cli) -> None:
    Path("notes.db").write_text("mine")
    assert "notes.db exists already" in cli("fit", "--run", "notes.db").sentence
    assert Path("notes.db").read_text() == "mine"


def test_a_report_over_the_table_is_refused(cli: Cli) -> None:
    polars.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1, 2, 1]}).write_csv("t.csv")
    before = Path("t.csv").read_bytes()
    sentence = cli("fit", "t.csv", "--target", "y", "--report", "t.csv").sentence
    assert "The report would overwrite the table t.csv" in sentence
    assert Path("t.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["fti"], "'fit'?"),
        (["zzz"], "No such command"),
        (["fit", "--epoch", "3"], "--epochs"),
        (["fit", "--learnin-rate", "3"], "--learning-rate"),
        (["fit", "--epochs"], "requires an argument"),
        (["fit", "a.csv", "b.csv"], "b.csv"),
        (["--nonsense"], "--nonsense"),
        (["explain", "1", "--step", "x"], "--step"),
    ],
)
def test_a_command_or_option_that_does_not_exist(cli: Cli, folder: Path, arguments: list[str], expected: str) -> None:
    done = cli(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert expected in done.err
    assert "python -m" not in done.err
    assert "?." not in done.err
    assert len(done.err.splitlines()) == 1
    assert left_in(folder) == []
