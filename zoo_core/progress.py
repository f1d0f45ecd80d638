"""How long work says how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], object]
"""`progress(what, done, total)` is told what is being done, and how many of how many are; a total of 0 is unknown."""
