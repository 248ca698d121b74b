"""Evaluate any model in the Massive Text Embedding Benchmark, whose audio tasks are MAEB.

Needs the extra ``mteb``::

    import mteb
    from tunespace.evaluation.mteb import MtebModel
    from tunespace.models import load_joint_model

    model = MtebModel(load_joint_model("tunespace-small"))
    mteb.evaluate(model, mteb.get_tasks(["MusicCapsT2ARetrieval", "GTZANGenre"]))

Audio is decoded and resampled by tunespace from the bytes in the data set, so that a result does
not depend on another decoder; several processes embed at once.
"""

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunespace.errors import DataError
from tunespace.evaluation.audio_view import Clip
from tunespace.evaluation.embed_clips import embed_clips
from tunespace.models import JointModel
from tunespace.models.model import Vectors
from tunespace.models.onnx_towers import normalize_rows
from tunespace.models.waveform_input import write_waveform

if TYPE_CHECKING:
    from mteb.models import ModelMeta

# Number of files on disk at once.
_AT_ONCE = 256


class MtebModel:
    """Model in the interface of mteb.

    Attributes:
        model: Model.
        mteb_model_meta: Metadata for mteb.
    """

    def __init__(self, model: JointModel, *, workers: int | None = None) -> None:
        """Wrap a model.

        Args:
            model: Model.
            workers: Number of processes that embed audio.

        Raises:
            DataError: mteb is not installed.
        """
        self.model = model
        self.workers = workers
        self.mteb_model_meta = _about(model)

    def encode(self, inputs: Any, **_options: Any) -> Vectors:  # noqa: ANN401 - a DataLoader
        """Embed texts or audio; an item with both is the normalised mean of both embeddings.

        Args:
            inputs: Loader over a data set with a column ``text`` or ``audio``, as mteb passes it.

        Returns:
            ``(inputs, dim)`` float32, unit rows.

        Raises:
            DataError: There is neither text nor audio, or audio cannot be read.
        """
        features = inputs.dataset.features
        parts = []
        if "audio" in features:
            parts.append(self._audio(inputs.dataset))
        if "text" in features:
            # Not from batches: audio beside the text would be decoded for them.
            texts = list(inputs.dataset.select_columns(["text"])["text"])
            parts.append(self.model.embed_text(texts))
        if not parts:
            raise DataError([f"there is neither text nor audio among {', '.join(features)}"])
        return normalize_rows(np.sum(parts, axis=0))

    def similarity(self, first: Any, second: Any) -> Any:  # noqa: ANN401 - arrays or tensors
        """Return the ``(first, second)`` cosines."""
        from mteb.similarity_functions import cos_sim

        return cos_sim(first, second)

    def similarity_pairwise(self, first: Any, second: Any) -> Any:  # noqa: ANN401
        """Return the ``(pairs,)`` cosines."""
        from mteb.similarity_functions import pairwise_cos_sim

        return pairwise_cos_sim(first, second)

    def _audio(self, dataset: Any) -> Vectors:  # noqa: ANN401 - of the package datasets
        rows = iter(_undecoded(dataset))
        parts = [np.empty((0, self.model.dim), np.float32)]
        at = 0
        while some := list(islice(rows, _AT_ONCE)):
            with tempfile.TemporaryDirectory() as folder:
                clips = [_kept(row, Path(folder) / str(n)) for n, row in enumerate(some)]
                cache = Path(folder) / "cache.sqlite"
                vectors, failed = embed_clips(self.model, clips, cache=cache, workers=self.workers)
            if failed:
                raise DataError([f"audio {at + n} {reason}" for n, reason in failed.items()])
            parts.append(vectors)
            at += len(some)
        return np.concatenate(parts)


def _undecoded(dataset: Any) -> Iterator[Any]:  # noqa: ANN401
    """Return the column ``audio`` as bytes and path, without decoding."""
    from datasets import Audio

    if isinstance(dataset.features["audio"], Audio):
        dataset = dataset.cast_column("audio", Audio(decode=False))
    for row in dataset.select_columns(["audio"]):
        yield row["audio"]


def _kept(audio: dict[str, Any], path: Path) -> Clip:
    """Return a file with the audio of a row."""
    if "array" in audio:
        write_waveform(path, audio["array"], int(audio["sampling_rate"]))
    elif audio.get("bytes") is not None:
        path.write_bytes(audio["bytes"])
    else:
        return Clip(str(audio["path"]))
    return Clip(str(path))


def _about(model: JointModel) -> "ModelMeta":
    try:
        from mteb.models import ModelMeta
    except ImportError as error:
        raise DataError(["mteb is not installed: pip install 'tunespace[mteb]'"]) from error
    name, _, revision = model.identity.rpartition("@")
    return ModelMeta.create_empty(
        {
            "name": f"tunespace/{name}",
            "revision": revision,
            "embed_dim": model.dim,
            "modalities": ["audio", "text"],
            "similarity_fn_name": "cosine",
            "use_instructions": False,
        }
    )
