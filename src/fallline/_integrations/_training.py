"""The watch of a callback: made when a training begins, gone when it ends. Nothing in between raises."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fallline._recorder import watch
from fallline._recorder._guard import Guard, guarded

if TYPE_CHECKING:
    import torch

    from fallline._recorder import Watch


class Training:
    """What a callback does with its watch; without one, in a process that does not record, everything does nothing.

    Args:
        options: of :func:`fl.watch`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.watch: Watch | None = None
        self.guard = Guard()
        self._options = dict(options)
        self._began_before = False

    def begin(self, model: "torch.nn.Module", optimizers: "torch.optim.Optimizer | Sequence[Any]") -> None:
        """Start watching, into a file of its own: ``first.db``, then ``first-2.db`` and so on.

        Raises:
            OptionError: a setting, the model or an optimizer cannot be used.
            RunFileError: the run file exists already, or cannot be written.
        """
        options = dict(self._options)
        if self._began_before and options.get("run") is not None and not options.get("resume"):
            options["run"] = free_name(Path(options["run"]))
        self.watch = watch(model, optimizers, **options)
        self.guard = self.watch.guard
        self._began_before = True

    @property
    def alarmed(self) -> bool:
        """True once an alarm has gone off."""
        return self.watch is not None and self.watch.should_stop

    @guarded("the step", tries_again=True)
    def step(self, loss: Any) -> None:
        """Record a step; a loss that nobody told is None."""
        if self.watch is not None:
            self.watch.step(loss)

    @guarded("the numbers of the validation", tries_again=True)
    def log(self, numbers: Mapping[Any, Any] | None) -> None:
        """Keep the numbers that the training has logged."""
        if self.watch is not None and numbers is not None:
            self.watch.log(**{str(name): value for name, value in numbers.items()})

    def end(self, error: BaseException | None = None) -> None:
        """Close the record; what follows the training, such as a last validation, is no part of it."""
        ended, self.watch = self.watch, None
        if ended is not None:
            ended.__exit__(None if error is None else type(error), error, None)


def free_name(path: Path) -> Path:
    """The path itself where nothing is there, else its first numbered neighbour.

    >>> folder = getfixture("tmp_path")
    >>> (folder / "first.db").touch()
    >>> free_name(folder / "first.db").name
    'first-2.db'
    """
    if not path.exists():
        return path
    return next(free for place in count(2) if not (free := path.with_stem(f"{path.stem}-{place}")).exists())
