"""Render MIDI with FluidSynth and Debian's sound fonts."""

import subprocess
from pathlib import Path

# Packages fluidsynth, fluid-soundfont-gm, timgm6mb-soundfont, musescore-general-soundfont-small.
FONTS = (
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/usr/share/sounds/sf2/TimGM6mb.sf2"),
    Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"),
)
RATE = 22_050
SECONDS = 12.0


def render(midi: Path, font: Path, out: Path) -> None:
    """Render a MIDI file to FLAC."""
    partial = out.with_suffix(".partial")
    command = ["fluidsynth", "-ni", "-q", "-g", "0.6", "-F", partial, "-T", "flac", "-r", str(RATE)]
    # Some scores end hours later.
    done = subprocess.run(
        [*command, font, midi], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode or not partial.exists() or partial.stat().st_size < 20_000:
        partial.unlink(missing_ok=True)
        raise RuntimeError(f"{midi.name}: {done.stderr.strip()[-200:] or 'no sound'}")
    partial.replace(out)
