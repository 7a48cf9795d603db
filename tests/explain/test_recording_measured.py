"""Real loops, a few steps each: no sentence says what their own numbers do not."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import fallline as fl
import watched_loops
from fallline._explain import explain, number, reach_number
from fallline._explain._recording._limit_along import along_steps
from fallline._explain._recording._made_of import made_shares
from fallline._records import Recording

STEPS = 40
LOOPS = (
    "SGD",
    "SGD with momentum",
    "Adam",
    "clipping and groups and frozen and tied",
    "accumulating, reported at every turn",
    "a rate that explodes",
    "a rate that ends in NaN",
    "an optimizer of one's own",
)


@pytest.fixture(scope="module", params=LOOPS)
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path: Path = tmp_path_factory.mktemp("loops") / "run.db"
    watched_loops.train(request.param, STEPS, path)
    made = fl.load(path)
    assert isinstance(made, Recording)
    return made


def sentences(recording: Recording) -> list[str]:
    steps = [one for step in range(len(recording)) for one in explain(recording, step).sentences]
    return [*explain(recording).sentences, *steps]


@pytest.mark.slow
def test_nothing_unsaid_or_unprintable(watched: Recording) -> None:
    for one in sentences(watched):
        assert not re.search(r"\bnan\b|\bNone\b", one), one
        assert one.isprintable(), one
        assert not re.search(r"\d{4,} %|\d,\d{3} % of|99\.9999|100\.0000", one), one


def test_shares_add_up(watched: Recording) -> None:
    for optimizer in range(len(watched.header.optimizers)):
        made = made_shares(watched, optimizer)
        if made is not None:
            assert made[0].sum() == pytest.approx(1, abs=1e-4)
    for one in sentences(watched):
        if "made of" in one:
            named = [float(n.replace("−", "-")) for n in re.findall(r"(−?[\d.]+) %", one)]
            assert sum(named) == pytest.approx(100, abs=1.5 + len(named) / 2)


def test_reach_is_what_was_measured(watched: Recording) -> None:
    batches = watched.batches
    reach = batches.reach[batches.reach_measured]
    told = explain(watched).sentences
    for one in told:
        if found := re.match(r"Reach was (\S+) in the median of (?:the (\d+) of )?(\d+) measured", one):
            assert found[1] == reach_number(float(np.median(reach)))
            assert int(found[2] or found[3]) == len(reach)
            assert int(found[3]) == len(batches)
        if found := re.search(r"(\d+) of (\d+) measured steps went so far .* step (\S+) with (\S+)\.$", one):
            assert int(found[1]) == np.count_nonzero(reach > 2)
            assert found[4] == reach_number(float(reach.max()))
    assert any("Reach was" in one for one in told) == bool(len(reach))


def test_a_limit_is_only_told_where_the_step_was_one_of_plain_descent(watched: Recording) -> None:
    along, batches = along_steps(watched), watched.batches
    known = np.zeros(len(batches), bool) if along is None else along.known
    rows = np.searchsorted(watched.steps.step, batches.step)
    for k in range(len(batches)):
        (bends,) = [
            one for one in explain(watched, int(batches.step[k])).sentences if one.startswith("The curvature")
        ] or [""]
        assert ("the limit 2/curvature" in bends) == known[k]
        if known[k]:
            rate = float(watched.steps.learning_rate[rows[k], 0])
            by_losses = 2 * (1 - batches.real_change[k] / batches.first_order_change[k])
            assert batches.reach[k] == pytest.approx(by_losses, rel=0.05)
            assert rate * batches.curvature[k] == pytest.approx(by_losses, rel=0.25)
            assert f"2/curvature = {number(float(2 / batches.curvature[k]))}" in bends


def test_only_plain_descent_has_one(watched: Recording) -> None:
    """Of the catalogue only the loop named SGD consumed its batch's own gradient at a rate on a parabola."""
    plain = watched.header.optimizers == ("SGD",) and len(watched.header.groups) == 1
    assert (along_steps(watched) is None) == (not plain or watched.header.groups[0].options["momentum"] != 0)


@pytest.mark.slow
def test_a_clipped_loop_names_no_limit_and_no_promise(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    y, model = x.sum(1, keepdim=True), torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.5)

    def distance() -> torch.Tensor:
        return ((model(x) - y) ** 2).mean()

    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        for _ in range(60):
            optimizer.zero_grad()
            loss = distance()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()
            watch.step(loss, closure=distance)
    run = fl.load(watch.path)
    assert isinstance(run, Recording)
    assert np.isnan(along_steps(run).share).all()
    assert "show no limit of the rate: at 5 the update was not the rate times" in str(explain(run))
    assert "promised" not in str(explain(run, 51))
    assert f"Consumed gradient · update = {number(-1.5 * 0.01**2)}" in str(explain(run, 51))


def test_a_budget_that_was_too_small_for_the_loop_is_told(tmp_path: Path) -> None:
    """What each step takes stands there; where that is little, it is the loop that was too short."""
    watched_loops.train("Adam", STEPS, tmp_path / "run.db", budget=1e-5)
    found = fl.load(tmp_path / "run.db")
    assert isinstance(found, Recording)
    assert found.summary is not None
    told = " ".join(explain(found).sentences)
    assert "That is over the budget of 0.001 %: in a loop of " in told
    assert "cannot be made rarer" in told
    assert f"were measured at {int(found.steps.measured[:, 0].sum())} of {STEPS} updates." in told
    cost = found.summary.cost
    rare = replace(cost, by_instrument={"same batch": cost.seconds})
    told = " ".join(explain(replace(found, summary=replace(found.summary, cost=rare))).sentences)
    assert "each instrument measures once before its price is known" in told


def test_without_a_budget_nothing_is_over_it(watched: Recording) -> None:
    assert "budget" not in " ".join(sentences(watched))
