"""One SQLite file per run: safe against a killed process, readable while it is written.

The folder of runs, writing, reading, and handing a run on as Parquet or CSV; a neuron's run and the recording of
somebody's training loop.
"""

from fallline._store._export import export_run
from fallline._store._folder import RunRow, find_run, last_run, list_runs, next_run_path
from fallline._store._json import from_json, plain, to_json
from fallline._store._reader import Column, NewSteps, new_steps, read_column, read_header, read_run
from fallline._store._recording_reader import (
    RecordedColumn,
    RecordingNews,
    is_recording,
    new_recording_rows,
    read_recording,
    read_series,
    read_snapshot,
    stored_header,
    stored_snapshots,
)
from fallline._store._recording_waiting import Recorded
from fallline._store._recording_writer import RecordingWriter
from fallline._store._writer import RunWriter

__all__ = [
    "Column",
    "NewSteps",
    "Recorded",
    "RecordedColumn",
    "RecordingNews",
    "RecordingWriter",
    "RunRow",
    "RunWriter",
    "export_run",
    "find_run",
    "from_json",
    "is_recording",
    "last_run",
    "list_runs",
    "new_recording_rows",
    "new_steps",
    "next_run_path",
    "plain",
    "read_column",
    "read_header",
    "read_recording",
    "read_run",
    "read_series",
    "read_snapshot",
    "stored_header",
    "stored_snapshots",
    "to_json",
]
