"""From what people type to a feature network."""

from pathlib import Path

from zoo_core.errors import UsageError, unknown
from zoo_core.features.base import FeatureNetwork
from zoo_core.features.classifier import SHIPPED, Classifier
from zoo_core.features.pixels import Pixels
from zoo_core.specs import DataSpec

NAMES = ("auto", "classifier", "pixels")


def load_features(name: str, data: DataSpec, weights: Path | None = None) -> FeatureNetwork:
    """The feature network of this name for this data set.

    Args:
        name: "classifier"; "pixels"; or "auto", the classifier where `weights` are given or one is shipped for the
            data set, whatever its size, and else pixels.
        weights: a file from `zoo classifier train`, in place of a shipped one.

    Raises:
        UsageError: for an unknown name, a classifier where none is shipped, weights that are not there or for pixels.
        ZooError: for weights that are damaged or not what was shipped.
    """
    if name not in NAMES:
        raise unknown("feature network", name, NAMES)
    if weights is not None:
        if name == "pixels":
            raise UsageError("Pixel features have no weights.", "Leave --weights out, or ask for classifier features.")
        return Classifier.open(weights)
    base = data.name.partition("@")[0]  # whatever the size
    if name == "pixels" or (name == "auto" and base not in SHIPPED):
        return Pixels()
    if base not in SHIPPED:
        raise UsageError(
            f"No classifier is shipped for '{data.name}'; there are those for {' and '.join(sorted(SHIPPED))}.",
            f"Train one: zoo classifier train --data {data.name} --out FILE. Then use it: --weights FILE.",
        )
    return Classifier.shipped(base)
