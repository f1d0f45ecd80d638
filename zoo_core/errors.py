"""The errors that people see: one message, one hint, one exit code."""

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Something went wrong that is not the caller's mistake: a full disk, a broken file, a loss that is not finite.

    Args:
        message: what was expected and what was received.
        hint: what to do next, a sentence.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(ZooError):
    """What was asked for can't be done: an unknown name, an option out of bounds, a folder that is not there."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that stands for nothing: misspelt, or not installed."""


class UnsupportedShape(UsageError):
    """Raised by `GenerativeModel.networks` for images that the model can't take; the hint says which it can."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UnknownName:
    """The error for a misspelt name: names the nearest known one, or lists them all.

    Args:
        kind: what was looked up, such as "model" or "data set".
        hint: used where no known name is near.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        hint = f"Did you mean '{near[0]}'?"
    elif not hint:
        hint = f"Known: {', '.join(known) or 'none'}."
    return UnknownName(f"Unknown {kind} '{name}'.", hint)


def counted(number: int, what: str) -> str:
    """ "1 image", "2 images", "1,000 images"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class Interrupted(ZooError):
    """The user pressed Ctrl-C; what was done is saved, and the hint says how to go on."""

    exit_code = 130
