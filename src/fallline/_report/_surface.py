"""The loss of a model on a plane as one offline HTML file."""

from fallline._figures._colour import caption, loss_scale
from fallline._figures._path import fullness
from fallline._records import Surface
from fallline._report._page import Page
from fallline._view._cut import build_surface_payload
from fallline._view._payload import to_json


def surface_page(surface: Surface) -> Page:
    """What the page of a surface is made of."""
    scale = loss_scale(surface)
    payload = build_surface_payload(surface, scale, caption(surface, scale), fullness(surface))
    return Page(to_json(payload), f"{payload['title']} · fallline", "cut.js")
