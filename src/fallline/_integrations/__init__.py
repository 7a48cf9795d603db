"""Doors into other people's programs: Lightning, Hugging Face, TensorBoard. Each is loaded when it is used."""

from fallline._integrations._lightning import lightning_callback
from fallline._integrations._tensorboard import export_tensorboard
from fallline._integrations._transformers import transformers_callback

__all__ = ["export_tensorboard", "lightning_callback", "transformers_callback"]
