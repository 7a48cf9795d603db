"""One SQLite file per run: safe against a killed process, readable while it is written.

The folder of runs, writing, reading, and handing a run on as Parquet or CSV.
"""

from fallline._store._export import export_run
from fallline._store._folder import RunRow, find_run, last_run, list_runs, next_run_path
from fallline._store._json import from_json, plain, to_json
from fallline._store._reader import Column, NewSteps, new_steps, read_column, read_header, read_run
from fallline._store._writer import RunWriter

__all__ = [
    "Column",
    "NewSteps",
    "RunRow",
    "RunWriter",
    "export_run",
    "find_run",
    "from_json",
    "last_run",
    "list_runs",
    "new_steps",
    "next_run_path",
    "plain",
    "read_column",
    "read_header",
    "read_run",
    "to_json",
]
