"""A graph that can be read: a large one with its modules closed."""

from collections.abc import Sequence

from fallline._records import Backprop

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
