"""Index a folder, search it and write a playlist.

Usage: ``python examples/search_collection.py FOLDER QUERY``
"""

import argparse
from pathlib import Path

from tunespace import Library
from tunespace.library.m3u8 import write_m3u8


def main() -> None:
    """Index, search, write ``playlist.m3u8``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of music")
    parser.add_argument("query", help="description of the music")
    parser.add_argument("--library", type=Path, default=Path("library"))
    arguments = parser.parse_args()
    with Library.open(arguments.library) as library:
        report = library.index([arguments.folder])
        print(f"{report.added} tracks added, {len(report.failed)} files failed")
        result = library.search(arguments.query, limit=20)
        for correction in result.corrections:
            print(f"{correction.typed} is read as {correction.corrected}")
        for hit in result:
            print(f"{hit.score:3.0f}  {hit.track.title}  {hit.start:.0f}-{hit.end:.0f} s")
        playlist = write_m3u8(result, Path("playlist.m3u8"))
    print(f"{playlist.written} tracks in playlist.m3u8")


if __name__ == "__main__":
    main()
