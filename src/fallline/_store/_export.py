"""Handing a run on: its steps as Parquet or CSV."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fallline._atomic import os_reason, place_problem, whole_file
from fallline._errors import RunFileError
from fallline._records import Recording, Run
from fallline._store._recording_frame import recording_frame

if TYPE_CHECKING:
    import polars

ExportFormat = Literal["parquet", "csv"]


def export_run(run: Run | Recording, path: Path | str, format: ExportFormat) -> None:  # noqa: A002  (the field's own word)
    """Write the steps of a run to ``path``, replacing what is there only once everything is written.

    A neuron's are ``run.steps``, a watched loop's those of ``_recording_frame.recording_frame``. NaN stays NaN; what
    was not measured is null (Parquet) or empty (CSV).

    Raises:
        RunFileError: the path cannot be written or the disk is full; nothing is left behind.
    """
    import polars  # noqa: PLC0415  (heavy)

    path = Path(path)
    problem = place_problem(path)
    if problem:
        raise RunFileError(f"The export {path} cannot be written: {problem}.")
    steps = recording_frame(run) if isinstance(run, Recording) else run.steps
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
