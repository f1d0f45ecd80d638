"""The classifier as a feature network: what its last layer sees, and what that layer makes of it."""

import re
from pathlib import Path

import keras
import numpy as np

from zoo_core.errors import ZooError
from zoo_core.features import storage
from zoo_core.features.base import ClassifyingNetwork
from zoo_core.features.network import keras_runtime, predict
from zoo_core.specs import DataSpec

SHIPPED = {
    "digits": "03410b49524cd250691097a48f40fb3bfd41ef0c48eff93a006f63b37b4c85de",
    "fashion_mnist": "b1c46d382126b55e80a67c50e22ecc3142e54b504ba4af670319b40a833c6b7e",
    "mnist": "be18d37f37acd61b8db47d2e9e00e28a7513d7739a98bb4d7cafc2f98e1f8a2d",
}
"""The SHA-256 of each weights file in the package, by the data set that it was trained on."""


def shipped_file(data: str) -> Path:
    return Path(__file__).with_name("weights") / f"classifier-{data}.h5"


def shipped_for(data: DataSpec) -> str | None:
    """The data set of `SHIPPED` that this one is, whatever its size and split; None where it is none of them."""
    name = re.split("[@#~]", data.name)[0]
    return name if name in SHIPPED else None


class Classifier(ClassifyingNetwork):
    """The penultimate features of a classifier that `zoo classifier train` made.

    Args:
        network: from `build_network`.
        info: what its file says of it.
        name: "classifier:<data set>" for one of the package, "classifier@<8 digits of the hash>" for any other.
        weights_sha256: of its file.
    """

    def __init__(self, network: keras.Model, info: storage.ClassifierInfo, name: str, weights_sha256: str) -> None:
        self.network = network
        self.info = info
        self.name = name
        self.weights_sha256 = weights_sha256
        self.runtime = keras_runtime()
        self.classes = info.classes

    @classmethod
    def shipped(cls, data: str) -> "Classifier":
        """The classifier that comes with the package for a data set of `SHIPPED`.

        Raises:
            ZooError: where its file is not the one that was shipped.
        """
        path = shipped_file(data)
        content = storage.read_bytes(path)
        found = storage.sha256(content)
        if found != SHIPPED[data]:
            raise ZooError(
                f"'{path}' is not the file that was shipped: expected SHA-256 {SHIPPED[data]}, received {found}.",
                "Install zoo-core anew. Weights of your own are given by --weights FILE.",
            )
        return cls(*storage.load(content, str(path)), name=f"classifier:{data}", weights_sha256=found)

    @classmethod
    def open(cls, path: Path) -> "Classifier":
        """The classifier in a weights file.

        Raises:
            UsageError: where there is no such file.
            ZooError: where it is not a whole weights file.
        """
        content = storage.read_bytes(path)
        found = storage.sha256(content)
        return cls(*storage.load(content, str(path)), name=f"classifier@{found[:8]}", weights_sha256=found)

    def features(self, images: np.ndarray) -> np.ndarray:
        return predict(self.network, images)[0]

    def logits(self, features: np.ndarray) -> np.ndarray:
        layer = self.network.get_layer("logits")
        kernel, bias = (keras.ops.convert_to_numpy(variable.value) for variable in layer.weights)
        return np.maximum(features, 0) @ kernel + bias  # (N, 64) -> (N, classes)
