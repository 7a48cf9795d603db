"""Which optimizers are compared: names and options into classes of torch.optim, checked before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from fallline._descent import make_optimizer, optimizer_class, optimizer_options
from fallline._errors import OptionError, near

MOST = 12
"""More optimizers than this make no readable table."""
FEWEST = 2
ONE_SLOPE_A_STEP: Mapping[str, Mapping[str, object]] = {"LBFGS": {"max_iter": 1}}
"""Left to itself LBFGS evaluates the gradient up to 20 times a step: steps would not be counted on equal terms."""


@dataclass(frozen=True)
class Entry:
    """One optimizer that was asked for."""

    name: str
    """As it was asked for, in lower case."""
    label: str
    """As it is shown."""
    optimizer: str
    """The class name in ``torch.optim``."""
    options: Mapping[str, object]

    @property
    def same_as(self) -> tuple[str, str]:
        """Two entries with the same answer are the same optimizer."""
        return self.optimizer, repr(sorted(self.options.items()))


def entries(
    names: Sequence[str], options: Mapping[str, Mapping[str, object]], parameters: Sequence[torch.nn.Parameter]
) -> tuple[Entry, ...]:
    """The optimizers by name, each with its options; one that cannot train ``parameters`` is refused by a rehearsal.

    >>> weights = [torch.nn.Parameter(torch.zeros(1, 1)), torch.nn.Parameter(torch.zeros(1))]
    >>> [entry.label for entry in entries(["sgd", "momentum", "adam"], {"adam": {"betas": (0.8, 0.9)}}, weights)]
    ['SGD', 'momentum', 'Adam betas=(0.8, 0.9)']
    """
    asked = _checked_names(names)
    for name in options:
        if name.lower() not in asked:
            raise OptionError(
                f'An option is given for "{name}", which is not among the optimizers {", ".join(asked)}.'
                f"{near(name, asked)}"
            )
    by_name = {name.lower(): given for name, given in options.items()}
    made = tuple(make_entry(name, by_name.get(name, {}), parameters) for name in asked)
    for index, entry in enumerate(made):
        twin = next((other for other in made[:index] if other.same_as == entry.same_as), None)
        if twin is not None:
            raise OptionError(f"{twin.name} and {entry.name} are the same optimizer with the same options: name one.")
    return made


def _checked_names(names: Sequence[str]) -> list[str]:
    """The names in lower case, none of them twice."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise OptionError(f'The optimizers are given as a list of names, as in ("sgd", "adam"), not as {names!r}.')
    asked = [name.strip().lower() for name in names]
    if not FEWEST <= len(asked) <= MOST:
        raise OptionError(f"Between {FEWEST} and {MOST} optimizers can be compared, not {len(asked)}.")
    for name in asked:
        if asked.count(name) > 1:
            raise OptionError(f'The optimizer "{name}" is named {asked.count(name)} times: name it once.')
    return asked


def make_entry(name: str, given: Mapping[str, object], parameters: Sequence[torch.nn.Parameter]) -> Entry:
    """One optimizer with its options, which a rehearsal has shown to train ``parameters``.

    Raises:
        OptionError: there is no such optimizer, it does not know an option, or it cannot train them.
    """
    cls, implied = optimizer_class(name)
    options = {**ONE_SLOPE_A_STEP.get(cls.__name__, {}), **optimizer_options(name, given)}
    make_optimizer(name, list(parameters), 0.01, options)
    shown = name if implied else cls.__name__
    extra = "".join(f" {key}={_written(options[key])}" for key in options if options[key] != implied.get(key))
    return Entry(name, shown + extra, cls.__name__, options)


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
