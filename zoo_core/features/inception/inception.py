"""Inception as a feature network: what FID, KID and the Inception Score are computed from."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.features.base import ClassifyingNetwork
from zoo_core.features.inception import download, weights
from zoo_core.features.inception.architecture import FEATURES

RUNTIMES = ("auto", "keras", "openvino")


class Runtime(Protocol):
    """What computes the network.

    Attributes:
        name: for the record, with its version.
        batch: how many images it takes at a time.
    """

    name: str
    batch: int

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (batch, 2048) float32 of images (batch, H, W, C) uint8."""


class Inception(ClassifyingNetwork):
    """The FID's network: 2048 features and 1008 logits, as TensorFlow's graph of 2015-12-05 gives them.

    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (arXiv:1706.08500); `architecture` and `resize` say
    what is particular about it. Its classes have no names here: no score needs them.

    Args:
        loaded: its weights.
        runtime: made of the same weights.
    """

    classes = ()

    def __init__(self, loaded: weights.Weights, runtime: Runtime) -> None:
        self.weights_sha256 = loaded.sha256
        self.name = "inception" if loaded.sha256 == download.SHA256 else f"inception@{loaded.sha256[:8]}"
        self.runtime = runtime.name
        self._compute = runtime
        self._logits = loaded.logits

    @classmethod
    def open(cls, path: Path | None = None, runtime: str = "auto") -> "Inception":
        """The network with the weights of a file.

        Args:
            path: by default the published weights, downloaded into the user's cache the first time.
            runtime: "keras"; "openvino", on the CPU, float32; or "auto", OpenVINO where it is installed and JAX would
                use the CPU, else Keras. They agree to float32 rounding.

        Raises:
            UsageError: where there is no such file, or for a runtime that is unknown or not installed.
            ZooError: where the weights can't be downloaded, or the file doesn't hold weights of this network.
        """
        if runtime not in RUNTIMES:
            raise unknown("runtime", runtime, RUNTIMES)
        make = _runtime(runtime)
        loaded = weights.load(path or download.published_weights())
        return cls(loaded, make(loaded.convolutions))

    def features(self, images: np.ndarray) -> np.ndarray:
        """(N, 2048) float32 features of images (N, H, W, C) uint8, C 1 or 3.

        Raises:
            ZooError: where they are not finite.
        """
        features = np.empty((len(images), FEATURES), np.float32)
        size = self._compute.batch
        for start in range(0, len(images), size):
            batch = images[start : start + size]
            padded = np.pad(batch, [(0, size - len(batch)), (0, 0), (0, 0), (0, 0)])  # so that it compiles once
            features[start : start + size] = self._compute(padded)[: len(batch)]
        if not np.isfinite(features).all():
            raise ZooError(f"The features of {self.name} are not finite.", "Give other weights by --weights FILE.")
        return features

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(N, 1008) float32 logits without the bias of the last layer, as the Inception Score has always used them."""
        return features @ self._logits.T


def _runtime(name: str) -> Callable[[weights.Convolutions], Runtime]:
    installed = find_spec("openvino") is not None
    if name == "openvino" and not installed:
        raise UsageError("OpenVINO is not installed.", "pip install 'zoo-core[openvino]', or choose the runtime keras.")
    if name == "openvino" or (name == "auto" and installed and _device() == "cpu"):
        from zoo_core.features.inception.openvino_runtime import OpenVINORuntime

        return OpenVINORuntime
    from zoo_core.features.inception.keras_runtime import KerasRuntime

    return KerasRuntime


def _device() -> str:
    """The platform that JAX computes on here, a device chosen by `jax.default_device` included."""
    import jax

    return jax.numpy.zeros(()).device.platform
