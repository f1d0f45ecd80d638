"""Intra FID: the Fréchet distance within each class, averaged over classes."""

import math
import warnings

import numpy as np

from zoo_core.evaluation.frechet import acronym_of, frechet_estimate
from zoo_core.evaluation.intervals import Estimate, Rated, normal
from zoo_core.evaluation.metric import Evaluand, Need, NotApplicable, SampleMetric, key_of, label_of
from zoo_core.evaluation.sample import Sample
from zoo_core.evaluation.statistics import gaussian_statistics


class IntraFrechetDistance(SampleMetric):
    """Miyato & Koyama 2018, "cGANs with projection discriminator", section 4: the mean over classes of the distance
    between the generated images that were asked to show the class and the reference's images of it.

    The standard error combines those of the classes, whose images are drawn independently. The excess of small samples
    (see `FrechetDistance`) is larger here than over all classes at once, by about the number of classes. Features of
    one class at a time are in memory.
    """

    name = "intra_fd"
    keys = ("intra_fd", "intra_fid")
    needs: Need = "labels"
    ideal = 0.0

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        network, reference = evaluand.network, evaluand.reference
        acronym = acronym_of(network)
        label, dimension = label_of(f"Intra {acronym}", network), sample.features.dimension
        members, others = _by_class(sample, label), _by_class(reference, label)
        if sample.images.classes != reference.images.classes:
            raise NotApplicable(f"{label} needs generated and real images of the same classes, received others.")
        small = sum(min(len(one), len(other)) <= dimension for one, other in zip(members, others, strict=True))
        if sample is evaluand.generated and small:
            warnings.warn(
                f"{label} has {small} of {len(members)} classes with fewer than {dimension + 1} generated or real "
                f"images in {dimension} dimensions: there a covariance is singular and the distance too large. Compare "
                "it only with others of the same counts, or take more images.",
                stacklevel=2,
            )
        estimates = [_within(sample, one, reference, other) for one, other in zip(members, others, strict=True)]
        errors = [math.inf if one.standard_error is None else one.standard_error for one in estimates]
        value = float(np.mean([one.value for one in estimates]))
        estimate = normal(value, math.hypot(*errors) / len(errors), "influence of each image, reference fixed")
        return {key_of(f"intra_{acronym.lower()}", network): Rated(estimate, label, "lower", len(reference))}


def _by_class(sample: Sample, label: str) -> list[np.ndarray]:
    """The numbers of each class's images.

    Raises:
        NotApplicable: for images without labels, or fewer than 2 of a class.
    """
    images = sample.images
    if images.labels is None or not images.classes:
        raise NotApplicable(f"{label} needs labelled images, and '{images.name}' has no labels.")
    members = [np.flatnonzero(images.labels == number) for number in range(len(images.classes))]
    for name, numbers in zip(images.classes, members, strict=True):
        if len(numbers) < 2:
            raise NotApplicable(
                f"{label} needs at least 2 images of each class, '{images.name}' has {len(numbers)} of '{name}'.",
                "Take more images.",
            )
    return members


def _within(sample: Sample, members: np.ndarray, reference: Sample, others: np.ndarray) -> Estimate:
    features = sample.features.pick(members)
    one, other = gaussian_statistics([features]), gaussian_statistics([reference.features.pick(others)])
    return frechet_estimate(features.__getitem__, one, other)
