"""The live picture: the payload it is given, and the module that draws it."""

from fallline._view._frame import Frame, main_frame
from fallline._view._payload import build_payload, to_json

__all__ = ["Frame", "build_payload", "main_frame", "to_json"]
