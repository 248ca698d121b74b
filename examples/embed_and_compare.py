"""Embed audio files and texts, and print which text fits which file best.

Usage: ``python examples/embed_and_compare.py FILE [FILE ...]``
"""

import sys

from tunespace import load_model

TEXTS = ["slow piano", "fast drums", "a choir", "electronic dance music", "acoustic guitar"]


def main() -> None:
    """Print a table of cosines."""
    files = sys.argv[1:]
    model = load_model()
    cosines = model.embed_audio(files) @ model.embed_text(TEXTS).T
    for file, row in zip(files, cosines, strict=True):
        print(f"{file}: {TEXTS[int(row.argmax())]} ({row.max():.2f})")


if __name__ == "__main__":
    main()
