"""Before the first step: the numbers a person gave, and the random ones."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real

import torch

from fallline._errors import OptionError, near

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def given_start(
    start: Mapping[str, float] | None, names: Sequence[str], dtype: str, *, what: str = "neuron"
) -> dict[str, float]:
    """The numbers given by name, checked."""
    if start is not None and not isinstance(start, Mapping):
        raise OptionError(f'The start is given by name, as in {{"w": 0.5, "b": 1}}, not as {start!r}.')
    for name, value in (start or {}).items():
        if name not in names:
            known = [str(each) for each in names]
            raise OptionError(
                f'There is no parameter "{name}" to start from: this {what} has {", ".join(known)}.'
                f"{near(str(name), known)}"
            )
        if not isinstance(value, Real) or not abs(value) <= torch.finfo(DTYPES[dtype]).max:
            raise OptionError(f"The start {name}={value} is not a finite number in {dtype}.")
    return {str(name): float(value) for name, value in (start or {}).items()}


def starting_neuron(
    names: Sequence[str], start: Mapping[str, float] | None, *, seed: int, dtype: str, drawn: int = 0
) -> torch.nn.Linear:
    """A neuron with PyTorch's random start for this seed, some or all of its parameters set to ``start``.

    ``names`` are its parameters', the bias last; ``start`` is in the training scale. ``drawn`` normal numbers are
    taken from the seeded stream first: a script that makes its own noisy data draws that many before its model, and
    its start is to be the same as ours. The stream is a generator of its own, drawn from as ``torch.nn.Linear``
    draws from the program's: that one is left alone, and threads do not meet in it.
    """
    generator = torch.Generator(device="cpu").manual_seed(seed)
    torch.randn(drawn, 1, dtype=torch.float32, device="cpu", generator=generator)
    inputs = len(names) - 1
    model = torch.nn.Linear(inputs, 1, dtype=DTYPES[dtype], device="meta").to_empty(device="cpu")  # nothing is drawn
    bound = 1 / math.sqrt(inputs)  # torch.nn.Linear.reset_parameters
    torch.nn.init.kaiming_uniform_(model.weight, a=math.sqrt(5), generator=generator)
    torch.nn.init.uniform_(model.bias, -bound, bound, generator=generator)
    with torch.no_grad():
        for name, value in given_start(start, names, dtype).items():
            if name == "b":
                model.bias[0] = value
            else:
                model.weight[0, list(names).index(name)] = value
    return model
