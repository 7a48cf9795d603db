"""What can be changed of the last chapter's loop: read from a message, checked, bounded. Nothing here loads torch."""

from dataclasses import dataclass

from fallline._desk._reading import known_keys, mapping, real, shown, whole
from fallline._errors import OptionError, near

MOST_EPOCHS = 200
LARGEST_RATE = 1e6
OPTIMIZERS = ("SGD", "Adam")


@dataclass(frozen=True)
class WatchedSettings:
    """What can be changed of the loop."""

    learning_rate: float = 0.1
    optimizer: str = "SGD"
    epochs: int = 40
    seed: int = 0


def read_watched(given: object) -> WatchedSettings:
    """The settings of a message; what is left out is the default.

    >>> read_watched({"learning_rate": 3})
    WatchedSettings(learning_rate=3.0, optimizer='SGD', epochs=40, seed=0)
    """
    found = mapping({} if given is None else given, "The settings")
    known_keys(found, ("learning_rate", "optimizer", "epochs", "seed"), "setting")
    name = found.get("optimizer", "SGD")
    if name not in OPTIMIZERS:
        guess = near(name[:40], list(OPTIMIZERS)) if isinstance(name, str) else ""
        raise OptionError(f"The optimizer is one of {', '.join(OPTIMIZERS)}, not {shown(name)}.{guess}")
    rate = real(found.get("learning_rate", 0.1), "The learning rate", 0.0, LARGEST_RATE)
    if rate == 0:
        raise OptionError("The learning rate must be above 0. With 0 nothing would move.")
    epochs = whole(found.get("epochs", 40), "The number of epochs", 1, MOST_EPOCHS)
    return WatchedSettings(rate, str(name), epochs, whole(found.get("seed", 0), "The seed", 0, 2**53))
