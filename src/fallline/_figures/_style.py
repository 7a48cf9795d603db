"""How zones look: each has a colour, a hatching, a marker and a dash, so that none rests on colour alone."""

from dataclasses import dataclass

from fallline._records import Zone

INK = "#14171f"
MUTED = "#566070"


@dataclass(frozen=True)
class ZoneStyle:
    """One zone in Plotly's words."""

    color: str
    hatching: str
    """``fillpattern.shape``; empty for a plain fill."""
    symbol: str
    dash: str


STYLES = {
    Zone.TOO_SMALL: ZoneStyle("#5b7894", "", "circle-open", "dot"),
    Zone.JUST_RIGHT: ZoneStyle("#2b7a37", "", "circle", "solid"),
    Zone.BOUNCING: ZoneStyle("#b26a00", "/", "diamond", "solid"),
    Zone.DIVERGING: ZoneStyle("#8c1c13", "x", "square", "longdash"),
}


def pale(color: str, share: float) -> str:
    """A hex colour, so much of it as ``share`` says, as CSS.

    >>> pale("#2b7a37", 0.25)
    'rgba(43,122,55,0.25)'
    """
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"
