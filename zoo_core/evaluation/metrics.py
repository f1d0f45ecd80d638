"""The metrics there are, and measuring several of them."""

from collections.abc import Mapping, Sequence

from zoo_core.errors import unknown
from zoo_core.evaluation.class_accuracy import ClassAccuracy
from zoo_core.evaluation.frechet import FrechetDistance
from zoo_core.evaluation.metric import Evaluand, Metric, NotApplicable
from zoo_core.evaluation.psnr import PSNR
from zoo_core.evaluation.record import Score
from zoo_core.evaluation.ssim import SSIM

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in (FrechetDistance(), ClassAccuracy(), SSIM(), PSNR())}


def select(names: Sequence[str] | None) -> list[Metric]:
    """The metrics of these names, or all; their `needs` say what an evaluand for them must have.

    Raises:
        UsageError: for an unknown name; tells the nearest one.
    """
    for name in names or ():
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return [METRICS[name] for name in names] if names is not None else list(METRICS.values())


def compute(names: Sequence[str] | None, evaluand: Evaluand) -> dict[str, Score]:
    """Measure.

    Args:
        names: of the metrics; None for all that apply.

    Returns:
        Scores by key; keys may say more than names, such as `fd_classifier` for `fd`.

    Raises:
        UsageError: for an unknown name.
        NotApplicable: for a named metric that can't be measured here, with the reason.
    """
    scores: dict[str, Score] = {}
    for metric in select(names):
        try:
            scores |= metric(evaluand)
        except NotApplicable:
            if names is not None:
                raise
    return scores
