"""Images as a feature network sees them: what most metrics compare."""

from functools import cached_property

import numpy as np

from zoo_core.errors import UsageError, counted
from zoo_core.evaluation.extraction import FeatureArray, FeatureStore
from zoo_core.evaluation.images import Images
from zoo_core.evaluation.neighbours import spacings
from zoo_core.evaluation.statistics import Gaussian, gaussian_statistics
from zoo_core.features import FeatureNetwork


class Sample:
    """Images and their features, which are extracted once, when they are first asked for.

    Args:
        store: where they are kept.
    """

    def __init__(self, images: Images, network: FeatureNetwork, store: FeatureStore) -> None:
        self.images = images
        self._network = network
        self._store = store
        self._spacings: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def features(self) -> FeatureArray:
        """(N, D) float32, in the order of the images."""
        return self._store.extract(self._network, self.images)

    @cached_property
    def gaussian(self) -> Gaussian:
        """Mean and covariance of the features, float64. Raises UsageError for a single image."""
        if len(self) < 2:
            raise UsageError(
                f"'{self.images.name}' has {counted(len(self), 'image')}, and a covariance takes 2 or more.",
                "Take more images.",
            )
        return gaussian_statistics(self.features.chunks())

    def spacings(self, k: int) -> np.ndarray:
        """The distance of each image's features to the k-th nearest other ones, (N,) float64; found once."""
        if k not in self._spacings:
            self._spacings[k] = spacings(self.features, k)
        return self._spacings[k]
