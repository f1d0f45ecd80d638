"""FID∞: the Fréchet distance that infinitely many generated images would have."""

import math

import numpy as np
from scipy.stats import linregress

from zoo_core.evaluation.extraction import FeatureArray
from zoo_core.evaluation.frechet import acronym_of, frechet_estimate
from zoo_core.evaluation.intervals import Rated, normal
from zoo_core.evaluation.metric import Evaluand, NotApplicable, SampleMetric, key_of, label_of
from zoo_core.evaluation.sample import Sample
from zoo_core.evaluation.statistics import Gaussian, frechet_distance, gaussian_statistics

SIZES = 15
SMALLEST = 5000
CHUNK = 8192


class FIDInfinity(SampleMetric):
    """Chong & Forsyth 2020, "Effectively unbiased FID and Inception Score and where to find them".

    The distance of N images is nearly a line in 1/N, and this is where that line meets 1/N = 0. As in the authors'
    code it is fitted through 15 sizes, evenly spaced from 5,000 to all images, each a random subset. Where there are
    fewer than 10,000 images the smallest size is half of them; it is never below 2 D, since nearer to D the distance
    is no line any more. It takes off a little too much, in simulations 5 % of the excess with 5 D images and 2 % with
    10 D, of which the interval does not tell. The reference is always whole: what its own finite number adds stays.

    The standard error adds in squares that of the line's intercept and that of the distance of all images, which moves
    all subsets alike; in simulations with N from 5 D to 25 D it was 0.85 to 1.4 times the true one.
    """

    name = "fid_infinity"
    keys = ("fd_infinity", "fid_infinity")

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        network, reference = evaluand.network, evaluand.reference
        acronym = acronym_of(network)
        label, count, least = label_of(f"{acronym}∞", network), len(sample), 4 * sample.features.dimension
        if count < least:
            raise NotApplicable(
                f"{label} needs at least {least} images, 4 for each dimension of the features, received {count}.",
                "Generate more images.",
            )
        smallest = max(least // 2, min(SMALLEST, count // 2))
        sizes = np.linspace(smallest, count, SIZES).astype(int)
        random = np.random.default_rng(0)
        distances = []
        for size in sizes:
            subset = _gaussian(sample.features, np.sort(random.permutation(count)[:size]))
            other = reference.gaussian
            distances.append(frechet_distance(subset.mean, subset.covariance, other.mean, other.covariance))
        line = linregress(1 / sizes, distances)
        of_all = frechet_estimate(sample.features.pick, sample.gaussian, reference.gaussian).standard_error
        error = math.inf if of_all is None else math.hypot(line.intercept_stderr, of_all)
        estimate = normal(float(line.intercept), error, f"line through {SIZES} sizes, reference fixed")
        return {key_of(f"{acronym.lower()}_infinity", network): Rated(estimate, label, "lower", len(reference))}


def _gaussian(features: FeatureArray, numbers: np.ndarray) -> Gaussian:
    return gaussian_statistics(features.pick(numbers[i : i + CHUNK]) for i in range(0, len(numbers), CHUNK))
