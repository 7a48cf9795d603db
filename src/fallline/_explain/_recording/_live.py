"""A watched loop as it runs, in single lines."""

import numpy as np

from fallline._explain._numbers import number, short
from fallline._explain._recording._rows import optimizer_names
from fallline._records import Alarm, RecordingHeader, StepSeries
from fallline._wording import layer_in_words

WIDEST = 100
"""A mean of new losses takes no more of them."""


@np.errstate(all="ignore")  # what is not finite is data
def news_line(header: RecordingHeader, steps: StepSeries) -> str:
    """The last of the new steps: ``step 1,204   loss 0.51 (mean of 30)   rate 0.001   gradient 0.31``; none if none."""
    if not len(steps):
        return ""
    return "   ".join([f"step {int(steps.step[-1]):,}", *_loss(steps), *_rate(steps), *_gradients(header, steps)])


def _loss(steps: StepSeries) -> list[str]:
    """The mean of the new losses, of at most a hundred; the last one where a loss is no longer finite."""
    seen = steps.loss[steps.loss_measured][-WIDEST:]
    if not seen.size:
        return []
    if not np.isfinite(seen).all():
        return [f"loss {number(float(seen[-1]))}"]
    return [f"loss {number(float(seen.mean()))}" + (f" (mean of {seen.size:,})" if seen.size > 1 else "")]


def _rate(steps: StepSeries) -> list[str]:
    """Of the last step, each rate once."""
    rates = dict.fromkeys(short(float(f"{rate:.4g}")) for rate in steps.learning_rate[-1].tolist())
    return [f"rate {', '.join(rates)}"] if rates else []


def _gradients(header: RecordingHeader, steps: StepSeries) -> list[str]:
    """The last gradient norm of every optimizer that has one."""
    told, names = [], optimizer_names(header)
    for optimizer, name in enumerate(names):
        rows = np.flatnonzero(steps.measured[:, optimizer])
        if rows.size:
            whose = f" of {name}" if len(names) > 1 else ""
            told.append(f"gradient{whose} {number(float(steps.gradient_norm[rows[-1], optimizer]))}")
    return told


def alarm_line(alarm: Alarm) -> str:
    """``ALARM at step 4,312: the loss is not finite; the gradient of layer4.conv1 broke first, at step 4,311``."""
    said = f"ALARM at step {alarm.step:,}: {alarm.trigger.value}"
    if alarm.first_layer is None or alarm.first_quantity is None or alarm.first_quantity == "loss":
        return said
    layer = layer_in_words(alarm.first_layer)
    return f"{said}; the {alarm.first_quantity} of {layer} broke first, at step {alarm.first_step:,}"
