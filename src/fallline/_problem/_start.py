"""The neuron before its first step."""

from collections.abc import Mapping
from numbers import Real

import torch

from fallline._errors import OptionError, near
from fallline._models import neuron
from fallline._problem._problem import DTYPES, Problem


def starting_neuron(
    problem: Problem, start: Mapping[str, float] | None, *, seed: int, dtype: str, drawn: int = 0
) -> torch.nn.Linear:
    """A neuron with PyTorch's random start for this seed, some or all of its parameters set to ``start``.

    ``start`` is in the training scale. ``drawn`` normal numbers are taken from the seeded stream first: a script
    that makes its own noisy data draws that many before its model, and its start is to be the same as ours. The
    program's global random state is left as it was.
    """
    if start is not None and not isinstance(start, Mapping):
        raise OptionError(f'The start is given by name, as in {{"w": 0.5, "b": 1}}, not as {start!r}.')
    state = torch.random.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)
        torch.randn(drawn, 1, dtype=torch.float32, device="cpu")
        model = neuron(problem.features.shape[1], dtype=DTYPES[dtype])
    finally:
        torch.random.set_rng_state(state)
    names = list(problem.parameter_names)
    with torch.no_grad():
        for name, value in (start or {}).items():
            if name not in names:
                raise OptionError(
                    f'There is no parameter "{name}" to start from: '
                    f"this neuron has {', '.join(names)}.{near(name, names)}"
                )
            if not isinstance(value, Real) or not abs(value) <= torch.finfo(DTYPES[dtype]).max:
                raise OptionError(f"The start {name}={value} is not a finite number in {dtype}.")
            if name == "b":
                model.bias[0] = value
            else:
                model.weight[0, names.index(name)] = value
    return model
