"""The short lines around a run: its data, its losses, what it learned."""

import math

import numpy as np

from fallline._explain._numbers import count, listed, number, percent, rough, short
from fallline._explain._rates import rate
from fallline._explain._surface import point
from fallline._records import Run

LOSS_TITLES = {
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "huber": "Huber loss",
    "bce": "binary cross-entropy",
}


def data_line(run: Run) -> str:
    """What was fitted to what, in a line."""
    header = run.header
    if header.formula is not None:
        return f"the loss {header.formula}, from {point(header.parameter_names, np.array(header.start))}"
    shown = listed(list(header.features)) if len(header.features) <= 4 else count(len(header.features), "feature")
    scaled = "" if header.scaling.is_identity else ", standardised"
    return f"{header.source}: {_rows(run)}, {header.target} from {shown}{scaled}"


def _rows(run: Run) -> str:
    """``100 rows``; of a formula, which has none, its text."""
    return run.header.source if run.header.rows is None else count(run.header.rows, "row")


def pass_word(run: Run) -> str:
    """What one pass over what there is is called: of a formula it is a single step."""
    return "step" if run.header.rows is None else "epoch"


def optimizer_line(run: Run) -> str:
    """Optimizer, options, rate, batches and epochs, as one phrase."""
    header = run.header
    batch = "" if header.full_batch or header.batch_size is None else f", batches of {header.batch_size:,}"
    schedule = f" ({_schedule_words(header.schedule)})" if header.schedule else ""
    engine = "" if header.engine == "loop" else f", engine {header.engine}"
    return (
        f"{_with_options(run)}, learning rate {short(header.learning_rate)}{schedule}, "
        f"{count(header.epochs, pass_word(run))}{batch}{engine}"
    )


def optimizer_words(run: Run) -> str:
    """The optimizer with its options, as in ``SGD, momentum 0.9``; whatever is plain descent is ``SGD``.

    >>> from fallline import fit
    >>> optimizer_words(fit(epochs=1, optimizer="momentum")), optimizer_words(fit(epochs=1))
    ('SGD, momentum 0.9', 'SGD')
    """
    return run.header.optimizer if run.header.plain_descent else _with_options(run)


def _with_options(run: Run) -> str:
    options = "".join(f", {key} {_plain(value)}" for key, value in run.header.optimizer_options.items())
    return f"{run.header.optimizer}{options}"


def rates_words(run: Run) -> str:
    """The learning rate with its changes on the way, as in ``0.01, 0.1 from step 50 on``."""
    rates = run.columns.learning_rate
    changed = (np.flatnonzero(np.diff(rates)) + 1).tolist()
    words = [rate(run.header.learning_rate), *(f"{rate(rates[at])} from step {at:,} on" for at in changed[:3])]
    return ", ".join(words) + (f" and {count(len(changed) - 3, 'more change')}" if len(changed) > 3 else "")


def _schedule_words(schedule: str) -> str:
    """A schedule by its name; changes at given steps as a phrase."""
    name, _, rest = schedule.partition(":")
    if name.strip().lower() != "changes":
        return schedule
    pairs = [each.partition("=") for each in rest.split(",")]
    said = [f"{short(float(rate))} from step {int(step):,} on" for step, _, rate in pairs[:3]]
    return "; ".join(said) + (f"; {count(len(pairs) - 3, 'more change')}" if len(pairs) > 3 else "")


def _plain(value: object) -> str:
    return short(value) if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def subtitle(run: Run) -> str:
    """Data and settings under a picture's title."""
    scale = "" if run.header.scaling.is_identity else " · axes in the training scale"
    settings = optimizer_line(run).replace(", ", " · ")
    loss = "" if run.header.formula is not None else f" · {LOSS_TITLES[run.header.loss]}"
    return f"{_rows(run)} · {settings}{loss}{scale}"


def conversion_line(run: Run) -> str:
    """From the training scale to the table's units; empty where they are the same."""
    header = run.header
    if header.scaling.is_identity:
        return ""
    parts = [
        f"({feature} − {number(shift)}) / {number(scale)}"
        for feature, shift, scale in zip(header.features, header.scaling.shift, header.scaling.scale, strict=True)
    ]
    if len(parts) > 3:
        return "Steps are in the training scale: every feature minus its mean, divided by its standard deviation."
    if len(parts) == 1:
        shift, scale = header.scaling.shift[0], header.scaling.scale[0]
        return (
            f"Steps are in the training scale, x = {parts[0]}: in the table's units "
            f"w is w / {number(scale)} and b is b − w × {number(shift / scale)}."
        )
    return f"Steps are in the training scale: {'; '.join(parts)}."


def typical_error(run: Run, loss: float) -> float | None:
    """√loss, the typical error in the target's units; None for losses that are not squares."""
    return math.sqrt(loss) if run.header.loss == "mse" and loss >= 0 else None


def epoch_losses(run: Run) -> list[tuple[int, float]]:
    """(epochs done, mean loss over all rows), from 0 before the first step to the last one measured."""
    columns = run.columns
    at = np.flatnonzero(columns.full_loss_measured)
    return [
        (0, run.header.start_loss),
        *((int(columns.epoch[k]) + 1, float(columns.full_loss[k])) for k in at),
    ]


def loss_lines(run: Run, every: int) -> list[str]:
    """``epoch  40   loss 0.3283   typical error 0.573``, each ``every`` epochs and at the end."""
    rows = epoch_losses(run)
    shown = [row for row in rows if row[0] % every == 0 or row[0] == rows[-1][0]]
    width = len(f"{shown[-1][0]:,}")
    return [loss_line(run, epoch, loss, width) for epoch, loss in shown]


def loss_line(run: Run, epoch: int, loss: float, width: int = 0) -> str:
    """One of :func:`loss_lines`."""
    error = typical_error(run, loss)
    tail = "" if error is None else f"   typical error {number(error):>8} ({run.header.target})"
    return f"{pass_word(run)} {epoch:>{width},}   loss {number(loss):>10}{tail}"


def learned_lines(run: Run) -> list[str]:
    """Learned beside exact, parameter by parameter, in the table's units."""
    summary = run.summary
    if summary is None:
        return []
    names = list(summary.learned)
    width = max(map(len, names))
    if summary.exact is None:
        return [f"{name:<{width}}  {number(summary.learned[name], 6):>12}" for name in names]
    learned, exact = ("learned", "exact") if run.header.formula is None else ("reached", "lowest")
    lines = [f"{'':<{width}}  {learned:>12}  {exact:>12}"]
    for name in names:
        lines.append(f"{name:<{width}}  {number(summary.learned[name], 6):>12}  {number(summary.exact[name], 6):>12}")
    return lines


def limit_phrase(run: Run) -> str:
    """``34 % of the limit 0.0292``, or empty where there is no limit."""
    summary = run.summary
    if summary is None or summary.stability_limit is None or summary.share_of_limit is None:
        return ""
    return f"{percent(summary.share_of_limit)} of the limit {number(summary.stability_limit, 3)}"


def condition_phrase(condition_number: float) -> str:
    """``condition number 138`` in words that do not overstate it."""
    return (
        f"condition number {rough(condition_number)}"
        if condition_number >= 1.05
        else "condition number 1, a round bowl"
    )
