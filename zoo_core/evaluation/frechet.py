"""The Fréchet distance between the features of generated and of real images: "fd", as FID but for its features."""

import warnings

import numpy as np

from zoo_core.evaluation.metric import Evaluand, Metric, NotApplicable
from zoo_core.evaluation.record import Score
from zoo_core.evaluation.statistics import Gaussian, frechet_distance, gaussian_statistics
from zoo_core.features import FeatureNetwork

CHUNK = 2048
"""Images whose features are in memory at a time."""


class FrechetDistance(Metric):
    """Heusel et al. 2017, eq. 6, with the feature network's own name in the key: `fd_classifier`, `fd_pixels`.

    The floor is the distance of real images, as many training images as were generated or all if there are fewer, to
    the same reference. A classifier has seen the training images, which raises its floor a little: with 5,000 images
    of MNIST it is 0.15, where two halves of the test split are 0.11 apart.
    """

    name = "fd"
    needs = "samples"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        if evaluand.generated is None:
            raise NotApplicable("FD needs generated images, and there are none.")
        network = evaluand.features
        generated = _statistics(network, evaluand.generated)
        reference = _statistics(network, evaluand.reference)
        floor, n_floor = None, None
        if evaluand.training is not None and len(evaluand.training) >= 2:
            real = _statistics(network, _draw(evaluand.training, generated.images))
            floor, n_floor = _distance(real, reference), real.images
        dimension = len(reference.mean)
        if min(generated.images, reference.images) <= dimension:
            warnings.warn(
                f"FD ({network.label}) compares {generated.images} generated with {reference.images} real images in "
                f"{dimension} dimensions: below {dimension + 1} images a covariance is singular and the distance too "
                "large. Compare it only with others of the same counts, or take more images.",
                stacklevel=2,
            )
        score = Score(
            value=_distance(generated, reference),
            label=f"FD ({network.label})",
            better="lower",
            n_generated=generated.images,
            n_reference=reference.images,
            floor=floor,
            n_floor=n_floor,
        )
        return {f"fd_{network.label}": score}


def _statistics(network: FeatureNetwork, images: np.ndarray) -> Gaussian:
    return gaussian_statistics(network.features(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK))


def _distance(one: Gaussian, other: Gaussian) -> float:
    return frechet_distance(one.mean, one.covariance, other.mean, other.covariance)


def _draw(images: np.ndarray, count: int) -> np.ndarray:
    """`count` images, or all where there are fewer, drawn without replacement: a data set may be sorted by class."""
    if count >= len(images):
        return images
    return images[np.sort(np.random.default_rng(0).choice(len(images), count, replace=False))]
