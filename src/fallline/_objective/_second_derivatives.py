"""What lets PyTorch differentiate a loss twice, and what is said where it cannot."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from fallline._errors import OptionError

MISSING: Final = re.compile(
    r"derivative for '?(?:aten::)?(\w+)'? is not implemented|(once_differentiable)|(support double backward)"
)
"""What PyTorch says of an operation that cannot be differentiated twice."""
COMPILED: Final = "a part that torch.compile made; give the objective the model without it"


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Attention in plain operations: its faster kernels have no second derivative.

    All evaluations are made so, that a loss and its curvature are of one function. PyTorch's own switches are put
    back, however it ends.

    >>> with plain_kernels():
    ...     torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()
    (False, False)
    >>> torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()
    (True, True)
    """
    fast = torch.backends.mha.get_fastpath_enabled()  # of TransformerEncoderLayer and MultiheadAttention in eval mode
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def second_derivatives() -> Iterator[None]:
    """Where autograd finds none, one sentence says so.

    Raises:
        OptionError: an operation of the model has no second derivative.
    """
    try:
        yield
    except RuntimeError as error:
        found = MISSING.search(str(error))
        if found is None:
            raise
        name = found[1] or (COMPILED if found[3] else "a function that is marked with @once_differentiable")
        raise OptionError(
            f"The model has no curvature that PyTorch can compute: it knows no second derivative of {name}."
        ) from error
