"""What ``fl.sweep(…, method="ramp")`` was given, made ready."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from fallline._descent import optimizer_class, optimizer_options
from fallline._errors import OptionError
from fallline._problem import NeuronProblem, given_problem
from fallline._ramp._ramp import SEEDS, ramp
from fallline._ramp._rows import ramp_rows
from fallline._ramp._teller import Progress
from fallline._records import Floats, Ramp

if TYPE_CHECKING:
    from fallline._data._read import TableSource


def ramp_given(
    data: "torch.nn.Module | TableSource | None",
    loss_fn: Any,
    loader: Any,
    *,
    optimizer: "str | torch.optim.Optimizer",
    options: Mapping[str, object] | None,
    rates: Floats | None,
    seeds: int | None,
    seed: int,
    progress: Progress | None,
    batch_size: int | None = None,
    start: Any = None,
    **table: Any,
) -> Ramp:
    """A model with its loss, loader and optimizer; or one neuron on a table's rows, made here.

    Args:
        data: the model; or a table, nothing for the textbook line.
        loss_fn, loader: of a model, and of nothing else.
        optimizer: of a model the user's own, of a table the name of a class.
        options: of a named optimizer.
        rates: [S]; the usual ones unless given.
        seeds: how many passes, 3 unless told.
        seed: of the first pass.
        progress: as :func:`ramp` calls it.
        batch_size, start: of a table.
        table: what else :func:`given_problem` takes.

    Raises:
        OptionError: settings that do not go together.
    """
    chosen = tuple(range(int(seed), int(seed) + (SEEDS if seeds is None else int(seeds))))
    if isinstance(data, torch.nn.Module):
        _check_model(loss_fn, loader, optimizer, options, {"batch_size": batch_size, "start": start, **table})
        return ramp(data, loss_fn, loader, optimizer, rates=rates, seeds=chosen, progress=progress)  # type: ignore[arg-type]  # a name was refused
    if loss_fn is not None or loader is not None:
        raise OptionError('loss_fn and loader go with a model: fl.sweep(model, loss_fn, loader, method="ramp", …).')
    if isinstance(optimizer, torch.optim.Optimizer):
        raise OptionError('Of a table the optimizer is given by name, as in optimizer="SGD": the neuron is made here.')
    if table.get("formula") is not None:
        raise OptionError("A ramp goes through rows batch by batch, and a formula has none: leave out the method.")
    problem = given_problem(data, seed=int(seed), **table)
    if not isinstance(problem, NeuronProblem):
        raise OptionError("A ramp goes through rows batch by batch, and there are none here.")
    return ramp_rows(
        problem,
        optimizer=optimizer_class(optimizer)[0].__name__,
        options=optimizer_options(optimizer, {} if options is None else options),
        batch_size=batch_size,
        rates=rates,
        start=start,
        seeds=chosen,
        progress=progress,
    )


def _check_model(loss_fn: Any, loader: Any, optimizer: Any, options: Any, others: Mapping[str, Any]) -> None:
    if loss_fn is None or loader is None or isinstance(optimizer, str):
        raise OptionError(
            "A ramp of a model needs its loss function, its loader and its own optimizer: "
            'fl.sweep(model, loss_fn, loader, optimizer=optimizer, method="ramp").'
        )
    usual = {"loss": "mse", "drop_missing": False}
    odd = [name for name, value in others.items() if value is not None and value != usual.get(name)]
    if options:
        odd.append("optimizer_options")
    if odd:
        raise OptionError(f"{odd[0]} speaks of a table, and here is a model with its own loader: leave it out.")
