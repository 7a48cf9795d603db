"""1,000 learning rates × 200 epochs of the textbook neuron with SGD, against 1,000 plain loops."""

from benchmarks._harness import Bar, main
from benchmarks._rates import against_plain_loops

BAR = 1000.0


def measure() -> list[Bar]:
    """How many times longer the plain loops take."""
    return against_plain_loops("SGD", BAR)


if __name__ == "__main__":
    main(measure)
