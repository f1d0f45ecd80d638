"""Arguments that are lists, of which one can be given alone."""

from pathlib import Path
from typing import Any


def as_list(given: Any) -> list[Any]:
    """What was given, as a list; a name or a path alone is a list of one, where a string would be one of letters."""
    return [given] if isinstance(given, str | Path) else list(given)
