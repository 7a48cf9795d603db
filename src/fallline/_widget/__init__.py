"""The live picture in a notebook cell: the page's picture, answered by the notebook's own kernel."""

from fallline._widget._live import live

__all__ = ["live"]
