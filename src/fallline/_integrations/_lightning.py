"""``fl.watch`` as a callback of Lightning's Trainer."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fallline._integrations._missing import needed

if TYPE_CHECKING:
    from fallline._recorder import Watch

MODULES = ("lightning.pytorch", "pytorch_lightning")


def lightning_callback(*, stop_on_alarm: bool = False, **options: Any) -> Any:
    """A callback that watches ``trainer.fit``: ``Trainer(callbacks=[fl.lightning_callback()])``.

    The loss of every training batch is recorded, where ``training_step`` hands one on, and after each validation the
    numbers that the module logged. While a fit runs, the callback's ``watch`` is the watch, else None. Each fit has a
    run file of its own: with ``run="first.db"`` the second one writes ``first-2.db``; with ``resume=True`` all go on
    in one. Of several processes, the first one records.

    Args:
        stop_on_alarm: end the training when the flight recorder's alarm goes off, in every process; several
            processes ask each other after every batch.
        options: as :func:`fl.watch` takes them: ``run``, ``budget``, ``quiet`` …

    Raises:
        OptionError: Lightning is not installed; when the fit begins, what :func:`fl.watch` cannot use.

    Example::

        trainer = Trainer(max_epochs=3, callbacks=[fl.lightning_callback(run="runs/first.db")])
        trainer.fit(module, rows)
        run = fl.load("runs/first.db")
    """
    from fallline._integrations._training import Training

    loaded = [name for name in MODULES if name in sys.modules]  # the one that the user's own Trainer is from
    base: Any = needed(loaded or MODULES, "lightning").Callback

    class WatchCallback(base):  # type: ignore[misc]  # its class is only known once Lightning is loaded
        """Hands every training batch to a watch."""

        def __init__(self) -> None:
            self._training = Training(options)

        @property
        def watch(self) -> "Watch | None":
            """Of the fit that is running; None between two and in processes that do not record."""
            return self._training.watch

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            self._training.end()
            if trainer.is_global_zero:
                self._training.begin(pl_module, trainer.optimizers)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            self._training.step(outputs.get("loss") if isinstance(outputs, Mapping) else outputs)
            if stop_on_alarm and trainer.strategy.reduce_boolean_decision(self._training.alarmed, all=False):
                trainer.should_stop = True

        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.sanity_checking:
                self._training.log(trainer.callback_metrics)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self._training.end()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self._training.end(exception)

        def __reduce__(self) -> Any:  # a copy, or one sent to another process, watches trainings of its own
            return partial(lightning_callback, stop_on_alarm=stop_on_alarm, **options), ()

    return WatchCallback()
