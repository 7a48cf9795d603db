"""``fl.watch`` as a callback of Hugging Face's Trainer."""

from typing import TYPE_CHECKING, Any

from fallline._integrations._missing import needed

if TYPE_CHECKING:
    import torch

    from fallline._recorder import Watch


def transformers_callback(*, stop_on_alarm: bool = False, **options: Any) -> Any:
    """A callback that watches ``trainer.train``: ``Trainer(…, callbacks=[fl.transformers_callback()])``.

    The Trainer tells its callbacks no loss of single steps, so it is read off the model's own output. The numbers of
    each evaluation are kept too.

    Args:
        stop_on_alarm: end the training when the flight recorder's alarm goes off.
        options: as :func:`fl.watch` takes them: ``run``, ``budget``, ``quiet`` …

    Raises:
        OptionError: Transformers is not installed.
    """
    base: Any = needed(["transformers"], "transformers").TrainerCallback

    class WatchCallback(base):  # type: ignore[misc]  # its class is only known once Transformers is loaded
        """Hands every optimizer step to a watch."""

        watch: "Watch | None" = None
        losses: "_StepLoss | None" = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            from fallline._recorder import watch

            if state.is_world_process_zero:
                model, optimizer = objects["model"], objects["optimizer"]
                self.losses = _StepLoss(model)
                self.watch = watch(model, getattr(optimizer, "optimizer", optimizer), **options)

        def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            if self.watch is not None and self.losses is not None:
                self.watch.step(self.losses.take())
                control.should_training_stop |= stop_on_alarm and self.watch.should_stop

        def on_evaluate(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            metrics = objects.get("metrics") or {}
            if self.watch is not None:
                self.watch.log(**{name: value for name, value in metrics.items() if isinstance(value, int | float)})

        def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
            if self.watch is not None and self.losses is not None:
                self.losses.remove()
                self.watch.close()

    return WatchCallback()


class _StepLoss:
    """The loss of one optimizer step, gathered from the model's outputs while it trains."""

    def __init__(self, model: "torch.nn.Module") -> None:
        self._losses: list[Any] = []
        self._parts_of_one_mean = False
        self._handle = model.register_forward_hook(self._see, with_kwargs=True)

    def take(self) -> Any:
        """The loss since the last call; None where the model computes none itself."""
        losses, self._losses = self._losses, []
        if not losses:
            return None
        # Given the number of items of the whole step, each micro-batch's loss is already its part of the mean.
        return sum(losses) if self._parts_of_one_mean else sum(losses) / len(losses)

    def remove(self) -> None:
        """Stop listening."""
        self._handle.remove()

    def _see(self, module: "torch.nn.Module", arguments: Any, options: dict[str, Any], output: Any) -> None:
        loss = getattr(output, "loss", None)
        if module.training and loss is not None:
            self._parts_of_one_mean = options.get("num_items_in_batch") is not None
            self._losses.append(loss.detach().clone())
