"""What a check finds."""

from dataclasses import dataclass
from typing import Literal

from zoo_core.discovery import raised_in
from zoo_core.errors import ZooError

Outcome = Literal["passed", "failed", "expected failure", "unexpectedly passed", "skipped"]


class CheckFailed(Exception):
    """Raised by a check that finds a fault.

    Args:
        expected: what the contract asks for.
        seen: what the model does instead.
        mend: what to do, an imperative.
    """

    def __init__(self, expected: str, seen: str, mend: str) -> None:
        super().__init__(f"Expected {expected}. Seen: {seen.removesuffix('.')}. To mend it: {mend.removesuffix('.')}.")


class CheckSkipped(Exception):
    """Raised by a check that has nothing to look at in this model, with the reason."""


def told(error: BaseException) -> str:
    """An exception in one line, its hint left out, with the last line of a plugin that it came through."""
    place = f" in {line}" if (line := raised_in(error)) else ""
    message = error.message if isinstance(error, ZooError) else str(error)
    return f"{type(error).__name__}{place}: {' '.join(message.split())}"


@dataclass(frozen=True)
class CheckResult:
    """What one check of one model came to.

    Args:
        check: its name.
        message: what was expected, what was seen and how to mend it; why it was skipped; empty where it passed.
        seconds: that it took. What checks share counts for the first one that needs it.
    """

    check: str
    outcome: Outcome
    message: str
    seconds: float

    @property
    def wrong(self) -> bool:
        """Whether the model, or what was said to be expected of it, has to be changed."""
        return self.outcome in ("failed", "unexpectedly passed")
