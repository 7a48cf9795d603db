"""The data of a program that does the same: the rule, the points or the file, and what was dragged on the page."""

from fallline._desk._settings import LineData, PointsData, Settings, UploadData
from fallline._desk._study import Study
from fallline._problem import NeuronProblem

_FLAT = "x, y = table.features[:, 0].copy(), table.target.copy()"
_UPRIGHT = "x, y = x[:, None], y[:, None]"


def is_textbook(settings: Settings) -> bool:
    """What ``fl.fit()`` takes when it is given nothing."""
    return settings.formula is None and settings.data == LineData() and not settings.edits


def is_edited(settings: Settings) -> bool:
    """Whether the rows are no longer those of the rule, the points or the file."""
    return bool(settings.edits) or _outliers(settings) > 0


def start_is_written(settings: Settings) -> bool:
    """Given, or not to be had from the seed by ``fl.fit``: an edited table no longer knows what was drawn for it."""
    return settings.start is not None or (is_edited(settings) and isinstance(settings.data, LineData))


def table_lines(settings: Settings, study: Study) -> list[str]:
    """``table`` for ``fl.fit``, which wants the imports of NumPy and torch where it is edited."""
    if not is_edited(settings):
        return [_table_line(settings, study)]
    origin = study.problem.origin
    again = f"table = fl.read_table({{{origin.features[0]!r}: x, {origin.target!r}: y}})"
    return [_table_line(settings, study), _FLAT, *_edit_lines(settings, study), again]


def data_lines(settings: Settings, study: Study) -> list[str]:
    """Imports, then ``x`` [N, D] and ``y`` [N, 1] as NumPy arrays of the table's own numbers, for the plain loop."""
    edits = _edit_lines(settings, study)
    data = settings.data
    if isinstance(data, LineData):
        return _rule_lines(data, settings.seed, edits)
    if isinstance(data, PointsData):
        x, y = (f"np.array({list(numbers)!r})" for numbers in (data.x, data.y))
        return ["import numpy as np", "import torch", "", f"x = {x}", f"y = {y}", *edits, _UPRIGHT]
    table = _table_line(settings, study)
    if edits:
        return ["import fallline as fl", "import numpy as np", "import torch", "", table, _FLAT, *edits, _UPRIGHT]
    columns = "x, y = table.features, table.target[:, None]"
    return ["import fallline as fl", "import torch", "", table, columns]


def _rule_lines(data: LineData, seed: int, edits: list[str]) -> list[str]:
    rule = [
        f"torch.manual_seed({seed})",
        f"x = torch.linspace(0, 10, {data.points}).unsqueeze(1)",
        f"y = {data.slope!r} * x + {data.intercept!r} + {data.noise!r} * torch.randn({data.points}, 1)",
        "x, y = x.double().numpy(), y.double().numpy()",
    ]
    if not edits:
        return ["import torch", "", *rule]
    return ["import numpy as np", "import torch", "", *rule, "x, y = x[:, 0], y[:, 0]", *edits, _UPRIGHT]


def _table_line(settings: Settings, study: Study) -> str:
    """The table before any edit."""
    data, origin = settings.data, study.problem.origin
    if isinstance(data, LineData):
        given = f"{data.slope!r}, {data.intercept!r}, {data.noise!r}, points={data.points}, seed={settings.seed}"
        return f"table = fl.line({given})"
    if isinstance(data, PointsData):
        return f'table = fl.read_table({{"x": {list(data.x)!r}, "y": {list(data.y)!r}}})'
    problem = study.problem
    if not isinstance(problem, NeuronProblem) or problem.table is None:
        raise TypeError("an uploaded table makes a neuron")
    columns = f"target={origin.target!r}, features={list(origin.features)!r}"
    dropped = ", drop_missing=True" if isinstance(data, UploadData) and data.drop_missing and origin.notes else ""
    if study.ground.file is None:
        return f"table = fl.read_table(data, {columns}{dropped})  # data is yours: what fl.live was given"
    return f"table = fl.read_table({study.ground.file!r}, {columns}{dropped})"


def _edit_lines(settings: Settings, study: Study) -> list[str]:
    """Outliers and edits, on x and y as flat NumPy arrays; empty where there are none."""
    lines: list[str] = []
    count = _outliers(settings)
    if count:
        order = f"torch.randperm(len(y), generator=torch.Generator().manual_seed({settings.seed}))"
        lines += [f"far = {order}[:{count}].numpy()  # outliers", "y[far] += 10 * y.std()"]
    numbers = study.ground.numbers
    if not settings.edits or numbers is None:
        return lines
    added = sum(1 for row, _, _ in settings.edits if row is None)
    removed = sorted({row for row, x, _ in settings.edits if row is not None and x is None})
    base = len(numbers) - added + len(removed)
    place = base
    last: dict[int, tuple[float, float]] = {}
    for row, x, y in settings.edits:
        number = place if row is None else row
        place += row is None
        if x is not None and y is not None:
            last[number] = (x, y)
    # what is moved and then removed need not be written
    kept = {row: point for row, point in last.items() if row not in removed or row >= base}
    lines += [f"x[{row}], y[{row}] = {x!r}, {y!r}" for row, (x, y) in sorted(kept.items()) if row < base]
    new = [point for row, point in sorted(kept.items()) if row >= base]
    if new:
        lines.append(f"x, y = np.append(x, {[x for x, _ in new]!r}), np.append(y, {[y for _, y in new]!r})")
    if removed:
        lines.append(f"x, y = np.delete(x, {removed!r}), np.delete(y, {removed!r})")
    return lines


def _outliers(settings: Settings) -> int:
    return settings.data.outliers if isinstance(settings.data, LineData) else 0
