"""Docstrings of this project may document two things at once; Griffe, which reads them, knows one name at a time."""

import re
from typing import Any

import griffe

TOGETHER = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)", re.MULTILINE)


class SeparateNames(griffe.Extension):
    """From `real, fake: (N, 1).` it makes `real: (N, 1).` and `fake: (N, 1).`"""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = TOGETHER.sub(_separate, obj.docstring.value)


def _separate(match: re.Match[str]) -> str:
    indent, names, text = match.groups()
    return "\n".join(f"{indent}{name}: {text}" for name in names.split(", "))
