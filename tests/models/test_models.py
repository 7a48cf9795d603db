"""A neuron is PyTorch's own linear layer."""

import torch

import fallline as fl


def test_a_neuron_starts_as_a_linear_layer_does() -> None:
    state = torch.random.get_rng_state()
    torch.manual_seed(5)
    ours = fl.neuron(3)
    torch.manual_seed(5)
    theirs = torch.nn.Linear(3, 1)
    torch.random.set_rng_state(state)
    assert type(ours) is torch.nn.Linear
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


def test_a_neuron_has_the_dtype_asked_for() -> None:
    assert fl.neuron(2, dtype=torch.float64).bias.dtype is torch.float64
