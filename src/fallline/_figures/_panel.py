"""The honesty panel under a picture of a loss: what it shows, and how far it can be trusted."""

from textwrap import wrap
from typing import TYPE_CHECKING

from fallline._explain import honesty
from fallline._figures._style import MUTED
from fallline._records import Surface

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LETTER, LINE = 5.9, 15
"""CSS pixels that a letter and a line of the panel take."""
TOP = 130
"""Above the picture: its title, its caption, the legend."""


def add_panel(figure: "Figure", surface: Surface, *, width: int, height: int, below: int) -> None:
    """Set the sentences under the picture, ``below`` pixels under its lower edge, and the sizes that this takes."""
    lines = [line for sentence in honesty(surface) for line in wrap(sentence, int((width - 90) / LETTER))]
    room = below + LINE * len(lines) + 20
    figure.add_annotation(
        x=0,
        y=0,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="top",
        yshift=-below,
        align="left",
        text="<br>".join(lines),
        font={"size": 11.5, "color": MUTED},
        showarrow=False,
    )
    figure.update_layout(
        width=width,
        height=height + TOP + room,
        margin={"t": TOP, "b": room},
        title={"yref": "container", "y": 1, "yanchor": "top", "pad": {"t": 22}},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "xanchor": "left"},
    )
