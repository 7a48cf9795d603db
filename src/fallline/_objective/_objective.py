"""Model + loss function + data, as a function of one flat parameter vector."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._objective._change import small_change
from fallline._objective._evaluation import Stacked, one_by_one
from fallline._objective._functional import Evaluation, Functional
from fallline._objective._layout import ParameterPart, layout_of
from fallline._objective._memory import bytes_of
from fallline._objective._mode import held_in_words, mode_notes, parameter_notes
from fallline._objective._own_steps import OwnSteps
from fallline._objective._passes import Passes
from fallline._objective._products import HessianProducts
from fallline._objective._source import Source
from fallline._objective._weighing import find_weighing
from fallline._points import by_name, one_point, point_numbers
from fallline._records import Floats
from fallline._vectors import flatten, unflatten
from fallline._wording import count, megabytes

PIECE: Final = 4
"""Half of the memory is for data; of the other half one part in so many is for the piece that is being recorded."""
MODES: Final = ("eval", "train")
CANCELLED: Final = 1e-5
"""A difference of two losses below this part of them is taken along the way instead: too few digits are left."""


class Objective:
    """The mean loss of a model over fixed data, at any parameters; nothing of the model is changed.

    Args:
        model: any module; its parameters that require gradients are P numbers, the others are held constant.
        loss_fn: ``loss_fn(output, target)``, a mean; of a batch that is a mapping ``loss_fn(output, batch)``.
        data: ``(input, target)``, a list of batches, or a loader that can be gone through again and again. An input is
            a tensor, several in a tuple, or a mapping by name; several targets go in a tuple too. A batch that is a
            mapping is ``model(**batch)``.
        mode: ``"eval"`` or ``"train"``, in which the model is evaluated whatever mode it is in.
        denominator: what the loss of a batch divides by, ``denominator(batch)``, where that is none of the known rules.
        memory: what kept data, and recorded graphs, may take together: ``"1 GB"``, or bytes.

    Raises:
        OptionError: the loss is no mean; or it would depend on how the rows are split, or on random numbers.
        DataError: there are no data, or they change between two passes.

    Parameters and results are float64 NumPy arrays; the evaluation runs in the dtype of the model's parameters. What
    is asked without saying where (:func:`fallline.sharpness`, :func:`fallline.plane`, …) is of the model as it stands
    at that moment: its parameters, its buffers, what is held constant.
    What the mean is taken over, and how that is checked: docs/semantics.md#objective.

    >>> objective = Objective(torch.nn.Linear(1, 1, dtype=torch.float64), torch.nn.MSELoss(),
    ...                       (torch.tensor([[0.0], [1.0]], dtype=torch.float64),
    ...                        torch.tensor([[1.0], [3.0]], dtype=torch.float64)))
    >>> objective.loss([[2.0, 1.0], [2.0, 2.0]])
    array([0., 1.])
    >>> objective.gradient([[2.0, 2.0]])
    array([[1., 2.]])
    >>> objective
    <Objective: 2 parameters, 2 rows in 1 batch, mean over elements>
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable[..., Any],
        data: Any,
        *,
        mode: Literal["eval", "train"] = "eval",
        denominator: Callable[[Any], float] | None = None,
        memory: str | float = "1 GB",
    ) -> None:
        training = _training(mode)
        if denominator is not None and not callable(denominator):
            raise OptionError(f"denominator is called as denominator(batch); here it is {denominator!r}.")
        if not callable(loss_fn):
            raise OptionError(f"loss_fn is called as loss_fn(output, target); here is a {type(loss_fn).__name__}.")
        share = bytes_of(memory) // 2
        self.mode = mode
        self._memory = share
        self._functional = Functional(model, loss_fn, training=training)
        self._like = self._functional.tensors
        self.layout: tuple[ParameterPart, ...] = layout_of(self._functional.model, self._functional.names, self._like)
        self._source = Source(data, share)
        weighing = find_weighing(self._functional, loss_fn, self._source, denominator, training=training)
        self._over = weighing.rule.name
        self._passes = Passes(self._functional, self._source, weighing, share // PIECE)
        self._stacked = Stacked(self._passes.bytes_of_row * self._passes.largest, share)
        self._own_steps = OwnSteps(self._passes.session, self._like, splits=weighing.splits)
        self.notes: tuple[str, ...] = (
            *mode_notes(self._functional.model, training=training, stands_in_train=model.training),
            *parameter_notes(self._functional.model),
            *weighing.notes,
            *self._data_notes(),
        )

    def __repr__(self) -> str:
        size = f"{count(self.parameter_count, 'parameter')}, {count(self.rows, 'row')}"
        return f"<Objective: {size} in {count(self.batches, 'batch')}, mean over {self._over}>"

    @property
    def parameter_count(self) -> int:
        """P"""
        return self.layout[-1].end

    @property
    def parameters(self) -> Floats:
        """[P] as the model has them now; its buffers and what is held constant are read at that moment too.

        Raises:
            OptionError: the model was given other parameters since (another shape, dtype or device).
        """
        return _floats(flatten([one.to(self.dtype) for one in self._functional.present()]))

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Of the tensors of the parameters, in order."""
        return tuple(part.name for part in self.layout)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the tensors of the parameters, in order."""
        return tuple(part.shape for part in self.layout)

    @property
    def tensors(self) -> tuple[nn.Parameter, ...]:
        """The model's own, in the order of ``layout``: which of an optimizer's parameters is which."""
        return tuple(self._functional.present())

    @property
    def dtype(self) -> torch.dtype:
        """Of the parameters; the widest, where they differ."""
        return self._functional.dtype

    @property
    def device(self) -> torch.device:
        """Where the model is, and the evaluation runs."""
        return self._functional.device

    @property
    def rows(self) -> int:
        """N"""
        return self._source.rows

    @property
    def batches(self) -> int:
        """How many batches the data come in."""
        return self._source.count

    @property
    def can_sample(self) -> bool:
        """Whether a part of the rows can be taken by itself: data are kept, and the loss of a row is its own."""
        return self._passes.can_sample

    @property
    def held(self) -> tuple[str, ...]:
        """What the value depends on beside the parameters, in words: it is that of the model at each call."""
        return held_in_words(self._functional.model, training=self.mode == "train")

    @property
    def optimum(self) -> None:
        """Not known beforehand."""

    @property
    def floor(self) -> None:
        """Not known beforehand."""

    def loss(self, parameters: ArrayLike) -> Floats:
        """Mean loss at each of a stack of parameter vectors [B, P]; shape [B]."""
        return _floats(self._losses(self._stack(parameters), None))

    def gradient(self, parameters: ArrayLike) -> Floats:
        """Gradient at each of a stack of parameter vectors [B, P]; shape [B, P]."""
        return _floats(self._gradients(self._stack(parameters), None))

    def loss_and_gradient(self, parameters: ArrayLike) -> tuple[Floats, Floats]:
        """Both at each of a stack of parameter vectors [B, P], in one pass over the data; shapes [B] and [B, P]."""
        both = _floats(self._slopes(self._stack(parameters), None, with_loss=True))
        return both[:, -1].copy(), both[:, :-1].copy()

    def products(self, parameters: ArrayLike, dtype: torch.dtype | None = None, *, step: int = 1) -> HessianProducts:
        """The Hessian at one parameter vector [P], to be multiplied with vectors; in ``dtype`` where one is named.

        With a ``step`` above 1 it is that of every ``step``-th row alone, where :attr:`can_sample`.

        Raises:
            OptionError: the model cannot be evaluated in that dtype, or not be differentiated twice.
        """
        at = self._one(parameters, dtype)
        passes = self._passes.session if step == 1 else partial(self._passes.sample, step)
        try:
            memory, look = self._memory - self._memory // PIECE, self._own_steps.unknown
            found = HessianProducts(at, self._like, lambda: passes(dtype), memory, look=look)
        except RuntimeError as error:
            if dtype is None or dtype == self.dtype:
                raise
            raise OptionError(f"This model cannot be evaluated in {dtype}: {error}") from error
        if look:
            self._own_steps.check(found.own_steps, at)
        return found

    def hvp(self, parameters: ArrayLike, directions: ArrayLike) -> Floats:
        """Hessian at one parameter vector [P] times each of a stack of directions [B, P]; shape [B, P]."""
        products = self.products(parameters)
        return _floats(torch.stack([products.times(direction) for direction in self._stack(directions)]))

    def hessian(self, parameters: ArrayLike) -> Floats:
        """The whole Hessian [P, P] at one parameter vector [P], made symmetric; for a few thousand parameters at most.

        Raises:
            OptionError: it would not fit the memory.
        """
        size = 8 * self.parameter_count**2
        if size > self._memory:
            raise OptionError(
                f"The Hessian of {count(self.parameter_count, 'parameter')} would take {megabytes(2 * size)} of "
                "memory: use hvp or products, or raise memory."
            )
        hessian = self.hvp(parameters, np.eye(self.parameter_count))
        return (hessian + hessian.T) / 2

    def change(self, before: ArrayLike, after: ArrayLike) -> Floats:
        """Loss after minus loss before for pairs of parameter vectors [B, P]; shape [B].

        In float64. Where the two losses are so near to each other that their difference loses its digits, the slope is
        integrated along the way instead (Gauss and Legendre, three points).
        """
        try:
            with torch.inference_mode(mode=False):
                return self._change(before, after, torch.float64)
        except RuntimeError:  # a model whose code names a dtype
            return self._change(before, after, None)

    def _change(self, before: ArrayLike, after: ArrayLike, dtype: torch.dtype | None) -> Floats:
        old, new = self._stack(before, dtype), self._stack(after, dtype)
        both = max(len(old), len(new))
        old, new = old.expand(both, -1), new.expand(both, -1)
        level, change = self._losses(old, dtype), self._losses(new, dtype)
        change -= level
        small = (change.abs() <= CANCELLED * level.abs()).nonzero().reshape(-1)
        if len(small):
            change[small] = small_change(lambda at: self._gradients(at, dtype), old[small], new[small])
        return _floats(change)

    def _losses(self, stack: Tensor, dtype: torch.dtype | None) -> Tensor:
        with self._passes.session(dtype) as (evaluation, batches), torch.no_grad():
            total = torch.zeros(len(stack), dtype=torch.float64, device=stack.device)
            for batch, share in batches:
                one, at_each = self._at(evaluation, batch), evaluation.losses_at
                singly = partial(one_by_one, one) if at_each is None else partial(at_each, batch)
                total += share * self._stacked.each("loss", one, singly, stack).double()
        return total

    def _gradients(self, stack: Tensor, dtype: torch.dtype | None) -> Tensor:
        return self._slopes(stack, dtype, with_loss=False)

    def _slopes(self, stack: Tensor, dtype: torch.dtype | None, *, with_loss: bool) -> Tensor:
        """[B, P] the gradients; [B, P + 1] with the loss behind each of them."""
        width = stack.shape[1] + with_loss
        with self._passes.session(dtype) as (evaluation, batches):
            total = torch.zeros((len(stack), width), dtype=torch.float64, device=stack.device)
            for batch, share in batches:
                loss = self._at(evaluation, batch)
                slope = _slope_of(loss, with_loss=with_loss)
                slopes = _slope_and_value(loss) if with_loss else torch.func.grad(loss)
                total += share * self._stacked.each("gradient", slopes, partial(one_by_one, slope), stack).double()
        return total

    def _at(self, evaluation: Evaluation, batch: Batch) -> Callable[[Tensor], Tensor]:
        return lambda vector: evaluation.loss(unflatten(vector, self._like), batch)

    def _stack(self, parameters: ArrayLike, dtype: torch.dtype | None = None) -> Tensor:
        stack = np.atleast_2d(self._numbers(parameters))
        if stack.ndim != 2 or stack.shape[1] != self.parameter_count:
            raise OptionError(
                f"A parameter vector of this model has {self.parameter_count:,} entries; what was given has the shape "
                f"{np.shape(parameters)}."
            )
        with torch.inference_mode(mode=False):  # what is made inside of it cannot be differentiated
            whole = torch.from_numpy(np.require(stack, requirements=("C", "W")))
            return whole.to(self.device, dtype or self.dtype, copy=True)  # a model may write to its parameters

    def _numbers(self, parameters: ArrayLike) -> Floats:
        if by_name(parameters) is not None or isinstance(parameters, str):
            return one_point(self, parameters)
        if isinstance(parameters, np.ndarray) and parameters.dtype == np.float64:
            return parameters  # what is computed on is a copy
        return point_numbers(parameters)

    def _one(self, parameters: ArrayLike, dtype: torch.dtype | None) -> Tensor:
        stack = self._stack(parameters, dtype)
        if len(stack) != 1:
            raise OptionError(f"A Hessian is taken at one parameter vector, not at {len(stack):,}.")
        return stack[0]

    def _data_notes(self) -> Sequence[str]:
        if self._source.kept:
            return []
        return [f"The data take over {megabytes(self._memory)}, half of the memory allowed: each pass reads them anew."]


def _slope_of(loss: Callable[[Tensor], Tensor], *, with_loss: bool) -> Callable[[Tensor], Tensor]:
    def slope(vector: Tensor) -> Tensor:
        with torch.enable_grad():
            at = vector.detach().clone().requires_grad_()
            value = loss(at)
            if value.requires_grad:
                found = torch.autograd.grad(value, at, materialize_grads=True)[0]
            else:
                found = torch.zeros_like(vector)
            return torch.cat([found, value.detach().reshape(1)]) if with_loss else found

    return slope


def _slope_and_value(loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def both(vector: Tensor) -> Tensor:
        slope, value = torch.func.grad_and_value(loss)(vector)
        return torch.cat([slope, value.reshape(1)])

    return both


def _floats(tensor: Tensor) -> Floats:
    found: Floats = tensor.detach().to("cpu", torch.float64).numpy().copy()
    return found


def _training(mode: str) -> bool:
    if mode not in MODES:
        raise OptionError(f'mode is "eval" or "train", not {mode!r}.')
    return mode == "train"
