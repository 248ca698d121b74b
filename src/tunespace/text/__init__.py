"""From what people write to terms of a lexicon and to what a sentence encoder should parse_query.

Nothing here knows any model: a lexicon is an argument, and vectors are made elsewhere.
"""

from tunespace.text.lexicon import Entry, Lexicon
from tunespace.text.query_parser import ParsedQuery, Term, parse_query

__all__ = ["Entry", "Lexicon", "ParsedQuery", "Term", "parse_query"]
