"""Exclude patterns: files and folders to leave out, such as audiobooks or recordings of sets.

Patterns follow ``.gitignore`` and are parsed by pathspec; "#" and "!!" begin names.
"""

import os
import unicodedata
from collections.abc import Iterable, Sequence

from tunespace.errors import LibraryError


class ExcludePatterns:
    """Predicate for paths to leave out.

    Examples:
        >>> excludes = ExcludePatterns(["Audiobooks/", "*.m4b"], ["/music"])
        >>> excludes("/music/Audiobooks/"), excludes("/music/a.flac"), excludes("/music/b.m4b")
        (True, False, True)
    """

    def __init__(
        self, patterns: Sequence[str], roots: Iterable[str], folders: Iterable[str] = ()
    ) -> None:
        """Parse patterns.

        Args:
            patterns: Patterns such as ``Audiobooks/``, ``*.m4b`` or ``/Live/*/Encores``.
            roots: Real paths of folders; patterns are relative to the outermost folder that
                contains a file.
            folders: Real paths of further folders, or of files, to leave out.

        Raises:
            LibraryError: A pattern is not valid.
        """
        from pathspec import GitIgnoreSpec  # not needed by a search
        from pathspec.patterns.gitignore import GitIgnorePatternError

        self._folders = tuple(os.path.join(folder, "") for folder in folders)
        self._roots = sorted((os.path.join(root, "") for root in roots), key=len)
        try:
            self._spec = GitIgnoreSpec.from_lines(_literal(patterns))
        except GitIgnorePatternError as error:
            raise LibraryError(f"invalid pattern for --exclude: {error}") from error

    def __call__(self, path: str) -> bool:
        """Return whether a file, or a folder whose path ends with a separator, is left out."""
        if os.path.join(path, "").startswith(self._folders):
            return True
        for root in self._roots:
            if path.startswith(root) and len(path) > len(root):
                return self._spec.match_file(_composed(path[len(root) :]))
        return False


def _literal(patterns: Sequence[str]) -> list[str]:
    """Return patterns in which signs that mean something in a file are those of names.

    A pattern is no comment, and negates only what an earlier one excludes.
    """
    lines = []
    for n, pattern in enumerate(patterns):
        is_name = pattern.startswith(("#", "!!")) or (n == 0 and pattern[:1] == "!" != pattern)
        lines.append(_composed(f"\\{pattern}" if is_name else pattern))
    return lines


def _composed(text: str) -> str:
    """Return text whose accents are written as one of several systems does."""
    return unicodedata.normalize("NFC", text)
