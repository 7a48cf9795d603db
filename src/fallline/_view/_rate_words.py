"""What the rate slider says about itself; :mod:`fallline._explain` has the words for each rate."""

from fallline._explain import count
from fallline._records import SweepResult


def slider_note(result: SweepResult) -> str:
    """Where the slider can stop."""
    return (
        f"The slider stops at {count(len(result.rates), 'rate')}, each of them really run for "
        f"{count(result.steps, 'step')} from the same start. Between them nothing was measured."
    )


def slider_short(result: SweepResult) -> str:
    """The same in the room beneath the track."""
    return f"Stops at {count(len(result.rates), 'measured rate')}; striped: not measured."


BEATS = (
    "The gradient points uphill.",
    "Minus turns it round: downhill.",
    "Times the rate: that is how far.",
    "Move.",
)
"""The four captions of a step of a run that has no words of its own."""
