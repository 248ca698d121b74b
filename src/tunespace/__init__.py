"""Music and words in one space: describe music, and the nearest music is the answer."""

__version__ = "0.1.0.dev0"
