"""A Jacobian as lines: a row for each entry of the result, a column for each entry of the input."""

from fallline._columns import aligned, beginning, columns_of
from fallline._explain._backprop._tensor_words import figure, shape_words
from fallline._records import Backprop
from fallline._wording import visible

MOST_ROWS = 20
WIDE = 100


def jacobian_lines(graph: Backprop, width: int = WIDE) -> list[str]:
    """The matrix of every input, where it fits into ``width`` columns; else its shape and range."""
    lines: list[str] = []
    for name, matrix in (graph.jacobians or {}).items():
        rows, columns = matrix.shape
        lines += [*([""] if lines else []), f"∂result/∂{visible(name)}: {rows} × {columns}"]
        table = aligned([[figure(value) for value in row] for row in matrix[:MOST_ROWS].tolist()], [True] * columns)
        if not columns or any(columns_of(line) + 2 > width for line in table):
            least, greatest = (figure(float(matrix.min())), figure(float(matrix.max()))) if matrix.size else ("", "")
            range_told, hint = f"  {shape_words(matrix.shape)} {least} … {greatest}", "--json has all of it"
            one = f"{range_told}; {hint}"
            lines += [one] if columns_of(one) <= width else [beginning(range_told, width), f"  {hint}"]
            continue
        lines += [f"  {line}" for line in table]
        if rows > MOST_ROWS:
            lines.append(f"  … and {rows - MOST_ROWS:,} more rows; --json has them")
    return lines
