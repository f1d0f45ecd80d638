"""What every feature network is: images in, one vector for each image out."""

import abc

import numpy as np


class FeatureNetwork(abc.ABC):
    """The ground that distances between sets of images stand on.

    Attributes:
        name: identifies the features in a result record: "pixels", "classifier:digits", "classifier@1a2b3c4d".
        weights_sha256: of the weights file, or None where there are no weights.
    """

    name: str
    weights_sha256: str | None

    @property
    def label(self) -> str:
        """The name without the data set, for keys and columns: "pixels", "classifier", "classifier@1a2b3c4d"."""
        return self.name.partition(":")[0]

    @abc.abstractmethod
    def features(self, images: np.ndarray) -> np.ndarray:
        """One vector for each image, the same whatever images it comes with.

        Args:
            images: (N, H, W, C) uint8, C 1 or 3.

        Returns:
            (N, D) float32.
        """
