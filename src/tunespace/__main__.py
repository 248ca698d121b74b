"""``python -m tunespace``: the command line, for those whose scripts are not on the path."""

from tunespace.cli import main

main()
