"""The checks, in the order in which they are run, and what runs them."""

import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import redirect_stdout
from typing import Any

from zoo_core.errors import unknown
from zoo_core.testing import (
    backends,
    labels,
    learning,
    networks_and_losses,
    persistence,
    sampling,
    spec_and_options,
)
from zoo_core.testing.global_state import watched
from zoo_core.testing.results import CheckFailed, CheckResult, CheckSkipped, Outcome
from zoo_core.testing.subject import Subject, needs
from zoo_core.training.backends import backend

Check = Callable[[Subject], None]
"""Looks at one thing. Raises CheckFailed for a fault, as does any other exception, and CheckSkipped where there is
nothing to look at."""

CHECKS: tuple[Check, ...] = (
    *spec_and_options.CHECKS,
    *networks_and_losses.CHECKS,
    *sampling.CHECKS,
    *labels.CHECKS,
    *persistence.CHECKS,
    *backends.CHECKS,
)

SLOW_CHECKS: tuple[Check, ...] = learning.CHECKS


def check_model(
    name: str,
    *,
    expected_failed_checks: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    slow: bool = False,
) -> list[CheckResult]:
    """Run every check on one model, on the CPU and the backend that Keras runs on.

    Args:
        name: as for `zoo train`.
        expected_failed_checks: by the name of a check, the reason why it fails. One that passes is told.
        options: of the model; by default its own, with the smallest `width` from 2 on where it has such an option.
        slow: also those that take up to a minute.

    Raises:
        UsageError: for the name of a check that there is not.
        ZooError, UsageError: for a model that there is not, or whose plugin is broken, as `Registry.model`.
    """
    expected = expected_failed_checks or {}
    checks = select(slow, expected)
    subject = Subject(name, options)
    needs(subject.registered)
    return [_result(check, subject, expected.get(check.__name__)) for check in checks]


def select(slow: bool, expected: Collection[str]) -> tuple[Check, ...]:
    """The checks, in their order.

    Raises:
        UsageError: where one is expected to fail that there is not.
    """
    known = {check.__name__ for check in CHECKS + SLOW_CHECKS}
    for name in expected:
        if name not in known:
            raise unknown("check", name, known)
    return CHECKS + (SLOW_CHECKS if slow else ())


def perform(check: Check, subject: Subject) -> None:
    """Run one check; what it and the model print goes to stderr, and global state is put back.

    Raises:
        CheckSkipped: where there is nothing to look at, or another check has found the fault already.
        Exception: what the check raises.
    """
    on = backend()
    try:
        with redirect_stdout(sys.stderr), watched(subject.changed), on.use_device(on.select_device("cpu")):
            check(subject)
    except CheckSkipped:
        raise
    except (Exception, SystemExit) as error:
        finder = subject.finder(error, check.__name__)
        if finder != check.__name__:
            raise CheckSkipped(f"It needs what '{finder}' has found broken.") from error
        raise


def _result(check: Check, subject: Subject, expected: str | None) -> CheckResult:
    began = time.perf_counter()
    outcome, message = _outcome(check, subject)
    if expected is not None and outcome == "failed":
        outcome, message = "expected failure", f"{expected}: {message}"
    elif expected is not None and outcome == "passed":
        outcome, message = "unexpectedly passed", f"It was expected to fail ({expected}). Expect it no more."
    return CheckResult(check.__name__, outcome, message, round(time.perf_counter() - began, 3))


def _outcome(check: Check, subject: Subject) -> tuple[Outcome, str]:
    try:
        perform(check, subject)
    except CheckSkipped as reason:
        return "skipped", str(reason)
    except CheckFailed as failure:
        return "failed", str(failure)
    except (Exception, SystemExit) as error:
        return "failed", f"Expected no exception. Seen: {type(error).__name__}: {error}"
    return "passed", ""
