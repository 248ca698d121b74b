"""Fetch free music, index it and search it.

    make demo                    about 140 free tracks, fetched into build/demo
    make demo MUSIC=~/Music      your own music; nothing is fetched

Everything stays under build/demo; nothing is installed and nothing needs root.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

PLACE = Path("build/demo")
# 28 generated tracks, acoustic and electronic, in folders by mood (MIT).
PYPI = "immich-memories-music==0.1.0"
# Music of free games; each package's copyright file names authors and licences.
DEBIAN = ["wesnoth-1.16-music", "singularity-music", "nexuiz-music", "supertuxkart-data"]
SUFFIXES = {".ogg", ".opus", ".mp3", ".flac"}
SMALLEST = 400_000  # bytes; what is smaller is a sound, not music

SEARCHES = [
    ["calm acoustic guitar"],
    ["epic orchestral battle music"],
    ["energetic electronic dance music, no vocals"],
    ["música triste y lenta sin batería"],
    ["heavy guitars", "--not", "electronic", "--per-artist", "1"],
]


def main() -> int:
    """Run the demo; the first argument, if given, is the folder to index."""
    began = time.monotonic()
    named = sys.argv[1] if len(sys.argv) > 1 else ""
    if named:
        music = Path(named).expanduser()
    else:
        music = PLACE / "music"
        for fetch in (fetch_from_pypi, fetch_from_debian):
            try:
                fetch(music)
            except (subprocess.CalledProcessError, OSError, zipfile.BadZipFile) as error:
                print(f"{fetch.__name__.replace('_', ' ')}: {reason_of(error)}; going on without")
    if not music.is_dir() or not any(music.iterdir()):
        print(f"there is no music in {music}: name a folder with make demo MUSIC=...")
        return 1
    run("index", str(music))
    for arguments in SEARCHES:
        run("search", *arguments, "--top", "4")
    print(f"\nDone in {time.monotonic() - began:.0f} s. Search on with:")
    print(f"  {program()} search --library {PLACE / 'library'} WORDS")
    print("or in a browser, at the address that this prints:")
    print(f"  {program()} serve --library {PLACE / 'library'}")
    return 0


def fetch_from_pypi(music: Path) -> None:
    """Fetch the 28 tracks of a package on PyPI, which is downloaded and not installed."""
    target = music / "immich-memories-music"
    if target.exists():
        return
    print(f"fetching {PYPI} (16 MB)", flush=True)
    with tempfile.TemporaryDirectory() as work:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work]
        subprocess.run([*pip, PYPI], check=True, capture_output=True, text=True)
        [wheel] = Path(work).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [n for n in archive.namelist() if Path(n).suffix in SUFFIXES]
            archive.extractall(Path(work) / "tree", names)
        new = Path(work) / "new"
        for name in names:
            place(Path(work) / "tree" / name, new / Path(*Path(name).parts[-2:]))
        keep(new, target)


def fetch_from_debian(music: Path) -> None:
    """Fetch about 110 tracks from Debian packages, if apt is available."""
    missing = [package for package in DEBIAN if not (music / package).exists()]
    if not missing:
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        print("no apt-get and dpkg-deb here, so the free music of Debian's games is left out")
        return
    for package in missing:
        with tempfile.TemporaryDirectory() as work:
            print(f"fetching {package}", flush=True)
            got = subprocess.run(
                ["apt-get", "download", "-qq", package],
                cwd=work,
                capture_output=True,
                text=True,
                check=False,
            )
            debs = list(Path(work).glob("*.deb"))
            if got.returncode or not debs:
                print(
                    "apt-get has no list of packages, or not this one (`apt-get update` as root "
                    "would fetch it); going on without the music of Debian's games"
                )
                return
            tree = Path(work) / "tree"
            subprocess.run(["dpkg-deb", "-x", debs[0], tree], check=True, capture_output=True)
            for pack in tree.rglob("*.pk3"):
                with zipfile.ZipFile(pack) as archive:
                    archive.extractall(pack.with_suffix(""))
            new = Path(work) / "new"
            for path in sorted(tree.rglob("*")):
                if is_music(path):
                    place(path, new / path.name)
            keep(new, music / package)


def is_music(path: Path) -> bool:
    """Return whether a file of a game is a piece of music."""
    folders = {part.lower() for part in path.parts}
    return (
        path.suffix in SUFFIXES
        and path.is_file()
        and path.stat().st_size >= SMALLEST
        and bool(folders & {"music", "cdtracks"})
    )


def place(source: Path, target: Path) -> None:
    """Move a file and create its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def keep(new: Path, target: Path) -> None:
    """Rename a complete folder into place, so that an incomplete one is never used."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.move(new, beside)
    os.replace(beside, target)


def run(command: str, *arguments: str) -> None:
    """Print a command and run it."""
    shown = " ".join(shlex.quote(argument) for argument in arguments)
    print(f"\n$ tunespace {command} {shown}", flush=True)
    library = str(PLACE / "library")
    subprocess.run([program(), command, *arguments, "--library", library], check=True)


def program() -> str:
    """Return the command that is installed next to this Python."""
    return str(Path(sys.executable).parent / "tunespace")


def reason_of(error: Exception) -> str:
    """Return the last line of a program's output, or the error."""
    said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
    return said[-1] if said else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
