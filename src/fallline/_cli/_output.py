"""Standard output that takes nothing more: a full disk, a closed stream."""

import errno
import sys
from typing import Final

from fallline._atomic import os_reason

CLOSED: Final = "There is no standard output: it is closed."
UNWRITTEN: Final = frozenset(
    {errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF, getattr(errno, "EDQUOT", errno.ENOSPC)}
)
"""What a stream answers that takes no more; a file that cannot be opened says so by its name."""


def is_closed() -> bool:
    """Whether the process began without one: ``fallline fit >&-``."""
    stream: object = sys.stdout
    return stream is None


def unwritten_words(problem: OSError) -> str | None:
    """Why what was said could not be written, as one sentence; None for an error of something else.

    Every file that a command opens has sentences of its own, with its name.

    >>> unwritten_words(OSError(errno.ENOSPC, "full"))
    'Standard output cannot be written: no space left on device.'
    >>> unwritten_words(FileNotFoundError(errno.ENOENT, "none", "a.csv"))
    """
    if problem.errno not in UNWRITTEN or problem.filename is not None:
        return None
    return f"Standard output cannot be written: {os_reason(problem)}."
