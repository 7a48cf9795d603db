"""Tables: read from anything a person has, or made by a rule; and the scale they are trained in."""

from fallline._data._gather import gather_arrays, gather_table
from fallline._data._read import read_table
from fallline._data._rules import classes, line, with_outliers
from fallline._data._scaling import identity_scaling, standardise, to_table_units, to_training_scale
from fallline._data._table import Table
from fallline._data._table_moments import TableMoments

__all__ = [
    "Table",
    "TableMoments",
    "classes",
    "gather_arrays",
    "gather_table",
    "identity_scaling",
    "line",
    "read_table",
    "standardise",
    "to_table_units",
    "to_training_scale",
    "with_outliers",
]
