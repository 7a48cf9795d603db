"""A recorded run as TensorBoard's event files."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fallline._atomic import os_reason
from fallline._errors import OptionError, RunFileError
from fallline._integrations._missing import needed
from fallline._records import Floats, Integers, Mask, Recording, Run


class Curve(NamedTuple):
    """One scalar of TensorBoard."""

    tag: str
    step: Integers
    """[T]"""
    value: Floats
    """[T]"""


def export_tensorboard(run: Recording | Run, logdir: str | Path) -> None:
    """Write every instrument of a run as scalars that TensorBoard shows; what was not measured is left out.

    Args:
        run: a recording of a training loop, or a neuron's run.
        logdir: the folder for the event file; made if need be.

    Raises:
        OptionError: TensorBoard is not installed, or this is no run.
        RunFileError: the folder cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> fl.export_tensorboard(fl.fit(epochs=3), folder)
    >>> len(list(folder.glob("events.out.tfevents.*")))
    1
    """
    if not isinstance(run, Recording | Run):
        raise OptionError(
            f"fl.export_tensorboard takes a run, not {type(run).__name__}: fl.load reads one from its file."
        )
    needed(["tensorboard"], "tensorboard")
    writer_of: Any = needed(["torch.utils.tensorboard"], "tensorboard").SummaryWriter
    try:
        with writer_of(log_dir=str(logdir)) as writer:
            for curve, times in _curves(run):
                for step, value, time in zip(curve.step.tolist(), curve.value.tolist(), times.tolist(), strict=True):
                    writer.add_scalar(curve.tag, value, step, walltime=time)
    except OSError as problem:
        raise RunFileError(f"The folder {logdir} cannot be written: {os_reason(problem)}.") from problem


def _curves(run: Recording | Run) -> Iterator[tuple[Curve, Floats]]:
    """Every curve with the time of each of its steps, in seconds since 1970."""
    started = run.header.started
    began = 0.0 if started is None else datetime.fromisoformat(started).timestamp()
    curves = _recording_curves(run) if isinstance(run, Recording) else _neuron_curves(run)
    for curve in curves:
        if isinstance(run, Recording) and len(run.steps) > 0:
            yield curve, began + np.interp(curve.step, run.steps.step, run.steps.seconds)
        else:
            yield curve, np.full(len(curve.step), began)


def _neuron_curves(run: Run) -> Iterator[Curve]:
    columns, steps = run.columns, np.arange(len(run))
    everywhere = np.ones(len(run), dtype=np.bool_)
    masks = {"reach": columns.reach_measured, "full_loss": columns.full_loss_measured}
    for name in ("loss", "learning_rate", "real_change", "first_order_change", "reach", "full_loss"):
        yield _measured(name, steps, getattr(columns, name), masks.get(name, everywhere))
    for name, after, slope in zip(run.header.parameter_names, columns.parameters.T, columns.gradient.T, strict=True):
        yield Curve(f"parameters/{name}", steps, after)
        yield Curve(f"gradient/{name}", steps, slope)


def _recording_curves(run: Recording) -> Iterator[Curve]:
    from fallline._explain import optimizer_names  # the other doors do without sentences

    steps = run.steps
    yield _measured("loss", steps.step, steps.loss, steps.loss_measured)
    for k in range(steps.learning_rate.shape[1]):
        yield Curve(f"learning_rate/group_{k}", steps.step, steps.learning_rate[:, k])
    owners = [name.replace(" ", "_") for name in optimizer_names(run.header)]
    instruments = ("gradient_norm", "update_norm", "parameter_norm", "first_order_change", "update_ratio")
    for name in (*instruments, "downhill_cosine"):
        values = getattr(steps, name)
        for k, optimizer in enumerate(owners):
            tag = name if len(owners) == 1 else f"{name}/{optimizer}"
            yield _measured(tag, steps.step, values[:, k], steps.measured[:, k])
    yield from _same_batch_curves(run)
    for k, layer in enumerate(run.header.layers):
        for name in ("gradient_norm", "update_norm", "parameter_norm"):
            values = getattr(run.layers, name)
            yield _measured(f"layers_{name}/{layer.name}", run.layers.step, values[:, k], run.layers.measured[:, k])
        yield _measured(
            f"effective_rate/{layer.name}", run.effective.step, run.effective.rate[:, k], run.effective.measured[:, k]
        )
    for name, logged in run.logged.items():
        yield Curve(f"logged/{name}", logged.step, logged.value)


def _same_batch_curves(run: Recording) -> Iterator[Curve]:
    batches = run.batches
    yield _measured("same_batch/reach", batches.step, batches.reach, batches.reach_measured)
    for name in ("curvature", "gradient_cosine"):
        yield _measured(f"same_batch/{name}", batches.step, getattr(batches, name), batches.moved)
    for name in ("real_change", "first_order_change"):
        yield Curve(f"same_batch/{name}", batches.step, getattr(batches, name))


def _measured(tag: str, steps: Integers, values: Floats, mask: Mask) -> Curve:
    return Curve(tag, steps[mask], values[mask])
