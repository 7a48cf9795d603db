"""One offline HTML file with a run's live picture in it."""

from fallline._report._page import report_page, write_report
from fallline._report._report import report

__all__ = ["report", "report_page", "write_report"]
