"""The command line: parse, call, show."""

from fallline._cli._app import run_cli

__all__ = ["run_cli"]
