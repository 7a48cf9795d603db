"""fl.fit(engine="moments"): one pass over the rows, then the same steps."""

from pathlib import Path

import numpy as np
import pytest

import fallline as fl
from cases import COLLINEAR, SEVERAL, TILTED, Case


@pytest.mark.parametrize(
    "settings", [{}, {"optimizer": "Adam"}, {"optimizer": "LBFGS", "epochs": 8}, {"schedule": "cosine"}], ids=str
)
@pytest.mark.parametrize("case", [SEVERAL, TILTED, COLLINEAR], ids=str)
def test_the_same_steps_as_the_loop(case: Case, settings: dict[str, object]) -> None:
    common = {"learning_rate": 0.05, "epochs": 40, "dtype": "float64", **settings}
    loop, moments = fl.fit(case.data, **common), fl.fit(case.data, engine="moments", **common)
    assert moments.columns.parameters == pytest.approx(loop.columns.parameters, rel=1e-8, abs=1e-9)
    assert moments.columns.loss == pytest.approx(loop.columns.loss, rel=1e-9)
    assert moments.summary.outcome is loop.summary.outcome
    assert moments.summary.learned == pytest.approx(loop.summary.learned, rel=1e-7)
    assert (loop.header.engine, moments.header.engine) == ("loop", "moments")
    assert (moments.header.rows, moments.header.batch_size) == (len(case.target), len(case.target))
    assert "epochs, engine moments" in str(fl.explain(moments))
    assert "engine" not in str(fl.explain(loop))


def test_the_textbook_line_starts_where_it_always_does() -> None:
    loop, moments = fl.fit(epochs=20), fl.fit(epochs=20, engine="moments")
    assert moments.header.start == loop.header.start
    assert moments.columns.parameters == pytest.approx(loop.columns.parameters, rel=1e-5)


@pytest.mark.slow
def test_a_file_larger_than_the_sample_is_recorded_with_all_its_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=150_000)
    np.savetxt(
        tmp_path / "t.csv", np.column_stack((x, 2 * x + 1)), delimiter=",", header="x,y", comments="", fmt="%.6g"
    )
    run = fl.fit(tmp_path / "t.csv", target="y", engine="moments", run=tmp_path / "a.db", epochs=50)
    again = fl.load(tmp_path / "a.db")
    assert (run.header.rows, run.header.batch_size, run.header.full_batch) == (150_000, 150_000, True)
    assert not again.sample.complete
    assert again.header.engine == "moments"
    assert run.summary.outcome is fl.Outcome.CONVERGED
    assert run.summary.learned == pytest.approx({"w": 2.0, "b": 1.0}, abs=1e-3)
    assert "150,000 rows" in str(fl.explain(again))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine": "moment"}, 'no engine "moment": use loop or moments. Did you mean "moments"'),
        ({"engine": None}, "engine is given by its name"),
        ({"engine": "moments", "loss": "mae"}, "needs the loss mse"),
        ({"engine": "moments", "batch_size": 5}, "not in batches of 5"),
        ({"engine": "moments", "batch_size": 5, "data": SEVERAL.data}, "not in batches of 5"),
    ],
)
def test_what_it_cannot_do_gets_one_sentence(settings: dict[str, object], said: str) -> None:
    with pytest.raises(fl.OptionError, match=said):
        fl.fit(**settings)
