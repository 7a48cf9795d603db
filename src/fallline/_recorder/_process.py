"""Which process this is, without asking the system at every step: a forked child's watch is to do nothing."""

import os

current = object()
"""Another object in a forked child."""


def _forked() -> None:
    global current  # noqa: PLW0603  (what a fork changes is the module's own state)
    current = object()


if hasattr(os, "register_at_fork"):  # where there is no fork there is nothing to notice
    os.register_at_fork(after_in_child=_forked)
