"""The entry point: ``fallline`` and ``python -m fallline``."""

import gc
import os
import sys

from fallline._wording import STOPPED


def main() -> None:
    """Run the command line and leave with its status: 0 done, 1 diverged, 2 bad input, 130 interrupted."""
    from fallline._cli import run_cli  # noqa: PLC0415  (Ctrl-C while this loads is answered below as well)

    try:
        status = run_cli()
        _flush()
    except BrokenPipeError:  # the reader of a pipe has seen enough
        _discard_output()
        status = 0
    except KeyboardInterrupt:  # while the command line itself was loading
        sys.stderr.write(f"fallline: {STOPPED}\n")
        status = 130
    gc.freeze()  # the process ends: searching all of PyTorch for garbage once more would take a third of a second
    sys.exit(status)


def _flush() -> None:
    """The last of the output; of a full disk the command line has told already, Python need not do it once more."""
    if sys.stdout is None:  # closed by the caller
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        _discard_output()


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
