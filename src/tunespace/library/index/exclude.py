"""Music that stays out of a library: audiobooks, Christmas songs, sets of four hours.

Patterns are those of ``.gitignore``, read by pathspec: people know them from there.
"""

import os
from collections.abc import Iterable, Sequence

from tunespace.errors import LibraryError


class ExcludePatterns:
    """Decides which files and folders are left out."""

    def __init__(self, patterns: Sequence[str], roots: Iterable[str]) -> None:
        """Reads patterns.

        Args:
            patterns: Such as ``Audiobooks/``, ``*.m4b`` or ``/Live/*/Encores``.
            roots: Real paths of folders; patterns are relative to the outermost that a file is in.

        Raises:
            LibraryError: A pattern cannot be read.
        """
        from pathspec import GitIgnoreSpec  # a search never needs it
        from pathspec.patterns.gitignore import GitIgnorePatternError

        self._roots = sorted((os.path.join(root, "") for root in roots), key=len)
        try:
            self._spec = GitIgnoreSpec.from_lines(patterns)
        except GitIgnorePatternError as error:
            raise LibraryError(f"a pattern of --exclude cannot be read: {error}") from error

    def __call__(self, path: str) -> bool:
        """Whether a file, or a folder whose path ends with a separator, is left out."""
        for root in self._roots:
            if path.startswith(root) and len(path) > len(root):
                return self._spec.match_file(path[len(root) :])
        return False
