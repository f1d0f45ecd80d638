"""How the core's own feature networks are opened, as `zoo_core.builtin` names them."""

from pathlib import Path

from zoo_core.errors import UsageError
from zoo_core.features.base import FeatureNetwork
from zoo_core.features.classifier import SHIPPED, Classifier, shipped_for
from zoo_core.features.pixels import Pixels
from zoo_core.specs import DataSpec


def open_inception(data: DataSpec, weights: Path | None) -> FeatureNetwork:
    """The Inception network of FID, with the weights of the file or else the published ones. Raises as `Inception.open`
    does."""
    from zoo_core.features.inception import Inception  # here, because no other feature network needs its runtime

    return Inception.open(weights)


def open_classifier(data: DataSpec, weights: Path | None) -> FeatureNetwork:
    """The classifier in the weights file, or the one that is shipped for the data set.

    Raises:
        UsageError: where there is no such file, or none is shipped.
        ZooError: for weights that are damaged or not what was shipped.
    """
    if weights is not None:
        return Classifier.open(weights)
    shipped = shipped_for(data)
    if shipped is None:
        raise UsageError(
            f"No classifier is shipped for '{data.name}'; there are those for {', '.join(sorted(SHIPPED))}.",
            f"Train one: zoo classifier train --data {data.name} --out FILE. Then use it: --weights FILE.",
        )
    return Classifier.shipped(shipped)


def open_pixels(data: DataSpec, weights: Path | None) -> FeatureNetwork:
    """The pixels themselves.

    Raises:
        UsageError: for weights, which they have not.
    """
    if weights is not None:
        raise UsageError("Pixel features have no weights.", "Leave --weights out, or ask for classifier features.")
    return Pixels()
