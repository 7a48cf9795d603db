"""One offline HTML file: the page of a run, a recording, a sweep, a comparison, an answer, a backward pass."""

from fallline._report._answer import answer_report
from fallline._report._backprop import backprop_report
from fallline._report._comparison import comparison_report
from fallline._report._curvature import curvature_report
from fallline._report._page import report_page, write_report
from fallline._report._recording import recording_report
from fallline._report._report import page_of, report
from fallline._report._sweep import sweep_report

__all__ = [
    "answer_report",
    "backprop_report",
    "comparison_report",
    "curvature_report",
    "page_of",
    "recording_report",
    "report",
    "report_page",
    "sweep_report",
    "write_report",
]
