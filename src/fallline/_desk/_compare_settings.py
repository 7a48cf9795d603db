"""The settings of the compare page: the problem's, and the contenders."""

from dataclasses import dataclass

from fallline._desk._reading import items, known_keys, mapping, shown, whole, word
from fallline._desk._settings import (
    LARGEST_EPOCHS,
    OptionValue,
    Settings,
    read_rate,
    read_settings,
)
from fallline._errors import OptionError
from fallline._wording import count

MOST_CONTENDERS = 6
FEWEST_CONTENDERS = 2
LONGEST_LABEL = 40
MOST_SEEDS = 5
MOST_STEPS = 5_000
"""Of each run: a run that is tuned is made some hundred times."""
OWN_KEYS = ("contenders", "seeds")
NOT_HERE = ("learning_rate", "rate_changes", "optimizer", "optimizer_options")
SHOWN = ("common", "best", "given")
USUAL = ("sgd", "momentum", "adam")


@dataclass(frozen=True)
class Wanted:
    """One contender as the page names it."""

    optimizer: str
    """As it was typed: a class of torch.optim, or momentum, nesterov."""
    options: tuple[tuple[str, OptionValue], ...] = ()
    learning_rate: float | None = None
    """None: tuned, on the same budget as every other."""
    label: str | None = None

    def without_rate(self) -> "Wanted":
        """What is tuned: the same optimizer at whatever rate."""
        return Wanted(self.optimizer.lower(), self.options)


@dataclass(frozen=True)
class CompareSettings:
    """A problem and who runs on it."""

    problem: Settings
    contenders: tuple[Wanted, ...]
    seeds: int | None = None
    """None: five in full batch, one with mini-batches, which are tuned one seed at a time."""

    @property
    def shown_seeds(self) -> int:
        """How many."""
        if self.seeds is not None:
            return self.seeds
        return MOST_SEEDS if self.problem.batch_size is None else 1


def read_compare_settings(given: object) -> CompareSettings:
    """The settings of a message; what is left out is the default.

    Raises:
        OptionError: a key, type or number that cannot be, more contenders than six, or one of them twice.

    >>> [one.optimizer for one in read_compare_settings({"formula": "ravine"}).contenders]
    ['sgd', 'momentum', 'adam']
    """
    found = mapping({} if given is None else given, "The settings")
    for name in NOT_HERE:
        if found.get(name) is not None:
            raise OptionError(f"On this page every contender has its own {name}: give it there.")
    if found.get("epochs") is not None:
        check_epochs(whole(found["epochs"], "The number of epochs", 1, LARGEST_EPOCHS))
    problem = read_settings({key: value for key, value in found.items() if key not in (*OWN_KEYS, *NOT_HERE)})
    seeds = None if found.get("seeds") is None else whole(found["seeds"], "The number of seeds", 1, MOST_SEEDS)
    contenders = _contenders(found.get("contenders"))
    return CompareSettings(problem, contenders, seeds)


def check_epochs(steps: int) -> None:
    """Refuse runs that are too long to be tuned while somebody waits.

    Raises:
        OptionError: there are too many steps.
    """
    if steps > MOST_STEPS:
        raise OptionError(
            f"{count(steps, 'step')} are too many here, where each contender is run at thirty rates: the page takes "
            f"at most {MOST_STEPS:,}. fallline compare does more."
        )


def read_shown(given: object) -> str:
    """Which setting is on the screen, for a quick answer."""
    if given is None:
        return "best"
    if given not in SHOWN:
        raise OptionError(f"The setting that is shown is one of {', '.join(SHOWN)}, not {shown(given)}.")
    return str(given)


def _contenders(given: object) -> tuple[Wanted, ...]:
    if given is None:
        return tuple(Wanted(name) for name in USUAL)
    listed = items(given, "The list of contenders", 10_000)
    if not FEWEST_CONTENDERS <= len(listed) <= MOST_CONTENDERS:
        raise OptionError(
            f"Between {FEWEST_CONTENDERS} and {MOST_CONTENDERS} contenders run together, not {len(listed):,}."
        )
    return tuple(_wanted(each) for each in listed)


def _wanted(given: object) -> Wanted:
    if isinstance(given, str):
        return Wanted(word(given, "An optimizer"))
    found = mapping(given, "A contender")
    known_keys(found, ("optimizer", "options", "learning_rate", "label"), "setting of a contender")
    return Wanted(
        optimizer=word(found.get("optimizer"), "An optimizer"),
        options=read_settings({"optimizer_options": found.get("options")}).optimizer_options,
        learning_rate=read_rate(found.get("learning_rate"), "A contender's learning rate"),
        label=None if found.get("label") is None else _label(found["label"]),
    )


def _label(given: object) -> str:
    text = word(given, "A label", LONGEST_LABEL).strip()
    if not text or not text.isprintable():
        raise OptionError("A label is a few letters that can be printed.")
    return text
