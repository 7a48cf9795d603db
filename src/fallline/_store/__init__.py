"""One SQLite file per run: safe against a killed process, readable while it is written.

The folder of runs, writing, reading, and handing a run on as Parquet or CSV; a neuron's run and the recording of
somebody's training loop.
"""

from fallline._store._export import export_run
from fallline._store._folder import RunRow, find_run, last_run, list_runs, next_run_path
from fallline._store._json import from_json, plain, to_json
from fallline._store._reader import (
    Column,
    NewSteps,
    Overview,
    new_steps,
    read_column,
    read_header,
    read_overview,
    read_run,
)
from fallline._store._recording_reader import (
    RecordedColumn,
    RecordingNews,
    RecordingOverview,
    is_recording,
    new_recording_rows,
    read_recording,
    read_recording_overview,
    read_series,
    read_snapshot,
    stored_header,
    stored_snapshots,
)
from fallline._store._recording_waiting import Recorded
from fallline._store._recording_writer import RecordingWriter
from fallline._store._snapshot import NothingWrittenError
from fallline._store._writer import RunWriter

__all__ = [
    "Column",
    "NewSteps",
    "NothingWrittenError",
    "Overview",
    "Recorded",
    "RecordedColumn",
    "RecordingNews",
    "RecordingOverview",
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
    "read_overview",
    "read_recording",
    "read_recording_overview",
    "read_run",
    "read_series",
    "read_snapshot",
    "stored_header",
    "stored_snapshots",
    "to_json",
]
