"""How many generated images are not mere variations of a training image?"""

import numpy as np

from zoo_core.evaluation.extraction import FeatureArray
from zoo_core.evaluation.intervals import Rated, share_of
from zoo_core.evaluation.memorization import nearest_training
from zoo_core.evaluation.metric import Evaluand, Floor, Metric, Need, NotApplicable, score
from zoo_core.evaluation.neighbours import BLOCK, Neighbours, nearest
from zoo_core.evaluation.record import Score


class Authenticity(Metric):
    """Alaa et al. 2022, "How faithful is your synthetic data?", authenticity, in [0, 1]: the share of generated images
    that are farther from their nearest training image than that one is from its own nearest other training image.

    The floor is the same share of the reference images, which training must not have seen.
    """

    name = "authenticity"
    needs: Need = "samples"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        generated, unseen = nearest_training("Authenticity", evaluand)
        assert evaluand.training is not None
        training, network = evaluand.training.features, evaluand.network
        if len(training) < 2:
            raise NotApplicable("Authenticity needs at least 2 training images, received 1.")
        estimate = share_of(_authentic(generated, training))
        rated = Rated(estimate, f"Authenticity ({network.label})", "higher", len(training))
        floor = Floor(float(np.mean(_authentic(unseen, training))), len(unseen.distances), len(training))
        found = score(rated, len(generated.distances), floor)
        return {f"authenticity_{network.label}": found}


def _authentic(neighbours: Neighbours, training: FeatureArray) -> np.ndarray:
    """Whether each image is farther from its nearest training image than that one from any other, (N,)."""
    numbers, inverse = np.unique(neighbours.numbers[:, 0], return_inverse=True)
    blocks = (training.pick(numbers[start : start + BLOCK]) for start in range(0, len(numbers), BLOCK))
    spacing = nearest(blocks, training, 2).distances[:, 1]  # the nearest of all is the image itself
    return neighbours.distances[:, 0] > spacing[inverse]
