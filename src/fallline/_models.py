"""The models fallline makes itself. They are plain torch modules, nothing is wrapped."""

import torch


def neuron(features: int = 1, *, dtype: torch.dtype = torch.float32) -> torch.nn.Linear:
    """One neuron, ŷ = w·x + b, with PyTorch's own random start.

    Args:
        features: D, the number of inputs.
        dtype: of weight and bias.

    Returns:
        A ``torch.nn.Linear(features, 1)``: weight [1, D], bias [1].

    >>> torch.random.manual_seed(0) and neuron(1).weight.shape
    torch.Size([1, 1])
    """
    return torch.nn.Linear(features, 1, dtype=dtype)
