"""The inner products that a step is measured by, in float64 and in blocks: a large model needs little memory."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import torch

HOST_BLOCK: Final = 1 << 15
"""Numbers that are widened to float64 at a time: on the host they should stay in the cache …"""
DEVICE_BLOCK: Final = 1 << 21
"""… on a device every operation should be worth its launch."""
ROLES: Final = 6
"""Vectors of one block that are worked on."""


class StepSums(NamedTuple):
    """Of a step Δθ from θ, with the batch's gradients g before and h after it."""

    slope_before: float
    """g·Δθ"""
    curvature: float
    """Δθᵀ(h − g)"""
    squared_update: float
    """|Δθ|²"""
    squared_before: float
    """|g|²"""
    squared_after: float
    """|h|²"""
    alignment: float
    """g·h"""
    value_spread: float
    """Σ|gᵢθᵢ|: what rounding every parameter by a part ε does to the loss, over ε."""
    slope_spread: float
    """Σ|gᵢΔθᵢ| + Σ|(hᵢ − gᵢ)θᵢ|: what it does to the slope along the step, over ε."""


Tensors = Sequence[torch.Tensor]
Gradients = Sequence[torch.Tensor | None]


class StepSummer:
    """Sums over all parameters, with working memory that it keeps.

    >>> one, two = [torch.tensor([1.0, 2.0])], [torch.tensor([3.0, 2.0])]
    >>> sums = StepSummer(one).sums(one, two, [torch.tensor([-1.0, 0.5])], [None])
    >>> sums.slope_before, sums.curvature, sums.squared_update
    (-2.0, 2.0, 4.0)
    """

    def __init__(self, tensors: Tensors) -> None:
        count = sum(tensor.numel() for tensor in tensors)
        self._sizes = {tensor.device: min(count, _block(tensor.device)) for tensor in tensors}
        self._work: dict[torch.device, torch.Tensor] = {}

    @property
    def bytes_needed(self) -> int:
        """Of the working memory."""
        return sum(8 * ROLES * size for size in self._sizes.values())

    def sums(self, before: Tensors, after: Tensors, g: Gradients, h: Gradients) -> StepSums:
        """The sums of one step; a gradient that is None counts as 0."""
        total: torch.Tensor | None = None
        for block in self._blocks(before, after, g, h):
            found = _sums_of(block)
            total = found if total is None else total + found.to(total.device)
        return StepSums(*([0.0] * len(StepSums._fields) if total is None else total.tolist()))

    def _blocks(self, before: Tensors, after: Tensors, g: Gradients, h: Gradients) -> Iterator[torch.Tensor]:
        """[ROLES, numbers] in float64, the first four rows filled."""
        work, filled = torch.empty(0), 0
        for k, theta in enumerate(before):
            flat = [_flat(each) for each in (theta, after[k], g[k], h[k])]
            start = 0
            while start < theta.numel():
                if filled and (filled == work.shape[1] or work.device != theta.device):
                    yield work[:, :filled]
                    filled = 0
                if not filled:
                    work = self._working_memory(theta.device)
                taken = min(theta.numel() - start, work.shape[1] - filled)
                for row, each in enumerate(flat):
                    target = work[row, filled : filled + taken]
                    target.zero_() if each is None else target.copy_(each[start : start + taken])
                start, filled = start + taken, filled + taken
        if filled:
            yield work[:, :filled]

    def _working_memory(self, device: torch.device) -> torch.Tensor:
        if device not in self._work:
            size = self._sizes.get(device, _block(device))
            wide = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
            self._work[device] = torch.empty(ROLES, size, dtype=wide, device=device)
        return self._work[device]


def _sums_of(block: torch.Tensor) -> torch.Tensor:
    """The fields of ``StepSums``; overwrites the block."""
    theta, moved, first, second, update, spare = block
    torch.sub(moved, theta, out=update)
    alignment, squared_after = first.dot(second), second.dot(second)
    bend = second.sub_(first)
    found = [first.dot(update), bend.dot(update), update.dot(update), first.dot(first), squared_after, alignment]
    size, slope, bend, update = theta.abs_(), torch.abs(first, out=spare), bend.abs_(), update.abs_()
    return torch.stack([*found, slope.dot(size), slope.dot(update) + bend.dot(size)])


def _block(device: torch.device) -> int:
    return HOST_BLOCK if device.type == "cpu" else DEVICE_BLOCK


def _flat(values: torch.Tensor | None) -> torch.Tensor | None:
    if values is None:
        return None
    values = values.detach()
    return (values if values.layout is torch.strided else values.to_dense()).reshape(-1)
