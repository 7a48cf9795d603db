"""``fallline fit --formula`` and ``--engine`` from the outside."""

from pathlib import Path

import numpy as np
import pytest

from cli.shell import Cli

PARABOLA = ("--formula", "(w - 3)^2", "--learning-rate", 0.1)


@pytest.mark.slow
def test_the_smallest_example(cli: Cli, folder: Path) -> None:
    right, left = (" ".join(cli("fit", *PARABOLA, "--start", start).out.split()) for start in ("w=5", "w=1"))
    assert "At w = 5 the slope is 4.000: the loss rises to the right, so w goes left, from 5.0000 to 4.6000." in right
    assert "At w = 1 the slope is −4.000: the loss rises to the left, so w goes right, from 1.0000 to 1.4000." in left
    assert "the loss (w - 3)^2, from w = 5" in right
    assert "200 steps" in right
    step = " ".join(cli("explain", "--step", 0).out.split())
    assert "w: 1.0000 − 0.1 × (−4.000) = 1.4000" in step
    assert "so w goes right: 1.0000 to 1.4000" in step
    assert sorted(path.name for path in (folder / "runs").iterdir()) == [
        *("0001-parabola.db", "0001-parabola.html", "0002-parabola.db", "0002-parabola.html")
    ]


def test_its_curve_is_drawn_with_the_steps_on_it(cli: Cli) -> None:
    shown = cli("fit", *PARABOLA, "--epochs", 20).out
    assert "● after each step" in shown
    assert "0 start" in shown


@pytest.mark.slow
def test_the_other_doors_take_it(cli: Cli, folder: Path) -> None:
    told = cli("fit", "--formula", "rosenbrock", "--learning-rate", 0.001, "--json").json
    assert told["formula"] == "(1 - w)^2 + 100*(b - w^2)^2"
    assert told["exact"] == {"w": 1.0, "b": 1.0}
    assert "rosenbrock" in cli("runs").out
    assert cli("export", "--csv").status == 0
    table = np.genfromtxt(folder / "runs" / "0001-rosenbrock.csv", delimiter=",", names=True)
    assert table["w"][-1] == told["learned"]["w"]
    assert cli("report").status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--formula", "w^2", "--target", "y"), "leave out --target"),
        (("some.csv", "--formula", "w^2"), "together with a table"),
        (("--formula", "w^2", "--batch-size", 3), "leave out --batch-size"),
        (("--formula", "w^2", "--loss", "mae"), "leave out --loss"),
        (("--formula", "w^2", "--start", "v=3"), "this formula has w"),
        (("--formula", "__import__('os')"), "no function"),
        (("--formula", "rosenbrok"), 'Did you mean "rosenbrock"?'),
        (("--engine", "momments"), 'Did you mean "moments"?'),
        (("--engine", "moments", "--loss", "mae"), "needs the loss mse"),
        (
            ("--optimizer", "Adam", "--option", "betas=1"),
            "betas of Adam takes 2 numbers, as in betas=(0.9,0.999), not 1",
        ),
    ],
)
def test_what_does_not_go_together(cli: Cli, folder: Path, arguments: tuple[object, ...], said: str) -> None:
    assert said in cli("fit", *arguments).sentence
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_a_formula_that_diverges_ends_with_status_1(cli: Cli) -> None:
    done = cli("fit", "--formula", "(w - 3)^2", "--learning-rate", 1.5)
    assert done.status == 1
    assert "50 % past the limit 1.00" in " ".join(done.out.split())


@pytest.mark.slow
def test_a_large_table_is_offered_the_moments_engine(cli: Cli, folder: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(260_000, 4))
    np.savetxt(folder / "t.csv", rows, delimiter=",", header="a,b,c,y", comments="", fmt="%.4g")
    loop = cli("fit", "t.csv", "--target", "y", "--epochs", 10)
    assert "--engine moments makes one pass" in " ".join(loop.err.split())
    moments = cli("fit", "t.csv", "--target", "y", "--epochs", 10, "--engine", "moments")
    assert "--engine" not in moments.err
    assert "--engine" not in cli("fit", "--epochs", 10).err
