"""Build ``tunespace-small``, the bundled model, from free music and the outputs of its teachers.

Steps, each stored in the run folder, so that an interrupted build is resumed:

    1. spectrograms of the music, one byte a value
    2. excerpts and mixtures of it, and the logits of five taggers for them
    3. the concept space, with statistics over these excerpts
    4. the student: three of the taggers, compressed, and a head for the outputs of the other two;
       trained on all five
    5. the sentence encoder, trained on texts made from the lexicon and on related texts
    6. the model folder
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tunespace.audio import cut_windows
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
from tunespace.models.lexicon_vectors import LexiconVectors
from tunespace.models.onnx_towers import normalize_rows, open_session
from tunespace.training.bundled.concept_space import ConceptSpace, fit_concept_space
from tunespace.training.bundled.distillation.excerpts import Excerpts, draw_excerpts
from tunespace.training.bundled.distillation.export import export_audio_tower
from tunespace.training.bundled.distillation.low_rank import Sizes, compress
from tunespace.training.bundled.distillation.principal_directions import principal_directions
from tunespace.training.bundled.distillation.segments import (
    Segments,
    Spectrograms,
    make_spectrograms,
)
from tunespace.training.bundled.distillation.student import Student, at_common_level
from tunespace.training.bundled.distillation.teacher_logits import Teacher, teacher_logits
from tunespace.training.bundled.distillation.teachers import (
    FCN_FRONT_END,
    MUSICNN_FRONT_END,
    load_fcn,
)
from tunespace.training.bundled.distillation.train_student import (
    StudentSchedule,
    held_out_tracks,
    train_student,
)
from tunespace.training.bundled.text_tower import MAX_TOKENS, TextSources, make_text_tower

NAME = "tunespace-small"
# Those that are part of the student come first. msd-fcn is the hardest to compress.
HELD = {
    "jamendo-fcn": Sizes(32, {1: 32, 2: 48}),
    "msd-fcn": Sizes(32, {1: 48, 2: 64}),
    "mtat-fcn": Sizes(32, {1: 32, 2: 48}),
}
IMITATED = ("pons-msd-musicnn", "pons-mtt-musicnn")
# Excerpts that the compressed teachers are fitted on.
_FITTED = 256
# Chosen with the first model on Emotify; on captions, 0 to .6 are equal
# (docs/lab/bundled-model.md).
SENTENCE_WEIGHT = (0.3, 1.0)
REFERENCE_SEGMENTS = 512
# Dimensions beside the concepts, and their share of the length (docs/lab/bundled-model.md).
DIRECTIONS = 64
DIRECTION_SHARE = 1.0


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Input files of the build.

    Attributes:
        music: Folder of the music that the segments name.
        segments: ``.npz`` with the file and start of each segment (see ``Segments``).
        teachers: Folder of the taggers' weights, ``NAME.safetensors``.
        tags: JSON file with the tags of the teachers' data sets.
        lexicon: Folder with ``lexicon.tsv``, ``languages.tsv`` and ``concepts.json``.
        encoder: Folder of a BERT sentence encoder with ``model.safetensors``, ``tokenizer.json``.
        strong_encoder: Folder of a stronger encoder; only its outputs are used.
        vectors: File of word vectors in GloVe's text format; only its outputs are used.
    """

    music: Path
    segments: Path
    teachers: Path
    tags: Path
    lexicon: Path
    encoder: Path
    strong_encoder: Path
    vectors: Path

    def text(self) -> TextSources:
        """Input files of the text tower."""
        return TextSources(self.encoder, self.strong_encoder, self.vectors)


def make(
    sources: Sources, run: Path, out: Path, *, schedule: StudentSchedule, workers: int
) -> None:
    """Build the model folder ``out``; intermediate results stay in ``run``."""
    run.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    figures = make_audio_tower(sources, run, out, schedule, workers)
    for name in (LEXICON, LANGUAGES, CONCEPTS):
        shutil.copyfile(sources.lexicon / name, out / name)
    shutil.copyfile(sources.encoder / TOKENIZER, out / TOKENIZER)
    dim = len(json.loads((out / CONCEPTS).read_text(encoding="utf-8"))) + DIRECTIONS
    words = LexiconVectors.load(out / LEXICON, out / LANGUAGES, out / CONCEPTS, dim)
    figures |= make_text_tower(sources.text(), words, run / "text", out)
    files = (AUDIO_TOWER, TEXT_TOWER, TOKENIZER, LEXICON, LANGUAGES, CONCEPTS, REFERENCE)
    config = ModelConfig(
        name=NAME,
        dim=dim,
        front_end=FCN_FRONT_END,
        window=schedule.window,
        hop=schedule.window,
        max_tokens=MAX_TOKENS,
        sentence_weight=SENTENCE_WEIGHT,
        files={name: sha256_of(out / name) for name in files},
    )
    (out / "config.json").write_text(json.dumps(config.as_json(), indent=2) + "\n")
    (run / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def make_audio_tower(
    sources: Sources, run: Path, out: Path, schedule: StudentSchedule, workers: int
) -> dict[str, float]:
    """Write ``audio.onnx`` and ``reference.npy``; return metrics of the held-out tracks."""
    segments = Segments.load(sources.segments)
    htk, slaney = (
        make_spectrograms(segments, sources.music, front_end, run / name, workers=workers)
        for name, front_end in (("htk", FCN_FRONT_END), ("slaney", MUSICNN_FRONT_END))
    )
    readable = htk.readable & slaney.readable
    held_out = held_out_tracks(segments.paths, schedule)
    excerpts = draw_excerpts(
        readable,
        held_out,
        htk.values.shape[1],
        window=schedule.window,
        each=schedule.each,
        mixed=schedule.mixed,
        seed=schedule.seed,
    )
    teachers = [
        Teacher(name, sources.teachers / f"{name}.safetensors") for name in (*HELD, *IMITATED)
    ]
    answers = teacher_logits(
        teachers, excerpts, htk, slaney, schedule.window, run / "answers", workers=workers
    )
    alone = np.flatnonzero(excerpts.other_rows < 0)
    by_teacher = np.split(answers[alone], len(teachers), axis=1)  # each has 50 tags
    logits = {teacher.name: rows for teacher, rows in zip(teachers, by_teacher, strict=True)}
    space = fit_concept_space(logits, sources.tags, sources.lexicon / CONCEPTS)
    student = _begin(sources.teachers, htk, excerpts, space, schedule)
    student, figures = train_student(
        student, htk, excerpts, space.standardised(answers), schedule, run / "student"
    )
    weights, intercept = _joint_space(student, htk, excerpts, alone, space, schedule)
    n_mels = FCN_FRONT_END.n_mels
    export_audio_tower(student, weights, intercept, schedule.window, n_mels, out / AUDIO_TOWER)
    np.save(out / REFERENCE, _reference(htk, out / AUDIO_TOWER, schedule))
    return figures | {
        "segments": int(readable.sum()),
        "segments_missing": int((~readable).sum()),
        "segments_held_out": int((held_out & readable).sum()),
        "excerpts": len(excerpts),
    }


def _begin(
    teachers: Path,
    spectrograms: Spectrograms,
    excerpts: Excerpts,
    space: ConceptSpace,
    schedule: StudentSchedule,
) -> Student:
    """Return the student before training: compressed teachers and a new head."""
    torch.manual_seed(schedule.seed)
    random = np.random.default_rng(schedule.seed)
    learned = np.flatnonzero(~excerpts.held_out)
    chosen = random.choice(learned, min(_FITTED, len(learned)), replace=False)
    decibels = [excerpts.decibels(spectrograms, int(row), schedule.window) for row in chosen]
    log_mel = at_common_level(torch.from_numpy(np.stack(decibels)))
    fcns = []
    for name, sizes in HELD.items():
        fcn = load_fcn(teachers / f"{name}.safetensors")
        fcns.append(compress(fcn, log_mel, sizes, schedule.seed))
    return Student(fcns, torch.from_numpy(space.mean), torch.from_numpy(space.std))


def _joint_space(
    student: Student,
    spectrograms: Spectrograms,
    excerpts: Excerpts,
    rows: npt.NDArray[np.int64],
    space: ConceptSpace,
    schedule: StudentSchedule,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the linear map from the student's outputs to concepts and unnamed dimensions.

    Concepts have mean 0 and unit variance over the music. A tag that the student predicts poorly
    varies less than the teacher's, and so weighs less in a concept than others.
    """
    batches = []
    with torch.no_grad():
        for some in np.array_split(rows, max(1, len(rows) // 64)):
            decibels = [excerpts.decibels(spectrograms, int(row), schedule.window) for row in some]
            batches.append(student(torch.from_numpy(np.stack(decibels))).numpy())
    outputs = np.concatenate(batches)
    concepts = space.concepts(outputs)
    std = concepts.std(axis=0)
    std[std == 0] = 1
    named = space.weights / std, -concepts.mean(axis=0) / std
    unnamed = principal_directions(outputs, DIRECTIONS)
    parts = []
    for (weights, intercept), share in ((named, 1.0), (unnamed, DIRECTION_SHARE)):
        length = np.linalg.norm(outputs @ weights + intercept, axis=1).mean() / share
        parts.append((weights / length, intercept / length))
    joined = [np.concatenate(some, axis=-1).astype(np.float32) for some in zip(*parts, strict=True)]
    return joined[0], joined[1]


def _reference(
    spectrograms: Spectrograms, tower: Path, schedule: StudentSchedule
) -> npt.NDArray[np.float16]:
    """Return ``(segments, dim)`` unit rows: embeddings of some of the music."""
    rows = np.flatnonzero(spectrograms.readable)
    chosen = np.random.default_rng(schedule.seed).permutation(rows)[:REFERENCE_SEGMENTS]
    session = open_session(tower)
    vectors = []
    for row in np.sort(chosen):
        log_mel = spectrograms.decibels(int(row))
        windows = [window.frames for window in cut_windows([log_mel], *[schedule.window] * 2)]
        vectors.append(session.run(None, {"log_mel": np.stack(windows)})[0].mean(axis=0))
    return normalize_rows(np.stack(vectors)).astype(np.float16)


def main() -> None:
    """Parse the arguments and build the model."""
    parser = argparse.ArgumentParser(
        prog="python -m tunespace.training.bundled.build", description=__doc__
    )
    for name in Sources.__dataclass_fields__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of intermediate results")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to make")
    parser.add_argument("--epochs", type=int, default=StudentSchedule().epochs)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    sources = Sources(**{name: getattr(arguments, name) for name in Sources.__dataclass_fields__})
    make(
        sources,
        arguments.run,
        arguments.out,
        schedule=StudentSchedule(epochs=arguments.epochs),
        workers=arguments.workers,
    )


if __name__ == "__main__":
    main()
