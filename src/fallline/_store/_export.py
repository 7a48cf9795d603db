"""Handing a run on: its steps as Parquet or CSV."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fallline._errors import RunFileError
from fallline._records import Run
from fallline._store._faults import os_reason

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
    if path.is_dir():
        raise RunFileError(f"The export {path} cannot be written: it is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise RunFileError(f"The export {path} cannot be written: there is no folder {path.parent}; make it first.")
    steps = run.steps
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write(steps, part, format)
        part.replace(path)
    except OSError as problem:
        raise RunFileError(f"The export {path} cannot be written: {os_reason(problem)}.") from problem
    except polars.exceptions.PolarsError as problem:
        raise RunFileError(f"The export {path} cannot be written: {problem}.") from problem
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _write(steps: "polars.DataFrame", part: Path, format: ExportFormat) -> None:  # noqa: A002
    if format == "parquet":
        steps.write_parquet(part)
    else:
        steps.write_csv(part)
