"""From what people type to a feature network, whoever brings it."""

import re
from pathlib import Path

import numpy as np

from zoo_core.errors import UsageError
from zoo_core.features.base import ClassifyingNetwork, FeatureNetwork
from zoo_core.features.classifier import shipped_for
from zoo_core.registry import registry
from zoo_core.specs import AUTO, DataSpec

TORCH = (b"PK", b"\x80")
"""How files of `torch.save` begin: a zip archive, before torch 1.6 a pickle."""


def load_features(name: str, data: DataSpec, weights: Path | None = None) -> FeatureNetwork:
    """The feature network of this name for this data set.

    Two black images are put through it, so that what can't work is told now, and not after minutes of sampling.

    Args:
        name: that of an installed feature network (`zoo features list`); or "auto", the classifier where `weights` are
            given or one is shipped for the data set, whatever its size, and else pixels.
        weights: a file of its weights, in place of those that it would take itself.

    Raises:
        UsageError: for an unknown name, or weights that are not there or not of this network.
        ZooError: for weights that are damaged, and where the plugin's code fails or breaks the contract.
    """
    registered = registry().feature_network(_automatic(data, weights) if name == AUTO else name)
    with registered.guarded():
        network = registered.load()(data, weights)
        check_network(network, registered.spec.name, data)
    return network


def plugin_of(network: FeatureNetwork) -> str | None:
    """The package and version that brought a network; None for zoo-core's own, and for one that no plugin brings."""
    registered = registry().features.get(_base(network.name))
    return registered.source if registered else None


def _base(name: str) -> str:
    """The name of the spec: "classifier" for "classifier:digits" and "classifier@1a2b3c4d"."""
    return re.split("[:@]", name)[0]


def _automatic(data: DataSpec, weights: Path | None) -> str:
    if weights is None:
        return "classifier" if shipped_for(data) else "pixels"
    if weights.is_file():
        with weights.open("rb") as file:
            if file.read(2).startswith(TORCH):
                raise UsageError(
                    f"'{weights}' is a file of PyTorch, and the classifier's weights are HDF5.",
                    "For the weights of the Inception network: --features inception",
                )
    return "classifier"


def check_network(network: FeatureNetwork, name: str, data: DataSpec) -> None:
    """Raises an exception where two black images of the data set's size show that it is no network of this name."""
    if not isinstance(network, FeatureNetwork):
        raise TypeError(f"expected a zoo_core.features.FeatureNetwork, received {network!r}")
    for attribute in ("weights_sha256", "runtime"):
        getattr(network, attribute)
    if _base(network.name) != name:
        raise ValueError(f"its name must be '{name}', or that and more after ':' or '@', received '{network.name}'")
    features = network.features(np.zeros((2, *data.image_shape), np.uint8))
    _check_rows("features", features, None)
    if isinstance(network, ClassifyingNetwork):
        _check_rows("logits", network.logits(features), len(network.classes) or None)


def _check_rows(method: str, found: np.ndarray, width: int | None) -> None:
    rows = np.asarray(found)
    if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape != (2, width or rows.shape[-1]):
        raise TypeError(
            f"{method}() of 2 images must be float32 (2, {width or 'D'}), received {rows.dtype} {rows.shape}"
        )
