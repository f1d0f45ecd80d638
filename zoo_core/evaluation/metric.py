"""What a metric is: something to measure in, a score out."""

import abc
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zoo_core.errors import UsageError
from zoo_core.evaluation.record import Score
from zoo_core.features import FeatureNetwork

Need = Literal["samples", "labels", "reconstructions"]


class NotApplicable(UsageError):
    """Raised by a metric for what it can't measure; the message says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluand:
    """What there is to measure. All images are uint8 of one shape (H, W, C).

    Args:
        features: the feature network.
        reference: real images, those of the reference split (M, H, W, C).
        training: real images of the training split, for the floor of distances.
        classes: the class names of the data set, in the order of the labels.
        generated: images to be judged, (N, H, W, C).
        labels: (N,) integers, the classes that the generated images were asked to show.
        pairs: originals and their reconstructions, (P, H, W, C) each.

    Raises:
        UsageError: for arrays that don't fit together.
    """

    features: FeatureNetwork
    reference: np.ndarray
    training: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    generated: np.ndarray | None = None
    labels: np.ndarray | None = None
    pairs: tuple[np.ndarray, np.ndarray] | None = None

    def __post_init__(self) -> None:
        shape = self.reference.shape[1:]
        for images in (self.reference, self.training, self.generated, *(self.pairs or ())):
            if images is not None and (images.dtype != np.uint8 or images.shape[1:] != shape or not len(images)):
                raise UsageError(
                    f"Expected uint8 images (N, {', '.join(map(str, shape))}), as the reference has them, "
                    f"received {images.dtype} {images.shape}.",
                    "Compare with the reference in the same size: --against SET@SIZE.",
                )
        if self.pairs and len(self.pairs[0]) != len(self.pairs[1]):
            raise UsageError(f"Expected pairs, received {len(self.pairs[0])} originals, {len(self.pairs[1])} others.")
        if self.labels is not None and (self.generated is None or self.labels.shape != self.generated.shape[:1]):
            raise UsageError(f"Expected a label for each generated image, received labels {self.labels.shape}.")


class Metric(abc.ABC):
    """One way to score an evaluand.

    Attributes:
        name: what people type.
        needs: "samples" are generated images; "labels" generated images and the classes asked for;
            "reconstructions" pairs of images.
    """

    name: str
    needs: Need

    @abc.abstractmethod
    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        """Measure. Scores under different keys must not be compared.

        Raises:
            NotApplicable: where the evaluand lacks what the metric needs.
        """
