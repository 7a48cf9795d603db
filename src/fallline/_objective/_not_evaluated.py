"""What is said where model and loss cannot be evaluated: the fault lies in them, or in how the data are given."""

import re
from typing import Final

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._wording import count

FAULTS: Final = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""What somebody's own code and PyTorch raise where shapes, names or kinds do not fit."""
FORWARD_MODE: Final = re.compile(r"forward[- ](mode )?AD\b")


def not_evaluated(error: Exception, batch: Batch) -> OptionError:
    """One sentence: of what, with the error's own reason, and what to do where that is known.

    >>> import torch
    >>> batch = Batch(torch.ones(120, 3), torch.ones(5), None)
    >>> str(not_evaluated(ValueError("batch_size (120) is not (5)."), batch))
    'Model and loss cannot be evaluated on a batch (120 rows, and 5 of the target): batch_size (120) is not (5).'
    """
    reason = next(iter(str(error).strip().splitlines()), "")
    if not reason or isinstance(error, KeyError):
        reason = f"{type(error).__name__} {reason}".strip()
    return OptionError(
        f"Model and loss cannot be evaluated on a batch{_rows(batch)}: {reason.removesuffix('.')}."
        f"{_advice(error, reason, batch)}"
    )


def _rows(batch: Batch) -> str:
    """How many, where input and target differ in them."""
    if batch.is_mapping or not batch.target_tensors or batch.target_tensors[0].dim() == 0:
        return ""
    rows, others = batch.rows, batch.target_tensors[0].shape[0]
    return "" if rows == others else f" ({count(rows, 'row')}, and {others:,} of the target)"


def _advice(error: Exception, reason: str, batch: Batch) -> str:
    if batch.is_mapping and isinstance(error, TypeError):
        names = ", ".join(f"{name}=…" for name in batch.input)
        return f" A batch that is a mapping is model({names}); a model that takes it whole gets ((batch,), batch)."
    if FORWARD_MODE.search(reason):
        return (
            " The model uses forward-mode AD (torch.func.jvp, jacfwd), which PyTorch does not have of every operation; "
            "torch.func.vjp and jacrev do without it."
        )
    return ""
