"""The adapter in mteb itself, on tiny tasks that the test writes to disk."""

import sys
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pytest
from datasets import Audio, Dataset, DatasetDict, load_from_disk

import sounds
from tunespace.errors import DataError
from tunespace.evaluation.mteb import MtebModel
from tunespace.models import Model

WORDS = ["low", "high"]


def column(clips: Path, *, as_bytes: bool) -> list[dict[str, Any]]:
    paths = [clips / f"{n}.wav" for n in range(4)]
    return [{"bytes": path.read_bytes() if as_bytes else None, "path": str(path)} for path in paths]


@pytest.fixture(params=[True, False], ids=["bytes", "paths"])
def audio(clips: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Dataset:
    rows = column(clips, as_bytes=request.param)
    made = Dataset.from_dict({"audio": rows, "label": [0, 0, 1, 1]})
    made = made.cast_column("audio", Audio(decode=False))
    made.save_to_disk(tmp_path / "data")
    return load_from_disk(tmp_path / "data").cast_column("audio", Audio())


def metadata(kind: Any, name: str, score: str) -> Any:  # noqa: ANN401
    return mteb.TaskMetadata(
        name=name,
        type=kind,
        description="Tones.",
        reference=None,
        dataset={"path": "none", "revision": "0"},
        category="a2t",
        modalities=["audio", "text"],
        eval_splits=["test"],
        eval_langs=["zxx-Zxxx"],
        main_score=score,
        date=None,
        domains=["Music"],
        task_subtypes=[],
        license=None,
        annotations_creators=None,
        dialect=[],
        sample_creation=None,
        bibtex_citation="",
    )


def run(model: Model, task: Any) -> dict[str, float]:  # noqa: ANN401
    found: Any = mteb.evaluate(
        MtebModel(model, workers=1), task, cache=None, show_progress_bar=False, co2_tracker=False
    )
    scores: dict[str, float] = found.task_results[0].scores["test"][0]
    return scores


def test_zero_shot_classification(model: Model, audio: Dataset) -> None:
    from mteb.abstasks.zeroshot_classification import AbsTaskZeroShotClassification

    class Tones(AbsTaskZeroShotClassification):
        metadata = metadata("AudioZeroshotClassification", "Tones", "accuracy")
        input_column_name = "audio"
        label_column_name = "label"

        def load_data(self, num_proc: int | None = None, **_: Any) -> None:  # noqa: ARG002, ANN401
            self.dataset = DatasetDict({"test": audio})
            self.data_loaded = True

        def get_candidate_labels(self) -> list[str]:
            return WORDS

    assert run(model, Tones())["accuracy"] == 1


def test_retrieval(model: Model, audio: Dataset) -> None:
    from mteb.abstasks.retrieval import AbsTaskRetrieval

    corpus = audio.select_columns(["audio"]).add_column("id", [f"d{n}" for n in range(4)])
    queries = Dataset.from_dict({"id": ["q0", "q1"], "text": WORDS})

    class Tones(AbsTaskRetrieval):
        metadata = metadata("Any2AnyRetrieval", "TonesRetrieval", "hit_rate_at_5")
        metadata.category = "t2a"

        def load_data(self, num_proc: int | None = None, **_: Any) -> None:  # noqa: ARG002, ANN401
            self.dataset = {
                "default": {
                    "test": {
                        "corpus": corpus,
                        "queries": queries,
                        "relevant_docs": {"q0": {"d0": 1, "d1": 1}, "q1": {"d2": 1, "d3": 1}},
                        "top_ranked": None,
                    }
                }
            }
            self.data_loaded = True

    scores = run(model, Tones())
    assert scores["map_at_10"] == 1
    assert scores["hit_rate_at_1"] == 1


class Batches:
    """Part of mteb's input that the adapter reads."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset


def test_vectors_are_those_of_the_model(model: Model, audio: Dataset, clips: Path) -> None:
    judged = MtebModel(model, workers=1)
    audio_rows = judged.encode(Batches(audio))
    expected = model.embed_audio([clips / f"{n}.wav" for n in range(4)])
    np.testing.assert_allclose(audio_rows, expected, atol=1e-6)
    texts = Dataset.from_dict({"text": [*WORDS, "solo", "low solo"]})
    text_rows = judged.encode(Batches(texts))
    np.testing.assert_allclose(text_rows, model.embed_text(texts["text"]), atol=1e-6)
    np.testing.assert_allclose(
        judged.similarity(audio_rows, text_rows), audio_rows @ text_rows.T, atol=1e-6
    )
    pairs = judged.similarity_pairwise(audio_rows, text_rows)
    np.testing.assert_allclose(pairs, (audio_rows * text_rows).sum(axis=1), atol=1e-6)
    both = audio.add_column("text", texts["text"])
    together = judged.encode(Batches(both))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_samples_and_their_file_have_the_same_embedding(model: Model, tmp_path: Path) -> None:
    tone = 0.5 * sounds.tone(1.5, 16_000, 440.0)
    path = sounds.write(tmp_path / "tone.wav", tone[None], 16_000, "pcm_f32le")
    rows = [{"array": tone.astype(np.float32).tolist(), "sampling_rate": 16_000}]
    audio_rows = MtebModel(model, workers=1).encode(Batches(Dataset.from_dict({"audio": rows})))
    np.testing.assert_allclose(audio_rows[0], model.embed_file(path).vector, atol=1e-4)


def test_samples_that_cannot_be_encoded_are_an_error(model: Model) -> None:
    judged = MtebModel(model, workers=1)
    with pytest.raises(DataError, match="neither text nor audio among image"):
        judged.encode(Batches(Dataset.from_dict({"image": [1]})))
    rows = [{"bytes": b"nothing", "path": None}]
    broken = Dataset.from_dict({"audio": rows}).cast_column("audio", Audio(decode=False))
    with pytest.raises(DataError, match="audio 0 is not audio"):
        judged.encode(Batches(broken))


def test_without_mteb_the_error_names_the_extra(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mteb.models", None)
    with pytest.raises(DataError, match=r"tunespace\[mteb\]"):
        MtebModel(model)
