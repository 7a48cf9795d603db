"""``fallline why``: what is printed, JSON, narrow screens, bad input."""

from pathlib import Path

import pytest

from cli.shell import ON_PENGUINS, PENGUINS, Cli, Done, left_in, process


def words(done: Done) -> str:
    """What was said, however it was wrapped."""
    assert (done.status, done.err) == (0, "")
    return " ".join(done.out.split())


@pytest.mark.slow
def test_minus_on_the_textbook_line(cli: Cli, folder: Path) -> None:
    told = words(cli("why", "minus"))
    assert told.startswith("Why minus? (line)")
    assert "With plus it has doubled after 1 step and is too large for float32 after 76 steps." in told
    assert "The slope of w is −160.4: more w means less loss, so this step takes w up." in told
    assert left_in(folder) == []


@pytest.mark.slow
def test_json_keeps_what_is_not_finite(cli: Cli) -> None:
    told = cli("why", "minus", "--json").json
    assert (told["schema"], told["question"], told["report"]) == ("fallline.why/1", "minus", None)
    losses = told["numbers"]["plus_losses"]
    assert "Infinity" in losses
    assert "NaN" in losses


@pytest.mark.slow
def test_on_the_own_table(cli: Cli) -> None:
    told = words(cli("why", "rate", PENGUINS, *ON_PENGUINS))
    assert "(penguins)" in told
    assert "2/λ = 1.000" in told


@pytest.mark.slow
def test_on_a_formula(cli: Cli) -> None:
    told = words(cli("why", "minus", "--formula", "(w - 3)^2", "--start", "w=1"))
    assert "The slope of w is −4.000: more w means less loss, so this step takes w up." in told


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for asked in (("minus",), ("derivative", "--price", 3), ("minimum", "--formula", "saddle")):
        done = cli("why", *asked)
        assert done.status == 0
        assert max(len(line) for line in done.out.splitlines()) <= columns, asked


@pytest.mark.slow
def test_the_report(cli: Cli, folder: Path) -> None:
    done = cli("why", "minus", "--report", "minus.html")
    assert "report minus.html" in words(done)
    assert left_in(folder) == ["minus.html"]
    assert "Why minus?" in Path("minus.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_quiet(cli: Cli) -> None:
    assert words(cli("why", "minus", "--quiet")) == ""


def test_bad_input_is_one_sentence(cli: Cli, folder: Path) -> None:
    assert 'Did you mean "minus"?' in cli("why", "minos").sentence
    assert "--target COLUMN" in cli("why", "rate", PENGUINS).sentence
    assert "asked on formulas" in cli("why", "minimum", PENGUINS, "--target", "body_mass_g").sentence
    assert "leave --price out" in cli("why", "minus", "--price", 2).sentence
    assert "1 forward pass or more" in cli("why", "derivative", "--price", 0).sentence
    assert "no folder" in cli("why", "minus", "--report", "nowhere/a.html").sentence
    assert cli("why").status == 2
    assert left_in(folder) == []


def test_ctrl_c(cli: Cli, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fallline._question.why", interrupted)
    assert cli("why", "rate", "--report", "rate.html").status == 130
    assert left_in(folder) == []


@pytest.mark.slow
def test_a_terminal_that_knows_ascii_only(folder: Path) -> None:
    done = process(folder, "why", "rate", TERM="dumb")
    assert done.status == 0
    charts = [line for line in done.out.splitlines() if line.lstrip(" 0123456789.,e−-").startswith("|")]
    assert charts
    assert all(line.isascii() for line in charts if "⁻" not in line and "−" not in line)
