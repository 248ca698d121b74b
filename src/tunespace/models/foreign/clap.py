"""CLAP as published in transformers (Wu et al. 2023): ``laion/clap-*``, ``laion/larger_clap_*``.

Quirks that are handled:
    - get_audio_features and get_text_features return a tensor in transformers 4 and an object with
      ``pooler_output`` in 5.
    - For inputs longer than ten seconds its own front end draws a window at random; here it gets
      at most ten seconds.
    - The authors round samples to 16 bits, in training and after; so does this.
    - Fused and unfused checkpoints need different inputs; the folder's preprocessor_config.json
      states which.
    - ``laion/larger_clap_music`` has collapsed: all texts have nearly one embedding. The probes of
      a report show it.
"""

from functools import cached_property
from typing import Any

import numpy as np

from tunespace.audio.decoding import Waveform
from tunespace.errors import ModelError
from tunespace.models.foreign.base import ForeignModel
from tunespace.models.foreign.checks import check_files, check_tokenizer_files, check_weights
from tunespace.models.model import Vectors


class Clap(ForeignModel):
    """Folder with config.json, model.safetensors, tokenizer and preprocessor_config.json."""

    @cached_property
    def _parts(self) -> tuple[Any, Any, Any]:
        """Model, front end and tokenizer."""
        import torch
        from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel
        from transformers.utils import logging

        check_files(self.folder)
        check_tokenizer_files(self.folder)
        reader: Any = ClapModel  # its annotations know only one of two return types
        torch.set_num_threads(1)  # there are as many worker processes as cores
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model, report = reader.from_pretrained(
                self.folder, local_files_only=True, output_loading_info=True, use_safetensors=True
            )
            front_end = ClapFeatureExtractor.from_pretrained(self.folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except Exception as error:
            # Damaged files raise whatever the damage leads to.
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{self.folder} cannot be read as CLAP ({reason})") from error
        # Buffers saved by older versions are no weights.
        missing = [name for name in report["missing_keys"] if "position_ids" not in name]
        if missing:
            some = ", ".join(sorted(missing)[:3])
            raise ModelError(f"{self.folder} lacks {len(missing)} weights, as {some}")
        check_weights(model, self.folder)
        return model.eval(), front_end, tokenizer

    @property
    def audio_tower(self) -> object:
        """The transformers model."""
        return self._parts[0]

    @cached_property
    def dim(self) -> int:
        """Dimension of the projection."""
        return int(self._parts[0].config.projection_dim)

    @property
    def sample_rate(self) -> int:  # type: ignore[override]  # known once it is loaded
        """Sample rate in Hz."""
        return int(self._parts[1].sampling_rate)

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """Length of a window in seconds."""
        return float(self._parts[1].max_length_s)

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Embed a window of at most ten seconds; a shorter one is repeated, then padded."""
        import torch

        model, front_end, _ = self._parts
        rounded = (np.clip(samples, -1, 1) * 32767).astype(np.int16) / np.float32(32767)
        inputs = front_end(rounded, sampling_rate=self.sample_rate, return_tensors="pt")
        with torch.inference_mode():
            return _row(model.get_audio_features(**inputs))

    def encode_text(self, text: str) -> Vectors:
        """Embed a text of at most 77 tokens; longer ones are truncated."""
        import torch

        model, _, tokenizer = self._parts
        longest = min(77, model.config.text_config.max_position_embeddings - 2)
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=longest)
        wanted = {key: inputs[key] for key in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            return _row(model.get_text_features(**wanted))


def _row(output: Any) -> Vectors:  # noqa: ANN401 - a tensor, or an object that holds one
    tensor = getattr(output, "pooler_output", output)
    return np.asarray(tensor[0].numpy(), np.float32)
