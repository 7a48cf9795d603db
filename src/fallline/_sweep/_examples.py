"""For each zone, the rate that shows it well: the textbook drawing, measured."""

from collections.abc import Mapping

import numpy as np

from fallline._records import Floats, Recommendation, Zone
from fallline._sweep._zones import Judgement

BELOW = 0.1
"""Of the recommended rate: creeps visibly, without standing still."""
PAST = 1.15
"""Times the lowest diverging rate: grows visibly, without leaving the picture at once."""


def example_of_each(rates: Floats, judgement: Judgement, recommended: Recommendation | None) -> Mapping[Zone, int]:
    """The index of a rate for each zone that occurs."""
    examples = {}
    for zone in Zone:
        places = np.array([place for place, each in enumerate(judgement.zones) if each is zone], dtype=np.int64)
        if places.size:
            wanted = _wanted(zone, rates[places], recommended)
            examples[zone] = int(places[np.argmin(np.abs(np.log(rates[places]) - np.log(wanted)))])
    return examples


def _wanted(zone: Zone, rates: Floats, recommended: Recommendation | None) -> float:
    if zone is Zone.DIVERGING:
        return float(rates[0]) * PAST
    if recommended is not None and zone is Zone.JUST_RIGHT:
        return recommended.value
    if recommended is not None and zone is Zone.TOO_SMALL:
        return recommended.value * BELOW
    return float(np.exp((np.log(rates[0]) + np.log(rates[-1])) / 2))  # their product may be beyond all numbers
