"""A tensor at one moment as numbers: all entries of a small one, the summary of a large one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import hypot, isfinite, isinf, nan, sqrt
from typing import Final

import numpy as np
import torch

from fallline._records import Floats, TensorValue

KEPT: Final = 1000
"""Tensors of at most so many entries are kept number by number."""
ROW: Final = 4096
"""Entries that are summed up in their own precision."""
IN_FLOAT32: Final = (1e-15, 1e15)
"""The largest entry is between these: then float32 has the squares of all that count."""
SQUARED: Final = (1e-100, 1e100)
"""Numbers between these can be squared and added up without care."""


def value_of(tensor: torch.Tensor) -> TensorValue:
    """What is shown of ``tensor``; nothing of it is kept alive.

    >>> value_of(torch.tensor([3.0, 4.0])).norm
    5.0
    """
    shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
    seen = _plain(tensor.detach())
    if seen.is_meta:
        return TensorValue(shape, dtype, None, nan, nan, nan, nan)
    if seen.numel() > KEPT:
        return _large(seen, shape, dtype)
    small = _small(seen, shape, dtype)
    return replace(small, parts=_parts(tensor.detach())) if tensor.is_complex() else small


def _small(seen: torch.Tensor, shape: tuple[int, ...], dtype: str) -> TensorValue:
    return _told(np.array(seen.to("cpu", torch.float64).numpy(), order="C"), shape, dtype)


def _parts(tensor: torch.Tensor) -> tuple[Floats, Floats]:
    """Real and imaginary parts, each in float64."""
    dense = tensor.to_dense() if tensor.layout is not torch.strided else tensor
    whole = dense.resolve_conj().resolve_neg().to("cpu", torch.complex128).numpy()
    return _read_only(np.array(whole.real, order="C")), _read_only(np.array(whole.imag, order="C"))


def _read_only(numbers: Floats) -> Floats:
    numbers.flags.writeable = False
    return numbers


def _told(numbers: Floats, shape: tuple[int, ...], dtype: str) -> TensorValue:
    numbers.flags.writeable = False
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return TensorValue(shape, dtype, numbers, nan, nan, nan, nan, not_finite=numbers.size)
    return TensorValue(
        shape,
        dtype,
        numbers,
        least=float(finite.min()),
        greatest=float(finite.max()),
        mean=float(finite.mean()),
        norm=_norm(finite),
        not_finite=numbers.size - finite.size,
    )


def _large(seen: torch.Tensor, shape: tuple[int, ...], dtype: str) -> TensorValue:
    """In three passes over the memory where all entries are finite, which the extremes tell: they show NaN and ∞."""
    flat = _flat(seen)
    least, greatest = (float(end) for end in flat.aminmax())
    missing = 0
    if not (isfinite(least) and isfinite(greatest)):
        flat = flat[torch.isfinite(flat)]
        missing = seen.numel() - flat.numel()
        if not flat.numel():
            return TensorValue(shape, dtype, None, nan, nan, nan, nan, not_finite=missing)
        least, greatest = (float(end) for end in flat.aminmax())
    scale = max(-least, greatest)
    if flat.dtype is torch.float32 and not IN_FLOAT32[0] < scale < IN_FLOAT32[1]:
        flat = flat.to(torch.float64)
    norm = _in_rows(flat, torch.linalg.vector_norm)
    if isinf(norm):  # entries beyond 1e154: their squares have no float64
        norm = scale * _in_rows(flat / scale, torch.linalg.vector_norm)
    mean = _in_rows(flat, torch.sum) / flat.numel()
    return TensorValue(shape, dtype, None, least, greatest, mean, norm, not_finite=missing)


def _flat(seen: torch.Tensor) -> torch.Tensor:
    """All entries in the order of the memory, which needs no copy where they lie close together."""
    real = seen if seen.dtype in (torch.float32, torch.float64) else seen.to(_wider(seen.dtype))
    axes = sorted(range(real.dim()), key=real.stride, reverse=True)
    return real.permute(axes).reshape(-1)


def _wider(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else torch.float64


def _in_rows(flat: torch.Tensor, reduce: Callable[..., torch.Tensor]) -> float:
    """A sum or a norm, row by row in the entries' own precision, and of the rows in float64.

    As exact as all of it in float64 to six digits, and a tenth of the time: no copy in float64 is made.
    """
    whole = flat.numel() - flat.numel() % ROW
    parts = [reduce(flat[:whole].view(-1, ROW), dim=1).to(torch.float64)]
    if whole < flat.numel():
        parts.append(reduce(flat[whole:].to(torch.float64)).reshape(1))
    return float(reduce(torch.cat(parts)))


def joined(values: Sequence[TensorValue]) -> TensorValue:
    """Several tensors as one, end to end: the outputs of an operation that has more than one."""
    if len(values) == 1:
        return values[0]
    every = [each for each in values if each.not_finite < each.count]
    counts = [each.count - each.not_finite for each in every]
    total = sum(each.count for each in values)
    small = [each.numbers.reshape(-1) for each in values if each.numbers is not None]
    numbers = np.concatenate(small) if len(small) == len(values) and total <= KEPT else None
    split = [each.parts for each in values if each.parts is not None]
    parts = None
    if len(split) == len(values) and numbers is not None:
        parts = (
            np.concatenate([real.reshape(-1) for real, _ in split]),
            np.concatenate([imaginary.reshape(-1) for _, imaginary in split]),
        )
    return TensorValue(
        (total,),
        values[0].dtype,
        numbers,
        least=min((each.least for each in every), default=nan),
        greatest=max((each.greatest for each in every), default=nan),
        mean=sum(each.mean * count for each, count in zip(every, counts, strict=True)) / sum(counts) if every else nan,
        norm=hypot(*(each.norm for each in every)) if every else nan,
        not_finite=sum(each.not_finite for each in values),
        parts=parts,
    )


def summed_up(values: Sequence[TensorValue]) -> TensorValue | None:
    """Several tensors of one shape added up; None where more than one is known only by its summary."""
    if len(values) == 1:
        return values[0]
    small = [each.numbers for each in values if each.numbers is not None]
    if len(small) < len(values):
        return None
    split = [each.parts for each in values if each.parts is not None]
    with np.errstate(all="ignore"):
        if split:
            real = np.sum([real for real, _ in split], axis=0)
            imaginary = np.sum([imaginary for _, imaginary in split], axis=0)
            absolute = _told(np.hypot(real, imaginary), values[0].shape, values[0].dtype)
            return replace(absolute, parts=(np.asarray(real), np.asarray(imaginary)))
        return _told(np.asarray(np.sum(small, axis=0)), values[0].shape, values[0].dtype)


def _norm(finite: Floats) -> float:
    """Scaled where it must be: the squares of entries beyond 1e154 have no float64."""
    scale = float(np.abs(finite).max())
    if SQUARED[0] < scale < SQUARED[1]:
        return sqrt(float(np.square(finite).sum()))
    return scale * sqrt(float(np.square(finite / scale).sum())) if scale > 0 else 0.0


def _plain(seen: torch.Tensor) -> torch.Tensor:
    """Dense and real: of complex entries the absolute values."""
    if seen.is_quantized:
        return seen.dequantize()
    if seen.layout is not torch.strided:
        seen = seen.to_dense()
    return seen.abs() if seen.is_complex() else seen.resolve_neg()
