"""The metrics there are, and measuring several of them."""

from collections.abc import Mapping, Sequence

from zoo_core.errors import unknown
from zoo_core.evaluation.authenticity import Authenticity
from zoo_core.evaluation.class_accuracy import ClassAccuracy
from zoo_core.evaluation.classification_accuracy_score import ClassificationAccuracyScore
from zoo_core.evaluation.density_coverage import DensityCoverage
from zoo_core.evaluation.diversity import Diversity
from zoo_core.evaluation.fid_infinity import FIDInfinity
from zoo_core.evaluation.frechet import FID, FrechetDistance
from zoo_core.evaluation.inception_score import InceptionScore
from zoo_core.evaluation.intra_fid import IntraFrechetDistance
from zoo_core.evaluation.kid import KID
from zoo_core.evaluation.likelihood import LikelihoodMetric
from zoo_core.evaluation.memorization import Memorization
from zoo_core.evaluation.metric import Evaluand, Metric, NotApplicable
from zoo_core.evaluation.ms_ssim import MSSSIM
from zoo_core.evaluation.precision_recall import PrecisionRecall
from zoo_core.evaluation.psnr import PSNR
from zoo_core.evaluation.record import Score
from zoo_core.evaluation.ssim import SSIM

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        FrechetDistance(),
        FID(),
        FIDInfinity(),
        KID(),
        InceptionScore(),
        PrecisionRecall(),
        DensityCoverage(),
        IntraFrechetDistance(),
        ClassAccuracy(),
        ClassificationAccuracyScore(),
        Memorization(),
        Authenticity(),
        SSIM(),
        MSSSIM(),
        Diversity(),
        PSNR(),
        LikelihoodMetric(),
    )
}

ALL = "all"
"""What people type for every metric that applies."""


def select(names: Sequence[str] | None) -> list[Metric]:
    """The metrics of these names; their `needs` say what an evaluand for them must have.

    Args:
        names: None for those that are measured by default; ["all"] for every one.

    Raises:
        UsageError: for an unknown name; tells the nearest one.
    """
    if names is None:
        return [metric for metric in METRICS.values() if metric.default]
    if list(names) == [ALL]:
        return list(METRICS.values())
    for name in names:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    return [METRICS[name] for name in dict.fromkeys(names)]


def compute(names: Sequence[str] | None, evaluand: Evaluand, strict: bool = True) -> dict[str, Score]:
    """Measure.

    Args:
        names: as for `select`.
        strict: whether a metric that was named must apply.

    Returns:
        Scores by key; keys may say more than names, such as `fd_classifier` for `fd`.

    Raises:
        UsageError: for an unknown name.
        NotApplicable: for a named metric that can't be measured here, with the reason, where `strict`.
    """
    scores: dict[str, Score] = {}
    for metric in select(names):
        try:
            scores |= metric(evaluand)
        except NotApplicable:
            if strict and names is not None and list(names) != [ALL]:
                raise
    return scores
