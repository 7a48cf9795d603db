"""Somebody's function runs, and nothing of theirs is changed afterwards: what it could change is kept, and put back."""

from fallline._undisturbed._kept import Kept, copy_bits
from fallline._undisturbed._loader_state import LoaderState, loader_kept
from fallline._undisturbed._torch_private import accumulation_hooks_of, gradient_hooks_of, uncounted

__all__ = [
    "Kept",
    "LoaderState",
    "accumulation_hooks_of",
    "copy_bits",
    "gradient_hooks_of",
    "loader_kept",
    "uncounted",
]
