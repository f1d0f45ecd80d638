"""How alike are generated images to each other?"""

import numpy as np

from zoo_core.evaluation.images import Images
from zoo_core.evaluation.intervals import Rated, mean_of
from zoo_core.evaluation.metric import Evaluand, NotApplicable, SampleMetric
from zoo_core.evaluation.ms_ssim import ms_ssim_of, scale_names
from zoo_core.evaluation.sample import Sample

STRETCHES, LENGTH = 20, 100
"""Images are taken from as many stretches of such a length, evenly spread: a set may be sorted by class."""


class Diversity(SampleMetric):
    """Odena et al. 2017, "Conditional image synthesis with auxiliary classifier GANs", section 4.2: the mean MS-SSIM
    of pairs of images of one class, in [0, 1]; lower means more diverse, and the floor is what real images have.

    Up to 1,000 pairs out of 2,000 images, no image in two of them, so that they are independent. Without classes asked
    for they are pairs of any images, and without `_by_class` in the key. The number of scales is in the key as for
    MS-SSIM.
    """

    name = "diversity"
    keys = ("ms_ssim_diversity",)
    compares = False

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        suffix, scales = scale_names("Diversity", sample.images.shape)
        conditional = evaluand.generated is not None and evaluand.generated.images.labels is not None
        images, labels = _spread(sample.images)
        by_class = conditional and labels is not None
        first, second = _pairs(labels if labels is not None and by_class else np.zeros(len(images), np.intp))
        if not len(first):
            raise NotApplicable("Diversity needs pairs of images of one class, and there are none.")
        values = ms_ssim_of(images[first], images[second])
        key = f"ms_ssim_diversity{'_by_class' if by_class else ''}{suffix}"
        label = f"MS-SSIM of pairs{' of one class' if by_class else ''}{scales}"
        return {key: Rated(mean_of(values)._replace(method="Student's t over pairs"), label, "lower", 0)}


def _spread(images: Images) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels of the stretches, or all where they are fewer."""
    if len(images) <= STRETCHES * LENGTH:
        return images.read(0, len(images)), images.labels
    starts = np.linspace(0, len(images) - LENGTH, STRETCHES).astype(int)
    numbers = np.concatenate([np.arange(start, start + LENGTH) for start in starts])
    chosen = np.concatenate([images.read(start, start + LENGTH) for start in starts])
    return chosen, None if images.labels is None else images.labels[numbers]


def _pairs(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of images that are paired within their class at random, each at most once, two times (P,)."""
    random = np.random.default_rng(0)
    orders = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    even = [order[: len(order) // 2 * 2] for order in orders]
    return np.concatenate([order[::2] for order in even]), np.concatenate([order[1::2] for order in even])
