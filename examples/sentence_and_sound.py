"""Search for something that fits words, sounds like a track and is not something else.

Usage: ``python examples/sentence_and_sound.py LIBRARY TRACK``
"""

import argparse

from tunespace import Library, Query
from tunespace.library import AudioFileRef, QueryTerm, Text


def main() -> None:
    """Search with three weighted terms and a filter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", help="folder of the library")
    parser.add_argument("track", help="audio file to sound like")
    arguments = parser.parse_args()
    query = Query(
        terms=(
            QueryTerm(Text("calm piano")),
            QueryTerm(AudioFileRef(arguments.track), weight=0.8),
            QueryTerm(Text("drums"), weight=-0.5),
        ),
        where="seconds < 600",
        limit=10,
        per_artist=2,
    )
    with Library.open(arguments.library, create=False) as library:
        for hit in library.search(query):
            print(f"{hit.score:3.0f}  {hit.track.artist}  {hit.track.title}")


if __name__ == "__main__":
    main()
