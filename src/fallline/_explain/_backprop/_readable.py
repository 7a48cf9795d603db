"""A graph that can be read: a large one with its modules closed."""

from collections.abc import Sequence

from fallline._explain._numbers import listed
from fallline._records import Backprop
from fallline._wording import visible

MOST_NODES = 60
"""A larger graph is shown by its modules."""


def readable(graph: Backprop, open_modules: Sequence[str] = ()) -> Backprop:
    """The graph itself, or with its modules closed but for those named, where it has more than 60 nodes.

    Raises:
        OptionError: there is no such module.
    """
    if len(graph.nodes) <= MOST_NODES and not open_modules:
        return graph
    from fallline._backprop._groups import grouped  # noqa: PLC0415  (heavy, and only a large graph needs it)

    return grouped(graph, open=tuple(open_modules))


def open_already_words(graph: Backprop, open_modules: Sequence[str]) -> list[str]:
    """One sentence where a module was asked for whose inside the table shows anyway.

    Args:
        graph: one forward and one backward pass.
        open_modules: those that were asked for, which there are.
    """
    if not open_modules:
        return []
    from fallline._backprop._groups import open_already  # noqa: PLC0415  (heavy, as above)

    found = [visible(path) for path in open_already(graph, open_modules)]
    if not found:
        return []
    whole, opened = f"a graph of at most {MOST_NODES} nodes is shown whole", "the table shows the inside without asking"
    why = whole if len(graph.nodes) <= MOST_NODES else opened
    return [f"{listed(found)} {'is' if len(found) == 1 else 'are'} open already: {why}."]
