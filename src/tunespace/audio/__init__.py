"""From a file to what an audio tower reads: file -> waveform -> log-mel -> windows.

Nothing here knows any model: sample rate, mel bands and window length are arguments.
"""

from tunespace.audio.decode import decode, decode_blocks
from tunespace.audio.mel import LogMel
from tunespace.audio.windows import Window, cut_windows

__all__ = ["LogMel", "Window", "cut_windows", "decode", "decode_blocks"]
