"""``fl.fit``: the main job, end to end."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fallline._fit._engines import given_to
from fallline._fit._fitted import fit_problem
from fallline._fit._proposal import Notice
from fallline._fit._rate import Rate
from fallline._fit._recording import Progress
from fallline._fit._settings import check_batches, check_counts, check_names
from fallline._records import Run
from fallline._surroundings import plain_surroundings

if TYPE_CHECKING:
    from fallline._data._read import TableSource

TEXTBOOK_RATE = 0.01


@plain_surroundings()
def fit(
    data: "TableSource | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    learning_rate: float | str | None = None,
    epochs: int = 200,
    batch_size: int | None = None,
    optimizer: str = "SGD",
    optimizer_options: Mapping[str, object] | None = None,
    schedule: str = "",
    loss: str = "mse",
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    dtype: str = "float32",
    engine: str = "loop",
    run: str | Path | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> Run:
    """Train one neuron, ŷ = w·x + b, by gradient descent and record every step; or descend on a formula.

    Without ``data`` it is the textbook line: 100 points of y = 2x + 1 with noise, learning rate 0.01, x as it is.

    Args:
        data: a path (CSV, TSV, Parquet, JSON lines), any data frame, arrays (X, y), or a :class:`Table`.
        target: the column to predict; the last one unless told.
        features: the columns to predict it from; every other numeric column unless told.
        drop_missing: leave out rows with missing values instead of refusing them.
        standardise: shift and scale the features; True for data, False for the textbook line.
        formula: instead of data: ``parabola``, ``ravine``, ``rosenbrock``, ``saddle``, ``himmelblau``, ``rastrigin``,
            or arithmetic in one to ten parameters, as in ``"(w - 3)^2"``.
        learning_rate: a number, or ``"auto"`` (the default for data and formulas): what many rates, run for real, say.
        epochs: passes over the rows.
        batch_size: rows per step; all of them unless told.
        optimizer: a class of ``torch.optim``, or ``momentum``, ``nesterov``.
        optimizer_options: what that class takes beside the rate.
        schedule: ``cosine``, ``step:step_size=50,gamma=0.5`` …, or ``changes:41=0.02,90=0.005``, rates from given steps
            on; constant unless told.
        loss: ``mse``, ``mae``, ``huber`` or ``bce`` (a logistic neuron, target 0 or 1).
        start: parameters before step 0 by name, in the training scale; the others start at random (a formula's at its
            own usual start).
        seed: of the textbook noise, the random start and the batches.
        dtype: ``float32`` or ``float64``.
        engine: ``loop`` (forward and backward over the rows), or ``moments``: one pass over the rows, then the same
            steps from the exact parabola that they make; full batch and ``mse`` only.
        run: the run file to write (``NAME.db``), or a folder (any other name) in which it gets the next number;
            None keeps the run in memory.
        progress: called with (steps done, steps in all, last loss) about twice a second.
        notice: called before the work begins with one sentence where another engine would do the same for much less.

    Returns:
        The recorded :class:`Run`. The program's random state and everything passed in are left as they were.

    Raises:
        DataError: the table cannot be used.
        OptionError: a setting cannot be used.
        RunFileError: the run file cannot be written.
        KeyboardInterrupt: Ctrl-C, once the run file is finished; its attribute ``run`` is what was recorded.

    >>> run = fit(epochs=5)
    >>> run.columns.loss.round(1)
    array([192.5,  19.4,   2.2,   0.5,   0.4])
    """
    check_counts(epochs, batch_size, seed)
    check_names(optimizer=optimizer, schedule=schedule, loss=loss, dtype=dtype, engine=engine)
    check_batches(batch_size, formula)
    epochs, seed = int(epochs), int(seed)  # NumPy's whole numbers are none to PyTorch
    batch_size = None if batch_size is None else int(batch_size)
    problem = given_to(
        engine,
        data,
        batch_size=batch_size,
        target=target,
        features=features,
        drop_missing=drop_missing,
        standardise=standardise,
        formula=formula,
        loss=loss,
        dtype=dtype,
        seed=seed,
    )
    return fit_problem(
        problem,
        rate=Rate(TEXTBOOK_RATE, "") if learning_rate is None and data is None and formula is None else learning_rate,
        start=start,
        optimizer=optimizer,
        optimizer_options={} if optimizer_options is None else optimizer_options,
        schedule=schedule,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        engine=engine,
        run=run,
        progress=progress,
        notice=notice,
    )
