"""Audio processing: file -> waveform -> log-mel -> windows.

Independent of any model: sample rate, mel bands and window length are arguments.
"""

from typing import TYPE_CHECKING, Any

from tunespace.audio.log_mel import LogMel
from tunespace.audio.windows import Window, cut_windows

if TYPE_CHECKING:
    from tunespace.audio.decoding import decode, decode_blocks

__all__ = ["LogMel", "Window", "cut_windows", "decode", "decode_blocks"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module holds
    """Import the decoder on first use: a text search does not need it, and it takes 40 ms."""
    if name not in ("decode", "decode_blocks"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("tunespace.audio.decoding"), name)
