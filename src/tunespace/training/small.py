"""Makes `tunespace-small`, the bundled model, from free music and what its teachers say about it.

Steps, each kept in the run folder, so that a run that was stopped goes on:
    1. the concept space, its statistics frozen on the teachers' logits
    2. spectrograms of the music, one byte a value
    3. the student, distilled from the teachers
    4. the sentence encoder, exported in int8, and ridge regression to the concepts
    5. the model folder
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.audio import LogMel, cut_windows
from tunespace.models.config import (
    AUDIO_TOWER,
    CONCEPTS,
    LANGUAGES,
    LEXICON,
    REFERENCE,
    TEXT_TOWER,
    TOKENIZER,
    ModelConfig,
    sha256_of,
)
from tunespace.models.towers import open_session, unit
from tunespace.models.words import Words
from tunespace.training.concepts import ConceptSpace, fit_concept_space
from tunespace.training.distillation.distil import Schedule, distil, held_out_tracks
from tunespace.training.distillation.export import export_audio_tower
from tunespace.training.distillation.segments import Spectrograms, Targets, make_spectrograms
from tunespace.training.sentences import append_linear, embed, export_encoder, fit_ridge

NAME = "tunespace-small"
TEACHERS = ["jamendo-fcn", "msd-fcn", "mtat-fcn", "pons-msd-musicnn", "pons-mtt-musicnn"]
MAX_TOKENS = 128
# Development set (Emotify, mean emotion AUC of known words): .693 with 0 to .3, .663 with 1.
SENTENCE_WEIGHT = (0.3, 1.0)
PENALTY = 1.0
REFERENCE_SEGMENTS = 512


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the model is made from.

    Attributes:
        music: Folder of the music that the targets name.
        targets: ``.npz`` of the teachers' logits (see ``Targets``).
        tags: JSON, the tags of the teachers' data sets.
        lexicon: Folder with ``lexicon.tsv``, ``languages.tsv`` and ``concepts.json``.
        encoder: Folder of a BERT sentence encoder with ``model.safetensors``, ``tokenizer.json``.
    """

    music: Path
    targets: Path
    tags: Path
    lexicon: Path
    encoder: Path


def make(sources: Sources, run: Path, out: Path, *, schedule: Schedule, workers: int) -> None:
    """Makes the model folder ``out``; intermediate results stay in ``run``."""
    run.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    front_end = LogMel()
    targets = Targets.load(sources.targets, TEACHERS)
    space = fit_concept_space(targets.logits, sources.tags, sources.lexicon / CONCEPTS)
    figures = _make_audio_tower(
        targets, space, sources.music, run, out, front_end, schedule, workers
    )
    for name in (LEXICON, LANGUAGES, CONCEPTS):
        shutil.copyfile(sources.lexicon / name, out / name)
    shutil.copyfile(sources.encoder / TOKENIZER, out / TOKENIZER)
    figures |= _make_text_tower(sources.encoder, run, out, len(space.names))
    files = (AUDIO_TOWER, TEXT_TOWER, TOKENIZER, LEXICON, LANGUAGES, CONCEPTS, REFERENCE)
    config = ModelConfig(
        name=NAME,
        dim=len(space.names),
        front_end=front_end,
        window=schedule.window,
        hop=schedule.window,
        max_tokens=MAX_TOKENS,
        sentence_weight=SENTENCE_WEIGHT,
        files={name: sha256_of(out / name) for name in files},
    )
    (out / "config.json").write_text(json.dumps(config.as_json(), indent=2) + "\n")
    (run / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def _make_audio_tower(
    targets: Targets,
    space: ConceptSpace,
    music: Path,
    run: Path,
    out: Path,
    front_end: LogMel,
    schedule: Schedule,
    workers: int,
) -> dict[str, float]:
    spectrograms = make_spectrograms(
        targets, music, front_end, run / "spectrograms", workers=workers
    )
    standardised = space.standardised(targets.joined())
    student, figures = distil(spectrograms, targets.paths, standardised, schedule, run / "student")
    export_audio_tower(student, space.weights, schedule.window, front_end.n_mels, out / AUDIO_TOWER)
    np.save(out / REFERENCE, _reference(spectrograms, out / AUDIO_TOWER, schedule))
    return figures | {
        "segments": int(spectrograms.heard.sum()),
        "segments_missing": int((~spectrograms.heard).sum()),
        "segments_held_out": int(held_out_tracks(targets.paths, schedule).sum()),
    }


def _reference(
    spectrograms: Spectrograms, tower: Path, schedule: Schedule
) -> npt.NDArray[np.float16]:
    """``(segments, dim)`` unit rows: what the tower says of some of the music."""
    rows = np.flatnonzero(spectrograms.heard)
    chosen = np.random.default_rng(schedule.seed).permutation(rows)[:REFERENCE_SEGMENTS]
    session = open_session(tower)
    vectors = []
    for row in np.sort(chosen):
        log_mel = spectrograms.decibels(int(row))
        windows = [window.frames for window in cut_windows([log_mel], *[schedule.window] * 2)]
        vectors.append(session.run(None, {"log_mel": np.stack(windows)})[0].mean(axis=0))
    return unit(np.stack(vectors)).astype(np.float16)


def _make_text_tower(encoder: Path, run: Path, out: Path, dim: int) -> dict[str, float]:
    small = run / "encoder.onnx"
    if not small.exists():
        export_encoder(encoder, small)
    words = Words.load(out / LEXICON, out / LANGUAGES, out / CONCEPTS, dim)
    entries = list(words.lexicon.entries.values())
    kept = run / "sentences.npy"
    if not kept.exists():
        texts = [entry.word for entry in entries] + [entry.description for entry in entries]
        np.save(kept, embed(small, out / TOKENIZER, texts, MAX_TOKENS))
    sentences = np.load(kept)
    concepts = np.stack([words.vector(entry.word) for entry in entries])
    ridge = fit_ridge(sentences, np.concatenate([concepts, concepts]), PENALTY)
    append_linear(small, ridge, out / TEXT_TOWER)
    return {"lexicon_entries": len(entries)}


def main() -> None:
    """Reads the arguments and makes the model."""
    parser = argparse.ArgumentParser(prog="python -m tunespace.training.small", description=__doc__)
    for name in Sources.__dataclass_fields__:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of intermediate results")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to make")
    parser.add_argument("--epochs", type=int, default=Schedule().epochs)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    sources = Sources(**{name: getattr(arguments, name) for name in Sources.__dataclass_fields__})
    make(
        sources,
        arguments.run,
        arguments.out,
        schedule=Schedule(epochs=arguments.epochs),
        workers=arguments.workers,
    )


if __name__ == "__main__":
    main()
