"""Handing a run on: its steps as Parquet or CSV."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fallline._atomic import os_reason, place_problem, whole_file
from fallline._errors import RunFileError
from fallline._records import Run

if TYPE_CHECKING:
    import polars

ExportFormat = Literal["parquet", "csv"]


def export_run(run: Run, path: Path | str, format: ExportFormat) -> None:  # noqa: A002  (the field's own word)
    """Write ``run.steps`` to ``path``, replacing what is there only once everything is written.

    NaN stays NaN; what was not measured is null (Parquet) or empty (CSV).

    Raises:
        RunFileError: the path cannot be written or the disk is full; nothing is left behind.
    """
    import polars  # noqa: PLC0415  (heavy)

    path = Path(path)
    problem = place_problem(path)
    if problem:
        raise RunFileError(f"The export {path} cannot be written: {problem}.")
    steps = run.steps
    try:
        with whole_file(path) as part:
            _write(steps, part, format)
    except OSError as error:
        raise RunFileError(f"The export {path} cannot be written: {os_reason(error)}.") from error
    except polars.exceptions.PolarsError as error:
        raise RunFileError(f"The export {path} cannot be written: {error}.") from error


def _write(steps: "polars.DataFrame", part: Path, format: ExportFormat) -> None:  # noqa: A002  (the same)
    if format == "parquet":
        steps.write_parquet(part)
    else:
        steps.write_csv(part)
