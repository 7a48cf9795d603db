"""The report of a sweep: at home on the recommended rate, its words the sweep's own."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._errors import OptionError
from fallline._explain import recommendation_sentences, sweep_line
from fallline._quadratic import Quadratic
from fallline._records import Moments, SweepResult


def _payload(result: SweepResult, folder: Path) -> dict[str, Any]:
    fl.report(result, folder / "sweep.html")
    page = (folder / "sweep.html").read_text(encoding="utf-8")
    found = re.search(r'id="payload"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    payload: dict[str, Any] = json.loads(found[1])
    return payload


@pytest.mark.slow
def test_it_opens_on_the_recommended_rate(tmp_path: Path) -> None:
    result = fl.sweep(epochs=60)
    assert result.recommended is not None
    payload = _payload(result, tmp_path)
    rates = payload["rates"]
    assert payload["outcome"] == "recommended"
    assert rates["home"] == "recommended rate"
    assert rates["value"][rates["own"]] == pytest.approx(result.recommended.value)
    assert payload["rate"]["value"] == rates["value"][rates["own"]]
    assert payload["subtitle"] == sweep_line(result)
    assert payload["verdict"][:2] == recommendation_sentences(result)
    assert payload["run_title"] == "What the sweep says"
    index = rates["own"]
    assert payload["frames"]["end"] == result.trajectories[1:, index].tolist()
    assert payload["frames"]["loss_after"] == result.losses[1:, index].tolist()
    assert rates["value"] == result.rates.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["(w - 3)^2", "himmelblau"])
def test_formulas_have_reports_too(tmp_path: Path, formula: str) -> None:
    payload = _payload(fl.sweep(formula=formula, epochs=40), tmp_path)
    assert payload["data"] is None
    assert payload["plane"]["kind"] == ("curve" if formula.startswith("(") else "parameters")


@pytest.mark.slow
def test_mini_batches_have_bands_and_no_sentences_of_steps_nobody_saw_whole(tmp_path: Path) -> None:
    result = fl.sweep(batch_size=25, epochs=10, seeds=3)
    payload = _payload(result, tmp_path)
    assert len(payload["rates"]["final_low"]) == len(result.rates)
    assert len({tuple(each) for each in payload["frames"]["sentences"]}) == 1


def test_somebody_s_own_loss_function_is_not_held(tmp_path: Path) -> None:
    own = Quadratic(Moments(np.diag([4.0, 1.0]), np.array([1.0, 2.0]), 0.0))
    result = fl.sweep(own, start=[0.0, 0.0], epochs=20)
    with pytest.raises(
        OptionError,
        match=r"does not hold it: give it along, fl\.report\(result, path, objective=objective\); fl\.figures\.zones",
    ):
        fl.report(result, tmp_path / "own.html")
    assert list(tmp_path.iterdir()) == []
