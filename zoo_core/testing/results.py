"""What a check finds."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "expected failure", "unexpectedly passed", "skipped"]


class CheckFailed(Exception):
    """Raised by a check that finds a fault.

    Args:
        expected: what the contract asks for.
        seen: what the model does instead.
        mend: what to do, an imperative.
    """

    def __init__(self, expected: str, seen: str, mend: str) -> None:
        super().__init__(f"Expected {expected}. Seen: {seen}. To mend it: {mend}.")


class CheckSkipped(Exception):
    """Raised by a check that has nothing to look at in this model, with the reason."""


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
