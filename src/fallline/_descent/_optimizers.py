"""Optimizers by name: PyTorch's own classes, with options checked before anything runs."""

import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Real

import torch

from fallline._descent._literals import literal
from fallline._errors import OptionError, near

ALIASES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
}
"""Names people use for settings of a class."""

MADE_FOR_OTHERS: Mapping[str, str] = {
    "Muon": "it is made for matrices, and a bias or a formula's parameter is a single number",
    "SparseAdam": "it takes sparse gradients only, and these are dense",
}
"""Why some classes cannot train a neuron, in plainer words than their own."""

NOT_OPTIONS = frozenset({"params", "lr", "self"})


def optimizer_class(name: str) -> tuple[type[torch.optim.Optimizer], dict[str, object]]:
    """The class of ``torch.optim`` with this name, and the options that the name itself implies.

    >>> optimizer_class("adam")[0].__name__, optimizer_class("momentum")[1]
    ('Adam', {'momentum': 0.9})
    """
    if not isinstance(name, str):
        raise OptionError(f"The optimizer is given by its name, in quotation marks, not as {name!r}.")
    wanted, implied = ALIASES.get(name.lower(), (name, {}))
    classes = _classes()
    found = classes.get(wanted.lower())
    if found is None:
        known = sorted(cls.__name__ for cls in classes.values())
        raise OptionError(
            f'torch.optim has no optimizer "{name}": use one of {", ".join(known)}, momentum, nesterov.'
            f"{near(name, [*known, *ALIASES])}"
        )
    return found, dict(implied)


def _classes() -> dict[str, type[torch.optim.Optimizer]]:
    """Every optimizer of this torch, by its name in lower case."""
    return {
        name.lower(): value
        for name, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
    }


def optimizer_options(name: str, given: Mapping[str, object]) -> dict[str, object]:
    """The options for an optimizer, from Python values or the strings of a command line.

    >>> optimizer_options("adam", {"betas": "(0.8, 0.99)"})
    {'betas': (0.8, 0.99)}
    """
    cls, options = optimizer_class(name)
    if not isinstance(given, Mapping):
        raise OptionError(f'The options of {cls.__name__} are given by name, as in {{"momentum": 0.9}}, not {given!r}.')
    parameters = inspect.signature(cls).parameters
    known = [key for key in parameters if key not in NOT_OPTIONS]
    for key, value in given.items():
        if key == "lr":
            raise OptionError("The option lr is the learning rate: give it as learning_rate (--learning-rate).")
        if key not in known:
            raise OptionError(f'{cls.__name__} has no option "{key}": it takes {", ".join(known)}.{near(key, known)}')
        word = isinstance(value, str) and "str" in str(parameters[key].annotation) and value.lower() != "none"
        chosen = literal(key, value) if isinstance(value, str) and not word else value
        if isinstance(chosen, float) and not math.isfinite(chosen):
            raise OptionError(f"The option {key} of {cls.__name__} must be a finite number, not {chosen}.")
        _check_shape(cls.__name__, key, chosen, parameters[key].default)
        if "bool" in str(parameters[key].annotation):
            chosen = _switch(cls.__name__, key, chosen)
        options[key] = chosen
    return options


def _check_shape(optimizer: str, key: str, given: object, default: object) -> None:
    """Refuse one number where a pair is meant, and the other way round; PyTorch's own words on it are riddles."""
    shown = str(default).replace(" ", "")
    if isinstance(default, tuple):
        several = given if isinstance(given, tuple | list) else ()
        if len(several) != len(default) or not all(_is_number(each) for each in several):
            raise OptionError(
                f"The option {key} of {optimizer} takes {len(default)} numbers, as in {key}={shown}, not {given}."
            )
    elif _is_number(default) and isinstance(given, tuple | list | str):
        raise OptionError(f"The option {key} of {optimizer} takes one number, as in {key}={shown}, not {given}.")


def _switch(optimizer: str, key: str, given: object) -> bool | None:
    """True or false, also as 1 or 0; PyTorch takes whatever is given for one."""
    if given is None or (isinstance(given, int) and given in (0, 1)):
        return None if given is None else bool(given)
    raise OptionError(f"The option {key} of {optimizer} is true or false, not {given}.")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def make_optimizer(
    name: str,
    parameters: list[torch.nn.Parameter],
    learning_rate: float,
    options: Mapping[str, object],
    *,
    what: str = "train this neuron",
) -> torch.optim.Optimizer:
    """The optimizer over these parameters; an :class:`OptionError` where it cannot be made for them.

    ``what`` is what it is to do with them, for that error.
    """
    cls, _ = optimizer_class(name)
    make: Callable[..., torch.optim.Optimizer] = cls  # the base class's own signature names no lr
    if cls in (torch.optim.SGD, torch.optim.Adam) and not options:
        return make(parameters, lr=learning_rate)
    rehearsal = [torch.nn.Parameter(parameter.detach().clone()) for parameter in parameters]
    try:
        _rehearse(make(rehearsal, lr=learning_rate, **options), rehearsal)
    except (
        ValueError,
        TypeError,
        ArithmeticError,
        RuntimeError,
        AssertionError,
        AttributeError,
        KeyError,
        IndexError,
    ) as error:
        told = error.args[-1] if isinstance(error, ArithmeticError) and error.args else error  # (34, "too large")
        said = str(told).strip().splitlines() or [type(error).__name__]
        reason = MADE_FOR_OTHERS.get(cls.__name__, said[0].rstrip("."))
        shown = "".join(f" {key}={value}" for key, value in options.items())
        raise OptionError(
            f"{cls.__name__}{shown} cannot {what}: {reason}. Choose other options or another optimizer."
        ) from error
    return make(parameters, lr=learning_rate, **options)


def take_step(optimizer: torch.optim.Optimizer, closure: Callable[[], object] | None = None) -> None:
    """``optimizer.step()``; an :class:`OptionError` where its own arithmetic fails on the way, as that of ASGD can."""
    try:
        optimizer.step(closure)  # type: ignore[arg-type]  # torch annotates the closure as returning a float
    except ArithmeticError as error:
        name, reason = type(optimizer).__name__, str(error.args[-1]).rstrip(".")
        raise OptionError(
            f"{name} cannot take another step with these options: {reason}. Choose other options or another optimizer."
        ) from error


def _rehearse(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter]) -> None:
    """Two steps on copies: some optimizers refuse a parameter only when they step."""

    def closure() -> torch.Tensor:
        loss = sum(((parameter - 1) ** 2).sum() for parameter in parameters)
        if not isinstance(loss, torch.Tensor):
            raise TypeError("there are no parameters to train")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships no annotation for it
        return loss

    for _ in range(2):
        closure()
        optimizer.step(closure)  # type: ignore[arg-type]  # torch annotates the closure as returning a float
