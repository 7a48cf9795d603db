"""1,000 learning rates × 200 epochs of the textbook neuron with Adam and RMSProp, against 1,000 plain loops."""

from benchmarks._harness import Bar, main
from benchmarks._rates import against_plain_loops

BAR = 500.0


def measure() -> list[Bar]:
    """How many times longer the plain loops take."""
    return [bar for optimizer in ("Adam", "RMSprop") for bar in against_plain_loops(optimizer, BAR)]


if __name__ == "__main__":
    main(measure)
