"""Ctrl-C during a fit."""

from fallline._records import Run


class FitInterrupted(KeyboardInterrupt):
    """A :class:`KeyboardInterrupt` that brings what was recorded until then.

    The program that called the fit is stopped as by any Ctrl-C, unless it asks for the run.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
