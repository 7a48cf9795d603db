"""A watched loop as one offline HTML file."""

from pathlib import Path

from fallline._records import Recording
from fallline._report._page import Page, write_report
from fallline._view._payload import to_json
from fallline._view._recording import build_recording_payload


def recording_report(recording: Recording, path: str | Path) -> None:
    """Write the page of a watched loop: what happened, what broke, every instrument over steps. Nothing is fetched.

    Args:
        recording: what ``fl.load`` reads from the file of ``fl.watch``.
        path: the file to write; it appears whole or not at all.

    Raises:
        RunFileError: the file cannot be written.

    >>> import torch
    >>> import fallline as fl
    >>> folder = getfixture("tmp_path")
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with fl.watch(model, optimizer, run=folder / "two.db", quiet=True) as watch:
    ...     for _ in range(2):
    ...         optimizer.zero_grad()
    ...         loss = model(torch.ones(1, 2)).square().mean()
    ...         loss.backward()
    ...         optimizer.step()
    ...         watch.step(loss)
    >>> recording_report(fl.load(folder / "two.db"), folder / "two.html")
    >>> "<!doctype html>" in (folder / "two.html").read_text(encoding="utf-8").lower()
    True
    """
    page = recording_page(recording)
    write_report(page.payload_json, page.title, path, page.entry)


def recording_page(recording: Recording) -> Page:
    """What the page of a watched loop is made of."""
    return Page(to_json(build_recording_payload(recording)), f"{recording.header.name} · fallline", "recording.js")
