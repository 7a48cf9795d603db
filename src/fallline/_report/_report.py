"""``fl.report``: a run in one offline HTML file."""

from pathlib import Path

from fallline._errors import OptionError
from fallline._fit import objective_of, summarised
from fallline._records import Run
from fallline._report._page import write_report
from fallline._view._payload import build_payload, to_json


def report(run: Run, path: str | Path) -> None:
    """Write the report of a run: its verdict and the live picture, in one HTML file that asks the network for nothing.

    Args:
        run: any recorded run.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> fl.report(fl.fit(epochs=3), folder / "three.html")
    >>> "<!doctype html>" in (folder / "three.html").read_text(encoding="utf-8").lower()
    True
    """
    if not isinstance(run, Run):
        raise OptionError(f"fl.report takes a run, not {type(run).__name__}: fl.load reads one from its file.")
    told = summarised(run)
    payload = build_payload(told, objective_of(told))
    write_report(to_json(payload), f"{run.header.name} · fallline", path)
