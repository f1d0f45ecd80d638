"""What every feature network is: images in, one vector for each image out."""

import abc

import numpy as np


class FeatureNetwork(abc.ABC):
    """The ground that distances between sets of images stand on.

    Attributes:
        name: identifies the features in a result record: "pixels", "inception", "inception@1a2b3c4d",
            "classifier:digits", "classifier@1a2b3c4d". Features of the same name and weights agree between runtimes.
        weights_sha256: of the weights file, or None where there are no weights.
        runtime: what computes them, for the record, such as "keras 3.15.1, jax".
    """

    name: str
    weights_sha256: str | None
    runtime: str

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


class ClassifyingNetwork(FeatureNetwork):
    """A feature network whose last layer tells classes.

    Attributes:
        classes: their names, in the order of the logits; empty where they have none.
    """

    classes: tuple[str, ...]

    @abc.abstractmethod
    def logits(self, features: np.ndarray) -> np.ndarray:
        """The logits of images whose features are known.

        Args:
            features: (N, D) float32, from `features`.

        Returns:
            (N, K) float32.
        """
