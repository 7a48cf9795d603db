"""Two-dimensional cuts through parameter space: where a picture of the loss is taken."""

from fallline._planes._choose import KINDS, plane
from fallline._planes._cuts import (
    components,
    coordinates,
    distance,
    explained,
    parameter_plane,
    path_plane,
    points,
)
from fallline._planes._given import several_points
from fallline._records import Plane

__all__ = [
    "KINDS",
    "Plane",
    "components",
    "coordinates",
    "distance",
    "explained",
    "parameter_plane",
    "path_plane",
    "plane",
    "points",
    "several_points",
]
