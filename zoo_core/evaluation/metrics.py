"""Metrics by their names, and measuring several of them."""

import functools
from collections.abc import Iterable, Sequence

from zoo_core.discovery import CORE
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.metric import Evaluand, Metric, Need, NotApplicable
from zoo_core.evaluation.record import Score
from zoo_core.registry import registry
from zoo_core.specs import ALL, ModelSpec

USUAL = ("fd", "prc", "class_accuracy", "memorization", "ssim", "psnr", "likelihood")
"""What is measured where no metrics are named; others take long, say much the same, or come from elsewhere."""


def select(names: Sequence[str] | None) -> list[Metric]:
    """The metrics of these names; their `needs` say what an evaluand for them must have.

    Args:
        names: None for the usual ones; ["all"] for every one that is installed.

    Raises:
        UsageError: for an unknown name; tells the nearest one. For an empty one.
        ZooError: where a plugin's code fails, or is not what its record says.
    """
    if names is None:
        names = USUAL
    elif list(names) == [ALL]:
        names = list(registry().metrics)
    if not all(names):
        raise UsageError(
            f"Expected names of metrics, received '{','.join(names)}', where one is empty.",
            "For example: --metrics fd,prc. All of them: zoo metrics list",
        )
    return [open_metric(name) for name in dict.fromkeys(names)]


def open_metric(name: str) -> Metric:
    """One metric. Raises as `select` does."""
    registered = registry().metric(name)
    make = registered.load()
    with registered.guarded():
        metric = make()
        if not isinstance(metric, Metric):
            raise TypeError(f"expected a zoo_core.evaluation.metric.Metric, received {metric!r}")
        if metric.name != name:
            raise ValueError(f"its name must be '{name}', received '{metric.name}'")
    return metric


def metric_of(key: str, names: Iterable[str]) -> str | None:
    """Which of these metrics a score is of, by its key; None where it is of none of them."""
    fits = {
        beginning: name
        for name in names
        for beginning in _beginnings(name)
        if key == beginning or key.startswith(f"{beginning}_")
    }
    return fits[max(fits, key=len)] if fits else None  # "fd_infinity_pixels" begins with "fd", too


def check_keys(name: str, keys: Iterable[str]) -> None:
    """Raises ValueError for a score that is not called after its metric: a score's key has one meaning."""
    for key in keys:
        if metric_of(key, (name,)) is None:
            raise ValueError(f"its scores must be called '{name}', or that and more after '_', received '{key}'")


def _beginnings(name: str) -> tuple[str, ...]:
    """How the keys of a metric's scores begin; without loading what is not the core's, or not installed."""
    registered = registry().metrics.get(name)
    if registered is None or registered.plugin.distribution != CORE:
        return (name,)
    return _beginnings_of_core(name)


@functools.cache  # a report of hundreds of records asks thousands of times
def _beginnings_of_core(name: str) -> tuple[str, ...]:
    return open_metric(name).keys or (name,)


def offered(model: ModelSpec) -> set[Need]:
    """What a model's tasks give metrics. What else a metric demands, of the images say, only measuring tells."""
    given: dict[Need, bool] = {
        "samples": model.generates or model.translates,
        "labels": model.generates and model.conditional,
        "reconstructions": model.reconstructs or model.translates,
        "likelihood": "likelihood" in model.tasks,
    }
    return {need for need, there in given.items() if there}


def compute(names: Sequence[str] | None, evaluand: Evaluand, strict: bool = True) -> dict[str, Score]:
    """Measure.

    Args:
        names: as for `select`.
        strict: whether every metric that was named must apply, and not just one of them.

    Returns:
        Scores by key; keys may say more than names, such as `fd_classifier` for `fd`.

    Raises:
        UsageError: for an unknown name.
        NotApplicable: for a named metric that can't be measured here, with the reason, where `strict`; otherwise
            where none of those named can.
        ZooError: where a plugin's metric fails, or gives a score the key of another.
    """
    named = names is not None and list(names) != [ALL]
    scores: dict[str, Score] = {}
    reason: NotApplicable | None = None
    for metric in select(names):
        try:
            scores |= _measure(metric, evaluand, scores)
        except NotApplicable as error:
            if named and strict:
                raise
            reason = error
    if named and reason and not scores:
        raise reason
    return scores


def _measure(metric: Metric, evaluand: Evaluand, before: dict[str, Score]) -> dict[str, Score]:
    registered = registry().metric(metric.name)
    if registered.plugin.distribution == CORE:
        return metric(evaluand)
    with registered.guarded("fails"):
        found = metric(evaluand)
        check_keys(metric.name, found)
    if taken := sorted(found.keys() & before.keys()):
        raise ZooError(
            f"Metric '{metric.name}' of {registered.plugin} gives a score called '{taken[0]}', as another metric does.",
            "Measure them one at a time.",
        )
    return {key: score.model_copy(update={"plugin": registered.source}) for key, score in found.items()}
