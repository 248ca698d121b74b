"""Text corpora to train tokenizers and word vectors on: data, lexicon, artists and tracks."""

from collections.abc import Iterable, Sequence

import numpy as np

from tunespace.data.manifest import Item
from tunespace.training.captions.samplers import metadata, token
from tunespace.training.captions.templates import lexicon

_SHUFFLES = 4


def corpus(items: Sequence[Item]) -> list[str]:
    """Return every text that can be sampled for the clips, each once, in order.

    Examples:
        >>> corpus([Item("1", tags=("jazz", "piano"), captions=("slow jazz",))])
        ['slow jazz', 'jazz', 'piano', 'jazz piano']
    """
    texts: dict[str, None] = {}
    for item in items:
        texts.update(dict.fromkeys(item.captions))
        texts.update(dict.fromkeys(item.tags))
        if len(item.tags) > 1:
            texts[" ".join(item.tags)] = None
        if item.title or item.artist:
            texts[metadata(item)] = None
        if item.similar_artists:
            texts[" ".join(item.similar_artists)] = None
    return list(texts)


def lexicon_texts() -> list[str]:
    """Return the words of the bundled lexicon with their descriptions.

    Examples:
        >>> len(lexicon_texts()) > 4000
        True
    """
    return [f"{entry.word} {entry.description}" for entry in lexicon().entries.values()]


def shuffled_metadata_texts(items: Iterable[Item], seed: int) -> list[str]:
    """Return tags, artist and track of each clip as one text, in several random orders.

    Doh et al. 2024, section 3: words, artists and tracks in one text get similar word vectors. The
    artist is included as one word, ``artist:name``, and by the words of the name.

    Examples:
        >>> item = Item("1", artist="Nina Simone", tags=("jazz",))
        >>> sorted(shuffled_metadata_texts([item], seed=0)[0].split())
        ['Nina', 'Simone', 'artist:nina_simone', 'jazz', 'track:1']
    """
    random = np.random.default_rng(seed)
    texts = []
    for item in items:
        words = [*item.tags, token("track", item.track_id)]
        if item.artist_key:
            words += [token("artist", item.artist_key), item.artist]
        texts += [" ".join(random.permutation(words)) for _ in range(_SHUFFLES)]
    return texts
