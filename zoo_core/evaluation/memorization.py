"""Are generated images nearer to training images than unseen real images are?"""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from zoo_core.evaluation.intervals import CONFIDENCE, Estimate, Rated
from zoo_core.evaluation.metric import Evaluand, Floor, Metric, Need, NotApplicable, score
from zoo_core.evaluation.neighbours import BLOCK, Neighbours, nearest
from zoo_core.evaluation.record import Score

CHANCE = 0.5
SEEN = 0.05
"""The share of reference images that are training images, to the last bit of their features, from which on a reference
is not taken for unseen: sets hold some duplicates."""


class Memorization(Metric):
    """The probability, in [0, 1], that a generated image is nearer to its nearest training image than an unseen real
    one is to its own, a tie counting half.

    Meehan, Chaudhuri & Dasgupta 2020, "A non-parametric test to detect data-copying in generative models", with one
    cell for the whole space, and given as the Mann–Whitney U over the pairs, which does not grow with the number of
    images as their z does. The unseen images are the reference.

    The floor is 0.5: what is expected where generated and unseen images are exchangeable, the permutation baseline.
    The interval leaves 0.5 out exactly where the permutation test, two-sided and in its normal approximation, rejects
    that at 5 %. Above it there is copying. Below it generated images are farther from the training set than real ones,
    which any poor model manages: low values are no merit by themselves.
    """

    name = "memorization"
    needs: Need = "samples"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        generated, unseen = nearest_training("Memorization", evaluand)
        network, n_unseen = evaluand.network, len(evaluand.reference)
        estimate = nearer(generated.distances[:, 0], unseen.distances[:, 0])
        rated = Rated(estimate, f"Memorization ({network.label})", "lower", n_unseen)
        return {f"memorization_{network.label}": score(rated, len(generated.distances), Floor(CHANCE, n_unseen))}


def nearest_training(what: str, evaluand: Evaluand) -> tuple[Neighbours, Neighbours]:
    """The nearest training image of each generated one, and of each reference image, which training must not have seen.

    Args:
        what: the metric, for messages.

    Raises:
        NotApplicable: without generated or training images, or where the reference is of the training images.
    """
    reference, training = evaluand.reference, evaluand.training
    if evaluand.generated is None:
        raise NotApplicable(f"{what} needs generated images, and there are none.")
    if training is None:
        raise NotApplicable(f"{what} needs the images that the model was trained on, and they are not known.")
    if reference.images.content_hash is not None and reference.images.content_hash == training.images.content_hash:
        raise _seen(what, evaluand, 1.0)
    unseen = nearest(reference.features.chunks(BLOCK), training.features)
    if (share := np.mean(unseen.distances == 0)) > SEEN:
        raise _seen(what, evaluand, share)
    return nearest(evaluand.generated.features.chunks(BLOCK), training.features), unseen


def _seen(what: str, evaluand: Evaluand, share: float) -> NotApplicable:
    return NotApplicable(
        f"{what} compares with real images that training has not seen, and {share:.0%} of those of "
        f"'{evaluand.reference.images.name}' are training images.",
        "Compare with a held-out split.",
    )


def nearer(ones: np.ndarray, others: np.ndarray) -> Estimate:
    """The probability that one of the former is smaller than one of the latter, a tie counting half.

    The interval is of Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann–Whitney
    statistic. Part 2", method 5: the probabilities p that the value is not significantly far from by the variance that
    the statistic has at p.

    Args:
        ones, others: (n,) and (m,), independent.
    """
    n, m = len(ones), len(others)
    ranks = rankdata(np.concatenate([others, ones]))
    value = float((ranks[:m].sum() - m * (m + 1) / 2) / (n * m))
    z = norm.ppf((1 + CONFIDENCE) / 2)

    def variance(p: float) -> float:
        return p * (1 - p) * (1 + ((n + m) / 2 - 1) * ((1 - p) / (2 - p) + p / (1 + p))) / (n * m)

    def excess(p: float) -> float:
        return (p - value) ** 2 - z**2 * variance(p)

    # A value of 0 or 1, where the variance is 0, would be a root itself.
    interval = brentq(excess, 0, min(value, 1 - 1e-9)), brentq(excess, max(value, 1e-9), 1)
    return Estimate(value, float(np.sqrt(variance(value))), interval, "Newcombe's method 5 for Mann-Whitney")
