"""``fl.watch`` as a callback of Lightning's Trainer."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fallline._integrations._missing import needed

if TYPE_CHECKING:
    from fallline._recorder import Watch

MODULES = ("lightning.pytorch", "pytorch_lightning")


def lightning_callback(*, stop_on_alarm: bool = False, **options: Any) -> Any:
    """A callback that watches ``trainer.fit``: ``Trainer(callbacks=[fl.lightning_callback()])``.

    The loss of every training batch is recorded, and after each validation the numbers that the module logged.

    Args:
        stop_on_alarm: end the training when the flight recorder's alarm goes off.
        options: as :func:`fl.watch` takes them: ``run``, ``budget``, ``quiet`` …

    Raises:
        OptionError: Lightning is not installed.
    """
    loaded = [name for name in MODULES if name in sys.modules]  # the one that the user's own Trainer is from
    base: Any = needed(loaded or MODULES, "lightning").Callback

    class WatchCallback(base):  # type: ignore[misc]  # its class is only known once Lightning is loaded
        """Hands every training batch to a watch."""

        watch: "Watch | None" = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            from fallline._recorder import watch

            if trainer.is_global_zero:
                self.watch = watch(pl_module, trainer.optimizers, **options)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            if self.watch is not None:
                self.watch.step(outputs["loss"] if isinstance(outputs, Mapping) else outputs)
                trainer.should_stop = trainer.should_stop or (stop_on_alarm and self.watch.should_stop)

        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            if self.watch is not None:
                self.watch.log(**trainer.callback_metrics)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if self.watch is not None:
                self.watch.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            if self.watch is not None:
                self.watch.__exit__(type(exception), exception, exception.__traceback__)

    return WatchCallback()
