"""The Python that does the same: with fallline, and as the plain PyTorch loop."""

import ast
from collections.abc import Mapping

from fallline._descent import changes_text, optimizer_class, optimizer_options
from fallline._desk._client import Client, Reply
from fallline._desk._python_data import (
    data_lines,
    is_edited,
    is_textbook,
    start_is_written,
    table_lines,
)
from fallline._desk._settings import LineData, Settings, read_settings
from fallline._desk._study import Studies, Study
from fallline._formulas import FUNCTIONS, python_text
from fallline._objective import loss_kind

INDENT = "    "


def python(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``python``: ``{"payload": {"text": both, "fallline": …, "pytorch": …, "name": …}}``."""
    settings = read_settings(request.get("settings"))
    studies = Studies.of(client)
    study = studies.study(settings, client)
    studies.keep(study)
    rate = study.rate(client) if settings.learning_rate is None else settings.learning_rate
    with_fallline = fallline_program(settings, study, rate)
    plain = pytorch_program(settings, study, rate)
    title = study.problem.name
    text = f"# {title}, with fallline\n{with_fallline}\n\n# The same in plain PyTorch\n{plain}"
    return {"payload": {"text": text, "fallline": with_fallline, "pytorch": plain, "name": f"{title}.py"}}


def fallline_program(settings: Settings, study: Study, rate: float) -> str:
    """The call of ``fl.fit`` that makes this run."""
    imports = ["import fallline as fl"]
    before: list[str] = []
    arguments: list[str] = []
    if settings.formula is not None:
        arguments.append(f"formula={settings.formula!r}")
    elif not is_textbook(settings):
        before = table_lines(settings, study)
        arguments.append("table")
        if is_edited(settings):
            imports += ["import numpy as np", "import torch"]
    why = "" if settings.learning_rate is not None else "  # what a sweep recommends"
    lines = [f"{INDENT}{each}," for each in arguments]
    lines += [f"{INDENT}learning_rate={rate!r},{why}"]
    lines += [f"{INDENT}{each}," for each in _fit_arguments(settings, study)]
    call = ["run = fl.fit(", *lines, ")", "print(run)", "losses = run.columns.loss.tolist()"]
    return "\n".join([*imports, "", *before, *call]) + "\n"


def _fit_arguments(settings: Settings, study: Study) -> list[str]:
    """What differs from the defaults of ``fl.fit``."""
    found: list[str] = []
    if settings.epochs != 200:
        found.append(f"epochs={settings.epochs}")
    for name, usual in (("batch_size", None), ("optimizer", "SGD"), ("loss", "mse"), ("seed", 0)):
        value = getattr(settings, name)
        if value != usual:
            found.append(f"{name}={value!r}")
    if settings.options:
        found.append(f"optimizer_options={settings.options!r}")
    if settings.rate_changes:
        found.append(f"schedule={changes_text(settings.rate_changes)!r}")
    if start_is_written(settings):
        found.append(f"start={study.start!r}")
    standardised = settings.standardised
    if settings.formula is None and standardised == is_textbook(settings):
        found.append(f"standardise={standardised}")
    return found


def pytorch_program(settings: Settings, study: Study, rate: float) -> str:
    """Forward, loss, backward, step, and nothing of fallline but its reader of an uploaded table."""
    body = _formula_lines(study) if settings.formula is not None else _neuron_lines(settings, study)
    name = optimizer_class(settings.optimizer)[0].__name__
    options = "".join(
        f", {key}={value!r}" for key, value in optimizer_options(settings.optimizer, settings.options).items()
    )
    what = "[theta]" if settings.formula is not None else "model.parameters()"
    lines = [*body, f"optimizer = torch.optim.{name}({what}, lr={rate!r}{options})"]
    if settings.rate_changes:
        lines.append(f"changes = {dict(settings.rate_changes)!r}  # step: the learning rate from there on")
    lines += ["losses = []", "", *_loop(settings, study, name), "", "print(losses[-1])"]
    return "\n".join(lines) + "\n"


def _loop(settings: Settings, study: Study, optimizer: str) -> list[str]:
    """The loop itself, as deep as it has batches."""
    batched = settings.batch_size is not None and settings.batch_size < (study.problem.rows or 0)
    deep = INDENT * (2 if batched else 1)
    value = "loss_of(theta)" if settings.formula is not None else "loss_fn(model(x), y)"
    lines = [f"for epoch in range({settings.epochs}):"]
    if batched:
        value = "loss_fn(model(x[rows]), y[rows])"
        lines += [
            f"{INDENT}order = torch.Generator().manual_seed(({settings.seed} * 1_000_003 + epoch) % 2**63)",
            f"{INDENT}for rows in torch.randperm(len(x), generator=order).split({settings.batch_size}):",
        ]
    if settings.rate_changes:
        lines += [
            f"{deep}for group in optimizer.param_groups:",
            f'{deep}{INDENT}group["lr"] = changes.get(len(losses), group["lr"])',
        ]
    if optimizer == "LBFGS":
        inner = deep + INDENT
        lines += [
            f"{deep}# LBFGS makes much of a rounding: its later numbers can differ from the page's",
            f"{deep}def closure():",
            f"{inner}optimizer.zero_grad()",
            f"{inner}loss = {value}",
            f"{inner}loss.backward()",
            f"{inner}return loss",
            "",
            f"{deep}losses.append(optimizer.step(closure).item())",
        ]
        return lines
    return [
        *lines,
        f"{deep}loss = {value}  # forward",
        f"{deep}optimizer.zero_grad()",
        f"{deep}loss.backward()  # backward",
        f"{deep}optimizer.step()",
        f"{deep}losses.append(loss.item())",
    ]


def _formula_lines(study: Study) -> list[str]:
    text = python_text(study.problem.formula or "")
    names = study.problem.parameter_names
    used = sorted(name for name in FUNCTIONS if f"{name}(" in text)
    constants = sorted({node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)} & {"e", "pi"})
    return [
        *([f"from math import {', '.join(constants)}", ""] if constants else []),
        "import torch",
        *([f"from torch import {', '.join(used)}"] if used else []),
        "",
        "",
        "def loss_of(theta):",
        f"{INDENT}{', '.join(names)}{',' if len(names) == 1 else ''} = theta",
        f"{INDENT}return {text}",
        "",
        "",
        f"theta = torch.tensor({list(study.start.values())!r}, requires_grad=True)",
    ]


def _neuron_lines(settings: Settings, study: Study) -> list[str]:
    kind = loss_kind(settings.loss)
    features = len(study.problem.parameter_names) - 1
    lines = [*data_lines(settings, study)]
    if settings.standardised:
        lines.append("x = (x - x.mean(axis=0)) / x.std(axis=0)")
    lines += [
        "x = torch.tensor(x, dtype=torch.float32)",
        "y = torch.tensor(y, dtype=torch.float32)",
        "",
    ]
    if not isinstance(settings.data, LineData):
        lines.append(f"torch.manual_seed({settings.seed})")
    lines.append(f"model = torch.nn.Linear({features}, 1)")
    if start_is_written(settings):
        *weights, bias = study.start.values()
        lines += [
            "with torch.no_grad():",
            f"{INDENT}model.weight[:] = torch.tensor({[weights]!r})",
            f"{INDENT}model.bias[:] = {bias!r}",
        ]
    return [*lines, f"loss_fn = torch.nn.{kind.torch_class}()"]
