"""The Fréchet distance between features of generated and of real images: FID, where they are Inception's features."""

import math
import warnings
from collections.abc import Callable

import numpy as np

from zoo_core.evaluation.intervals import Estimate, Rated, normal
from zoo_core.evaluation.metric import Evaluand, NotApplicable, SampleMetric, key_of, label_of
from zoo_core.evaluation.sample import Sample
from zoo_core.evaluation.statistics import Gaussian, frechet_distance, transport_map
from zoo_core.features import FeatureNetwork

CHUNK = 2048
JUDGES = 10_000
"""Images from whose influences the standard error is found: their spread is then known to 1 %."""


class FrechetDistance(SampleMetric):
    """Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", eq. 6.

    The key is `fid` for Inception features, which alone give numbers of the literature; any others give their name to
    it: `fd_classifier`, `fd_pixels`.

    The distance between samples is above that between the distributions by about c/N, where c depends on the features
    and on both distributions, so that only scores of equal N compare. The interval does not tell of it: it is for
    what other images of the same model, as many, would be expected to score against the same reference. See
    `FIDInfinity` for an estimate without that excess, and the floor for how much of it real images have.
    """

    name = "fd"
    keys = ("fd", "fid")
    ideal = 0.0

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        network, reference = evaluand.network, evaluand.reference
        acronym = acronym_of(network)
        label, dimension = label_of(acronym, network), sample.features.dimension
        estimate = frechet_estimate(sample.features.pick, sample.gaussian, reference.gaussian)
        # A floor from fewer images than that is known by its own number of images
        if sample is evaluand.generated and min(len(sample), len(reference)) <= dimension:
            warnings.warn(
                f"{label} compares {len(sample)} generated with {len(reference)} real images in {dimension} "
                f"dimensions: below {dimension + 1} images a covariance is singular and the distance too large. "
                "Compare it only with others of the same counts, or take more images.",
                stacklevel=2,
            )
        return {key_of(acronym.lower(), network): Rated(estimate, label, "lower", len(reference))}


class FID(SampleMetric):
    """As `FrechetDistance`, for those who ask for FID by name and would not have it of other features."""

    name = "fid"
    ideal = 0.0

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        if not evaluand.network.label.startswith("inception"):
            raise NotApplicable(
                f"FID is of Inception features, received the features '{evaluand.network.name}'.",
                "Name those: --features inception. Or name the metric 'fd' for the Fréchet distance of these features.",
            )
        return FrechetDistance().measure(sample, evaluand)


def acronym_of(network: FeatureNetwork) -> str:
    """What the Fréchet distance is called with these features."""
    return "FID" if network.name == "inception" else "FD"


def frechet_estimate(pick: Callable[[np.ndarray], np.ndarray], one: Gaussian, other: Gaussian) -> Estimate:
    """The Fréchet distance of generated images, N(μ₁, Σ₁), from a reference, N(μ₂, Σ₂), which is held fixed.

    An image x moves the distance in proportion to its influence
        2 (μ₁ − μ₂)·(x − μ₁) + (x − μ₁)ᵀ (I − T) (x − μ₁) + constant
    with T the transport map (the derivative from which Rippl, Munk & Sturm 2016, "Limit laws of the empirical
    Wasserstein distance: Gaussian distributions", get their limits), and the standard error is the influences' standard
    deviation over √N. In simulations like those of the tests, with N from D/10 to 50 D, it was 0.8 to 1.5 times the
    true one; it is too large, by √2, for a model that has the reference's own distribution.

    Args:
        pick: the generated images' features (n, D) by their numbers.
    """
    distance = frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    quadratic = np.identity(len(one.mean)) - transport_map(one.covariance, other.covariance)
    linear = 2 * (one.mean - other.mean)
    judges = np.random.default_rng(0).permutation(one.images)[:JUDGES]
    influences = []
    for start in range(0, len(judges), CHUNK):
        rows = pick(np.sort(judges[start : start + CHUNK])) - one.mean  # (n, D)
        influences.append(rows @ linear + np.einsum("nd,nd->n", rows @ quadratic, rows))
    error = float(np.std(np.concatenate(influences), ddof=1)) / math.sqrt(one.images)
    return normal(distance, error, "influence of each image, reference fixed")
