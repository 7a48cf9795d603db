"""The four whys in words: what an experiment found, as an answer.

Not among the names of :mod:`fallline._explain`: it needs torch, and explaining a recorded run does not.
"""

from fallline._explain._answers._answer_of import answer_of

__all__ = ["answer_of"]
