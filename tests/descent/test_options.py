"""Optimizers, options and schedules by name: what cannot be used gets one clear sentence."""

import pytest
import torch

from fallline._descent import make_optimizer, make_schedule, optimizer_class, optimizer_options, take_step
from fallline._descent._literals import keywords, literal
from fallline._errors import OptionError


def parameters() -> list[torch.nn.Parameter]:
    return list(torch.nn.Linear(2, 1).parameters())


def test_names_are_found_in_any_case_and_aliases_imply_options() -> None:
    assert optimizer_class("aDaMw") == (torch.optim.AdamW, {})
    assert optimizer_class("nesterov") == (torch.optim.SGD, {"momentum": 0.9, "nesterov": True})
    assert optimizer_options("momentum", {"momentum": "0.5"}) == {"momentum": 0.5}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("adm", 'torch.optim has no optimizer "adm".*Did you mean "Adam"'),
        ("Optimizer", 'torch.optim has no optimizer "Optimizer"'),
        ("", 'torch.optim has no optimizer ""'),
        ("lr_scheduler", "torch.optim has no optimizer"),
    ],
)
def test_unknown_optimizers(name: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        optimizer_class(name)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("SGD", {"momentun": 0.9}, 'SGD has no option "momentun": it takes momentum, .*Did you mean "momentum"'),
        ("SGD", {"lr": 0.1}, "lr is the learning rate"),
        ("SGD", {"params": []}, 'no option "params"'),
        ("SGD", {"momentum": "abc"}, "momentum=abc is not a value"),
        ("SGD", {"momentum": "__import__('os').getcwd()"}, "is not a value"),
        ("SGD", {"momentum": "(" * 300}, "is not a value"),
        ("SGD", {"momentum": "1/0"}, "is not a value"),
        ("SGD", {"momentum": float("nan")}, "momentum of SGD must be a finite number, not nan"),
        ("SGD", {"weight_decay": "1e999"}, "weight_decay of SGD must be a finite number, not inf"),
        ("Adam", {"betas": "1"}, "betas of Adam takes 2 numbers, as in betas=.0.9,0.999., not 1"),
        ("Adam", {"betas": 0.9}, "betas of Adam takes 2 numbers"),
        ("Adam", {"betas": "(0.9,)"}, "betas of Adam takes 2 numbers"),
        ("Adam", {"betas": "(0.9, None)"}, "betas of Adam takes 2 numbers"),
        ("Adam", {"eps": "(1, 2)"}, "eps of Adam takes one number, as in eps=1e-08, not .1, 2."),
        ("SGD", {"momentum": "[0.9]"}, "momentum of SGD takes one number"),
        ("SGD", {"foreach": 1e30}, "foreach of SGD is true or false, not 1e.30"),
        ("SGD", {"nesterov": (1, 2)}, "nesterov of SGD is true or false"),
    ],
)
def test_options_refused_before_anything_is_made(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said.replace("(", r"\(") if said == "(" else said):
        optimizer_options(name, options)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("SGD", {"momentum": -1}, "SGD momentum=-1 cannot train this neuron: Invalid momentum value: -1"),
        ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum"),
        ("SGD", {"momentum": None}, "cannot train this neuron"),
        ("SGD", {"differentiable": True}, "cannot train this neuron"),
        ("Adam", {"betas": (2, 3)}, "Invalid beta parameter at index 0: 2"),
        ("Adam", {"betas": (0.9,)}, "cannot train this neuron"),
        ("Adam", {"betas": 0.9}, "cannot train this neuron"),
        ("Adam", {"capturable": True}, "cannot train this neuron"),
        ("LBFGS", {"line_search_fn": "foo"}, "strong_wolfe"),
        ("ASGD", {"lambd": -10.0}, "ASGD lambd=-10.0 cannot train this neuron: float division by zero"),
        ("Muon", {}, "Muon cannot train this neuron: it is made for matrices"),
        ("SparseAdam", {}, "SparseAdam cannot train this neuron"),
    ],
)
def test_optimizers_that_cannot_train_this(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        make_optimizer(name, parameters(), 0.1, options)
    assert str(caught.value).endswith("Choose other options or another optimizer.")
    assert "\n" not in str(caught.value)


def test_arithmetic_that_fails_later_is_a_sentence() -> None:
    weights = parameters()
    optimizer = make_optimizer("ASGD", weights, 0.1, {"lambd": -1.0})  # 1 + lambd · lr · step is 0 at the tenth
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    for _ in range(9):
        take_step(optimizer)
    with pytest.raises(OptionError, match="ASGD cannot take another step with these options: float division by zero"):
        take_step(optimizer)


@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}, {"weight_decay": 0.1}], ids=str)
def test_options_that_work_leave_the_parameters_as_they_were(options: dict[str, object]) -> None:
    weights = parameters()
    before = [weight.detach().clone() for weight in weights]
    optimizer = make_optimizer("Adam", weights, 0.1, options)
    assert all(torch.equal(old, new) for old, new in zip(before, weights, strict=True))
    assert all(weight.grad is None for weight in weights)
    assert not optimizer.state
    assert optimizer.param_groups[0]["params"][0] is weights[0]


def test_a_word_is_taken_where_the_option_is_a_word() -> None:
    assert optimizer_options("LBFGS", {"line_search_fn": "strong_wolfe"}) == {"line_search_fn": "strong_wolfe"}
    assert optimizer_options("LBFGS", {"line_search_fn": "none"}) == {"line_search_fn": None}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 0.9 ", 0.9),
        ("TRUE", True),
        ("none", None),
        ("(0.8, 0.99)", (0.8, 0.99)),
        ("-1e-3", -1e-3),
        ("[1, 2]", [1, 2]),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert literal("key", text) == value


@pytest.mark.parametrize("text", ["", "a", "lambda: 1", "1 if True else 2", "[].append(1)", "\x00"])
def test_what_is_no_literal(text: str) -> None:
    with pytest.raises(OptionError, match="is not a value"):
        literal("key", text)


@pytest.mark.parametrize("text", ["0.5", "a=1, 2", "**x", "a=1) or f(b=2", "a=", "=1", "a=1;b=2"])
def test_what_is_no_list_of_keywords(text: str) -> None:
    with pytest.raises(OptionError, match="not key=value"):
        keywords(text)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("cosin", 'There is no schedule "cosin".*Did you mean "cosine"'),
        ("os", 'There is no schedule "os"'),
        ("Optimizer", 'There is no schedule "Optimizer"'),
        ("step:foo=1", 'StepLR has no option "foo": it takes step_size, gamma'),
        ("step:(", "not key=value"),
        ("step:step_size=0", "cannot be used for 20 epochs"),
        ("cosine:T_max=0", "cannot be used for 20 epochs"),
        ("exponential:gamma=[1]", "cannot be used for 20 epochs"),
        ("exponential:gamma=-1", "its learning rate in epoch 1 is -0.1"),
        ("exponential:gamma=1e300", "its learning rate in epoch 1 is 1e"),
        ("onecycle:total_steps=2", "Tried to step 3 times"),
        ("ReduceLROnPlateau", "missing 1 required positional argument: 'metrics'"),
        ("LambdaLR", "missing 1 required positional argument"),
        ("ChainedScheduler", "cannot be used for 20 epochs"),
        ("LRScheduler", "cannot be used for 20 epochs"),
    ],
)
def test_schedules_that_cannot_be_used(schedule: str, said: str) -> None:
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    with pytest.raises(OptionError, match=said):
        make_schedule(schedule, optimizer, 20)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_rehearsed_schedule_begins_at_its_beginning() -> None:
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    scheduler = make_schedule("exponential:gamma=0.5", optimizer, 20)
    assert scheduler is not None
    assert scheduler.last_epoch == 0
    assert optimizer.param_groups[0]["lr"] == 0.1
