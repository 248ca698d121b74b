"""CLAP as transformers publishes it (Wu et al. 2023): ``laion/clap-*``, ``laion/larger_clap_*``.

Quirks that are dealt with:
    - get_audio_features and get_text_features give a tensor in transformers 4 and an object with
      ``pooler_output`` in 5.
    - Longer than ten seconds, its own front end draws a window at random; here it gets ten seconds
      at most.
    - Its authors round samples to 16 bits, in training and after; so does this.
    - A fused and an unfused checkpoint need other inputs; the folder's preprocessor_config.json
      says which.
    - ``laion/larger_clap_music`` has collapsed: all texts are alike. A report's probes show it.
"""

from functools import cached_property
from typing import Any

import numpy as np

from tunespace.audio.decode import Waveform
from tunespace.errors import ModelError
from tunespace.models.foreign.base import ForeignModel
from tunespace.models.model import Vectors


class Clap(ForeignModel):
    """A folder with config.json, model.safetensors, tokenizer and preprocessor_config.json."""

    @cached_property
    def _parts(self) -> tuple[Any, Any, Any]:
        """Model, front end and tokenizer."""
        import torch
        from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel
        from transformers.utils import logging

        reader: Any = ClapModel  # its types know only one of two answers
        torch.set_num_threads(1)  # as many processes listen as there are cores
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model, said = reader.from_pretrained(
                self.folder, local_files_only=True, output_loading_info=True, use_safetensors=True
            )
            front_end = ClapFeatureExtractor.from_pretrained(self.folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{self.folder} cannot be read as CLAP ({error})") from error
        # Buffers that older versions saved are no weights.
        missing = [name for name in said["missing_keys"] if "position_ids" not in name]
        if missing:
            some = ", ".join(sorted(missing)[:3])
            raise ModelError(f"{self.folder} lacks {len(missing)} weights, as {some}")
        return model.eval(), front_end, tokenizer

    @property
    def audio_tower(self) -> object:
        """The model of transformers."""
        return self._parts[0]

    @cached_property
    def dim(self) -> int:
        """Of the projection."""
        return int(self._parts[0].config.projection_dim)

    @property
    def sample_rate(self) -> int:  # type: ignore[override]  # known once it is loaded
        """In Hz."""
        return int(self._parts[1].sampling_rate)

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """Of a window."""
        return float(self._parts[1].max_length_s)

    def encode_audio(self, samples: Waveform) -> Vectors:
        """A window of at most ten seconds; a shorter one is repeated, then padded."""
        import torch

        model, front_end, _ = self._parts
        rounded = (np.clip(samples, -1, 1) * 32767).astype(np.int16) / np.float32(32767)
        inputs = front_end(rounded, sampling_rate=self.sample_rate, return_tensors="pt")
        with torch.inference_mode():
            return _row(model.get_audio_features(**inputs))

    def encode_text(self, text: str) -> Vectors:
        """A text of at most 77 tokens; what follows is cut off."""
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
