"""Inception Score: are generated images each of one class, and all of them of many?"""

from collections.abc import Iterable

import numpy as np
from scipy.special import log_softmax, xlogy

from zoo_core.evaluation.intervals import Rated, mean_of
from zoo_core.evaluation.metric import Evaluand, NotApplicable, SampleMetric, key_of
from zoo_core.evaluation.sample import Sample
from zoo_core.features import ClassifyingNetwork

SPLITS = 10
SEED = 2020
"""Of torch-fidelity's shuffle, so that both make the same splits."""


class InceptionScore(SampleMetric):
    """Salimans et al. 2016, "Improved techniques for training GANs", section 4: exp E KL(p(y|x) ‖ p(y)), from 1 to the
    number of classes, the mean over 10 splits after a shuffle.

    It never looks at a reference, and says little of images unlike those that the classifier was trained on (Barratt &
    Sharma 2018, "A note on the Inception Score"). It grows with the number of images in a split. The interval is
    Student's over the splits; the literature's ± is their standard deviation, √10 times the standard error.
    """

    name = "isc"
    compares = False

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        network = evaluand.network
        if not isinstance(network, ClassifyingNetwork):
            raise NotApplicable(
                f"The Inception Score needs a network that classifies, received the features '{network.name}'.",
                "Name one: --features inception or classifier.",
            )
        if len(sample) < SPLITS:
            raise NotApplicable(f"The Inception Score needs at least {SPLITS} images, received {len(sample)}.")
        scores = inception_scores((network.logits(chunk) for chunk in sample.features.chunks()), len(sample))
        estimate = mean_of(scores)._replace(method=f"Student's t over {SPLITS} splits")
        label = "Inception Score" if network.name == "inception" else f"IS ({network.label})"
        return {key_of("isc", network): Rated(estimate, label, "higher", 0)}


def inception_scores(logits: Iterable[np.ndarray], count: int) -> np.ndarray:
    """The scores of the splits (10,).

    Args:
        logits: chunks (n, K) of `count` rows in all, which are seen once and not kept.
    """
    shuffled = np.random.RandomState(SEED).permutation(count)
    split_of = np.empty(count, int)
    for number in range(SPLITS):
        split_of[shuffled[number * count // SPLITS : (number + 1) * count // SPLITS]] = number
    sizes = np.bincount(split_of)
    # KL(p(y|x) ‖ p(y)) averages to H(y) − H(y|x): a sum of p(y|x) and one of its entropy are enough
    negative_entropies, class_sums, start = np.zeros(SPLITS), np.zeros(()), 0
    for chunk in logits:
        logs = log_softmax(chunk.astype(np.float64), axis=1)
        probabilities = np.exp(logs)
        member = split_of[start : start + len(chunk)] == np.arange(SPLITS)[:, None]  # (10, n)
        negative_entropies += member @ np.sum(probabilities * logs, axis=1)
        class_sums = class_sums + member @ probabilities  # (10, K)
        start += len(chunk)
    marginals = class_sums / sizes[:, None]
    return np.exp(negative_entropies / sizes - xlogy(marginals, marginals).sum(axis=1))
