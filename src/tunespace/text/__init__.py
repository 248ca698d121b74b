"""Text processing: from a query to lexicon terms and a sentence for the text encoder.

Independent of any model: the lexicon is an argument, and vectors are computed elsewhere.
"""

from tunespace.text.lexicon import Entry, Lexicon
from tunespace.text.query_parser import Correction, ParsedQuery, Term, parse_query

__all__ = ["Correction", "Entry", "Lexicon", "ParsedQuery", "Term", "parse_query"]
