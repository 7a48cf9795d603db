"""The program around a job: what it has set for itself does not change the job, and the job changes nothing of it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def plain_surroundings() -> Iterator[None]:
    """Gradients are recorded and tensors live on the CPU, as in a program of its own.

    The default dtype cannot be shielded off for a while only: whoever makes a tensor names its dtype.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # not always: this context slows every call of torch
            stack.enter_context(torch.device("cpu"))
        yield
