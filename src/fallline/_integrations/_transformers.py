"""``fl.watch`` as a callback of Hugging Face's Trainer."""

from functools import partial
from typing import TYPE_CHECKING, Any

from fallline._errors import FalllineError, OptionError
from fallline._integrations._missing import needed

if TYPE_CHECKING:
    from fallline._recorder import Watch


class TrainingCutShortError(FalllineError):
    """What a record is closed with whose training ended without telling its callbacks."""


def transformers_callback(*, stop_on_alarm: bool = False, **options: Any) -> Any:
    """A callback that watches ``trainer.train``: ``Trainer(…, callbacks=[fl.transformers_callback()])``.

    The Trainer tells its callbacks no loss of single steps, so it is read off the model's own output; where the model
    computes none (a loss function of the Trainer's, label smoothing), it is missing in the record. The numbers of each
    evaluation are kept too. While a training runs, the callback's ``watch`` is the watch, else None. Each training has
    a run file of its own: with ``run="first.db"`` the second one writes ``first-2.db``; with ``resume=True`` all go on
    in one. Of several processes, the first one records.

    The Trainer tells its callbacks of no exception either. One that ends the program is recorded when it ends; one
    that is caught leaves the record open until the next training begins, or until ``callback.watch.close()``.

    Args:
        stop_on_alarm: end the training when the flight recorder's alarm goes off, in every process; several
            processes ask each other after every step.
        options: as :func:`fl.watch` takes them: ``run``, ``budget``, ``quiet`` …

    Raises:
        OptionError: Transformers is not installed; when the training begins, what :func:`fl.watch` cannot use, or
            ``stop_on_alarm`` in several processes that ``torch.distributed`` does not connect.

    Example::

        callback = fl.transformers_callback(run="runs/first.db")
        trainer = Trainer(model, arguments, train_dataset=rows, callbacks=[callback])
        trainer.train()
        run = fl.load("runs/first.db")
    """
    from fallline._integrations._step_loss import StepLoss
    from fallline._integrations._training import Training

    base: Any = needed(["transformers"], "transformers").TrainerCallback

    class WatchCallback(base):  # type: ignore[misc]  # its class is only known once Transformers is loaded
        """Hands every optimizer step to a watch."""

        def __init__(self) -> None:
            self._training = Training(options)
            self._losses: StepLoss | None = None

        @property
        def watch(self) -> "Watch | None":
            """Of the training that is running; None between two and in processes that do not record."""
            return self._training.watch

        def on_train_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            self._end(TrainingCutShortError("the training ended without its end, by an exception or a Ctrl-C"))
            if stop_on_alarm:
                _check_connected(args.world_size)
            if state.is_world_process_zero:
                model, optimizer = objects["model"], objects["optimizer"]
                self._training.begin(model, getattr(optimizer, "optimizer", optimizer))
                self._losses = StepLoss(model, self._training.guard)

        def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            if self._losses is not None:
                self._training.step(self._losses.take())
            if stop_on_alarm and _in_any_process(self._training.alarmed, args.device):
                control.should_training_stop = True

        def on_evaluate(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            self._training.log(objects.get("metrics"))

        def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            self._end(None)

        def _end(self, error: BaseException | None) -> None:
            if self._losses is not None:
                self._losses.remove()
                self._losses = None
            self._training.end(error)

        def __reduce__(self) -> Any:  # a copy, or one sent to another process, watches trainings of its own
            return partial(transformers_callback, stop_on_alarm=stop_on_alarm, **options), ()

    return WatchCallback()


def _check_connected(processes: int) -> None:
    """Refuse a stop that one process would make alone: the others would wait for it without end.

    Raises:
        OptionError: there are several processes that cannot tell each other.
    """
    from torch import distributed

    if processes > 1 and not (distributed.is_available() and distributed.is_initialized()):
        raise OptionError(
            f"stop_on_alarm=True: the {processes} processes are not connected by torch.distributed, "
            "so one cannot stop the others; leave it out."
        )


def _in_any_process(alarmed: bool, device: Any) -> bool:
    """True in every process where it is in one."""
    import torch
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return alarmed
    told = torch.tensor(int(alarmed), device=device)
    distributed.all_reduce(told, op=distributed.ReduceOp.MAX)
    return bool(told)
