"""What an update is made of, worked out from the optimizer's own state after it.

    Δθ = −ηg − η(m − g) − η(P⁻¹ − I)m − ηδθ + unattributed

gradient, momentum, preconditioning, decay: the convention of :mod:`fallline._parts`. With coupled decay the direction
that momentum averages is u = g + δθ, and the momentum part is −η(m − u).

The formulas are those of ``torch.optim``, written once for NumPy arrays and PyTorch tensors alike. An optimizer that
is not in :data:`FORMULAS`, also a subclass of one that is, is not guessed at: all of its update is unattributed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

Array = Any
"""A flat stretch of one tensor: a NumPy array, or a PyTorch tensor."""
Number = Any
"""A float, or a tensor of no dimension that stays on its device."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A stretch of one tensor after an update of its optimizer."""

    gradient: Array
    """g, as the optimizer consumed it."""
    update: Array
    """Δθ"""
    after: Array
    """θ after the update."""
    state: Mapping[str, Array]
    """The optimizer's tensors, the same stretch of each."""
    numbers: Mapping[str, Number]
    """The optimizer's tensors of one number: ``step``, ``mu_product``."""
    options: Mapping[str, Any]
    """The parameter group's, tensors as :data:`Number`."""


class Terms(NamedTuple):
    """The parts of an update, each divided by −η; None where the optimizer has no such part."""

    rate: Number
    """η"""
    momentum: Array | None
    """m − u"""
    preconditioning: Array | None
    """(P⁻¹ − I)m"""
    decay: Array | None
    """δθ"""
    effective: Array | Number | None
    """P⁻¹ with the bias correction of m: what η is multiplied by, entry by entry. None: not adaptive."""


Formula = Callable[[Stretch], Terms | None]


def _sgd(stretch: Stretch) -> Terms | None:
    """SGD with momentum (Sutskever et al. 2013), dampening, Nesterov, coupled decay."""
    options, pulled, decay = stretch.options, stretch.gradient, _coupled(stretch)
    if decay is not None:
        pulled = pulled + decay
    momentum = None
    if options["momentum"] != 0:
        buffer = stretch.state["momentum_buffer"]
        momentum = options["momentum"] * buffer if options["nesterov"] else buffer - pulled
    return Terms(options["lr"], momentum, None, decay, None)


def _adam(stretch: Stretch) -> Terms | None:
    """Adam (Kingma and Ba 2015), AMSGrad, AdamW (Loshchilov and Hutter 2019): m/(1 − β₁ᵗ), √(v/(1 − β₂ᵗ)) + ε."""
    options, count = stretch.options, stretch.numbers["step"]
    first, second = options["betas"]
    square = stretch.state["max_exp_avg_sq" if options["amsgrad"] else "exp_avg_sq"]
    inverse = 1 / (square**0.5 / (1 - second**count) ** 0.5 + options["eps"])
    correction = 1 - first**count
    return _preconditioned(stretch, stretch.state["exp_avg"] / correction, inverse, inverse / correction)


def _nadam(stretch: Stretch) -> Terms | None:
    """NAdam (Dozat 2016) as PyTorch has it: m = (1 − μₜ)/(1 − Πμ) u + μₜ₊₁/(1 − Πμ·μₜ₊₁) of the running mean."""
    options, count, product = stretch.options, stretch.numbers["step"], stretch.numbers["mu_product"]
    first, second = options["betas"]
    now, then = (first * (1 - 0.5 * 0.96 ** (step * options["momentum_decay"])) for step in (count, count + 1))
    decay = None if options["decoupled_weight_decay"] else _coupled(stretch)
    pulled = stretch.gradient if decay is None else stretch.gradient + decay
    mean = pulled * ((1 - now) / (1 - product)) + stretch.state["exp_avg"] * (then / (1 - product * then))
    inverse = 1 / (stretch.state["exp_avg_sq"] ** 0.5 / (1 - second**count) ** 0.5 + options["eps"])
    return _preconditioned(stretch, mean, inverse, inverse)


def _radam(stretch: Stretch) -> Terms | None:
    """RAdam (Liu et al. 2020): Adam rectified where ρₜ > 5, until then the mean alone."""
    options, count = stretch.options, stretch.numbers["step"]
    first, second = options["betas"]
    correction, left = 1 - first**count, 1 - second**count
    end = 2 / (1 - second) - 1
    inverse = 1 + 0 * stretch.state["exp_avg_sq"]
    if end > 5:  # shorter memories are never rectified
        length = end - 2 * count * second**count / left
        rectified = 1.0 * (length > 5)
        rectifier = abs((length - 4) * (length - 2) * end / ((end - 4) * (end - 2) * length)) ** 0.5
        adapted = rectifier * left**0.5 / (stretch.state["exp_avg_sq"] ** 0.5 + options["eps"])
        inverse = (1 - rectified) + rectified * adapted
    return _preconditioned(stretch, stretch.state["exp_avg"] / correction, inverse, inverse / correction)


def _adamax(stretch: Stretch) -> Terms | None:
    """Adamax (Kingma and Ba 2015): P is the running maximum of |u| + ε."""
    correction = 1 - stretch.options["betas"][0] ** stretch.numbers["step"]
    inverse = 1 / stretch.state["exp_inf"]
    return _preconditioned(stretch, stretch.state["exp_avg"] / correction, inverse, inverse / correction)


def _rmsprop(stretch: Stretch) -> Terms | None:
    """RMSprop (Hinton 2012). With momentum its buffer averages P⁻¹u: momentum is then −η(b − P⁻¹u)."""
    options, state = stretch.options, stretch.state
    square = state["square_avg"]
    if options["centered"]:
        square = square - state["grad_avg"] * state["grad_avg"]
    inverse = 1 / (square**0.5 + options["eps"])
    terms = _preconditioned(stretch, None, inverse, inverse)
    if not options["momentum"] > 0:
        return terms
    pulled = stretch.gradient if terms.decay is None else stretch.gradient + terms.decay
    return terms._replace(momentum=state["momentum_buffer"] - inverse * pulled)


def _adagrad(stretch: Stretch) -> Terms | None:
    """Adagrad (Duchi et al. 2011): √s + ε; η is the rate after ``lr_decay``."""
    options = stretch.options
    rate = options["lr"] / (1 + (stretch.numbers["step"] - 1) * options["lr_decay"])
    inverse = 1 / (stretch.state["sum"] ** 0.5 + options["eps"])
    return _preconditioned(stretch, None, inverse, inverse)._replace(rate=rate)


def _adadelta(stretch: Stretch) -> Terms | None:
    """Adadelta (Zeiler 2012): P⁻¹ = √(a + ε)/√(v + ε), a the mean of squared moves *before* this one.

    The state holds a after it, a' = ρa + (1 − ρ)(a + ε)q with q = u²/(v + ε); solved for a.
    """
    options, state = stretch.options, stretch.state
    keep, eps = options["rho"], options["eps"]
    if keep == 0:
        return None
    decay = _coupled(stretch)
    pulled = stretch.gradient if decay is None else stretch.gradient + decay
    ratio = pulled * pulled / (state["square_avg"] + eps)
    moved = (state["acc_delta"] - (1 - keep) * eps * ratio) / (keep + (1 - keep) * ratio)
    inverse = abs((moved + eps) / (state["square_avg"] + eps)) ** 0.5  # abs: rounding may leave −0
    return _preconditioned(stretch, None, inverse, inverse)


def _preconditioned(stretch: Stretch, mean: Array | None, inverse: Array, effective: Array) -> Terms:
    """Terms of Δθ = −η P⁻¹m − ηδθ; without a mean, m is u."""
    options = stretch.options
    decoupled = bool(options.get("decoupled_weight_decay", False))
    decay = _coupled(stretch)
    pulled = stretch.gradient if decay is None or decoupled else stretch.gradient + decay
    direction = pulled if mean is None else mean
    momentum = None if mean is None else mean - pulled
    return Terms(options["lr"], momentum, inverse * direction - direction, decay, effective)


def _coupled(stretch: Stretch) -> Array | None:
    """δθ at the parameters before the update."""
    decay = stretch.options["weight_decay"]
    return None if decay == 0 else (stretch.after - stretch.update) * decay


FORMULAS: Mapping[type[torch.optim.Optimizer], Formula] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
    torch.optim.NAdam: _nadam,
    torch.optim.RAdam: _radam,
    torch.optim.Adamax: _adamax,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
    torch.optim.Adadelta: _adadelta,
}
"""By exact class: a subclass may step differently."""


def formula_of(optimizer: torch.optim.Optimizer) -> Formula | None:
    """What the optimizer's updates are made of, None where it is not known.

    >>> formula_of(torch.optim.LBFGS([torch.zeros(1, requires_grad=True)])) is None
    True
    """
    return FORMULAS.get(type(optimizer))


SUMS = 13
"""What :func:`sums_of` gives."""


def sums_of(stretch: Stretch, terms: Terms | None) -> list[Number]:
    """|part|² of each of the five PARTS, part · Δθ of each, |Δθ|², ΣηP⁻¹ and over how many entries that is.

    >>> import numpy as np
    >>> one = Stretch(np.array([2.0]), np.array([-0.5]), np.array([0.5]), {}, {}, {})
    >>> [float(value) for value in sums_of(one, Terms(0.25, None, None, None, None))]
    [0.25, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, -0.0, 0.25, 0.0, 0.0]
    """
    update, rest = stretch.update, stretch.update
    squares: list[Number] = [0.0] * 5
    products: list[Number] = [0.0] * 5
    effective: Number = 0.0
    adaptive = terms is not None and terms.effective is not None
    if terms is not None:
        rate, total = terms.rate, None
        for k, part in enumerate((stretch.gradient, terms.momentum, terms.preconditioning, terms.decay)):
            if part is not None:
                total = part if total is None else total + part
                squares[k] = part.dot(part) * rate * rate
                products[k] = 0.0 - part.dot(update) * rate
        rest = update + total * rate
        if terms.effective is not None:
            effective = terms.effective.sum() * rate
    squares[4], products[4] = rest.dot(rest), rest.dot(update)
    return [*squares, *products, update.dot(update), effective, float(len(update)) if adaptive else 0.0]
