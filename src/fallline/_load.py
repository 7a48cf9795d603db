"""``fl.load``: whatever was recorded earlier, read from its file."""

from pathlib import Path

from fallline._records import Recording, Run


def load(path: str | Path) -> Run | Recording:
    """What was recorded earlier: a neuron's run, or a watched loop.

    Args:
        path: a run file.

    Returns:
        A :class:`Run` or a :class:`Recording` with its summary; worked out from the record where its process was killed
        before it could write one, or is still at work.

    Raises:
        RunFileError: there is no such file, or it holds no record.

    >>> import tempfile
    >>> import fallline as fl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = fl.fit(epochs=1, run=f"{folder}/line.db")
    ...     fl.load(made.path)
    <Run line: SGD, 1 steps, descending>
    """
    from fallline._store import is_recording, read_recording, read_run  # noqa: PLC0415  (only a file needs sqlite)

    if is_recording(path):
        from fallline._recorder import summarised_recording  # noqa: PLC0415  (only recordings need its room)

        return summarised_recording(read_recording(path))
    run = read_run(path)
    if run.summary is not None:
        return run
    from fallline._fit import summarised  # noqa: PLC0415  (torch, for killed runs only)

    return summarised(run)
