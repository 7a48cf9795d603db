"""What reaches the terminal: names and texts of others must not steer it, and wide letters keep tables straight."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
import torch
from torch import nn

import fallline as fl
from cli.shell import Cli
from fallline._cli._screen import ProgressLine, Screen
from fallline._columns import columns_of

STEERING = "".join(map(chr, (*range(32), *range(0x7F, 0xA0))))
RED = "\x1b[31mred\x9b0m"


def screen(width: int = 80) -> Screen:
    return Screen(StringIO(), StringIO(), width)


def written(shown: Screen) -> str:
    assert isinstance(shown.out, StringIO)
    return shown.out.getvalue()


def test_no_control_character_is_said() -> None:
    shown = screen()
    shown.say(f"a{STEERING}b", RED)
    first, second, rest = written(shown).split("\n")
    assert not set(STEERING) & set(first + second)
    assert len(first) == len(STEERING) + 2, "each is shown, in one column"
    assert first.startswith("a␀␁␂")
    assert second == "␛[31mred�0m"
    assert rest == ""


def test_prose_and_notes_are_cleaned_too() -> None:
    shown = screen()
    shown.paragraph(f"layer {RED}\nwent first")
    shown.note(f"first{RED}\nsecond")
    shown.complain(RED)
    assert written(shown) == "layer ␛[31mred�0m went first\n"
    assert isinstance(shown.err, StringIO)
    assert shown.err.getvalue() == "first␛[31mred�0m\nsecond\nfallline: ␛[31mred�0m\n"


def test_json_stays_what_it_is() -> None:
    shown = screen()
    told = {"name": STEERING + "漢字 −"}
    shown.json(json.dumps(told, indent=2, ensure_ascii=False))
    assert json.loads(written(shown)) == told
    assert not set(STEERING) - {"\n"} & set(written(shown))


@pytest.mark.parametrize("width", [7, 20, 33])
def test_prose_of_wide_letters_fits(width: int) -> None:
    lines = screen(width).wrapped("漢字 e\u0301 and 12 % of 漢字漢 " * 5)
    assert max(map(columns_of, lines)) <= width
    assert " ".join(lines) == ("漢字 e\u0301 and 12 % of 漢字漢 " * 5).strip()


def test_without_a_terminal_progress_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    shown = screen()
    with ProgressLine(shown, visible=True) as progress, ProgressLine(shown, visible=False) as quiet:
        for second in range(201):
            clock[0] = float(second)
            progress.update(10 * second, 4000, 0.5 if second > 5 else float("nan"))
            quiet.update(10 * second, 4000, 0.5)
    assert isinstance(shown.err, StringIO)
    lines = shown.err.getvalue().splitlines()
    assert lines[:2] == ["5 s: 50 of 4,000 steps, 395 s left", "10 s: 100 of 4,000 steps, loss 0.5, 390 s left"]
    assert [line.partition(" s:")[0] for line in lines] == ["5", "10", "20", "40", "80", "140", "200"]


class Odd(nn.Module):
    """Layers whose names would colour the terminal, or take two columns a letter."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module(RED, nn.Linear(2, 2))
        self.add_module("漢字", nn.Linear(2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.get_submodule("漢字")(self.get_submodule(RED)(x))


def odd_training(path: Path) -> None:
    """Diverges, logs under an odd name, and ends with an odd exception."""
    model = Odd()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with fl.watch(model, optimizer, run=path, quiet=True) as watch:
        for step in range(5):
            optimizer.zero_grad()
            loss = model(torch.ones(4, 2)).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss if step < 4 else float("nan"))
            watch.log(**{f"mine{RED}\n": 1.0})
        raise RuntimeError(f"{RED} on fire")


def test_a_recording_with_odd_names(cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on fire"):
        odd_training(tmp_path / "odd.db")
    for options in ((), ("--step", 1)):
        told = cli("explain", tmp_path / "odd.db", *options)
        assert told.status == 0
        assert not set(STEERING) - {"\n"} & set(told.out + told.err)
    table = [line for line in told.out.splitlines() if re.match(r"layer |␛\[31m|漢字", line)]
    assert len(table) == 3
    assert len({columns_of(line) for line in table}) == 1
    assert "␛[31mred�0m" in told.out
