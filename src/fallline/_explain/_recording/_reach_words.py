"""The one table of words for a reach: of a step, of a median, of an alarm; docs/semantics.md#reach-of-a-loop."""

import math

LEVEL = 2.0
"""Beyond this the loss of the batch ended higher than it began."""
WORDS = (
    (0.1, "timid"),
    (0.5, "short of the bottom"),
    (0.95, "a little short of the bottom"),
)
"""Of a reach below so much."""
BEYOND = (
    (1.05, "at the bottom"),
    (1.95, "past the bottom, still lower than it began"),
    (2.05, "far past the bottom, about as high as it began"),
    (math.inf, "too long: past the bottom and higher than it began"),
)
"""Of a reach of at most so much; the edges are those of the neuron's own words."""


def reach_verdict(reach: float) -> str:
    """A reach in a few words.

    >>> reach_verdict(0.05), reach_verdict(1.0), reach_verdict(3.1)
    ('timid', 'at the bottom', 'too long: past the bottom and higher than it began')
    """
    if math.isnan(reach):
        return "not a number"
    if reach == 0:
        return "straight ground, no bottom in sight"
    for below, words in WORDS:
        if reach < below:
            return words
    return next(words for most, words in BEYOND if reach <= most)
