"""The network on Keras' operations, compiled by JAX: for a GPU, and for a CPU without OpenVINO."""

from typing import Any

import jax
import keras
import numpy as np

from zoo_core.features.inception.architecture import Builder, Padding, inception
from zoo_core.features.inception.resize import prepare
from zoo_core.features.inception.weights import Convolutions
from zoo_core.features.network import keras_runtime


class KerasRuntime:
    """Computes the features of batches, in float32 on any device.

    Attributes:
        name: for the record, with its version.
        batch: how many images it takes at a time.
    """

    batch = 32

    def __init__(self, convolutions: Convolutions) -> None:
        self.name = keras_runtime()
        self.convolutions = jax.device_put(
            {name: (kernel.transpose(2, 3, 1, 0), bias) for name, (kernel, bias) in convolutions.items()}
        )  # kernels (H, W, in, out)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (batch, 2048) float32 of images (batch, H, W, C) uint8."""
        with jax.default_matmul_precision("float32"):  # else a GPU rounds the factors to 10 bits
            return np.asarray(_features(self.convolutions, images))


@jax.jit
def _features(convolutions: dict[str, Any], images: Any) -> Any:
    return inception(KerasBuilder(convolutions), prepare(keras.ops.take, keras.ops.cast(images, "float32")))


class KerasBuilder(Builder[Any]):
    """Activations are tensors (N, H, W, C), kernels (H, W, in, out)."""

    def __init__(self, convolutions: dict[str, Any]) -> None:
        self.convolutions = convolutions

    def convolution(
        self, x: Any, name: str, channels: int, kernel: tuple[int, int], stride: int = 1, padding: Padding = "same"
    ) -> Any:
        values, bias = self.convolutions[name]
        return keras.ops.relu(keras.ops.conv(x, values, stride, padding, "channels_last") + bias)

    def max_pool(self, x: Any, stride: int, padding: Padding) -> Any:
        return keras.ops.max_pool(x, 3, stride, padding, "channels_last")

    def average_pool(self, x: Any) -> Any:
        return keras.ops.average_pool(x, 3, 1, "same", "channels_last")

    def concatenate(self, branches: list[Any]) -> Any:
        return keras.ops.concatenate(branches, axis=3)

    def global_average(self, x: Any) -> Any:
        return keras.ops.mean(x, axis=(1, 2))
