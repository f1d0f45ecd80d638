"""The classifier: a small convolutional network of the project's own, and the features that its last layer sees."""

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from zoo_core.data import resize
from zoo_core.features.base import FeatureNetwork
from zoo_core.options import Options

WIDTHS = (16, 32, 64)
FEATURES = 64
BATCH = 256
"""Images go through the network in batches of exactly this many, the last one padded, so that it compiles once."""


class Recipe(Options):
    """How a classifier was trained. Shifts are shares of a side, rotations degrees, both uniform in ± this much."""

    seed: int = 0
    steps: int = 3000
    batch_size: int = 128
    learning_rate: float = 2e-3
    shift: float = 0.08
    rotation: float = 12.0


class ClassifierInfo(Options):
    """What a weights file says of itself.

    Attributes:
        data, content_hash: the data set that it was trained on.
        classes: the class names, in the order of the labels.
        image_shape: (H, W, C) of the images that it takes.
        validation_accuracy, test_accuracy: shares in [0, 1]; the validation split chose the weights.
    """

    data: str
    content_hash: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    validation_accuracy: float
    test_accuracy: float
    recipe: Recipe


def build_network(shape: tuple[int, int, int], classes: int, seed: int = 0) -> keras.Model:
    """Images (N, H, W, C) in [0, 255] → features (N, 64) and logits (N, classes).

    Three blocks of two 3×3 convolutions, each block halving the image. The features are the penultimate layer before
    its ReLU, normalized to mean 0 and variance 1 over the training images: a ReLU would leave some of them constant
    and all of them far from normal, while a Fréchet distance compares Gaussians of full rank; and the normalization
    gives distances of different classifiers the same scale.

    Args:
        shape: (H, W, C).
        seed: of the initial weights.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 1000))
    # float32 whatever Keras' global policy: scores must not depend on the precision that a model trains in.
    kwargs = {"dtype": "float32"}

    def kernel() -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(seed=next(seeds))

    images = x = keras.Input(shape, name="images", dtype="float32")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="rescale", **kwargs)(x)
    for block, width in enumerate(WIDTHS, start=1):
        for part in "ab":
            name = f"block{block}{part}"
            x = layers.Conv2D(
                width, 3, padding="same", use_bias=False, kernel_initializer=kernel(), name=f"{name}_conv", **kwargs
            )(x)
            x = layers.BatchNormalization(name=f"{name}_norm", **kwargs)(x)
            x = layers.ReLU(name=f"{name}_relu", **kwargs)(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"block{block}_pool", **kwargs)(x)
    x = layers.Flatten(name="flatten", **kwargs)(x)  # (N, ceil(H/8) * ceil(W/8) * 64)
    x = layers.Dense(FEATURES, use_bias=False, kernel_initializer=kernel(), name="features_dense", **kwargs)(x)
    features = layers.BatchNormalization(center=False, scale=False, name="features", **kwargs)(x)
    x = layers.ReLU(name="features_relu", **kwargs)(features)
    logits = layers.Dense(classes, kernel_initializer=kernel(), name="logits", **kwargs)(x)
    return keras.Model(images, [features, logits], name="classifier")


def predict(network: keras.Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 64) and logits (N, classes), float32, of uint8 images (N, H, W, C) of the network's own shape."""
    batches = list(_predict_batches(network, images))
    if not batches:
        batches = [tuple(np.zeros((0, *output.shape[1:]), np.float32) for output in network.outputs)]
    features, logits = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return features, logits


def _predict_batches(network: keras.Model, images: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    shape = network.input_shape[1:]
    for start in range(0, len(images), BATCH):
        batch = conform(images[start : start + BATCH], shape).astype(np.float32)
        padding = [(0, BATCH - len(batch)), (0, 0), (0, 0), (0, 0)]
        features, logits = network.predict_on_batch(np.pad(batch, padding))
        yield features[: len(batch)], logits[: len(batch)]


def conform(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Bring images to the shape that a network takes.

    RGB becomes gray by the ITU-R BT.601 luma, 0.299 R + 0.587 G + 0.114 B; gray becomes RGB by repetition; another
    size by Pillow's antialiased Lanczos filter.

    Args:
        images: (N, H, W, C) uint8.
        shape: (H', W', C') with C' 1 or 3.

    Returns:
        (N, H', W', C') uint8.
    """
    height, width, channels = shape
    if images.shape[3] == 3 and channels == 1:
        luma = images @ np.array([[0.299], [0.587], [0.114]], np.float32)  # (N, H, W, 1)
        images = np.floor(luma + 0.5).astype(np.uint8)
    elif images.shape[3] == 1 and channels == 3:
        images = np.repeat(images, 3, axis=3)
    return images if images.shape[1:3] == (height, width) else resize(images, (height, width))


class Classifier(FeatureNetwork):
    """The features of a classifier trained by `zoo classifier train`.

    Args:
        network: as from `build_network`.
        info: what its file says of it.
        name: "classifier:<data set>" for a shipped one, "classifier@<hash>" for any other.
        weights_sha256: of its file.
    """

    def __init__(self, network: keras.Model, info: ClassifierInfo, name: str, weights_sha256: str) -> None:
        self.network = network
        self.info = info
        self.name = name
        self.weights_sha256 = weights_sha256

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the labels."""
        return self.info.classes

    def features(self, images: np.ndarray) -> np.ndarray:
        return predict(self.network, images)[0]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """The probability of each class, (N, classes) float32, of uint8 images (N, H, W, C)."""
        logits = predict(self.network, images)[1].astype(np.float64)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
