"""The weights of the network: which there must be, and how they are made ready for inference."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo_core.errors import UsageError, ZooError
from zoo_core.features.inception.architecture import FEATURES, LOGITS, Builder, Padding, inception
from zoo_core.features.inception.torch_file import read_tensors

MAX_BYTES = 2**27
"""Of a weights file: the published one has 95,628,359."""

EPSILON = 0.001
"""Of every BatchNorm."""

Convolutions = dict[str, tuple[np.ndarray, np.ndarray]]
"""Kernel (out, in, H, W) and bias (out,), float32, by the convolution's name, BatchNorm folded in."""


@dataclass(frozen=True)
class Weights:
    """What inference needs.

    Attributes:
        logits: (1008, 2048) float32, of the last layer.
        sha256: of the file.
    """

    convolutions: Convolutions
    logits: np.ndarray
    sha256: str


def load(path: Path) -> Weights:
    """The weights in a torch file of the layout of pytorch-fid and torch-fidelity.

    Raises:
        UsageError: where there is no such file.
        ZooError: where it can't be read, or is not a state dict of this network: float32 tensors of its names and
            shapes and no others (but the `num_batches_tracked` of each BatchNorm, which inference has no use for), all
            finite, no variance negative.
    """
    content = read_bytes(path)
    tensors = read_tensors(content, str(path))
    if fault := _fault(tensors):
        raise ZooError(
            f"'{path}' does not hold the weights of the FID's Inception network: {fault}.",
            "pytorch-fid and torch-fidelity publish them; the Inception of torchvision or Keras is another network.",
        )
    return Weights(fold(tensors), np.ascontiguousarray(tensors["fc.weight"]), hashlib.sha256(content).hexdigest())


def read_bytes(path: Path) -> bytes:
    """The content of a weights file. Raises as `load` does."""
    if not path.is_file():
        raise UsageError(f"There is no weights file '{path}'.", "Without --weights the published ones are downloaded.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ZooError(f"'{path}' is not a file of Inception weights: it has more than {MAX_BYTES >> 20} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise ZooError(f"Can't read the weights file '{path}': {error.strerror}.") from error


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a state dict."""
    layout = _Layout()
    inception(layout, 3)
    return {**layout.shapes, "fc.weight": (LOGITS, FEATURES), "fc.bias": (LOGITS,)}


def fold(tensors: dict[str, np.ndarray]) -> Convolutions:
    """Each convolution and the BatchNorm behind it as one convolution with a bias, computed in float64."""
    folded = {}
    for name in (key.removesuffix(".conv.weight") for key in tensors if key.endswith(".conv.weight")):
        gamma, beta, mean, variance = (
            tensors[f"{name}.bn.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        kernel = tensors[f"{name}.conv.weight"] * scale.reshape(-1, 1, 1, 1)
        folded[name] = kernel.astype(np.float32), (beta - mean * scale).astype(np.float32)
    return folded


class _Layout(Builder[int]):
    """Activations are numbers of channels; the shapes of the weights are what remains."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def convolution(
        self, x: int, name: str, channels: int, kernel: tuple[int, int], stride: int = 1, padding: Padding = "same"
    ) -> int:
        self.shapes[f"{name}.conv.weight"] = (channels, x, *kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.shapes[f"{name}.bn.{part}"] = (channels,)
        return channels

    def max_pool(self, x: int, stride: int, padding: Padding) -> int:
        return x

    def average_pool(self, x: int) -> int:
        return x

    def concatenate(self, branches: list[int]) -> int:
        return sum(branches)

    def global_average(self, x: int) -> int:
        return x


def _fault(tensors: dict[str, np.ndarray]) -> str | None:
    """The first thing that is wrong with them."""
    expected = expected_shapes()
    for name, shape in expected.items():
        values = tensors.get(name)
        if values is None:
            return f"'{name}' is missing"
        if values.shape != shape or values.dtype != np.float32:
            return f"'{name}' should be float32 {shape}, received {values.dtype} {values.shape}"
        if not np.isfinite(values).all():
            return f"'{name}' should be finite"
        if name.endswith("running_var") and values.min() < 0:
            return f"'{name}' should not be negative"
    for name in tensors:
        if name not in expected and not name.endswith(".num_batches_tracked"):
            return f"{name!r} is not a weight of this network"
    return None
