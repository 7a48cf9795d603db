"""Products of the Hessian with vectors, from one recorded graph."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import Tensor

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._objective._functional import Evaluation
from fallline._objective._memory import Held
from fallline._objective._own_steps import FORWARD_MODE, own_steps
from fallline._objective._second_derivatives import second_derivatives
from fallline._records import Floats
from fallline._vectors import flatten, unflatten

CONSTANT: Final = (
    "The loss does not depend on any parameter that requires a gradient: is there a no_grad() or a detach() in the "
    "model?"
)

Weighed = tuple[Batch, float]
"""A batch, and its share of the mean."""
Session = Callable[[], AbstractContextManager[tuple[Evaluation, Iterator[Weighed]]]]


@dataclass(frozen=True, eq=False)
class _Graph:
    """The gradient of one batch, recorded."""

    slopes: tuple[Tensor, ...]
    share: float
    loss: float


class HessianProducts:
    """The Hessian at one parameter vector, times any vector.

    The forward and backward pass of every batch is recorded once and gone through again for each product, where all of
    them fit ``memory``; where they do not, batch after batch is recorded again each time.

    Args:
        at: [P] where; the products are in its dtype.
        like: the tensors that the vector is made of.
        session: the loss and the batches with their shares of the mean, for one pass.
        memory: bytes that the recorded graphs may take.
        look: whether to look for steps back that PyTorch did not write.
    """

    def __init__(
        self, at: Tensor, like: Sequence[Tensor], session: Session, memory: int, *, look: bool = False
    ) -> None:
        self.count = 0
        self.own_steps: set[str] = set()
        """Names of those that were found."""
        self._look = look
        self._at, self._like, self._session = at, like, session
        with torch.inference_mode(mode=False):
            self._leaves = [part.detach().clone().requires_grad_() for part in unflatten(at, like)]
        self._kept: list[_Graph] = []
        self.complete = True
        """Whether the graphs of all batches are kept."""
        self._record(memory)

    def _record(self, memory: int) -> None:
        held, loss = Held(), 0.0
        with self._session() as (evaluation, batches):
            slope = torch.zeros_like(self._at, dtype=torch.float64)
            for batch, share in batches:
                graph = held.by(partial(self._graph, evaluation, batch, share), lambda found: found.slopes)
                if self._look and held.forward_mode:
                    self.own_steps.add(FORWARD_MODE)
                loss += share * graph.loss
                slope += share * flatten(graph.slopes).double()
                if self.complete and held.bytes <= memory:
                    self._kept.append(graph)
                else:
                    self.complete = False
                    self._kept.clear()
        self.loss, self._gradient, self._look = loss, slope, False

    @property
    def gradient(self) -> Floats:
        """[P] at the same place."""
        found: Floats = self._gradient.cpu().numpy()
        return found

    def times(self, vector: Tensor) -> Tensor:
        """H·v for one vector [P]; shape [P], in the dtype of the products."""
        self.count += 1
        with torch.inference_mode(mode=False):
            return self._times(vector)

    def _times(self, vector: Tensor) -> Tensor:
        directions = unflatten(vector.to(self._at), self._like)
        total = torch.zeros_like(self._at, dtype=torch.promote_types(self._at.dtype, torch.float32))
        for graph in self._graphs():
            total += graph.share * self._product(graph, directions)
        return total.to(self._at.dtype)

    def _graphs(self) -> Iterable[_Graph]:
        """Of all batches, kept or recorded again."""
        if self.complete:
            yield from self._kept
            return
        with self._session() as (evaluation, batches):
            for batch, share in batches:
                yield self._graph(evaluation, batch, share)

    def _graph(self, evaluation: Evaluation, batch: Batch, share: float) -> _Graph:
        with torch.enable_grad():
            loss = evaluation.loss(self._leaves, batch)
            if not loss.requires_grad:
                raise OptionError(CONSTANT)
            if self._look:
                self.own_steps |= own_steps(loss)
            with second_derivatives():
                slopes = torch.autograd.grad(loss, self._leaves, create_graph=True, materialize_grads=True)
        return _Graph(slopes, share, float(loss.detach()))

    def _product(self, graph: _Graph, directions: Sequence[Tensor]) -> Tensor:
        curved = [(slope, way) for slope, way in zip(graph.slopes, directions, strict=True) if slope.requires_grad]
        if not curved:
            return torch.zeros_like(self._at)
        slopes, ways = zip(*curved, strict=True)
        with second_derivatives():
            found = torch.autograd.grad(slopes, self._leaves, ways, retain_graph=True, materialize_grads=True)
        return flatten(found)
