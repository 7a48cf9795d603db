"""A function at one point: its float64 result, its gradient by autograd, and its values around the point."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any, Final

import torch

from fallline._backprop._differences import Line, largest_of, noise_of, usual_step
from fallline._backprop._held_constant import Constants, Held, OtherOperationsError, Promoting
from fallline._backprop._words import first_line

Evaluate = Callable[[Mapping[str, torch.Tensor]], torch.Tensor]
SEED: Final = 0
MANY: Final = 10_000
"""Entries of one leaf whose sizes are not told apart."""
NEARBY: Final = 1e-3
"""How far the point is moved, relatively, to see whether constants move with it: as far as differences go."""
REORDERED: Final = 1e-13
"""What adding up in another order may change, relatively."""
MOST_SAID: Final = 120
"""Letters of somebody else's error."""
FAILURES: Final = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError)
"""What a function may raise in float64, or beside the point it was made for (a domain it checks itself)."""


class CannotCompareError(Exception):
    """A sentence why differences say nothing about this function."""


class Probe:
    """The function at ``leaves``.

    Args:
        evaluate: leaves (float64, each asking for a gradient) → result.
        leaves: float64, detached.
        vector: weighs the result's entries; None for one number.

    Raises:
        CannotCompareError: it does not run in float64, is no real function of its leaves, or not deterministic.
    """

    def __init__(
        self, evaluate: Evaluate, leaves: Mapping[str, torch.Tensor], vector: torch.Tensor | None = None
    ) -> None:
        self.leaves = {name: leaf.detach().to(torch.float64) for name, leaf in leaves.items()}
        self.evaluations = 0
        self._evaluate = evaluate
        self._constants = Constants()
        self._promotes = False
        own = self.asking({})
        result = self._first(own)
        self.vector = None if vector is None else vector.to(result.device, torch.float64).reshape(result.shape)
        self.gradients = self._backward(result, own)
        self.here = self._weighed(result)
        self.work = self._constants.work
        self.holds = self._moving_constants()

    def line(self, direction: Mapping[str, torch.Tensor]) -> Line:
        """t → the weighed result where every leaf named in ``direction`` is moved by t times it."""

        def values(t: float) -> torch.Tensor | None:
            return self.weighed_at(
                {name: torch.add(self.leaves[name], each, alpha=t) for name, each in direction.items()}
            )

        return values

    def along(self, direction: Mapping[str, torch.Tensor]) -> float:
        """Autograd's derivative along a direction."""
        return sum(float(torch.dot(self.gradients[name].flatten(), each.flatten())) for name, each in direction.items())

    def weighed_at(self, moved: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        """vᵢ·fᵢ, flat, with these leaves in place of their own; None where the function raises."""
        try:
            return self._weighed(self.run(self.asking(moved)))
        except FAILURES:
            return None

    def run(self, leaves: Mapping[str, torch.Tensor], mode: Any = None) -> torch.Tensor:
        """The result, with what autograd holds constant held so; ``mode`` is entered around it all."""
        self.evaluations += 1
        held = Held(self._constants) if self.holds else nullcontext()
        try:
            with torch.enable_grad(), self.promoting(), held, mode if mode is not None else nullcontext():
                return self._evaluate(leaves)
        except OtherOperationsError:
            raise CannotCompareError(
                "The gradient was not compared: beside this point the function runs other operations, and what "
                "autograd holds constant (detach, no_grad, item) cannot be told from the rest."
            ) from None

    def random_direction(self, names: list[str], seed: int = SEED) -> dict[str, torch.Tensor]:
        """Normally distributed entries: no gradient but 0 is at a right angle to them all."""
        generator = torch.Generator().manual_seed(seed)
        return {
            name: torch.randn(leaf.shape, generator=generator, dtype=torch.float64).to(leaf.device)
            for name, leaf in self.leaves.items()
            if name in names
        }

    def sized_direction(self, seed: int) -> dict[str, torch.Tensor]:
        """Through all leaves, every entry in proportion to its size."""
        plain = self.random_direction(list(self.leaves), seed)
        return {name: each.mul_(self._sizes(name)) for name, each in plain.items()}

    def _sizes(self, name: str) -> torch.Tensor | float:
        """Of each entry; one for all where there are many."""
        leaf = self.leaves[name]
        if leaf.numel() > MANY:
            return self.typical[name]
        return torch.where(leaf == 0, torch.full_like(leaf, self.typical[name]), leaf.abs())

    @cached_property
    def typical(self) -> dict[str, float]:
        """Root mean square of each leaf's entries."""
        return {name: typical_size(leaf) for name, leaf in self.leaves.items()}

    @cached_property
    def noise(self) -> float:
        """How far one value of vᵀf is off by rounding."""
        noise = noise_of(self.line(self.sized_direction(SEED)), self.here)
        return max(noise, torch.finfo(self.precision).eps * self._largest) if self.coarse else noise

    @cached_property
    def usual(self) -> float:
        """The step for entries of size 1."""
        return usual_step(self.noise, self._largest)

    @property
    def precision(self) -> torch.dtype:
        """The coarsest that the function computes in, though its leaves are float64."""
        return self._constants.coarsest

    @property
    def unseen(self) -> set[int]:
        """Numbers, since a run began, of autograd nodes whose operation used what moves without a gradient."""
        return self._constants.unseen

    @property
    def used_again(self) -> tuple[str, ...]:
        """Names of ``autograd.Function``s whose step back, with what their forward had kept, is differentiated."""
        return self._constants.used_again if self.unseen else ()

    @property
    def coarse(self) -> bool:
        """It rounds to less than float64 on its way."""
        return self.precision is not torch.float64

    @cached_property
    def _largest(self) -> float:
        return largest_of(self.here)

    def asking(self, moved: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Copies of the leaves, or of ``moved`` in their place, each asking for a gradient."""
        own = {name: moved[name] if name in moved else leaf.clone() for name, leaf in self.leaves.items()}
        return {name: each.detach().requires_grad_() for name, each in own.items()}

    def _first(self, own: Mapping[str, torch.Tensor]) -> torch.Tensor:
        try:
            result = self._begin(own)
        except FAILURES:
            self._promotes = True
            self._constants = Constants()
            try:
                result = self._begin(own)
            except FAILURES as error:
                raise CannotCompareError(
                    f"The gradient was not compared: the function does not run in float64 ({_in_short(error)})."
                ) from error
        if result.is_complex() or not result.is_floating_point():
            raise CannotCompareError(
                f"The gradient was not compared: the result in float64 is of {str(result.dtype)[6:]}."
            )
        return result

    def _begin(self, own: Mapping[str, torch.Tensor]) -> torch.Tensor:
        self.evaluations += 1
        with torch.enable_grad(), self.promoting(), self._constants:
            return self._evaluate(own)

    def promoting(self) -> Any:
        """To be entered around every pass: constants of another precision are brought to float64, where need be."""
        return Promoting() if self._promotes else nullcontext()

    def _backward(self, result: torch.Tensor, own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Zeros where a leaf does not reach the result."""
        found: tuple[torch.Tensor | None, ...] = (None,) * len(own)
        if result.requires_grad and own:
            begin = torch.ones_like(result) if self.vector is None else self.vector.to(result.dtype)
            try:
                found = self._either_way_back(result, begin, list(own.values()))
            except FAILURES as error:
                raise CannotCompareError(self._why_no_way_back(error)) from error
        return {
            name: torch.zeros_like(leaf) if each is None else _dense(each)
            for (name, leaf), each in zip(own.items(), found, strict=True)
        }

    def _either_way_back(self, *asked: Any) -> tuple[torch.Tensor | None, ...]:
        """A step back of somebody's own may use what it was not given: a parameter in its own precision."""
        try:
            return self.go_back(*asked)
        except FAILURES:
            if self._promotes:
                raise
            self._promotes = True
            return self.go_back(*asked)

    def _why_no_way_back(self, error: Exception) -> str:
        if self._constants.checkpointed:
            return (
                "The gradient was not compared: a checkpointed part runs again in the backward pass, with tensors of "
                "its own precision and not with the float64 ones. Call the function without checkpointing to compare."
            )
        return f"The gradient was not compared: its backward pass does not run in float64 ({_in_short(error)})."

    def go_back(
        self, result: torch.Tensor, begin: torch.Tensor, leaves: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor | None, ...]:
        """The gradient at each leaf; the graph stays."""
        with self.promoting():
            return torch.autograd.grad(result, leaves, begin, retain_graph=True, allow_unused=True)

    def _weighed(self, result: torch.Tensor) -> torch.Tensor:
        plain = result.detach().to(torch.float64)
        return (plain if self.vector is None else plain * self.vector).reshape(-1)

    def _moving_constants(self) -> bool:
        """Whether anything that autograd holds constant moves with the leaves, or by itself."""
        self.holds = self.cuts = False
        again = self.weighed_at({})
        if again is None:  # an operation that runs in float64 only by what stands in for it
            self.holds = True
            again = self.weighed_at({})
        if again is None or not _as_before(again, self.here):
            raise CannotCompareError(
                "The gradient was not compared: two evaluations of the function at the same point differ, "
                "so it is not deterministic."
            )
        direction = self.sized_direction(SEED + 1)
        moved = {name: leaf + NEARBY * direction[name] for name, leaf in self.leaves.items()}
        watched = Held(self._constants)
        self.evaluations += 1
        try:
            with torch.enable_grad(), self.promoting(), watched:
                self._evaluate(self.asking(moved))
        except (OtherOperationsError, *FAILURES):
            self.cuts = True
            return True
        self.cuts = watched.cut_moved
        return watched.moved or self.holds


def typical_size(leaf: torch.Tensor) -> float:
    """Root mean square of its finite entries; 1 where all are 0.

    >>> round(typical_size(torch.tensor([3.0, -3.0])), 6), typical_size(torch.zeros(2))
    (3.0, 1.0)
    """
    largest = largest_of(leaf)
    if largest == 0:
        return 1.0
    norm = float(torch.linalg.vector_norm(leaf))
    if not 1e-100 < norm < 1e100:  # the squares of other sizes have no float64
        norm = largest * float(torch.linalg.vector_norm(torch.nan_to_num(leaf / largest, 0.0, 0.0, 0.0)))
    return float(norm / leaf.numel() ** 0.5)


def _as_before(again: torch.Tensor, before: torch.Tensor) -> bool:
    """But for the rounding of sums whose order is not fixed, as on an accelerator."""
    again, before = torch.nan_to_num(again), torch.nan_to_num(before)
    if again.shape != before.shape or not before.numel():
        return again.shape == before.shape
    return bool((again - before).abs().max() <= REORDERED * before.abs().max())


def _dense(gradient: torch.Tensor) -> torch.Tensor:
    plain = gradient.to_dense() if gradient.layout is not torch.strided else gradient
    return plain.detach().to(torch.float64)


def _in_short(error: BaseException) -> str:
    return f"{type(error).__name__}: {first_line(error)[:MOST_SAID]}".rstrip(": ")
