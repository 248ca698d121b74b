"""Make a playlist that goes from one track to another in even steps.

Usage: ``python examples/playlist_between.py LIBRARY FIRST LAST``
"""

import argparse
import sys

from tunespace import Library


def main() -> None:
    """Print the paths of the tracks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", help="folder of the library")
    parser.add_argument("first", help="title or file of the first track")
    parser.add_argument("last", help="title or file of the last track")
    parser.add_argument("--count", type=int, default=10, help="number of tracks")
    arguments = parser.parse_args()
    with Library.open(arguments.library, create=False) as library:
        ends = []
        for name in (arguments.first, arguments.last):
            track = library.find_track(name)
            if track is None:
                sys.exit(f"no track is called {name!r}")
            ends.append(track)
        for track in library.path_between(*ends, count=arguments.count):
            print(track.path)


if __name__ == "__main__":
    main()
