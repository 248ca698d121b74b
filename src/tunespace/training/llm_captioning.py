"""Tag-to-caption with a local language model: sentences about the tags of each clip.

After Wu et al. 2023 (keyword to caption), Doh et al. 2023 (LP-MusicCaps) and 2024 (TTMR++). Such
models add claims that nobody made; a caption that contains none of the tags is discarded, and the
tags are kept beside the captions. ``captions.kind: tags-to-caption`` needs no model and is the
simple alternative.

``python -m tunespace.training.llm_captioning MANIFEST OUT.jsonl --model FOLDER``
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tunespace.data.manifest import Item, load_manifest, write_manifest
from tunespace.errors import TrainingError

GenerateText = Callable[[Sequence[str], int], list[str]]
"""Maps requests and a random seed to the answers of a language model."""

REQUEST = (
    "Write one sentence that describes a piece of music to someone who looks for it. "
    "It is tagged: {tags}. Say only what the tags say, and name no artist or title."
)
_LONGEST = 300
_AT_ONCE = 16
_NEW_TOKENS = 64


@dataclass(frozen=True)
class WriteReport:
    """Result of captioning.

    Attributes:
        captions: Number of captions that were kept.
        dropped: Number of captions that were discarded: without any of the tags, or empty.
    """

    captions: int
    dropped: int


def write_captions(
    items: Sequence[Item],
    generate: GenerateText,
    out: Path,
    *,
    each: int = 1,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> WriteReport:
    """Write a manifest whose clips have captions made from their tags, beside their own.

    Captions are kept in ``OUT.partial.jsonl`` until all are done: an interrupted run is resumed.

    Args:
        items: Clips.
        generate: Language model.
        out: Path of the manifest, .jsonl.
        each: Number of captions of each clip, each about other tags of it.
        seed: Random seed.
        on_progress: Called with the number of answered requests and that of all.

    Raises:
        TrainingError: No clip has tags.
    """
    wanted = [(n, k) for n, item in enumerate(items) if item.tags for k in range(each)]
    if not wanted:
        raise TrainingError("no clip has tags")
    partial = out.with_name(f"{out.stem}.partial.jsonl")
    captions = dict(_kept(partial))
    with partial.open("a", encoding="utf-8") as file:
        left = [one for one in wanted if f"{items[one[0]].track_id} {one[1]}" not in captions]
        for first in range(0, len(left), _AT_ONCE):
            some = left[first : first + _AT_ONCE]
            requests = [
                REQUEST.replace("{tags}", ", ".join(_tags(items[n], k, seed))) for n, k in some
            ]
            for (n, k), answer in zip(some, generate(requests, seed + first), strict=True):
                key = f"{items[n].track_id} {k}"
                captions[key] = _sentence(answer)
                file.write(json.dumps([key, captions[key]], ensure_ascii=False) + "\n")
            file.flush()
            if on_progress is not None:
                on_progress(len(wanted) - len(left) + first + len(some), len(wanted))
    new: list[Item] = []
    kept = 0
    for item in items:
        mine = [captions.get(f"{item.track_id} {k}", "") for k in range(each)]
        good = [text for text in dict.fromkeys(mine) if _names_a_tag(text, item.tags)]
        kept += len(good)
        new.append(replace(item, captions=tuple(dict.fromkeys((*item.captions, *good)))))
    write_manifest(new, out)
    partial.unlink()
    return WriteReport(kept, len(wanted) - kept)


def generator(name: str) -> GenerateText:
    """Load a causal language model of transformers on the best available device.

    Args:
        name: Folder, or ``hf:owner/name``. If its tokenizer has a chat template, requests use it.

    Raises:
        TrainingError: The model cannot be read or downloaded.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tunespace.training.towers.pretrained import load_network, load_pretrained

    tokenizer = load_pretrained(AutoTokenizer, name, "--model")
    tokenizer.padding_side = "left"  # answers follow the requests directly
    model = load_network(AutoModelForCausalLM, name, "--model").eval()
    model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    def as_prompt(request: str) -> str:
        if tokenizer.chat_template is None:
            return f"{request}\nSentence:"
        message = [{"role": "user", "content": request}]
        return str(
            tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        )

    def generate(requests: Sequence[str], seed: int) -> list[str]:
        torch.manual_seed(seed)
        ready = tokenizer([as_prompt(one) for one in requests], return_tensors="pt", padding=True)
        ready = ready.to(model.device)
        ids, mask = ready["input_ids"], ready["attention_mask"]
        with torch.inference_mode():
            generated = model.generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=True,
                temperature=0.8,
                top_p=0.95,
                max_new_tokens=_NEW_TOKENS,
                pad_token_id=tokenizer.pad_token_id,
            )
        answers: list[str] = tokenizer.batch_decode(
            generated[:, ids.shape[1] :], skip_special_tokens=True
        )
        return answers

    return generate


def _tags(item: Item, number: int, seed: int) -> list[str]:
    """Return all tags in random order for the first caption, any number of them for the others."""
    random = np.random.default_rng([seed, number, len(item.tags), *item.track_id.encode()])
    count = len(item.tags) if number == 0 else int(random.integers(1, len(item.tags) + 1))
    return [item.tags[k] for k in random.permutation(len(item.tags))[:count]]


def _sentence(answer: str) -> str:
    """Return the first line of an answer, without quotes around it."""
    line = next((line.strip() for line in answer.splitlines() if line.strip()), "")
    return line.strip("\"'“” ")[:_LONGEST]


def _names_a_tag(text: str, tags: Sequence[str]) -> bool:
    words = text.casefold()
    return any(re.search(rf"\b{re.escape(tag.casefold())}", words) for tag in tags)


def _kept(partial: Path) -> Iterator[tuple[str, str]]:
    if not partial.exists():
        return
    for line in partial.read_text(encoding="utf-8").splitlines():
        try:
            key, text = json.loads(line)
        except ValueError:  # the last line may be incomplete
            continue
        yield key, text


def main() -> None:
    """Parse the arguments; read a manifest and write it with captions."""
    parser = argparse.ArgumentParser(prog="python -m tunespace.training.llm_captioning")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("out", type=Path, help=".jsonl")
    parser.add_argument("--model", required=True, help="a folder, or hf:owner/name")
    parser.add_argument("--each", type=int, default=1, help="captions of each clip")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    written = write_captions(
        load_manifest(arguments.manifest).items,
        generator(arguments.model),
        arguments.out,
        each=arguments.each,
        seed=arguments.seed,
        on_progress=lambda done, of: print(f"{done:,} of {of:,}", end="\r", flush=True),
    )
    print(f"{written.captions:,} captions; {written.dropped:,} named none of the tags: dropped")


if __name__ == "__main__":
    main()
