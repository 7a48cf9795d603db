"""A writer that ``with`` closes."""

from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Self

from fallline._errors import RunFileError


class ClosedByWith(ABC):
    """Closes itself at the end of its block, whatever ended that."""

    @abstractmethod
    def close(self) -> None:
        """Write what is left, and let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(RunFileError):  # what went wrong first is what the user must hear
                self.close()
