"""Whether the values of an expression fit together, checked before PyTorch is asked; refused in its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from torch import Tensor

from fallline._errors import OptionError
from fallline._formulas._typed import shortened

MOST_ENTRIES = 100_000
"""Of a result that is larger than every input."""
LONGEST_OPERAND = 30


@dataclass(frozen=True)
class Words:
    """A stretch of the text, cut out only when a sentence needs it."""

    source: bytes
    begin: int
    end: int
    caret: bool = False
    """True where powers were typed as ^ or ², not as **."""

    def __str__(self) -> str:
        text = self.source[self.begin : self.end].decode("utf-8", errors="replace")
        return shortened(text.replace("**", "^") if self.caret else text)


@dataclass(frozen=True)
class Said:
    """What is being computed, in the words of the text, and how large it may become."""

    whole: Words
    operands: tuple[Words, ...]
    most: int = MOST_ENTRIES

    def fault(self, why: str) -> OptionError:
        """The refusal of this operation."""
        return OptionError(f'"{self.whole}" cannot be computed: {why}.')

    def of(self, *places: int) -> "Said":
        """With these operands alone."""
        return Said(self.whole, tuple(self.operands[place] for place in places), self.most)

    def operand(self, place: int) -> str:
        """What an operand is called in a sentence."""
        text = str(self.operands[place])
        return text if len(text) <= LONGEST_OPERAND else f"value {place + 1}"

    def has(self, place: int, tensor: Tensor) -> str:
        """``x has shape (3,)``."""
        return f"{self.operand(place)} {shape_words(tensor)}"


def shape_words(tensor: Tensor) -> str:
    """``has shape (3,)``, or that it is one number."""
    return f"has shape {tuple(tensor.shape)}" if tensor.ndim else "is a single number"


def check_size(said: Said, shape: Sequence[int]) -> None:
    """Refuses a result of too many entries before it is made."""
    if prod(shape) > said.most:
        raise said.fault(f"it would have shape {tuple(shape)}, {prod(shape):,} entries, "
                         f"and at most {said.most:,} are computed")  # fmt: skip


def check_broadcast(said: Said, left: Tensor, right: Tensor) -> None:
    """Of two values entry by entry: equal sizes, or 1, counted from the last."""
    for one, other in zip(reversed(left.shape), reversed(right.shape), strict=False):
        if one != other and 1 not in (one, other):
            raise said.fault(f"{said.has(0, left)} and {said.has(1, right)}, which do not match")
    check_size(said, _broadcast(left.shape, right.shape))


def _broadcast(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    """The shape of two that match."""
    longest = max(len(left), len(right))
    padded = [(1,) * (longest - len(shape)) + tuple(shape) for shape in (left, right)]
    return tuple(max(one, other) for one, other in zip(*padded, strict=True))


def check_same(said: Said, left: Tensor, right: Tensor) -> None:
    """Of two values that must have one shape."""
    if left.shape != right.shape:
        raise said.fault(f"{said.has(0, left)} and {said.has(1, right)}; they must have the same shape")


def check_product(said: Said, left: Tensor, right: Tensor) -> None:
    """Of a matrix product."""
    if left.ndim == 0 or right.ndim == 0:
        place, single = (0, left) if left.ndim == 0 else (1, right)
        raise said.fault(f"{said.has(place, single)}, and a matrix product needs vectors or matrices: write *")
    inner = right.shape[0] if right.ndim == 1 else right.shape[-2]
    if left.shape[-1] != inner:
        raise said.fault(
            f"{said.has(0, left)} and {said.has(1, right)}: "
            f"the last size of the first, {left.shape[-1]}, must equal {inner} of the second"
        )
    rows, columns = left.shape[:-1][-1:], right.shape[-1:] if right.ndim > 1 else ()
    stacks = left.shape[:-2], right.shape[:-2]
    for one, other in zip(reversed(stacks[0]), reversed(stacks[1]), strict=False):
        if one != other and 1 not in (one, other):
            raise said.fault(f"{said.has(0, left)} and {said.has(1, right)}: their stacks of matrices do not match")
    check_size(said, (*_broadcast(*stacks), *rows, *columns))


def check_dim(said: Said, x: Tensor, dim: int) -> int:
    """A dimension that x has, counted from 0, or from the end where it is negative."""
    dims = max(x.ndim, 1)
    if not -dims <= dim < dims:
        most = "0 alone" if dims == 1 else f"0 to {dims - 1}"
        raise said.fault(f"there is no dimension {dim}: {said.has(0, x)}, so dim is {most}".replace("-", "−"))
    return dim


def check_dims(said: Said, x: Tensor, least: int, most: int, what: str) -> None:
    """How many dimensions a value may have."""
    if not least <= x.ndim <= most:
        raise said.fault(f"{said.has(0, x)}; {what}")


def reshaped(said: Said, x: Tensor, sizes: Sequence[int]) -> tuple[int, ...]:
    """The shape that was asked for, its −1 filled in."""
    open_sizes = [size for size in sizes if size == -1]
    if len(open_sizes) > 1 or any(size < 1 and size != -1 for size in sizes):
        raise said.fault("each size of a shape is 1 or more, and one of them may be −1, for what is left")
    known = prod(size for size in sizes if size != -1)
    left, rest = divmod(x.numel(), known)
    if rest or (not open_sizes and left != 1) or left == 0:
        wanted = str(tuple(sizes)).replace("-", "−")
        entries = "1 entry" if x.numel() == 1 else f"{x.numel():,} entries"
        raise said.fault(f"{said.has(0, x)}, with {entries}, which do not fill {wanted}")
    return tuple(left if size == -1 else size for size in sizes)


def check_scores(said: Said, scores: Tensor) -> None:
    """Of cross_entropy: at least a vector."""
    if scores.ndim == 0:
        raise said.fault(f"{said.has(0, scores)}; cross_entropy takes a vector of scores, or a row of them per example")


def check_classes(said: Said, scores: Tensor, classes: Tensor) -> None:
    """Of cross_entropy: one class number for each row of scores."""
    check_dims(
        said, scores, 1, scores.ndim, "cross_entropy takes a vector of scores, or one row of them for each example"
    )
    kinds = scores.shape[0] if scores.ndim == 1 else scores.shape[1]
    wanted = () if scores.ndim == 1 else (scores.shape[0], *scores.shape[2:])
    if tuple(classes.shape) != wanted:
        need = f"class numbers of shape {wanted}" if wanted else "one class number"
        raise said.fault(f"{said.has(0, scores)} and {said.has(1, classes)}; these scores need {need}")
    least, greatest = int(classes.min()), int(classes.max())
    if least < 0 or greatest >= kinds:
        wrong = least if least < 0 else greatest
        raise said.fault(f"there is no class {wrong}: {kinds} scores are of classes 0 to {kinds - 1}".replace("-", "−"))
