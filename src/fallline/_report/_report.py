"""``fl.report``: a run, a sweep, a comparison or an answered question in one offline HTML file."""

from pathlib import Path

from fallline._errors import OptionError
from fallline._fit import objective_of, rates_of, summarised
from fallline._records import Answer, Comparison, Run, SweepResult
from fallline._report._answer import answer_report
from fallline._report._comparison import comparison_report
from fallline._report._page import write_report
from fallline._report._sweep import sweep_report
from fallline._view._payload import build_payload, to_json


def report(run: Run | SweepResult | Comparison | Answer, path: str | Path) -> None:
    """Write the report of a run: its verdict and the live picture, in one HTML file that asks the network for nothing.

    Args:
        run: any recorded run; or what ``fl.sweep``, ``fl.compare`` or ``fl.why`` found, which have pages of their own.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> fl.report(fl.fit(epochs=3), folder / "three.html")
    >>> "<!doctype html>" in (folder / "three.html").read_text(encoding="utf-8").lower()
    True
    """
    if isinstance(run, SweepResult):
        sweep_report(run, path)
        return
    if isinstance(run, Comparison):
        comparison_report(run, path)
        return
    if isinstance(run, Answer):
        answer_report(run, path)
        return
    if not isinstance(run, Run):
        raise OptionError(f"fl.report takes a run, not {type(run).__name__}: fl.load reads one from its file.")
    told = summarised(run)
    payload = build_payload(told, objective_of(told), rates=rates_of(told))
    write_report(to_json(payload), f"{run.header.name} · fallline", path)
