"""One forward pass of a problem, written out: what a loop calls before backward and step."""

from collections.abc import Callable

import torch
from torch import Tensor

from fallline._problem import NeuronProblem, Problem


def forward_of(problem: Problem, model: torch.nn.Module) -> Callable[[], Tensor]:
    """The loss over all rows (or the formula's value) at the model's parameters as they are now, with its graph.

    >>> from fallline._problem import given_problem
    >>> parabola = given_problem(formula="(w - 3)^2")
    >>> forward_of(parabola, parabola.starting_model({"w": 5.0}, seed=0))().item()
    4.0
    """
    if not isinstance(problem, NeuronProblem):

        def value() -> Tensor:
            loss: Tensor = model()
            return loss

        return value
    loss_fn, features, target = problem.loss_fn(), problem.features, problem.target

    def mean_loss() -> Tensor:
        loss: Tensor = loss_fn(model(features), target)
        return loss

    return mean_loss
