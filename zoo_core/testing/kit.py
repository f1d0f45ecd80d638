"""The checks, in the order in which they are run, and what runs them."""

import difflib
import inspect
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import keras

from zoo_core.discovery import raised_in
from zoo_core.errors import UnknownName, ZooError, unknown
from zoo_core.registry import registry
from zoo_core.testing import (
    backends,
    datasets,
    features,
    inpainting,
    labels,
    learning,
    likelihood,
    metrics,
    networks_and_losses,
    persistence,
    reconstruction,
    sampling,
    spec_and_options,
    translation,
)
from zoo_core.testing.checked import Checked, needs
from zoo_core.testing.datasets import DatasetSubject
from zoo_core.testing.features import FeatureSubject
from zoo_core.testing.global_state import watched
from zoo_core.testing.metrics import MetricSubject
from zoo_core.testing.results import CheckFailed, CheckResult, CheckSkipped, Outcome, told
from zoo_core.testing.subject import Subject
from zoo_core.training.backends import backend

Check = Callable[[Any], None]
"""Looks at one thing. Raises CheckFailed for a fault, as does any other exception, and CheckSkipped where there is
nothing to look at."""

CHECKS: tuple[Check, ...] = (
    *spec_and_options.CHECKS,
    *networks_and_losses.CHECKS,
    *sampling.CHECKS,
    *labels.CHECKS,
    *translation.CHECKS,
    *inpainting.CHECKS,
    *reconstruction.CHECKS,
    *likelihood.CHECKS,
    *persistence.CHECKS,
    *backends.CHECKS,
)

SLOW_CHECKS: tuple[Check, ...] = learning.CHECKS

DATASET_CHECKS: tuple[Check, ...] = (spec_and_options.entry_module_imports_no_keras, *datasets.CHECKS)
FEATURE_CHECKS: tuple[Check, ...] = (spec_and_options.entry_module_imports_no_keras, *features.CHECKS)
METRIC_CHECKS: tuple[Check, ...] = (spec_and_options.entry_module_imports_no_keras, *metrics.CHECKS)


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
        ZooError, UsageError: for a model that there is not, or whose plugin is broken, as `Registry.model`; where Keras
            runs on a backend that the model does not run on.
    """
    return check_subject(Subject(name, options), expected_failed_checks, slow)


def check_dataset(
    name: str, *, expected_failed_checks: Mapping[str, str] | None = None, data_dir: str | Path | None = None
) -> list[CheckResult]:
    """Run every check on one data set. Raises as `check_model` does.

    Args:
        name: as for `--data`, without a size.
        data_dir: the folder of local copies; by default that of ZOO_DATA_DIR. What would have to be fetched is not.
    """
    return check_subject(DatasetSubject(name, Path(data_dir) if data_dir else None), expected_failed_checks)


def check_features(
    name: str, *, expected_failed_checks: Mapping[str, str] | None = None, weights: str | Path | None = None
) -> list[CheckResult]:
    """Run every check on one feature network. Raises as `check_model` does.

    Args:
        name: as for `--features`.
        weights: a file of its weights, in place of those that it would take itself.
    """
    return check_subject(FeatureSubject(name, Path(weights) if weights else None), expected_failed_checks)


def check_metric(name: str, *, expected_failed_checks: Mapping[str, str] | None = None) -> list[CheckResult]:
    """Run every check on one metric, named as for `--metrics`. Raises as `check_model` does."""
    return check_subject(MetricSubject(name), expected_failed_checks)


def check_subject(
    subject: Checked[Any], expected_failed_checks: Mapping[str, str] | None = None, slow: bool = False
) -> list[CheckResult]:
    """Run every check on a subject. Raises as `check_model` does."""
    expected = expected_failed_checks or {}
    checks = select(subject, slow, expected)
    needs(subject.registered)
    return [_result(check, subject, expected.get(check.__name__)) for check in checks]


def subjects(
    name: str,
    options: Mapping[str, Any] | None = None,
    weights: str | Path | None = None,
    data_dir: str | Path | None = None,
) -> list[Checked[Any]]:
    """All that is called so, of whatever kind. What is not installed is taken for a model, and so is a file.

    Args:
        options, weights, data_dir: of a model, a feature network and a data set, as for the check of each.
    """
    found = registry()
    if (of_file := found.named(name)) != name:
        return [Subject(of_file, options)]
    of_models: list[Checked[Any]] = [Subject(name, options)]
    others: list[Checked[Any]] = []
    if name in found.datasets:
        others.append(DatasetSubject(name, Path(data_dir) if data_dir else None))
    if name in found.features:
        others.append(FeatureSubject(name, Path(weights) if weights else None))
    if name in found.metrics:
        others.append(MetricSubject(name))
    return others if others and name not in found.models else of_models + others


def known_subjects(name: str, *settings: Any) -> list[Checked[Any]]:
    """As `subjects`.

    Raises:
        UnknownName: where nothing is called so; names what is called nearly so, of whatever kind.
        ZooError, UsageError: where it is broken or disabled, as `Registry.model`.
    """
    found = subjects(name, *settings)
    try:
        needs(found[0].registered)
    except UnknownName as error:
        raise _unknown_to_all(name) from error
    return found


def select(subject: Checked[Any], slow: bool, expected: Collection[str]) -> tuple[Check, ...]:
    """The checks of a subject, in their order.

    Raises:
        UsageError: where one is expected to fail that there is not.
    """
    known = {check.__name__ for check in CHECKS + SLOW_CHECKS + DATASET_CHECKS + FEATURE_CHECKS + METRIC_CHECKS}
    for name in expected:
        if name not in known:
            raise unknown("check", name, known)
    match subject:
        case DatasetSubject():
            return DATASET_CHECKS
        case FeatureSubject():
            return FEATURE_CHECKS
        case MetricSubject():
            return METRIC_CHECKS
    return CHECKS + (SLOW_CHECKS if slow else ())


def perform(check: Check, subject: Checked[Any]) -> None:
    """Run one check; what it and its subject print goes to stderr, and global state is put back.

    Raises:
        CheckSkipped: where there is nothing to look at, or another check has found the fault already.
        Exception: what the check raises.
    """
    on = backend()
    cpu = on.select_device("cpu")
    try:
        with _whole_tracebacks(), redirect_stdout(sys.stderr), watched(subject.changed), on.use_device(cpu):
            check(subject)
    except CheckSkipped:
        raise
    except (Exception, SystemExit) as error:
        finder = subject.finder(error, check.__name__)
        if finder != check.__name__:
            raise CheckSkipped(f"It needs what '{finder}' has found broken.") from error
        raise


def _unknown_to_all(name: str) -> UnknownName:
    """The error for what is no model and nothing else: the nearest names, with what they are."""
    found = registry()
    kinds: dict[str, Iterable[str]] = {
        "model": found.models,
        "data set": found.datasets,
        "feature network": found.features,
        "metric": found.metrics,
    }
    near = difflib.get_close_matches(name, {known for names in kinds.values() for known in names}, n=3, cutoff=0.5)
    meant = [f"the {kind} '{known}'" for known in near for kind, names in kinds.items() if known in names]
    lists = "See: zoo models list, zoo datasets list, zoo features list, zoo metrics list."
    return UnknownName(
        f"There is no model, data set, feature network or metric called '{name}'.",
        f"Did you mean {' or '.join(meant)}?" if meant else lists,
    )


def _result(check: Check, subject: Checked[Any], expected: str | None) -> CheckResult:
    began = time.perf_counter()
    outcome, message = _outcome(check, subject)
    if expected is not None and outcome == "failed":
        outcome, message = "expected failure", f"{expected}: {message}"
    elif expected is not None and outcome == "passed":
        outcome, message = "unexpectedly passed", f"It was expected to fail ({expected}). Expect it no more."
    return CheckResult(check.__name__, outcome, message, round(time.perf_counter() - began, 3))


def _outcome(check: Check, subject: Checked[Any]) -> tuple[Outcome, str]:
    try:
        perform(check, subject)
    except CheckSkipped as reason:
        return "skipped", str(reason)
    except CheckFailed as failure:
        return "failed", str(failure)
    except (Exception, SystemExit) as error:
        return "failed", str(CheckFailed("no exception", told(error), _advice(check, error)))
    return "passed", ""


def _advice(check: Check, error: BaseException) -> str:
    """The hint of an error, or else what the check asks for."""
    if isinstance(error, ZooError) and error.hint:
        return error.hint
    where = "correct that line" if raised_in(error) else "look for the cause"
    asked, _, _ = (inspect.getdoc(check) or "").partition("\n\n")
    return f"{where}; what is asked for: {' '.join(asked.split())}"


@contextmanager
def _whole_tracebacks() -> Iterator[None]:
    """Keras cuts out the lines between its own, and with them the one at fault; some of JAX' exceptions it replaces."""
    before = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if before:
            keras.config.enable_traceback_filtering()
