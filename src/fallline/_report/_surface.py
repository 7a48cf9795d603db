"""The loss of a model on a plane as one offline HTML file."""

from fallline._records import Surface
from fallline._report._page import Page
from fallline._view._cut import build_surface_payload
from fallline._view._payload import to_json


def surface_page(surface: Surface) -> Page:
    """What the page of a surface is made of."""
    payload = build_surface_payload(surface)
    return Page(to_json(payload), f"{payload['title']} · fallline", "cut.js")
