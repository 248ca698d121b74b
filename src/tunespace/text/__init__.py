"""From what people write to terms of a lexicon and to what a sentence encoder should read.

Nothing here knows any model: a lexicon is an argument, and vectors are made elsewhere.
"""

from tunespace.text.lexicon import Entry, Lexicon
from tunespace.text.query_parser import Reading, Term, read

__all__ = ["Entry", "Lexicon", "Reading", "Term", "read"]
