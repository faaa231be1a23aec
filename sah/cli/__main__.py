"""``python -m sah.cli``, for where the console script is not on the path."""

from sah.cli import main

main()
