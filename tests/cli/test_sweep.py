"""``fallline sweep``: what it prints, its JSON field by field, its exit status, on every kind of terminal."""

import re
from pathlib import Path

import numpy as np
import pytest

import fallline as fl
from cli.shell import ON_PENGUINS, PENGUINS, Cli, left_in, process
from explain.measured import parabola_sweep
from fallline._cli._show_sweep import final_loss_plot, rate_table
from fallline._records import SweepResult, Zone

FEW = ("--rates", "0.0005:0.06:9", "--epochs", 100)
OPTIONS = (
    *("--target", "--features", "--drop-missing", "--standardise", "--formula", "--optimizer", "--option", "--loss"),
    *("--epochs", "--batch-size", "--rates", "--goal", "--seeds", "--start", "--seed", "--json", "--report", "--quiet"),
)


@pytest.fixture(scope="module")
def few() -> SweepResult:
    """The sweep that ``FEW`` asks for."""
    return fl.sweep(learning_rates="0.0005:0.06:9", epochs=100)


def words(text: str) -> str:
    return " ".join(text.split())


def test_help_names_every_option(cli: Cli) -> None:
    done = cli("sweep", "--help")
    assert done.status == 0
    for option in OPTIONS:
        assert option in done.out, option


def test_the_textbook_line_prints_its_whole_story(cli: Cli, folder: Path) -> None:
    done = cli("sweep")
    assert (done.status, done.err) == (0, "")
    told = words(done.out)
    lines = done.out.splitlines()
    assert lines[0].startswith("line (100 rows), SGD: ")
    assert re.match(r"Use the learning rate 0\.\d+\.", lines[next(k for k, line in enumerate(lines) if "Use" in line)])
    assert "Goal: take away 99 % of what the starting loss" in told
    for zone in Zone:
        assert re.search(rf"^{zone.value} +\d", done.out, flags=re.MULTILINE), zone
    assert re.search(r"stability limit +0\.029\d+ +0\.029\d+ ", done.out)
    assert "the recommended rate" in told
    assert "Here 0.1 diverges, and 0.001 is too small" in told
    assert told.endswith("All rates ran in one batch; a probe beforehand found the same numbers as single runs.")
    assert left_in(folder) == []


def test_the_answer_stands_within_the_first_lines(cli: Cli) -> None:
    lines = cli("sweep", *FEW).out.splitlines()
    assert any(line.startswith("Use the learning rate") for line in lines[:4])


@pytest.mark.slow
def test_the_numbers_printed_are_those_measured(cli: Cli, few: SweepResult) -> None:
    out = cli("sweep", *FEW).out
    shown = re.findall(r"^ *(0\.\d+) +(too small|just right|bouncing|diverging) +(\S+) +(\S+)", out, re.MULTILINE)
    assert len(shown) >= 9
    for rate, zone, loss, steps in shown:
        k = int(np.argmin(np.abs(few.rates - float(rate))))
        assert few.rates[k] == pytest.approx(float(rate), rel=1e-3)
        assert few.zone_of_each[k] == zone
        if "×" not in loss and loss != "∞":
            assert few.final_losses[k] == pytest.approx(float(loss.replace(",", "")), rel=1e-3)
        assert steps == ("—" if few.steps_to_goal[k] is None else str(few.steps_to_goal[k]))
    assert few.recommended is not None
    assert f"Use the learning rate {few.recommended.value:.4g}." in out


def test_the_plot_has_its_zones_beneath(few: SweepResult) -> None:
    lines = final_loss_plot(few, 80)
    assert lines[0] == "loss after 100 steps"
    assert any("too small" in line and "░" in line for line in lines)
    assert any("▲ recommended" in line for line in lines)
    assert any("┃ predicted limit" in line for line in lines)


@pytest.mark.slow
def test_the_plot_is_cut_at_rounding_and_not_at_the_floor() -> None:
    table = fl.sweep(optimizer="momentum", learning_rates="0.0001:0.05:12")
    assert "below the picture" not in "\n".join(final_loss_plot(table, 80))
    formula = fl.sweep(formula="(w - 3)^2", start={"w": 5.0}, learning_rates="0.001:0.9:12")
    lines = final_loss_plot(formula, 80)
    assert "below the picture" in "\n".join(lines)
    assert "10⁻¹" not in "".join(lines[:14])


@pytest.mark.slow
def test_the_plot_of_negative_losses_shows_those_that_end_below_zero() -> None:
    sweep = fl.sweep(formula="log(w)", start={"w": 1.0})
    lines = final_loss_plot(sweep, 80)
    below = sum(1 for end, zone in zip(sweep.final_losses, sweep.zone_of_each, strict=True) if -1 < end < 0)
    assert below > 5
    assert any(line.lstrip().startswith("−1") for line in lines), "the axis reaches below zero"
    assert "".join(lines).count("↓") <= 3
    endless = "\n".join(final_loss_plot(fl.sweep(formula="saddle"), 80))
    assert "10³" not in endless, "a run that plunges does not flatten all others"
    assert "↓ below the picture" in endless


@pytest.mark.slow
def test_no_plot_is_made_of_nothing(cli: Cli) -> None:
    out = cli("sweep", "--rates", "100:1000:3").out
    assert "No plot: no run has a finite loss after 200 steps." in words(out)
    assert "│" not in out
    lost = fl.sweep(learning_rates=[100.0, 1000.0])
    figure = fl.figures.zones(lost)
    assert figure.layout.yaxis.showticklabels is False
    assert "no run has a finite loss" in {note.text for note in figure.layout.annotations}


def test_a_start_that_is_not_finite_is_left_at_that(cli: Cli) -> None:
    done = cli("sweep", "--formula", "1/w", "--start", "w=0")
    assert "often said" not in done.out
    assert "lowest one seen" not in done.err


def test_empty_columns_go_before_full_ones() -> None:
    sweep = fl.sweep(formula="abs(w)", epochs=60)
    assert sweep.predicted_limit is None
    head = rate_table(sweep, 80)[0]
    assert "crosses" in head
    assert "of limit" not in head
    assert "of limit" in rate_table(parabola_sweep(), 80)[0]


def test_one_rate_one_step(cli: Cli) -> None:
    out = words(cli("sweep", "--rates", "0.01:0.01:1", "--epochs", 1).out)
    assert "SGD: the learning rate 0.01, 1 step." in out
    assert "One rate makes no plot: its numbers are below." in out
    assert "1 steps" not in out
    assert "1 learning rates" not in out


@pytest.mark.slow
def test_a_loss_without_a_bottom_has_no_goal(cli: Cli) -> None:
    for arguments in (("--formula", "saddle"), ("--formula", "log(w)", "--start", "w=-1")):
        assert "Goal" not in cli("sweep", *arguments).out
        assert cli("sweep", *arguments, "--json").json["loss_at_goal"] is None
    assert "falls ever faster, without a bottom" in words(cli("sweep", "--formula", "saddle").out)


def test_zones_that_divide_are_read_off_the_strip() -> None:
    sweep = parabola_sweep(np.geomspace(0.01, 3.0, 40))
    strip = next(line for line in final_loss_plot(sweep, 100) if "░" in line)
    order = [strip.index(fill) for fill in "░█╳"]
    assert order == sorted(order)


@pytest.mark.slow
def test_json_field_by_field(cli: Cli, few: SweepResult) -> None:
    done = cli("sweep", *FEW, "--json")
    assert done.status == 0
    told = done.json
    limit = next(mark for mark in few.landmarks if mark.name == "stability limit")
    assert few.recommended is not None
    assert told.pop("schema") == "fallline.sweep/1"
    assert told.pop("problem") == {
        "name": "line",
        "parameter_count": 2,
        "parameters": ["w", "b"],
        "rows": 100,
        "start": few.start.tolist(),
        "start_loss": few.start_loss,
    }
    assert told.pop("optimizer") == {"name": "SGD", "options": {}}
    assert told.pop("steps") == 100
    assert told.pop("batch_size") is None
    assert told.pop("seeds") == [0]
    assert told.pop("goal") == 0.99
    assert told.pop("loss_at_goal") == pytest.approx(few.floor + 0.01 * (few.start_loss - few.floor), rel=1e-12)
    assert (told.pop("floor"), told.pop("floor_kind")) == (few.floor, "optimum")
    assert told.pop("bottom_seen") is True
    assert told.pop("predicted_limit") == limit.predicted
    assert told.pop("measured_limit") == few.measured_limit
    landmarks = told.pop("landmarks")
    assert landmarks[0] == {
        "name": "stability limit",
        "predicted": limit.predicted,
        "measured": limit.measured,
        "difference": limit.difference,
        "resolution": limit.resolution,
        "kind": "provable",
    }
    assert landmarks[1]["kind"] is None
    assert told.pop("zones") == [{"name": s.name.value, "low": s.low, "high": s.high} for s in few.zones]
    found = few.recommended
    assert told.pop("recommended") == {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "reason": found.reason,
    }
    assert told.pop("advice") == few.advice
    assert told.pop("rates") == few.rates.tolist()
    losses = [float(value) for value in told.pop("final_losses")]
    assert np.array_equal(losses, few.final_losses, equal_nan=True)
    assert told.pop("bands") is None
    assert told.pop("steps_to_goal") == list(few.steps_to_goal)
    assert told.pop("zone_of_each") == [zone.value for zone in few.zone_of_each]
    assert told.pop("crosses_valley") == list(few.crosses_valley)
    assert told.pop("stalls_at") == list(few.stalls_at)
    assert told.pop("stall_peaks") == list(few.stall_peaks)
    trials = told.pop("trials")
    assert [trial["learning_rate"] for trial in trials] == [trial.learning_rate for trial in few.trials]
    assert trials[1] == {
        "name": "the recommended rate",
        "learning_rate": found.value,
        "zone": "just right",
        "steps": 100,
        "steps_to_goal": few.trials[1].steps_to_goal,
        "first_loss": few.start_loss,
        "last_loss": float(few.trials[1].losses[-1]),
    }
    assert told.pop("batched") is True
    assert told.pop("probe") == few.probe
    assert told.pop("notes") == list(few.notes)
    assert told.pop("report") is None
    assert told == {}


@pytest.mark.slow
def test_every_json_field_is_documented(cli: Cli) -> None:
    pages = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    page = next(
        part for part in re.split(r"^## ", pages, flags=re.MULTILINE) if "fallline.sweep/1" in part.splitlines()[0]
    )
    named = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in page.splitlines() if line[:3] == "| `")))
    assert set(cli("sweep", *FEW, "--json").json) == named


@pytest.mark.slow
def test_json_of_what_is_not_finite_and_of_bands(cli: Cli) -> None:
    done = cli("sweep", "--rates", "0.01:10:4", "--seeds", 3, "--json")
    told = done.json
    assert "Infinity" in told["final_losses"] or "NaN" in told["final_losses"]
    assert len(told["bands"]["low"]) == len(told["bands"]["high"]) == len(told["rates"])
    assert told["seeds"] == [0, 1, 2]


@pytest.mark.slow
def test_every_rate_diverging_is_status_1_and_no_safe_answer(cli: Cli) -> None:
    done = cli("sweep", "--rates", "0.05:3:5")
    assert done.status == 1
    assert done.out.count("No safe answer") == 1
    assert "the recommended rate" not in done.out
    told = cli("sweep", "--rates", "0.05:3:5", "--json")
    assert (told.status, told.json["recommended"], told.json["trials"]) == (1, None, [])
    assert cli("sweep", "--rates", "0.05:3:5", "--quiet").status == 1


def test_rates_that_all_creep_are_no_failure(cli: Cli) -> None:
    done = cli("sweep", "--rates", "1e-9:1e-7:4", "--epochs", 20)
    assert done.status == 0
    assert "No safe answer" in done.out


def test_the_options_reach_the_sweep(cli: Cli) -> None:
    told = cli(
        *("sweep", "--optimizer", "adam", "--option", "betas=(0.8, 0.99)", "--rates", "0.01:1:4", "--epochs", 7),
        *("--batch-size", 30, "--goal", 0.5, "--seeds", 2, "--seed", 5, "--start", "w=1,b=-2", "--loss", "huber"),
        *("--json",),
    ).json
    assert told["optimizer"] == {"name": "Adam", "options": {"betas": [0.8, 0.99]}}
    assert (told["steps"], told["batch_size"], told["goal"], told["seeds"]) == (28, 30, 0.5, [5, 6])
    assert told["problem"]["start"] == [1.0, -2.0]


@pytest.mark.slow
def test_tables_and_formulas(cli: Cli) -> None:
    table = cli("sweep", PENGUINS, *ON_PENGUINS, "--epochs", 50)
    assert table.status == 0
    assert table.out.startswith("penguins (342 rows), SGD: ")
    formula = cli("sweep", "--formula", "(w - 3)^2", "--start", "w=5", "--json").json
    assert formula["predicted_limit"] == pytest.approx(1.0)
    assert (formula["problem"]["rows"], formula["problem"]["start"]) == (None, [5.0])


@pytest.mark.slow
def test_the_report_is_one_page_and_is_named(cli: Cli, folder: Path) -> None:
    done = cli("sweep", *FEW, "--report", "sweep.html")
    assert done.status == 0
    assert done.out.endswith("report  sweep.html\n")
    assert left_in(folder) == ["sweep.html"]
    page = Path("sweep.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert cli("sweep", *FEW, "--report", "sweep.html", "--json").json["report"] == "sweep.html"


def test_a_report_does_not_overwrite_what_is_none(cli: Cli, folder: Path) -> None:
    Path("notes.txt").write_text("mine")
    assert "notes.txt" in cli("sweep", *FEW, "--report", "notes.txt").sentence
    assert Path("notes.txt").read_text() == "mine"


@pytest.mark.slow
def test_quiet_prints_nothing(cli: Cli) -> None:
    done = cli("sweep", *FEW, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_notes_go_to_stderr(cli: Cli) -> None:
    done = cli("sweep", *FEW, "--loss", "mae")
    assert "The lowest possible loss is not known" in done.err
    assert "The lowest possible loss is not known" not in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rates", "0.1"), "LOW:HIGH:COUNT"),
        (("--rates", "1:0.1:9"), "1"),
        (("--rates", "a:b:c"), "a"),
        (("--optimizer", "adan"), "Adam"),
        (("--goal", "1.5"), "1.5"),
        (("--seeds", "0"), "0"),
        (("--formula", "rosenbrok"), "rosenbrock"),
        (("--formula", "import os"), "import os"),
        ((str(PENGUINS),), "--target"),
        ((str(PENGUINS), "--target", "body_mas_g"), "body_mass_g"),
        (("--report", "no/page.html"), "no"),
        (("--start", "v=1"), "v"),
        (("--epochs", "x"), "--epochs"),
    ],
    ids=lambda value: "_".join(Path(part).name for part in value) if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_sentence(cli: Cli, folder: Path, arguments: tuple[str, ...], told: str) -> None:
    assert told in cli("sweep", *arguments).sentence
    assert left_in(folder) == []


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize(
    "arguments", [FEW, ("--optimizer", "adam", "--seeds", 2, *FEW), ("--rates", "0.05:3:5"), ("--rates", "0.01:0.01:1")]
)
def test_lines_fit_the_terminal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int, arguments: tuple[object, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = cli("sweep", *arguments).out
    assert [line for line in out.splitlines() if len(line) > columns] == []
    assert "\n\n\n" not in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "ascii_plot"),
    [
        ({"LC_ALL": "C"}, True),
        ({"PYTHONIOENCODING": "ascii", "TERM": "dumb"}, True),
        ({"NO_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8"}, False),
    ],
    ids=lambda value: ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else None,
)
def test_the_environment_does_not_stop_it(tmp_path: Path, changes: dict[str, str], ascii_plot: bool) -> None:
    done = process(tmp_path, "sweep", *FEW, **changes)
    assert (done.status, done.err) == (0, "")
    assert ("⠤" in done.out or "⠒" in done.out or "⣀" in done.out) is not ascii_plot
    assert "\x1b" not in done.out


@pytest.mark.slow
def test_a_process_prints_nothing_on_stderr(tmp_path: Path) -> None:
    done = process(tmp_path, "sweep")
    assert (done.status, done.err) == (0, "")
    assert left_in(tmp_path) == []


def test_a_gap_between_creeping_and_diverging_is_where_to_look(cli: Cli) -> None:
    told = " ".join(cli("sweep", "--rates", "1e-9:1e9:2", "--epochs", "20").out.split())
    assert "Try rates between it and 1×10⁹, which diverges." in told


@pytest.mark.slow
def test_a_zone_that_crosses_in_part_is_said_to_do_so_in_part(cli: Cli) -> None:
    done = cli("sweep", "--optimizer", "momentum", "--epochs", "10", "--json").json
    inside = [
        crosses
        for crosses, zone in zip(done["crosses_valley"], done["zone_of_each"], strict=True)
        if zone == "bouncing"
    ]
    assert {True, False} <= {*inside}
    shown = " ".join(cli("sweep", "--optimizer", "momentum", "--epochs", "10").out.split())
    assert "crosses the valley in part" in shown
